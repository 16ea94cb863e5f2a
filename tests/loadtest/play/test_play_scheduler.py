"""On time whatever the archive does: due times, waiting, the bound of the backlog, and an end for everything."""

from collections.abc import Callable
from datetime import datetime
from math import isnan

import gevent
import numpy as np
import pytest
from gevent import Greenlet

from loadtest.play.recorder import Clock, Recorder
from loadtest.play.scheduler import BACKLOG_FULL, NEVER_RELEASED, STILL_WAITING, Device
from loadtest.play.services import Done
from loadtest.play.traffic import Operation
from loadtest.verdict.records import counts
from loadtest.wire import AssociationRejected, PeerTimeout

CarryOut = Callable[[Operation, Done], None]


def operation(number: int, due_s: float) -> Operation:
    return Operation(
        number, due_s, "play", "south", "ge", "S1", "CT0001R1", "store", "store", number, 1, "CT", 1, 1,
        datetime(2007, 3, 6),
    )  # fmt: skip


class Bench:
    """A device, its clock and what it recorded."""

    def __init__(self, dues: list[float], carry_out: CarryOut, at_once: int = 1, waiting: int = 1000) -> None:
        self.clock = Clock()
        self.recorder = Recorder(self.clock)
        self.defects: list[Greenlet] = []
        self.plan = [operation(n, due) for n, due in enumerate(dues)]
        self.device = Device(self.plan, carry_out, self.clock, self.recorder, at_once, waiting, self.defects.append)

    def play(self, drain_s: float = 5.0) -> "Bench":
        """Play to the end of the plan, then wait at most `drain_s` and end it."""
        self.clock.begin(0.01)
        self.device.play()
        until = self.clock.now() + drain_s
        while self.device.outstanding() and self.clock.now() < until:
            gevent.sleep(0.001)
        self.device.end()
        return self

    @property
    def by_op(self) -> dict[int, object]:
        return {row.op: row for row in self.recorder.operations}


def takes(seconds: float) -> CarryOut:
    def carry_out(one: Operation, done: Done) -> None:
        gevent.sleep(seconds)
        done.note("ok", 0)

    return carry_out


def test_operations_start_when_due_though_none_is_answered() -> None:
    bench = Bench([0.02 * n for n in range(10)], takes(0.3), at_once=100).play()
    for row in bench.recorder.operations:
        assert 0 <= row.start_s - row.due_s < 0.015
        assert row.blocked_s == 0.0
        assert row.end_s - row.start_s == pytest.approx(0.3, abs=0.03)


def test_l3_waiting_for_the_device_is_told_apart_from_lateness() -> None:
    bench = Bench([0.0, 0.0, 0.0], takes(0.1)).play()
    rows = sorted(bench.recorder.operations, key=lambda row: row.start_s)
    assert [round(row.blocked_s, 1) for row in rows] == [0.0, 0.1, 0.2]
    for row in rows:
        assert abs(row.start_s - row.due_s - row.blocked_s) < 0.02
        assert row.end_s - row.due_s == pytest.approx(row.blocked_s + 0.1, abs=0.03)


def test_what_does_not_fit_the_backlog_is_dropped_and_counted() -> None:
    bench = Bench([0.001 * n for n in range(50)], takes(0.2), waiting=3).play()
    found = counts(bench.recorder.operations)
    assert found["ok"] == 4
    assert found["dropped"] == 46
    assert {row.detail for row in bench.recorder.operations if row.outcome == "dropped"} == {BACKLOG_FULL}


def test_the_end_drops_what_waits_and_marks_what_is_under_way() -> None:
    bench = Bench([0.0, 0.001, 0.002], takes(60.0)).play(drain_s=0.05)
    rows = {row.op: row for row in bench.recorder.operations}
    assert [rows[n].outcome for n in range(3)] == ["unknown", "dropped", "dropped"]
    assert rows[1].detail == STILL_WAITING
    assert rows[0].end_s < 1.0
    assert bench.defects == []


def test_a_worker_that_never_ran_has_begun_nothing() -> None:
    bench = Bench([0.0], takes(0.0))
    bench.clock.begin(0.0)
    bench.device._release(bench.plan[0])
    bench.device._plan.clear()
    bench.device.end()  # before the worker's first step
    assert [row.outcome for row in bench.recorder.operations] == ["dropped"]


def test_an_idle_greenlet_carries_out_what_comes_next() -> None:
    """As many as are under way at once, and no more: making one costs 22 us, waking one 3."""
    used = set[Greenlet]()

    def carry_out(one: Operation, done: Done) -> None:
        used.add(gevent.getcurrent())
        takes(0.02)(one, done)

    bench = Bench([*(0.03 * n for n in range(5)), *(0.2 + 0.001 * n for n in range(3))], carry_out, at_once=9).play()
    assert counts(bench.recorder.operations)["ok"] == 8
    assert len(used) == 3
    assert all(one.dead for one in used)


def test_what_an_idle_greenlet_was_given_when_the_end_came_has_one_outcome() -> None:
    bench = Bench([0.0], takes(0.001), at_once=9)
    bench.device.play()
    gevent.sleep(0.05)
    assert bench.device.outstanding() == 0
    bench.device._release(operation(7, 0.1))  # no turn of the loop until the end: it is woken before it is ended
    bench.device.end()
    gevent.sleep(0.01)
    assert [(row.op, row.outcome) for row in bench.recorder.operations] == [(0, "ok"), (7, "unknown")]


def test_a_user_that_is_stopped_drops_the_rest_of_its_plan() -> None:
    bench = Bench([0.0, 0.01, 30.0, 31.0], takes(0.0))
    bench.clock.begin(0.0)
    user = gevent.spawn(bench.device.play)
    gevent.sleep(0.1)
    user.kill()
    bench.device.end()
    rows = {row.op: row for row in bench.recorder.operations}
    assert [rows[n].outcome for n in range(4)] == ["ok", "ok", "dropped", "dropped"]
    assert rows[3].detail == NEVER_RELEASED
    assert isnan(rows[3].start_s)


def test_l2_a_device_whose_user_is_stopped_before_zero_drops_its_whole_plan() -> None:
    """Its user still waits for the word to begin, and has never called `play`."""
    bench = Bench([0.0, 0.01, 30.0], takes(0.0))
    bench.device.end()
    assert [(row.outcome, row.detail) for row in bench.recorder.operations] == [("dropped", NEVER_RELEASED)] * 3


@pytest.mark.parametrize("seed", range(10))
def test_every_planned_operation_ends_in_exactly_one_outcome(seed: int) -> None:
    rng = np.random.default_rng(seed)
    errors = [AssociationRejected(1, 1, 7), PeerTimeout("late"), None, None]

    def carry_out(one: Operation, done: Done) -> None:
        gevent.sleep(float(rng.exponential(0.01)))
        if error := errors[int(rng.integers(len(errors)))]:
            error.unknown = bool(rng.integers(2)) and isinstance(error, PeerTimeout)
            raise error
        done.note("ok", 0)

    dues = sorted(float(x) for x in rng.uniform(0, 0.1, 60))
    bench = Bench(dues, carry_out, int(rng.integers(1, 4)), int(rng.integers(0, 20))).play(drain_s=0.02)
    assert sorted(row.op for row in bench.recorder.operations) == list(range(60))
    assert sum(counts(bench.recorder.operations).values()) == 60


def test_a_fault_of_ours_is_told_and_not_counted_as_the_archives() -> None:
    def broken(one: Operation, done: Done) -> None:
        raise KeyError("a defect")

    bench = Bench([0.0], broken).play()
    assert isinstance(bench.defects[0].exception, KeyError)


def test_errors_have_their_own_outcomes() -> None:
    unanswered = PeerTimeout("no answer")
    unanswered.unknown = True
    errors = [AssociationRejected(1, 1, 7), unanswered, PeerTimeout("not sent whole")]

    def carry_out(one: Operation, done: Done) -> None:
        raise errors[one.op]

    rows = Bench([0.0, 0.0, 0.0], carry_out).play().by_op
    assert [rows[n].outcome for n in range(3)] == ["refused", "unknown", "failed"]  # type: ignore[attr-defined]
    assert "called AE title not recognised" in rows[0].detail  # type: ignore[attr-defined]


def test_two_thousand_a_second_are_released_on_time() -> None:
    """Lag p99 within a generous bound, for other processes share these cores; the bench has the exact figure."""
    bench = Bench([n / 2000 for n in range(2000)], takes(0.0), at_once=64).play()
    lag = np.array([row.start_s - row.due_s - row.blocked_s for row in bench.recorder.operations])
    assert len(lag) == 2000
    assert np.quantile(lag, 0.5) < 0.005
