"""Hourly use: against the overlap of each job with each hour, in any order, and what lies outside."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

from sim.engines.kernels.busy import add_use

HOUR_US, STATIONS = 3_600_000_000, 3
MOMENTS = st.integers(-2 * HOUR_US, 8 * HOUR_US)
JOB = st.tuples(st.integers(0, STATIONS - 1), MOMENTS, MOMENTS, st.integers(0, 3 * HOUR_US), st.integers(0, 10**12))
Job = tuple[int, int, int, int, int]  # station, ready, start, length in microseconds, bytes
SLOTS = st.lists(st.integers(0, 3), min_size=1, max_size=6)


def used(jobs: list[Job], slot: list[int], zero_s: float = 0.0) -> NDArray[np.int64]:
    columns = np.array(jobs, np.int64).reshape(-1, 5).T
    entity, ready, start, length, work = columns
    use = np.zeros((3, STATIONS, 4), np.int64)
    sums, turns = np.zeros((STATIONS, 5), np.int64), np.zeros((STATIONS, 0), np.int64)
    add_use(np.arange(len(entity)), entity, ready / 1e6 + zero_s, start / 1e6 + zero_s,
            (start + length) / 1e6 + zero_s, work.astype(float), np.zeros(0), zero_s, np.array(slot), use, sums,
            turns)  # fmt: skip
    return use


def expected(jobs: list[Job], slot: list[int]) -> NDArray[np.int64]:
    use = np.zeros((3, STATIONS, 4), np.int64)
    for g, ready, start, length, work in jobs:
        for hour, s in enumerate(slot):
            opens, closes = hour * HOUR_US, (hour + 1) * HOUR_US
            if opens <= ready < closes:
                use[0, g, s] += 1
                use[2, g, s] += work
            use[1, g, s] += max(0, min(start + length, closes) - max(start, opens))
    return use


@settings(deadline=None)
@given(jobs=st.lists(JOB, max_size=15), slot=SLOTS)
def test_as_overlaps_of_hours(jobs: list[Job], slot: list[int]) -> None:
    assert_array_equal(used(jobs, slot), expected(jobs, slot))
    assert_array_equal(used(jobs, slot, 28 * 86_400.0), expected(jobs, slot))


@settings(deadline=None)
@given(data=st.data(), jobs=st.lists(JOB, max_size=15), slot=SLOTS)
def test_any_order_and_any_portions_give_the_same(data: st.DataObject, jobs: list[Job], slot: list[int]) -> None:
    other = data.draw(st.permutations(jobs))
    cut = data.draw(st.integers(0, len(jobs)))
    assert_array_equal(used(jobs, slot), used(other[:cut], slot) + used(other[cut:], slot))


def test_no_end_is_no_job() -> None:
    use, sums, turns, none = (
        np.zeros((3, 1, 1), np.int64),
        np.zeros((1, 5), np.int64),
        np.zeros((1, 2), np.int64),
        np.full(1, np.nan),
    )
    one, first = np.zeros(1), np.zeros(1, np.int64)
    add_use(first, first, one, none, none, one, np.zeros(0), 0.0, first, use, sums, turns)
    assert not use.any()
    assert not sums.any()
    assert not turns.any()


def test_sums_and_turns_by_hand() -> None:
    """Two jobs of 1 h at one server, ready at 0:30 and 1:00 of two hours: the second waits from 1:00 to 1:30."""
    use, sums, turns = np.zeros((3, 1, 2), np.int64), np.zeros((1, 5), np.int64), np.zeros((1, 3), np.int64)
    ready, start, end = np.array([1800.0, 3600.0]), np.array([1800.0, 5400.0]), np.array([5400.0, 9000.0])
    add_use(np.arange(2), np.zeros(2, np.int64), ready, start, end, np.zeros(2), np.zeros(0), 0.0, np.arange(2), use,
            sums, turns)  # fmt: skip
    assert sums[0].tolist() == [2, 1_800_000_000, 1_800_000_000, 7_200_000_000, 2 * 3_600_000**2]
    assert np.cumsum(turns[0])[:2].tolist() == [0, 1]
    assert use[1, 0].tolist() == [1_800_000_000, 1_800_000_000 + 1_800_000_000]


def test_a_transfer_is_its_bytes_at_the_full_rate() -> None:
    use, sums, turns = np.zeros((3, 1, 1), np.int64), np.zeros((1, 5), np.int64), np.zeros((1, 0), np.int64)
    one = np.zeros(1, np.int64)
    add_use(one, one, np.zeros(1), np.zeros(1), np.full(1, 30.0), np.full(1, 1e6), np.full(1, 1e5), 0.0, one, use, sums,
            turns)  # fmt: skip
    assert sums[0].tolist() == [1, 20_000_000, 30_000_000, 10_000_000, 10_000**2]
    assert use[:, 0, 0].tolist() == [1, 10_000_000, 1_000_000]
