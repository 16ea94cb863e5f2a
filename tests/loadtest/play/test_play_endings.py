"""However an archive fails, the play ends in time, counts each object in one state, and says why (rules F1, F4, F5)."""

import os
import resource
import signal
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from loadtest.archives.launch import running
from loadtest.archives.process import free_port
from loadtest.archives.target import Target
from loadtest.play import final_read, patience
from loadtest.play.entries import Entry
from loadtest.play.launch import PlayJob, play
from loadtest.play.traffic import Operation
from loadtest.verdict.records import STATES, StudyRow
from loadtest.wire import Timeouts
from sim.runs.store import Run
from tests.loadtest.play import bench
from tests.loadtest.play.bench import Outcome, carry_out
from tests.loadtest.play.doctored import doctored
from tests.loadtest.play.proxy import FAULTS, proxy
from tests.loadtest.traffic_factory import row, write

BOUNDS: dict[str, Any] = {"connect_s": 1.0, "response_s": 0.8, "operation_s": 1.5}
NOW = datetime(2007, 3, 6)
BIG = {"CT": [3000, 3000, 2]}  # 18 MB: more than lies in socket buffers at once, so that a stall is felt


def studies(n: int = 2) -> list[dict[str, Any]]:
    return [row("store", 0.1 * i, i + 1, objects=3) for i in range(n)]


def ends_well(found: Outcome, began: float, within_s: float) -> None:
    """In time, and every object in exactly one state."""
    assert monotonic() - began < within_s
    assert [sum(getattr(one, state) for state in STATES) for one in found.ledger] == [3] * len(found.ledger)
    assert all(one.outcome == "ok" or one.detail for one in found.operations)


@pytest.mark.parametrize(
    ("fault", "after", "state", "told"),
    [
        ("reset_peer", 1_000_000, "failed", "by the network: while sending: "),
        ("limit_data", 1_000_000, "failed", "by the network: while sending: "),
        ("stall", 1_000_000, "failed", "PeerTimeout: "),
        ("slow_drip", 200, "unknown", "PeerTimeout: no whole answer within 0.8 s"),
        ("half_open", 0, "failed", "PeerTimeout: no whole answer within 0.8 s"),
        ("slow_close", 300, "unknown", "the peer closed the connection"),
    ],
)
def test_a_spoilt_connection(tmp_path: Path, fault: str, after: int, state: str, told: str) -> None:
    assert fault in FAULTS
    with doctored() as archive, proxy(archive.target.port, fault, after) as between:
        target = archive.target.model_copy(update={"port": between.port})
        began = monotonic()
        found = carry_out(tmp_path, studies(), target, BIG, **{**BOUNDS, "operation_s": 5.0})
        assert archive.stores in (3, 4)  # at most one of the first study, and nothing twice
    ends_well(found, began, within_s=15)
    first, second = found.operations
    assert told in first.detail, first.detail
    assert (first.outcome, found.ledger[0].state) == (state, state)
    assert (second.outcome, found.ledger[1].state) == ("ok", "stored")


def test_nobody_listens(tmp_path: Path) -> None:
    began = monotonic()
    found = carry_out(tmp_path, studies(), Target(name="nobody", port=free_port(), ae_title="X"), **BOUNDS)
    ends_well(found, began, within_s=10)
    assert all("ConnectFailed: no connection to 127.0.0.1" in one.detail for one in found.operations)
    assert all((one.failed, one.sent) == (3, 0) for one in found.ledger)


@pytest.mark.parametrize(("act", "told"), [("A700", "A700H Failure"), ("0122", "0122H Failure"), ("C001", "C001H")])
def test_an_archive_that_refuses_every_object(tmp_path: Path, act: str, told: str) -> None:
    with doctored(lambda n: act) as archive:
        began = monotonic()
        found = carry_out(tmp_path, studies(), archive.target, **BOUNDS)
    ends_well(found, began, within_s=10)
    assert all(one.outcome == "refused" and told in one.detail for one in found.operations)
    assert all(one.refused == 3 for one in found.ledger)


def test_an_archive_that_takes_no_association(tmp_path: Path) -> None:
    with doctored() as archive:
        archive.rejecting = True
        began = monotonic()
        found = carry_out(tmp_path, studies(), archive.target, **BOUNDS)
    ends_well(found, began, within_s=10)
    assert all("association rejected" in one.detail for one in found.operations)
    assert all((one.refused, one.sent) == (3, 0) for one in found.ledger)


def test_a_full_disk_is_out_of_resources(tmp_path: Path) -> None:
    """The embedded archive, whose system takes no file over 6,000 bytes from it from a time on."""
    with running("embedded", "full", mode="disk", folder=tmp_path / "store") as target:
        resource.prlimit(target.pid, resource.RLIMIT_FSIZE, (6000, 6000))
        began = monotonic()
        found = carry_out(tmp_path, studies(), target, {"CT": [128, 128, 2]}, **BOUNDS)
    ends_well(found, began, within_s=10)
    assert all(one.refused == 3 and one.found_cfind == 0 for one in found.ledger), found.operations
    assert all("A700H Failure" in one.detail for one in found.operations)


def test_killed_between_two_studies(tmp_path: Path) -> None:
    """SIGKILL of the archive's own process: what follows has nobody to speak to, and the final read says so."""
    with running("embedded", "killed") as target:
        first = carry_out(tmp_path, studies(1), target, **BOUNDS)
        os.kill(target.pid, signal.SIGKILL)
        os.waitid(os.P_PID, target.pid, os.WEXITED | os.WNOWAIT)
        began = monotonic()
        (tmp_path / "b").mkdir()
        found = carry_out(tmp_path / "b", studies(), target, **BOUNDS)
    assert first.ledger[0].state == "stored"
    ends_well(found, began, within_s=10)
    assert all(one.failed == 3 and one.found_cfind is None for one in found.ledger)
    assert any("the final read by C-FIND failed" in trouble for trouble in found.troubles)


def test_f4_an_archive_that_is_frozen_after_the_play_holds_the_final_read_for_three_time_outs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred studies at 0.3 s a question would be 15 s and more; C-FIND obeys the bounds as QIDO-RS does."""
    for module in (final_read, patience):
        monkeypatch.setattr(module, "BOUNDS", Timeouts(connect_s=0.3, response_s=0.3, operation_s=0.5))
    took: list[float] = []

    def frozen(archives: Any, entries: Any, how_long: Any, by_name: float) -> list[str]:
        os.kill(target.pid, signal.SIGSTOP)
        began = monotonic()
        try:
            return final_read.read_back(archives, entries, how_long, by_name)
        finally:
            took.append(monotonic() - began)
            os.kill(target.pid, signal.SIGCONT)

    monkeypatch.setattr(bench, "read_back", frozen)
    rows = [row("store", 0.001 * n, n + 1, objects=1) for n in range(100)]
    with running("embedded", "frozen") as target:
        found = carry_out(tmp_path, rows, target, response_s=20.0, operation_s=20.0)
    assert took[0] < 5.0
    assert all((one.state, one.finding) == ("stored", "not asked") for one in found.ledger)
    (line,) = [one for one in found.troubles if "time out" in one]
    assert line.startswith("south: ")
    assert line.endswith(" studies were not asked for, or not for everything, after the play: it has let 3 requests in "
                         "a row time out")  # fmt: skip


def test_f4_an_archive_that_answers_all_too_slowly_is_not_asked_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "AT_LEAST_S", -1.0)
    operation = Operation(3, 0.0, "play", "south", "ge", "S1", "CT1", "store", "store", 7, 1, "CT", 3, 9, NOW)
    one = Entry(operation, [], StudyRow("south", "ge", "CT1", 7, "play", "CT", 3))
    found = patience.Patience(0)
    assert found.ends(one)
    assert found.still_asked([one]) == []
    assert found.lines(["south"]) == [
        "south: 1 study was not asked for, or not for everything, after the play: the time for reading back is over"
    ]
    assert patience.longest_s(1000) == 2129.0


def test_an_archive_killed_in_the_play_leaves_a_run_with_every_record(tmp_path: Path) -> None:
    """SIGKILL after half of a hundred operations: neither the final read nor the archive's own count is needed."""
    killed: list[int] = []
    file = write(
        tmp_path / "t.parquet", [row("store", 0.02 * n, n, objects=1, ae_title=f"CT{n % 5}") for n in range(100)]
    )
    with running("embedded", "south") as target:

        def kill(done: int, total: int, phase: str) -> None:
            if phase == "play" and done >= 50 and not killed:
                killed.append(target.pid)
                os.kill(target.pid, signal.SIGKILL)

        result = play([PlayJob(file, target)], 1.0, tmp_path / "out", kill, priority="usual", **BOUNDS)
    run = Run(tmp_path / "out")
    ledger, told = run.table("ledger"), " ".join(result["reasons"])
    assert killed
    assert result["verdict"] in ("FAIL", "INVALID")
    assert "south: its own statistics cannot be read after the play: " in told
    assert "operations did not end well" in told
    assert len(run.table("operations")) == 100
    assert ledger[list(STATES)].sum().sum() == result["objects"]["planned"] == 100
    assert result["outcomes"]["ok"] >= 50
    assert result["archives"][0]["held_after"] is None
