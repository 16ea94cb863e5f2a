"""Records while the play goes on: whole to the last flush, whatever cuts them, and made a run folder afterwards."""

import json
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from loadtest.play.journal import Journal, journal_of, pack, read_journal, unpack
from loadtest.play.problems import PlayFailed, TrafficProblem
from loadtest.play.salvage import salvage
from loadtest.verdict.records import STATES, ObjectRow, OperationRow
from sim.runs.store import Run
from tests.loadtest.play.doctored import doctored
from tests.loadtest.play.test_play_process import config, start, until_it_plays
from tests.loadtest.traffic_factory import NAN, row, write


def operation(n: int) -> OperationRow:
    return OperationRow(n, "south", "ge", "Site 1", "CT1", "store", "store", "CT", n, "play", n / 10, outcome="ok",
                        start_s=n / 10, end_s=n / 10 + 0.01, detail="caf\u00e9")  # fmt: skip


def sent(n: int) -> ObjectRow:
    return ObjectRow("south", n, n, 0, 0.0, 0.1, 0.2, 0.3, 8192, 0, "ok", "frames", 0.25)


def test_rows_come_back_as_they_were() -> None:
    rows = [sent(n) for n in range(5)]
    assert unpack(ObjectRow, pack(ObjectRow, rows)) == rows
    assert unpack(ObjectRow, pack(ObjectRow, [])) == []


@pytest.mark.parametrize("raw", [b"", b"x" * 100, pack(OperationRow, [operation(1)])])
def test_other_bytes_are_refused(raw: bytes) -> None:
    import pyarrow as pa

    with pytest.raises(pa.ArrowException):
        unpack(ObjectRow, raw)


def test_cut_anywhere_it_gives_whole_batches(tmp_path: Path) -> None:
    """Lengths from nothing to all of it: the rows are those of the batches that are whole, never others."""
    folder = tmp_path / "out.partial"
    with Journal(tmp_path / "out", "{}") as journal:
        for n in range(4):
            journal.write(([], [sent(2 * n), sent(2 * n + 1)]))
        whole = (folder / "objects.arrows").read_bytes()
        seen = set()
        for length in [*range(0, len(whole), 13), len(whole)]:
            (folder / "objects.arrows").write_bytes(whole[:length])
            try:
                found = read_journal(folder)[1]
            except PlayFailed:
                assert length < 1400  # before even the columns were whole
                continue
            assert found == [sent(n) for n in range(len(found))]
            seen.add(len(found))
    assert seen == {0, 2, 4, 6, 8}


def test_it_goes_when_the_play_ends_and_is_in_the_way_when_it_was_killed(tmp_path: Path) -> None:
    with Journal(tmp_path / "out", "{}") as journal:
        assert journal.folder == journal_of(tmp_path / "out")
        assert journal.folder.is_dir()
        with pytest.raises(TrafficProblem, match=r"filmless salvage .*out\.partial"):
            Journal(tmp_path / "out", "{}")
    assert not journal.folder.exists()


def test_a_killed_play_keeps_all_but_its_last_second(tmp_path: Path) -> None:
    with doctored() as archive:
        child: subprocess.Popen[str] = start(config(tmp_path, archive.target, priority="usual"))
        until_it_plays(child)
        for line in child.stdout or ():
            if json.loads(line).get("progress", 0) >= 30:
                break
        child.send_signal(signal.SIGKILL)
        child.communicate(timeout=20)
        done = archive.stores
    out, result = salvage(tmp_path / "out.partial")
    operations = Run(out).table("operations")
    assert result["verdict"] == "INVALID"
    assert "the play was killed" in result["reasons"][0]
    assert len(operations) == 300
    assert done - 11 <= result["outcomes"]["ok"] <= done  # ten operations a second: no more than one second is lost
    assert result["outcomes"]["dropped"] >= 300 - done - 4
    ledger = Run(out).table("ledger")
    assert (ledger[list(STATES)].sum(axis=1) == 1).all()
    assert {one.name for one in tmp_path.iterdir()} == {"t.parquet", "play.json", "out"}


def test_a_play_that_was_killed_in_its_prefill_leaves_that_in_doubt(tmp_path: Path) -> None:
    with doctored() as archive:
        said = json.loads(config(tmp_path, archive.target).read_text())
    write(tmp_path / "t.parquet", [row("prefill", NAN, 1, objects=2), row("store", 9.0, 2, objects=1)])
    with Journal(tmp_path / "out", json.dumps(said)) as journal:
        shutil.copytree(journal.folder, tmp_path / "kept")
    (tmp_path / "kept").rename(journal.folder)  # as a kill leaves it
    out, result = salvage(journal.folder)
    first, second = Run(out).table("ledger")["state"]
    assert (first, second) == ("unknown", "dropped")
    assert (result["objects"]["unknown"], result["objects"]["dropped"]) == (2, 1)


def test_salvage_of_something_else(tmp_path: Path) -> None:
    with pytest.raises(TrafficProblem, match="is not what a killed play leaves"):
        salvage(tmp_path)
