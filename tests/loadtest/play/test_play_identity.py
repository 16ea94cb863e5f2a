"""An archive that wants to know its users (PS3.7 D.3.3.7) hears of ours on each association; nobody else ever does."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE, evt
from pynetdicom.pdu import A_ASSOCIATE_RQ
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from loadtest.archives.check import preflight
from loadtest.archives.target import Target
from loadtest.play.launch import PlayJob, play
from loadtest.play.problems import PlayFailed
from loadtest.wire.identity import LONGEST, PASSCODE, USER
from loadtest.wire.query import STUDY_ROOT_FIND, STUDY_ROOT_GET
from tests.loadtest.play.test_play_archive import NOBODY, opened
from tests.loadtest.traffic_factory import NAN, row, write
from tests.loadtest.wire.wire_servers import EXPLICIT

CT = "1.2.840.10008.5.1.4.1.1.2"
NAME, SECRET = "planted-ward", "planted-passcode"


@dataclass
class Knowing:
    """An archive of pynetdicom's that lets nobody in but its one user; by calling AE title what it has heard."""

    asked: list[str] = field(default_factory=list)
    heard: list[tuple[str, int, bytes, bytes]] = field(default_factory=list)
    kept: list[Dataset] = field(default_factory=list)

    def request(self, event: Any) -> None:
        if isinstance(event.pdu, A_ASSOCIATE_RQ):
            self.asked.append(str(event.pdu.calling_ae_title).strip())

    def know(self, event: Any) -> tuple[bool, bytes]:
        calling = str(event.assoc.requestor.ae_title)
        self.heard.append((calling, event.user_id_type, event.primary_field, event.secondary_field))
        return (event.primary_field, event.secondary_field) == (NAME.encode(), SECRET.encode()), b""

    def store(self, event: Any) -> int:
        one = event.dataset
        one.file_meta = event.file_meta
        self.kept.append(one)
        return 0

    def of(self, event: Any) -> list[Dataset]:
        return [one for one in self.kept if one.StudyInstanceUID == event.identifier.StudyInstanceUID]

    def find(self, event: Any) -> Iterator[tuple[int, Dataset]]:
        found = self.of(event)
        for one in found if event.identifier.QueryRetrieveLevel == "IMAGE" else found[:1]:
            answer = Dataset()
            answer.QueryRetrieveLevel, answer.StudyInstanceUID = (
                event.identifier.QueryRetrieveLevel,
                one.StudyInstanceUID,
            )
            answer.SOPInstanceUID, answer.NumberOfStudyRelatedInstances = one.SOPInstanceUID, len(found)
            yield 0xFF00, answer

    def get(self, event: Any) -> Iterator[Any]:
        found = self.of(event)
        yield len(found)
        for one in found:
            yield 0xFF00, one


@contextmanager
def knowing() -> Iterator[tuple[Target, Knowing]]:
    archive, ae = Knowing(), AE("SCP")
    ae.maximum_associations = 100
    for uid in (STUDY_ROOT_FIND, STUDY_ROOT_GET, str(Verification)):
        ae.add_supported_context(uid, [EXPLICIT])
    ae.add_supported_context(CT, [EXPLICIT], scu_role=True, scp_role=True)
    handlers: list[Any] = [
        (evt.EVT_PDU_RECV, archive.request), (evt.EVT_USER_ID, archive.know), (evt.EVT_C_STORE, archive.store),
        (evt.EVT_C_FIND, archive.find), (evt.EVT_C_GET, archive.get),
    ]  # fmt: skip
    server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
    assert server is not None
    try:
        yield Target(name="south", port=server.server_address[1], ae_title="SCP"), archive
    finally:
        server.shutdown()


def traffic(folder: Path) -> Path:
    rows = [row("prefill", NAN, 1), row("store", 0.0, 2), row("find", 0.3, 2), row("get", 0.4, 1)]
    return write(folder / "t.parquet", [*rows, row("store", 0.1, 3, ae_title="CT0002R1")])


@pytest.fixture
def user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(USER, NAME)
    monkeypatch.setenv(PASSCODE, SECRET)


@pytest.mark.usefixtures("user")
@pytest.mark.parametrize("workers", [0, 2])
def test_every_association_of_a_play_offers_our_user(
    tmp_path: Path, workers: int, capfd: pytest.CaptureFixture[str]
) -> None:
    """Freshness, prefill, play, final read, commitment and comparison; what is kept has no word of who we are."""
    wanted = {"commit": True, "verify_hashes": 1.0, "workers": workers, "priority": "usual"}
    with knowing() as (target, archive):
        result = play([PlayJob(traffic(tmp_path), target)], 1.0, tmp_path / "out", **wanted)
    assert result["done"] == result["planned"] == 4, result["reasons"]
    assert result["stored"] == result["studies"] == 3
    assert [calling for calling, *_ in archive.heard] == archive.asked
    assert set(archive.asked) == {"PREFILL", "CT0001R1", "CT0002R1", "READ0001", "FILMLESS_LEDGER"}
    assert {tuple(said) for _, *said in archive.heard} == {(2, NAME.encode(), SECRET.encode())}
    assert all(told.endswith("; user identity: offered, not answered") for told in result["negotiated"]["south"])
    words = [json.dumps(result), *capfd.readouterr(), *(repr(one) for one in (target, target.peer()))]
    files = [one.read_bytes() for one in tmp_path.rglob("*") if one.is_file()]
    assert len(files) > 4
    for planted in (NAME, SECRET):
        assert not any(planted in one for one in words)
        assert not any(planted.encode() in one for one in files)


@pytest.mark.usefixtures("user")
def test_a_refused_user_is_told_by_the_check_with_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    with knowing() as (target, archive):
        assert {one.service: one for one in preflight(target)}["find"].is_ok
        assert len(archive.heard) == len(archive.asked) > 3
        monkeypatch.setenv(PASSCODE, "planted-other")
        results = preflight(target)
    assert results[0].outcome == "refused"
    assert f"{USER} and {PASSCODE}" in results[0].mend
    assert "planted" not in str(results)


@pytest.mark.parametrize("planted", ["planted" * LONGEST, "planted\udcff"])
def test_a_user_that_cannot_be_sent_is_told_before_anything_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, planted: str
) -> None:
    monkeypatch.setenv(USER, planted)
    with ExitStack() as stack, pytest.raises(PlayFailed, match=f"archive 'nobody', DICOM: {USER} is ") as told:
        opened(tmp_path, NOBODY, stack, [row("store", 0.0, 1)])
    assert (told.value.exit_code, told.value.__cause__) == (2, None)
    results = preflight(NOBODY)
    assert (results[0].outcome, results[0].cause.startswith(USER)) == ("not asked", True)
    assert "planted" not in str(told.value) + str(results)
