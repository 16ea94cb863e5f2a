"""More than one process: the same objects and the same ledger whatever their number; one that dies is told."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from loadtest.archives.launch import running
from loadtest.archives.target import Target
from loadtest.play.config import JobConfig
from loadtest.play.launch import LISTENER, PlayJob, free_port, play
from loadtest.play.plan import make_plan
from loadtest.play.problems import PlayFailed, TrafficProblem
from loadtest.play.recorder import planned_row
from loadtest.play.salvage import salvage
from loadtest.play.share import IN_DOUBT, LOST, Heard, rows_of_lost, share_of, worker_of
from loadtest.play.traffic import read_traffic
from loadtest.play.words import TOKEN, is_proof, proof
from loadtest.verdict.records import STATES, ObjectRow
from sim.runs.store import Run
from tests.loadtest.traffic_factory import mixed, row, write

ROOT = Path(__file__).parents[3]
DEVICES = 12


def traffic(folder: Path, per_device: int = 4, spacing_s: float = 0.1) -> Path:
    """Twelve scanners, and every kind of query and retrieve."""
    rows = mixed(spacing_s=spacing_s)
    for n in range(DEVICES * per_device):
        rows.append(row("store", spacing_s * (n // DEVICES), 5000 + n, objects=1, ae_title=f"CT{n % DEVICES:04d}R1"))
    return write(folder / "t.parquet", rows)


@contextmanager
def archive() -> Iterator[Target]:
    with running("embedded", "south", {LISTENER: ("127.0.0.1", free_port())}) as target:
        yield target


def what_became(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Ledger, objects and operations without their times."""
    run = Run(folder)
    objects = run.table("objects")[["cluster", "op", "exam", "number", "bytes", "status", "outcome"]]
    operations = run.table("operations")[["op", "cluster", "ae_title", "operation", "objects", "bytes", "outcome"]]
    return run.table("ledger"), objects.sort_values(["op", "number"], ignore_index=True), operations


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    folder = tmp_path_factory.mktemp("alone")
    with archive() as target:
        result = play([PlayJob(traffic(folder), target)], 1.0, folder / "out")
    assert result["done"] == result["planned"], result["reasons"]
    return what_became(folder / "out")


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_the_number_of_workers_changes_nothing(
    tmp_path: Path, workers: int, alone: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]
) -> None:
    with archive() as target:
        result = play([PlayJob(traffic(tmp_path), target)], 1.0, tmp_path / "out", workers=workers, priority="usual")
    assert result["done"] == result["planned"], result["reasons"]  # lateness is the business of other tests
    assert [one["drift_s"] for one in result["workers"]] == [0.0] * workers  # one machine, one clock
    for mine, theirs in zip(what_became(tmp_path / "out"), alone, strict=True):
        pd.testing.assert_frame_equal(mine, theirs)
    assert result["archives"][0]["associations"]["opened"] >= DEVICES


@pytest.mark.parametrize("of", [1, 2, 3, 4, 7])
def test_every_operation_is_dealt_once_and_a_device_stays_whole(tmp_path: Path, of: int) -> None:
    plan = make_plan([read_traffic(traffic(tmp_path))])
    jobs = [JobConfig(traffic="t", target=Target(name="x", port=104, ae_title="X"))]
    shares = [share_of(plan, jobs, number, of).play for number in range(of)]
    assert sorted(one.op for some in shares for one in some) == sorted(one.op for one in plan.play)
    homes = [{one.ae_title for one in some} for some in shares]
    assert sum(map(len, homes)) == len(set().union(*homes))
    assert all(one.operation != "move" for some in shares[1:] for one in some)  # one destination is known, at most
    if of == 4:
        assert all(homes)


def test_dealing_is_by_name_alone_and_even() -> None:
    found = np.bincount([worker_of(f"south\x1fCT{n:04d}R1", 4) for n in range(4000)])
    assert found.min() > 900
    assert worker_of("south\x1fCT0001R1", 4) == worker_of("south\x1fCT0001R1", 4)


def test_rows_of_a_lost_worker_sum_to_its_share(tmp_path: Path) -> None:
    plan = make_plan([read_traffic(traffic(tmp_path))])
    known = Heard([planned_row(one) for one in plan.play[:5]], [])
    operations, objects = rows_of_lost(plan.play, known, lost_s=0.15)
    assert len(operations) == len(plan.play) - 5
    told = {(one.due_s < 0.15, one.outcome, one.detail) for one in operations}
    assert told == {(True, "unknown", IN_DOUBT), (False, "dropped", LOST)}
    stores = [one for one in operations if one.operation == "store" and one.outcome == "unknown"]
    assert len(objects) == sum(one.planned_objects for one in stores)


def test_of_a_study_on_its_way_only_what_was_not_answered_is_in_doubt(tmp_path: Path) -> None:
    (one,) = make_plan([read_traffic(write(tmp_path / "one.parquet", [row("store", 5.0, 1, objects=4)]))]).play
    known = [ObjectRow("south", one.op, 1, n, 5.0, 5.1, 5.2, 5.3, 100, 0, "ok") for n in (0, 2)]
    (operation,), objects = rows_of_lost([one], Heard([], known), lost_s=0.5)
    assert (operation.outcome, operation.objects, operation.bytes, operation.end_s) == ("unknown", 2, 200, 5.3)
    assert [(one.number, one.outcome) for one in objects] == [(1, "unknown"), (3, "unknown")]


def test_a_worker_killed_in_the_middle_is_told_and_the_rest_is_kept(tmp_path: Path) -> None:
    file = traffic(tmp_path, per_device=40)

    def kill_one(done: int, total: int, phase: str) -> None:
        if phase == "play" and done > 60 and not killed:
            killed.append(workers_of_this_test()[0])
            os.kill(killed[0], signal.SIGKILL)

    killed: list[int] = []
    with archive() as target:
        result = play([PlayJob(file, target)], 1.0, tmp_path / "out", kill_one, workers=2, priority="usual")
    assert result["verdict"] == "INVALID"
    assert any("of 2 was lost after" in why for why in result["reasons"])
    assert result["outcomes"]["dropped"] > 20
    assert result["outcomes"]["ok"] > 60
    assert sum(result["outcomes"].values()) == result["planned"] == DEVICES * 40 + 9
    ledger = Run(tmp_path / "out").table("ledger")
    assert (ledger[list(STATES)].sum(axis=1) == ledger["planned"]).all()
    assert result["objects"]["lost"] == 0
    assert not ledger["finding"].str.contains("phantom").any()


def workers_of_this_test() -> list[int]:
    """Process ids of the workers below this process: the master's children."""
    found = []
    for child in children(os.getpid()):
        found += [one for one in children(child) if "loadtest.play.worker" in command(one)]
    return found


def children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*"):
        with suppress(OSError):  # a thread that has ended since it was listed
            found += [int(one) for one in (task / "children").read_text().split()]
    return found


def command(pid: int) -> str:
    with suppress(OSError):  # ended since it was listed
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    return ""


@contextmanager
def worker(address: str, token: str, script: str = "") -> Iterator["subprocess.Popen[bytes]"]:
    program = ["-c", script] if script else ["-m", "loadtest.play.worker"]
    child = subprocess.Popen(
        [sys.executable, *program, address, "--end-with-stdin"],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env={**os.environ, TOKEN: token},
    )  # fmt: skip
    try:
        yield child
    finally:
        if child.stdin:
            child.stdin.close()
        child.wait(15)


def test_workers_from_elsewhere_come_to_the_master(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As across machines: started by themselves, all that they need comes from the master, clocks are compared."""
    monkeypatch.setenv(TOKEN, "shared")
    address = f"127.0.0.1:{free_port()}"
    with archive() as target, worker(address, "shared"), worker(address, "shared"):
        result = play(
            [PlayJob(traffic(tmp_path), target)], 1.0, tmp_path / "out", workers=2, master=address, priority="usual"
        )
    assert result["done"] == result["planned"], result["reasons"]
    for one in result["workers"]:
        assert abs(one["offset_s"]) <= one["round_trip_s"]  # one machine, one clock: what is left is the error's bound


def test_l13_a_clock_that_goes_wrong_during_the_play_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One worker's clock as it answers gains 50 ms a second from its start; the other's is ours."""
    monkeypatch.setenv(TOKEN, "shared")
    address, wrong = f"127.0.0.1:{free_port()}", (
        "import sys, loadtest.play.worker as w; real, t0 = w.perf_counter, w.perf_counter();"
        "w.perf_counter = lambda: real() + 0.05 * (real() - t0); sys.exit(w.main())"
    )  # fmt: skip
    with archive() as target, worker(address, "shared"), worker(address, "shared", wrong):
        job = PlayJob(traffic(tmp_path, per_device=20), target)
        result = play([job], 1.0, tmp_path / "out", workers=2, master=address, priority="usual")
    right, gaining = sorted(result["workers"], key=lambda one: abs(one["drift_s"]))
    assert abs(right["drift_s"]) <= right["drift_error_s"]
    assert 0.05 < gaining["drift_s"] < 1.0  # of two seconds and more
    assert gaining["drift_s"] > gaining["drift_error_s"]


def test_a_worker_lost_elsewhere_is_told_by_its_silence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody here sees its process end; its last word says until when it may have sent."""
    monkeypatch.setenv(TOKEN, "shared")
    address = f"127.0.0.1:{free_port()}"
    with archive() as target, worker(address, "shared") as one, worker(address, "shared"):

        def kill(done: int, total: int, phase: str) -> None:
            if phase == "play" and done > 60:
                one.kill()

        job = PlayJob(traffic(tmp_path, per_device=60), target)
        result = play([job], 1.0, tmp_path / "out", kill, workers=2, master=address, priority="usual")
    outcomes = result["outcomes"]
    assert result["verdict"] == "INVALID"
    assert sum("was lost after" in why for why in result["reasons"]) == 1
    assert outcomes["dropped"] > outcomes["unknown"]
    assert sum(outcomes.values()) == result["planned"] == DEVICES * 60 + 9
    assert not Run(tmp_path / "out").table("ledger")["finding"].str.contains("phantom").any()


def test_a_worker_with_another_token_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN, "shared")
    address = f"127.0.0.1:{free_port()}"
    with archive() as target, worker(address, "guessed"):
        with pytest.raises(PlayFailed, match=r"0 of 1 workers have come within 4 s; .*filmless salvage"):
            play([PlayJob(traffic(tmp_path), target)], 1.0, tmp_path / "out", workers=1, master=address, join_s=4.0)
        assert target.count_instances() == 4  # the prefill alone, which is told, for it can be found there
    assert {one.name for one in tmp_path.iterdir()} == {"t.parquet", "out.partial"}
    out, result = salvage(tmp_path / "out.partial")
    assert Run(out).table("ledger")["stored"].sum() == 4
    assert (result["outcomes"]["dropped"], result["outcomes"]["unknown"]) == (result["planned"], 0)


def test_a_worker_without_a_master_says_so_and_ends() -> None:
    words = [sys.executable, "-m", "loadtest.play.worker", f"127.0.0.1:{free_port()}", "--join-s", "1"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    *waited, last = done.stderr.strip().splitlines()
    assert waited
    assert all("waiting for a master at 127.0.0.1" in line for line in waited)
    assert last.startswith("error: no master at 127.0.0.1:")
    assert last.endswith(": start it with `filmless load FILE --master --workers N`")
    assert done.returncode == 1


def test_beyond_the_loopback_a_token_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TOKEN, raising=False)
    with archive() as target, pytest.raises(TrafficProblem, match=f"set {TOKEN} here and at each worker"):
        play([PlayJob(traffic(tmp_path), target)], 1.0, tmp_path / "out", workers=1, master="0.0.0.0:5557")


def test_proofs() -> None:
    assert is_proof("a", proof("a", {TOKEN: "x"}), {TOKEN: "x"})
    others: list[Callable[[], object]] = [lambda: proof("b", {TOKEN: "x"}), lambda: proof("a", {}), lambda: None]
    assert not any(is_proof("a", other(), {TOKEN: "x"}) for other in others)
