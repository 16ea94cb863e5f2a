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
    add_use(entity, ready / 1e6 + zero_s, start / 1e6 + zero_s, (start + length) / 1e6 + zero_s,
            work.astype(float), zero_s, np.array(slot), use)  # fmt: skip
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
    use, none = np.zeros((3, 1, 1), np.int64), np.full(1, np.nan)
    add_use(np.zeros(1, np.int64), np.zeros(1), none, none, np.ones(1), 0.0, np.zeros(1, np.int64), use)
    assert not use.any()
