"""Order by station, readiness and exam: always that of a lexicographic sort."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

from sim.engines.kernels.sort import by_station

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def check(entity: Ints, ready: Floats, exam: Ints, wanted: NDArray[np.bool_], stations: int) -> None:
    order, offsets = by_station(entity, ready, exam, wanted, stations)
    expected = np.lexsort((exam, ready, entity))
    assert_array_equal(order, expected[wanted[expected]])
    assert_array_equal(offsets, np.concatenate([[0], np.cumsum(np.bincount(entity[wanted], minlength=stations))]))


@settings(deadline=None)
@given(st.data())
def test_as_a_lexicographic_sort(data: st.DataObject) -> None:
    times = st.one_of(st.integers(0, 5).map(float), st.floats(-1e9, 1e9))
    rows = data.draw(st.lists(st.tuples(st.integers(0, 3), times, st.booleans()), max_size=60))
    exam = np.array(data.draw(st.permutations(range(len(rows)))), dtype=np.int64)
    entity, ready, wanted = np.array(rows, dtype=float).reshape(-1, 3).T
    check(entity.astype(np.int64), ready.copy(), exam, wanted.astype(bool), 4)


def shape(name: str, rng: np.random.Generator, n: int) -> Floats:
    ascending = np.sort(rng.random(n) * 604_800)
    return {
        "in order": ascending,
        "nearly in order": ascending + rng.exponential(1800, n),
        "any order": rng.permutation(ascending),
        "backwards": ascending[::-1].copy(),
        "all at once": np.zeros(n),
        "one far away": np.append(rng.random(n - 1), 1e12),
        "two crowds": np.append(rng.random(n // 2), 1e9 + rng.random(n - n // 2)),
        "a backlog before the morning": np.where(np.arange(n) < n // 3, 30_000 + ascending / 600, ascending),
    }[name]


@pytest.mark.parametrize("name", [
    "in order", "nearly in order", "any order", "backwards", "all at once", "one far away", "two crowds",
    "a backlog before the morning",
])  # fmt: skip
@pytest.mark.parametrize("stations", [1, 7, 500])
def test_every_shape_of_input(name: str, stations: int) -> None:
    rng = np.random.default_rng(stations)
    n = 4_000
    check(rng.integers(0, stations, n), shape(name, rng, n), rng.permutation(n), rng.random(n) < 0.8, stations)


@pytest.mark.parametrize(("entity", "ready"), [(-1, 0.0), (2, 0.0), (0, np.nan), (1, np.inf), (1, -np.inf)])
def test_a_wanted_row_without_station_or_time_is_refused(entity: int, ready: float) -> None:
    for wanted, refused in ((True, True), (False, False)):
        columns = np.array([0, entity]), np.array([0.0, ready]), np.arange(2), np.array([True, wanted]), 2
        if refused:
            with pytest.raises(ValueError, match="no finite time"):
                by_station(*columns)
        else:
            assert by_station(*columns)[0].tolist() == [0]


def test_no_rows() -> None:
    order, offsets = by_station(np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int64), np.zeros(0, bool), 3)
    assert len(order) == 0
    assert offsets.tolist() == [0, 0, 0, 0]
