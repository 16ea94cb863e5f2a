"""Witnesses beyond the counts: commitment, comparison of what comes back, and archives that are killed (rule L9)."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from loadtest.archives.launch import running
from loadtest.objects.factory import Factory
from loadtest.objects.identity import Identities
from loadtest.play.entries import Entry
from loadtest.play.launch import LISTENER, PlayJob, free_port, play
from loadtest.play.problems import TrafficProblem
from loadtest.play.studies import study_of
from loadtest.play.traffic import Operation
from loadtest.play.witness import ComparingSink, is_sampled
from loadtest.verdict.judgement import FAIL, PASS, verdict_of
from loadtest.verdict.ledger import totals
from loadtest.verdict.records import StudyRow
from loadtest.wire import command
from loadtest.wire.errors import ProtocolError
from loadtest.wire.identifier import encode_identifier
from sim.runs.store import Run
from tests.loadtest.play.doctored import _Peer, doctored
from tests.loadtest.traffic_factory import MATRICES, mixed, row, write


def played(folder: Path, kind: Any, mode: Any = "memory", **settings: Any) -> dict[str, Any]:
    file = write(folder / "t.parquet", mixed())
    store = folder / "store" if mode == "disk" else None
    with running(kind, "south", {LISTENER: ("127.0.0.1", free_port())}, mode, store) as target:
        return play([PlayJob(file, target)], 1.0, folder / "out", priority="usual", **settings)


def test_orthanc_keeps_commits_and_gives_back_what_it_acknowledged(tmp_path: Path) -> None:
    result = played(tmp_path, "orthanc", commit=True, verify_hashes=1.0, kill_at=1.0)
    objects, ledger = result["objects"], Run(tmp_path / "out").table("ledger")
    assert result["done"] == result["planned"], result["reasons"]
    for witness in ("found_cfind", "found_qido", "found_again", "committed", "retrieved", "equal"):
        assert (ledger[witness] == ledger["planned"]).all(), witness
    assert (objects["lost"], objects["altered"], objects["not_committed"], objects["not_retrieved"]) == (0, 0, 0, 0)
    assert result["verdict"] != "FAIL", result["reasons"]


def test_the_embedded_archive_on_disk_survives_a_kill(tmp_path: Path) -> None:
    result = played(tmp_path, "embedded", "disk", verify_hashes=1.0, kill_at=1.0)
    assert result["objects"]["found_again"] == result["objects"]["stored"] == 10
    assert result["objects"]["equal"] == 10
    assert result["verdict"] != "FAIL", result["reasons"]


def test_l9_what_was_acknowledged_and_is_lost_by_a_kill_is_fail(tmp_path: Path) -> None:
    result = played(tmp_path, "embedded", "memory", kill_at=1.0)
    assert result["verdict"] == "FAIL"
    assert "10 objects were acknowledged and are not found" in result["reasons"]
    assert result["objects"]["found_again"] == 0


@pytest.mark.parametrize("status", [0x0122, 0xA701, 0xA702])
def test_an_archive_that_refuses_to_send_has_not_lost_what_it_holds(
    status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither lost nor shown to be there: INVALID, in the archive's own words."""
    usual = _Peer._answer

    def refusing(self: _Peer, context: int, request: command.Command) -> None:
        if request.field != command.C_GET_RQ:
            usual(self, context, request)
            return
        self._reader.identifier(context)
        self._send(context, command.response(request.field, request, status))

    monkeypatch.setattr(_Peer, "_answer", refusing)
    file = write(tmp_path / "t.parquet", [row("store", 0.05 * n, n, objects=1) for n in range(4)])
    with doctored() as archive:
        result = play([PlayJob(file, archive.target)], 1.0, tmp_path / "out", priority="usual", verify_hashes=1.0)
    assert result["verdict"] == "INVALID"
    assert any(f"{status:04X}H" in why and "(4 times)" in why for why in result["reasons"]), result["reasons"]
    assert Run(tmp_path / "out").table("ledger")["retrieved"].isna().all()


def test_killed_in_the_middle_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    rows = [row("store", 0.05 * n, n, objects=2, ae_title=f"CT{n % 4:04d}R1") for n in range(100)]
    file = write(tmp_path / "t.parquet", rows)
    with running("embedded", "south", {}, "disk", tmp_path / "store") as target:
        result = play([PlayJob(file, target)], 1.0, tmp_path / "out", priority="usual", kill_at=0.4)
    objects = result["objects"]
    assert objects["lost"] == 0
    assert objects["stored"] + objects["refused"] + objects["failed"] + objects["unknown"] + objects["dropped"] == 200
    assert 40 < objects["stored"] < 200
    assert not any("acknowledged" in why for why in result["reasons"])
    assert result["verdict"] != "PASS"


def test_only_our_own_archives_are_killed(tmp_path: Path) -> None:
    file = write(tmp_path / "t.parquet", [row("store", 0.0, 1)])
    with doctored() as archive, pytest.raises(TrafficProblem, match=r"--kill-at: only archives .* not doctored"):
        play([PlayJob(file, archive.target)], 1.0, tmp_path / "out", kill_at=1.0)
    assert archive.stores == 0


def test_a_share_is_the_same_studies_each_time_and_nearly_that_share() -> None:
    uids = [f"2.25.{n}" for n in range(20_000)]
    chosen = [uid for uid in uids if is_sampled(uid, 0.1)]
    assert abs(len(chosen) - 2000) < 4 * np.sqrt(20_000 * 0.1 * 0.9)
    assert set(chosen) <= {uid for uid in uids if is_sampled(uid, 0.2)}
    assert not any(is_sampled(uid, 0.0) for uid in uids)
    assert all(is_sampled(uid, 1.0) for uid in uids)


def sink_of(number: int = 1) -> tuple[ComparingSink, Factory, Entry]:
    operation = Operation(**{**row("store", 0.0, 5, objects=2), "op": 0, "job": 0})
    factory = Factory(7, {k: (v[0], v[1], v[2]) for k, v in MATRICES.items()}, Identities([operation.patient]))
    entry = Entry(operation, [], StudyRow("south", "ge", "CT", 5, "play", "CT", 2))
    archive: Any = type("A", (), {"factory": factory})
    return ComparingSink(archive, entry), factory, entry


def data_set(raw: bytes) -> Dataset:
    return dcmread(BytesIO(raw), force=True)


def rewritten(raw: bytes) -> bytes:
    """The same elements, sequences with another kind of length."""
    data = data_set(raw)
    data.OtherPatientIDsSequence.is_undefined_length = True
    return encode_identifier(data, "1.2.840.10008.1.2.1")


def renamed(raw: bytes) -> bytes:
    data = data_set(raw)
    data.PatientName = "ANOTHER^NAME"
    return encode_identifier(data, "1.2.840.10008.1.2.1")


def shorn(raw: bytes) -> bytes:
    data = data_set(raw)
    del data.StudyDate
    return encode_identifier(data, "1.2.840.10008.1.2.1")


@pytest.mark.parametrize(
    ("change", "is_equal"),
    [
        (lambda raw: raw, True),
        (rewritten, True),
        (renamed, False),
        (shorn, False),
        (lambda raw: raw[:-1] + bytes([raw[-1] ^ 1]), False),
    ],
    ids=["as sent", "rewritten", "renamed", "shorn", "one bit of the pixels"],
)
def test_what_comes_back_is_compared(change: Callable[[bytes], bytes], is_equal: bool) -> None:
    sink, factory, entry = sink_of()
    raw = factory.encode(study_of(entry.operation), 1)
    sink.begin(sink.sop_class, factory.instance_uid(5, 1), "")
    sink.write(memoryview(change(raw)))
    assert sink.end() == 0
    assert (sink.found, sink.equal) == ({1}, {1} if is_equal else set())


def test_a_foreign_object_is_refused_and_an_endless_one_ends() -> None:
    sink, factory, _ = sink_of()
    sink.begin(sink.sop_class, "1.2.3", "")
    assert sink.end() == 0x0124
    sink.begin(sink.sop_class, factory.instance_uid(5, 0), "")
    with pytest.raises(ProtocolError, match="an object comes back with over"):
        sink.write(memoryview(bytes(2 << 20)))


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ({"retrieved": 3, "equal": 2}, "1 objects came back as others than were sent"),
        ({"retrieved": 2, "equal": 2}, "1 objects were acknowledged and do not come back"),
        ({"committed": 2}, "1 objects were acknowledged, and the archive does not commit to them"),
        ({"found_again": 2}, "1 objects were acknowledged and are not found"),
        ({"retrieved": 3, "equal": 3, "committed": 3, "found_again": 3}, ""),
    ],
)
def test_a_witness_who_disagrees_decides(counts: dict[str, int], told: str) -> None:
    one = StudyRow("south", "ge", "CT", 1, "play", "CT", 3, sent=3, answered=3, stored=3, found_cfind=3, **counts)
    outcomes = dict.fromkeys(("ok", "refused", "failed", "unknown", "dropped"), 0)
    verdict, reasons = verdict_of("VALID", [], outcomes, [one], [])
    assert (verdict, reasons) == ((FAIL, [told]) if told else (PASS, []))
    assert totals([one])["stored"] == 3


@pytest.mark.parametrize(
    ("kind", "syntax"), [("orthanc", "jpeg-ls"), ("embedded", "jpeg-2000"), ("embedded", "htj2k"), ("orthanc", "rle")]
)
def test_compressed_objects_are_stored_and_come_back(tmp_path: Path, kind: str, syntax: str) -> None:
    result = played(tmp_path, kind, verify_hashes=1.0, transfer_syntax=syntax)
    assert result["done"] == result["planned"], result["reasons"]
    assert (result["objects"]["equal"], result["objects"]["stored"]) == (10, 10)
