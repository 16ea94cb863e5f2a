"""First come first served: against the plain simulation, and in windows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from tests.sim.engines.kernels import references
from tests.sim.engines.kernels.columns import Columns, fifo
from tests.sim.engines.kernels.strategies import STATIONS, cuts, in_order, jobs

SERVERS = st.lists(st.integers(1, 5), min_size=STATIONS, max_size=STATIONS)


@settings(deadline=None)
@given(table=jobs(), servers=SERVERS)
def test_as_the_plain_simulation(table: Columns, servers: list[int]) -> None:
    got = fifo(table, servers)
    for g, k in enumerate(servers):
        rows = in_order(table, g)
        start, end = references.pool(list(table.ready[rows]), list(table.work[rows]), [1] * len(rows), k)
        assert_array_equal(got.start[rows], start)
        assert_array_equal(got.end[rows], end)


@settings(deadline=None)
@given(table=jobs(), servers=SERVERS, horizons=cuts(60))
def test_windows_give_the_same_bits(table: Columns, servers: list[int], horizons: list[float]) -> None:
    whole, cut = fifo(table, servers), fifo(table, servers, horizons)
    assert_array_equal(whole.start, cut.start)
    assert_array_equal(whole.end, cut.end)


@settings(deadline=None)
@given(table=jobs(), servers=SERVERS)
def test_one_more_server_and_nobody_starts_later(table: Columns, servers: list[int]) -> None:
    few, more = fifo(table, servers), fifo(table, [k + 1 for k in servers])
    assert (more.start <= few.start).all()


def test_a_station_does_not_feel_the_others() -> None:
    rng = np.random.default_rng(3)
    n = 500
    table = Columns(rng.integers(0, 3, n), rng.random(n) * 900, rng.exponential(3, n), np.ones(n, np.int8))
    alone = table.entity == 1
    only = Columns(table.entity[alone], table.ready[alone], table.work[alone], table.priority[alone])
    assert_array_equal(fifo(table, [1, 2, 3]).end[alone], fifo(only, [1, 2, 3]).end)


def test_jobs_without_a_server_are_refused() -> None:
    table = Columns(np.array([1]), np.zeros(1), np.ones(1), np.ones(1, np.int8))
    with pytest.raises(ValueError, match="without servers"):
        fifo(table, [1, 0])
