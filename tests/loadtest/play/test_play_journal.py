"""Records while the play goes on: whole to the last flush, whatever cuts them, and made a run folder afterwards."""

import json
import signal
import subprocess
from collections import Counter
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from time import sleep

import pytest

from loadtest.play.journal import Journal, journal_of, left_words, pack, reach_of, read_journal, unpack
from loadtest.play.keep import check_new
from loadtest.play.plan import make_plan
from loadtest.play.problems import PlayFailed, TrafficProblem
from loadtest.play.recorder import Clock, Recorder, planned_row
from loadtest.play.salvage import salvage
from loadtest.play.services import Done, Sent
from loadtest.play.traffic import Operation, read_traffic
from loadtest.verdict.records import STATES, ObjectRow, OperationRow
from sim.runs.store import Run
from tests.loadtest.play.doctored import doctored
from tests.loadtest.play.test_play_process import config, start, until_it_plays
from tests.loadtest.traffic_factory import row


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


def test_it_goes_when_nothing_was_sent_and_is_in_the_way_when_it_is_left(tmp_path: Path) -> None:
    with Journal(tmp_path / "out", "{}") as journal:
        assert journal.folder == journal_of(tmp_path / "out")
        assert journal.folder.is_dir()
        with pytest.raises(TrafficProblem, match=r"filmless salvage .*out\.partial"):
            Journal(tmp_path / "out", "{}")
        with pytest.raises(TrafficProblem, match=r"filmless salvage .*out\.partial"):  # before headroom is measured
            check_new(tmp_path / "out")
    assert not journal.folder.exists()


@pytest.mark.parametrize("error", [PlayFailed("full"), KeyError("a defect"), KeyboardInterrupt()])
def test_once_something_was_sent_it_goes_only_when_the_run_folder_is_there(
    tmp_path: Path, error: BaseException
) -> None:
    journal = Journal(tmp_path / "a", "{}")
    journal.sending = True
    journal.__exit__(type(error), error, None)
    assert journal.folder.is_dir()
    assert error.__notes__ == [left_words(journal.folder)]
    with Journal(tmp_path / "b", "{}") as journal:
        journal.sending = True
        (tmp_path / "b").mkdir()
    assert not journal.folder.exists()


def test_until_when_its_records_reach(tmp_path: Path) -> None:
    """A longer number does not outlast a shorter one; before zero there is none."""
    with Journal(tmp_path / "out", "{}") as journal:
        assert reach_of(journal.folder) is None
        for seconds in (0.0, 12345.25, 7.5):
            journal.reach(seconds)
            assert reach_of(journal.folder) == seconds


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


def test_c8_a_study_that_is_killed_on_its_way_keeps_the_objects_that_were_answered(tmp_path: Path) -> None:
    """Of one study of 5,000 images at 5 ms each, and each of them once: answered, or in doubt."""

    def slow(n: int) -> str:
        sleep(0.005)
        return "ok"

    rows = [row("store", 0.0, 1, objects=5000)]
    with doctored(slow) as archive:
        child = start(config(tmp_path, archive.target, rows=rows, priority="usual"))
        while archive.stores < 300 and child.poll() is None:
            sleep(0.01)
        child.send_signal(signal.SIGKILL)
        child.communicate(timeout=20)
        done = archive.stores
    run = Run(salvage(tmp_path / "out.partial")[0])
    (study,), objects = run.table("ledger").to_dict("records"), run.table("objects")
    assert done - 200 <= study["stored"] <= done  # of the last second
    assert (study["unknown"], study["state"]) == (5000 - study["stored"], "unknown")
    assert sorted(objects["number"]) == list(range(5000))
    assert run.table("operations")["objects"].tolist() == [study["stored"]]


def test_a_play_that_was_killed_in_its_prefill_has_sent_no_more_than_was_under_way(tmp_path: Path) -> None:
    """Two studies at a time: one is stored, two may have been on their way, and nothing was played."""
    rows = [*(row("prefill", float("nan"), n, objects=1) for n in range(5)), row("store", 0.0, 9, objects=1)]
    with doctored() as archive:
        file = config(tmp_path, archive.target, rows=rows)
    first = make_plan([read_traffic(tmp_path / "t.parquet")]).prefill[0]
    stored = replace(sent(first.op), exam=first.exam, outcome="ok")
    with Journal(tmp_path / "out", file.read_text(), [tmp_path / "t.parquet"]) as journal:
        journal.sending = True
        journal.write(([replace(planned_row(first), end_s=40.0, outcome="ok")], [stored]))  # after 40 s of prefill
    ledger = Run(salvage(tmp_path / "out.partial")[0]).table("ledger")
    early = ledger["phase"] == "prefill"
    assert ledger.loc[early, "state"].value_counts().to_dict() == {"stored": 1, "unknown": 2, "dropped": 2}
    assert ledger.loc[~early, "state"].tolist() == ["dropped"]


def test_objects_are_drained_before_their_operation_has_ended_and_each_once() -> None:
    recorder, done = Recorder(Clock()), Done()
    one = planned(3)
    recorder.begun(one, done)
    numbers = []
    for n in range(3):
        done.sent.append(Sent(n, 0.0, 0.1, 0.2, 0.3, 8192, 0, "ok"))
        operations, objects = recorder.drain()
        assert operations == []
        numbers += [row.number for row in objects]
    done.sent.append(Sent(3, 0.0, 0.1, 0.2, 0.3, 8192, 0, "ok"))
    recorder.done(one, 0.0, 0.0, 0.0, done)
    operations, objects = recorder.drain()
    assert [row.op for row in operations] == [3]
    assert [*numbers, *(row.number for row in objects)] == [0, 1, 2, 3]


def test_rows_come_in_small_parts_and_an_object_never_after_its_operation() -> None:
    """While one part is written what is due runs, and ends; its rows come with the next call, or before."""
    recorder, seen, ended = Recorder(Clock()), Counter[int](), list[int]()

    def end(op: int, objects: int) -> None:
        one, done = planned(op), Done(outcome="ok")
        recorder.begun(one, done)
        done.sent += [Sent(n, 0.0, 0.1, 0.2, 0.3, 8192, 0, "ok") for n in range(objects)]
        recorder.done(one, 0.0, 0.0, 0.0, done)

    for op in range(40):
        end(op, 3)
    for number, (operations, objects) in enumerate(recorder.parts(25)):
        assert max(len(operations), len(objects)) <= 25
        seen.update(row.op for row in objects)
        assert all(seen[row.op] == 3 for row in operations)
        ended += [row.op for row in operations]
        if number < 5:
            end(40 + number, 3)
    assert ended == list(range(40)), "and no further, or a busy play would never be through"
    (last,) = recorder.parts(25)
    assert ([row.op for row in last[0]], len(last[1])) == ([40, 41, 42, 43, 44], 15)
    assert list(recorder.parts(25)) == [([], [])], "without news too: a master is to know that we live"


def planned(op: int) -> Operation:
    return Operation(
        op, 0.0, "play", "south", "ge", "S1", "CT1", "store", "store", 7, 1, "CT", 3, 9, datetime(2007, 3, 6)
    )


def test_salvage_of_something_else(tmp_path: Path) -> None:
    with pytest.raises(TrafficProblem, match="is not what a killed play leaves"):
        salvage(tmp_path)
