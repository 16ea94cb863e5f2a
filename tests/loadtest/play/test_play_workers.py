"""More than one process: the same objects and the same ledger whatever their number; one that dies is told."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgpack
import numpy as np
import pandas as pd
import pytest
import zmq

from loadtest.archives.launch import running
from loadtest.archives.target import Target
from loadtest.play.admission import MOST_TOLD, Admission
from loadtest.play.config import JobConfig
from loadtest.play.launch import LISTENER, PlayJob, free_port, play
from loadtest.play.plan import make_plan
from loadtest.play.problems import PlayFailed, TrafficProblem
from loadtest.play.recorder import planned_row
from loadtest.play.salvage import salvage
from loadtest.play.share import IN_DOUBT, LOST, Heard, rows_of_lost, share_of, worker_of
from loadtest.play.traffic import read_traffic
from loadtest.play.words import ALL_HERE, OTHER_TOKEN, TOKEN, is_proof, proof
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
def worker(address: str, token: str, script: str = "", join_s: float = 60) -> Iterator["subprocess.Popen[bytes]"]:
    program = ["-c", script] if script else ["-m", "loadtest.play.worker"]
    child = subprocess.Popen(
        [sys.executable, *program, address, "--end-with-stdin", "--join-s", str(join_s)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        env={**os.environ, TOKEN: token},
    )  # fmt: skip
    try:
        yield child
    finally:
        child.communicate(timeout=15)  # closes its standard input


def ended(child: "subprocess.Popen[bytes]") -> tuple[int, str]:
    """Exit code and last line of a worker that ends by itself, its standard input still open; "" where it said none."""
    code = child.wait(30)
    assert child.stderr is not None
    return code, child.stderr.read().decode().strip().rpartition("\n")[2]


def test_workers_from_elsewhere_come_to_the_master(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """As across machines: started by themselves, all that they need comes from the master, clocks are compared."""
    monkeypatch.setenv(TOKEN, "shared")
    address = f"127.0.0.1:{free_port()}"
    with archive() as target, worker(address, "shared"), worker(address, "shared"):
        result = play(
            [PlayJob(traffic(tmp_path), target)], 1.0, tmp_path / "out", workers=2, master=address, priority="usual"
        )
    assert result["done"] == result["planned"], result["reasons"]
    over, waiting = capfd.readouterr().err.splitlines()  # so that the person knows until when, and starts them
    assert "it ends after 76 s at the latest; reading back 53 studies then takes 296 s at the most" in over
    assert waiting == f"waiting for 2 workers at {address}"
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


def test_a_worker_with_another_token_is_turned_away_and_both_sides_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(TOKEN, "shared")
    address = f"127.0.0.1:{free_port()}"
    with archive() as target, worker(address, "guessed") as other:
        with pytest.raises(
            PlayFailed, match=r"0 of 1 workers have come within 4 s; 1 turned away, .*filmless salvage"
        ) as e:
            play([PlayJob(traffic(tmp_path), target)], 1.0, tmp_path / "out", workers=1, master=address, join_s=4.0)
        code, last = ended(other)
        assert target.count_instances() == 4  # the prefill alone, which is told, for it can be found there
    assert code == 2
    assert last.startswith(f"error: the master at {address} has turned this worker away: its {TOKEN} is not the one")
    told = capfd.readouterr().err
    assert f"is turned away: its {TOKEN} is not ours" in told
    for secret in ("shared", "guessed"):
        assert secret not in told + last + str(e.value)
    assert {one.name for one in tmp_path.iterdir()} == {"t.parquet", "out.partial"}
    out, result = salvage(tmp_path / "out.partial")
    assert Run(out).table("ledger")["stored"].sum() == 4
    assert (result["outcomes"]["dropped"], result["outcomes"]["unknown"]) == (result["planned"], 0)


def test_one_worker_too_many_is_turned_away_and_the_play_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(TOKEN, "shared")
    address = f"127.0.0.1:{free_port()}"
    with archive() as target, worker(address, "shared") as one, worker(address, "shared") as another:
        job = PlayJob(traffic(tmp_path, per_device=20), target)
        result = play([job], 1.0, tmp_path / "out", workers=1, master=address, priority="usual")
        (code, _), (other, last) = sorted([ended(one), ended(another)])
    assert result["done"] == result["planned"], result["reasons"]
    assert (code, other) == (0, 2)
    assert last.startswith(f"error: the master at {address} has all its workers and has turned this one away")
    assert "is turned away: all have come" in capfd.readouterr().err


def test_a_worker_whose_master_ends_before_the_play_ends_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN, "shared")
    address = f"127.0.0.1:{free_port()}"
    with archive() as target, worker(address, "shared") as one:
        with pytest.raises(PlayFailed, match=r"1 of 2 workers have come within 4 s; .*filmless salvage"):
            play([PlayJob(traffic(tmp_path), target)], 1.0, tmp_path / "out", workers=2, master=address, join_s=4.0)
        assert ended(one) == (1, f"error: the master at {address} has ended before the play began: see what it says")


@pytest.mark.parametrize(
    ("mishap", "code", "why"),
    [
        ("w.os.environ['FILMLESS_WEB_TOKEN'] = 'planted\\n'", 2, "archive 'south', DICOMweb: FILMLESS_WEB_TOKEN holds"),
        ("w.prepare = lambda *_: int('spoilt')", 1, "ValueError: invalid literal for int() with base 10: 'spoilt'"),
    ],
    ids=["credentials", "defect"],
)
def test_a_worker_whose_own_part_failed_says_so_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mishap: str, code: int, why: str
) -> None:
    """Where nobody looks at the terminal of the master, which says so too."""
    monkeypatch.setenv(TOKEN, "shared")
    address, script = f"127.0.0.1:{free_port()}", f"import sys, loadtest.play.worker as w; {mishap}; sys.exit(w.main())"
    with archive() as target, worker(address, "shared", script) as one:
        with pytest.raises(PlayFailed if code == 1 else TrafficProblem, match="worker 0: ") as told:
            play([PlayJob(traffic(tmp_path), target)], 1.0, tmp_path / "out", workers=1, master=address)
        assert one.wait(30) == code
        assert one.stderr is not None
        said = [line for line in one.stderr.read().decode().splitlines() if not line.startswith("waiting for a master")]
    assert why in str(told.value)
    assert [line.startswith(f"error: {why}") for line in said] == [True]
    assert "planted" not in f"{said}{told.value}"


def test_a_master_that_does_not_answer_a_worker_is_waited_for_no_longer_than_any() -> None:
    """Another program of Locust's, say: it takes every worker and knows none of our words."""
    with zmq.Context() as context, context.socket(zmq.ROUTER) as master:
        address = f"127.0.0.1:{master.bind_to_random_port('tcp://127.0.0.1')}"
        master.linger = 0
        with worker(address, "shared", join_s=1) as one:
            name, _ = master.recv_multipart()
            master.send_multipart([name, msgpack.dumps(("ack", {"index": 0}, name.decode()))])
            code, last = ended(one)
    assert code == 1
    assert last.startswith(f"error: the master at {address} has not said within 1 s whether it takes this worker")
    assert TOKEN in last


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


def test_who_may_come() -> None:
    """A member is not answered again; of strangers nothing is kept, and few lines are told (rule Z1)."""
    lines: list[str] = []
    mine = {TOKEN: "x"}
    door = Admission(2, lines.append, mine)
    good = {name: proof(name, mine) for name in ("h_1", "h_2", "h_3")}
    assert door.answer("h_1", "guess") == OTHER_TOKEN
    assert [door.answer(name, said) for name, said in good.items()] == ["", "", ALL_HERE]
    assert door.answer("h_1", None) is None  # somebody else in the name of a member
    assert door.answer("h_1", good["h_1"]) is None
    for number in range(1000):
        assert door.answer(f"\x1b[31m{'h' * 1000}\n_{number}", good["h_1"]) == OTHER_TOKEN
    assert len(lines) == MOST_TOLD
    assert all(line.isprintable() and len(line) < 300 for line in lines)
    assert lines[-1].endswith("; no further one is told")
    assert door.words() == f"; 1001 turned away, whose {TOKEN} is not ours"
    assert Admission(2, lines.append, mine).words() == ""
