"""Two classes with opening hours: against the plain simulation, in windows, and its rules one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

from sim.engines.kernels.calendar import next_open
from tests.sim.engines.kernels import references
from tests.sim.engines.kernels.columns import Columns, fifo, pools
from tests.sim.engines.kernels.strategies import STATIONS, cuts, in_order, jobs

Floats = NDArray[np.float64]
HOUR, DAY, WEEK = 3600.0, 86_400.0, 604_800.0
ALWAYS = np.array([[0.0, WEEK]])
WEEKDAYS = np.array([[d * DAY + 9 * HOUR, d * DAY + 17 * HOUR] for d in range(5)])
SERVERS = st.lists(st.integers(1, 4), min_size=STATIONS, max_size=STATIONS)
LONG = 1500  # of times and services in units of 1024 s: two weeks and a half, and jobs of hours


def hours_of(edges: list[int]) -> Floats:
    return np.array(edges[: len(edges) // 2 * 2], float).reshape(-1, 2)


HOURS = st.one_of(
    st.just(ALWAYS), st.just(WEEKDAYS),
    st.lists(st.integers(0, 604_800), unique=True, max_size=8).map(sorted).map(hours_of)
)  # fmt: skip


def scaled(table: Columns) -> Columns:
    return Columns(table.entity, table.ready * 1024, table.work * 1024, table.priority)


def spans(hours: Floats) -> list[tuple[float, float]]:
    return [(float(a), float(b)) for a, b in hours]


@settings(deadline=None)
@given(table=jobs(LONG, 100).map(scaled), servers=SERVERS, emergency=HOURS, routine=HOURS,
       offset=st.integers(0, 604_799))  # fmt: skip
def test_as_the_plain_simulation(
    table: Columns, servers: list[int], emergency: Floats, routine: Floats, offset: int
) -> None:
    got, undecided = pools(table, servers, (emergency, routine), offset)
    hours = spans(emergency), spans(routine)
    for g, k in enumerate(servers):
        rows = in_order(table, g)
        ready, service, priority = (list(c[rows]) for c in (table.ready, table.work, table.priority))
        start, end = references.pool(ready, service, priority, k, hours, offset)
        assert_array_equal(got.start[rows], start)
        assert_array_equal(got.end[rows], end)
    assert undecided == [np.isnan(got.end).sum()]


@settings(deadline=None)
@given(table=jobs(LONG, 100).map(scaled), servers=SERVERS, emergency=HOURS, routine=HOURS,
       horizons=cuts(LONG).map(lambda c: [x * 1024 for x in c]))  # fmt: skip
def test_windows_give_the_same_bits(
    table: Columns, servers: list[int], emergency: Floats, routine: Floats, horizons: list[float]
) -> None:
    whole, cut = (pools(table, servers, (emergency, routine), 0.0, h)[0] for h in ([np.inf], horizons))
    assert_array_equal(whole.start, cut.start)
    assert_array_equal(whole.end, cut.end)


@settings(deadline=None)
@given(table=jobs(), servers=SERVERS)
def test_one_class_and_open_doors_are_first_come_first_served(table: Columns, servers: list[int]) -> None:
    same = Columns(table.entity, table.ready, table.work, np.ones_like(table.priority))
    assert_array_equal(pools(same, servers, (ALWAYS, ALWAYS))[0].end, fifo(same, servers).end)


def one_server(rows: list[tuple[float, float, int]], routine: Floats = ALWAYS) -> list[float]:
    ready, service, priority = np.array(rows, float).T
    table = Columns(np.zeros(len(rows), np.int64), ready.copy(), service.copy(), priority.astype(np.int8))
    return list(pools(table, [1], (ALWAYS, routine))[0].start)


def test_an_emergency_goes_first_but_interrupts_nobody() -> None:
    assert one_server([(0, 10, 1), (1, 10, 1), (2, 10, 0)]) == [0, 20, 10]


def test_at_a_tie_the_emergency_goes_first() -> None:
    assert one_server([(5, 10, 1), (5, 10, 0)]) == [15, 5]


def test_within_a_class_equal_times_go_by_row() -> None:
    assert one_server([(5, 10, 1), (5, 1, 1), (5, 1, 1)]) == [5, 15, 16]


def test_routine_waits_for_the_doors_and_emergencies_do_not() -> None:
    assert one_server([(0, HOUR, 1), (1, HOUR, 0)], WEEKDAYS) == [9 * HOUR, 1]


def test_what_is_under_way_at_closing_time_is_finished() -> None:
    friday = 4 * DAY + 17 * HOUR
    assert one_server([(friday - 1, HOUR, 1), (friday - 1, HOUR, 1)], WEEKDAYS) == [friday - 1, WEEK + 9 * HOUR]


def test_a_class_without_hours_never_starts() -> None:
    assert np.isnan(one_server([(0, 1, 1), (0, 1, 0)], np.zeros((0, 2)))).tolist() == [True, False]


def test_a_breakdown_is_an_emergency_that_the_caller_adds() -> None:
    assert one_server([(0, 10, 1), (5, 3 * HOUR, 0), (6, 10, 1)]) == [0, 10, 10 + 3 * HOUR]


def test_what_cannot_start_before_the_horizon_is_undecided() -> None:
    table = Columns(np.zeros(3, np.int64), np.array([0.0, 1, 2]), np.full(3, 10.0), np.ones(3, np.int8))
    late = Columns(np.zeros(1, np.int64), np.array([10.0]), np.ones(1), np.zeros(1, np.int8))
    got, undecided = pools(table, [1], (ALWAYS, ALWAYS), 0.0, [10.0])
    assert undecided == [2]
    assert np.isnan(got.start).tolist() == [False, True, True]
    both = Columns(*(np.concatenate([getattr(t, c) for t in (table, late)])
                     for c in ("entity", "ready", "work", "priority")))  # fmt: skip
    assert pools(both, [1], (ALWAYS, ALWAYS), 0.0, [10.0, np.inf])[0].start.tolist() == [0, 11, 21, 10]


def test_jobs_without_a_server_are_refused() -> None:
    table = Columns(np.array([1]), np.zeros(1), np.ones(1), np.ones(1, np.int8))
    with pytest.raises(ValueError, match="without servers"):
        pools(table, [1, 0], (ALWAYS, ALWAYS))


@pytest.mark.parametrize(("t", "offset", "expected"), [
    (0.0, 0.0, 9 * HOUR),  # Monday morning
    (9 * HOUR, 0.0, 9 * HOUR),  # at the first second it is open
    (17 * HOUR, 0.0, DAY + 9 * HOUR),  # at the last it is closed
    (4 * DAY + 18 * HOUR, 0.0, WEEK + 9 * HOUR),  # over the weekend
    (0.0, 5 * DAY, 2 * DAY + 9 * HOUR),  # a run that starts on a Saturday
    (10 * WEEK + HOUR, 0.0, 10 * WEEK + 9 * HOUR),
])  # fmt: skip
def test_next_open(t: float, offset: float, expected: float) -> None:
    assert next_open(t, WEEKDAYS, offset) == expected


@given(t=st.floats(0, 1e9), offset=st.floats(0, WEEK))
def test_always_open_is_now(t: float, offset: float) -> None:
    assert next_open(t, ALWAYS, offset) == pytest.approx(t, abs=1e-6)
