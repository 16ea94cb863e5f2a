"""Processor sharing: against exact fractions, through outages, in windows, and forgetting its past."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from sim.engines.kernels.sharing import grouped_sharing
from sim.engines.kernels.sort import by_station
from tests.sim.engines.kernels import references
from tests.sim.engines.kernels.columns import Columns, fifo, links
from tests.sim.engines.kernels.strategies import STATIONS, cuts, in_order, jobs

Floats = NDArray[np.float64]
Capacity = tuple[list[float], list[float]]
# Changes come at odd instants: at an end that coincides with the start of an outage, rounding decides who is caught.
ODD_S = 0.1234567
RATES = st.sampled_from([0.0, 0.5, 1.0, 3.0])


@st.composite
def capacities(draw: st.DrawFn) -> list[Capacity]:
    out: list[Capacity] = []
    for _ in range(STATIONS):
        since = sorted(draw(st.sets(st.integers(0, 90), min_size=1, max_size=5)))
        out.append(([s + ODD_S for s in since], [draw(RATES) for _ in since]))
    return out


@settings(deadline=None)
@given(table=jobs(), capacity=capacities())
def test_as_exact_fractions(table: Columns, capacity: list[Capacity]) -> None:
    got, under_way = links(table, capacity)
    for g, (since, rates) in enumerate(capacity):
        rows = in_order(table, g)
        expected = references.link(list(table.ready[rows]), list(table.work[rows]), since, rates)
        assert_allclose(got.end[rows], expected, rtol=0, atol=1e-9)
    assert under_way == [np.isnan(got.end).sum()]


@settings(deadline=None)
@given(table=jobs(), capacity=capacities(), horizons=cuts(90))
def test_windows_give_the_same_bits(table: Columns, capacity: list[Capacity], horizons: list[float]) -> None:
    (whole, _), (cut, _) = links(table, capacity), links(table, capacity, horizons)
    assert_array_equal(whole.end, cut.end)


@settings(deadline=None)
@given(table=jobs(), rate=st.sampled_from([0.5, 1.0, 3.0]))
def test_constant_capacity_is_one_piece(table: Columns, rate: float) -> None:
    n, rates = len(table.ready), np.full(STATIONS, rate)
    order, offsets = by_station(table.entity, table.ready, np.arange(n), np.full(n, True), STATIONS)
    end, tag, states = np.full(n, np.nan), np.full(n, np.nan), np.zeros((STATIONS, 2))
    grouped_sharing(order, offsets, table.ready, table.work, np.arange(n), tag, states, rates, np.inf, end)
    assert_array_equal(end, links(table, [([0.0], [rate])] * STATIONS)[0].end)


@settings(deadline=None)
@given(table=jobs())
def test_the_link_is_idle_when_a_single_server_would_be(table: Columns) -> None:
    """Both work at full rate whenever there is work: the last end of each busy period is the same."""
    shared, served = links(table, [([0.0], [1.0])] * STATIONS)[0].end, fifo(table, [1] * STATIONS).end
    for g in range(STATIONS):
        mine = table.entity == g
        assert_allclose(shared[mine].max(initial=0), served[mine].max(initial=0), atol=1e-9)


def one_link(rows: list[tuple[float, float]], capacity: Capacity = ([0.0], [1.0])) -> list[float]:
    ready, work = np.array(rows, float).T
    table = Columns(np.zeros(len(rows), np.int64), ready.copy(), work.copy(), np.ones(len(rows), np.int8))
    return list(links(table, [capacity])[0].end)


def test_two_transfers_have_half_each() -> None:
    assert one_link([(0, 10), (5, 10)]) == [15, 20]


def test_equal_transfers_end_together() -> None:
    assert one_link([(0, 10), (0, 10)]) == [20, 20]


def test_nothing_to_send_is_sent_at_once_even_in_an_outage() -> None:
    assert one_link([(0, 10), (2, 0)]) == [10, 2]
    assert one_link([(0, 0)], ([0.0], [0.0])) == [0]


def test_an_outage_delays_by_its_length() -> None:
    assert one_link([(0, 10), (20, 1)], ([0.0, 4.0, 9.0], [1.0, 0.0, 1.0])) == [15, 21]


def test_a_transfer_that_comes_in_an_outage_waits_for_its_end() -> None:
    assert one_link([(5, 10)], ([0.0, 4.0, 9.0], [1.0, 0.0, 2.0])) == [14]


def test_an_outage_without_end_ends_nothing() -> None:
    assert np.isnan(one_link([(0, 10), (0, 2)], ([0.0, 6.0], [1.0, 0.0]))).tolist() == [True, False]


def test_before_the_first_change_the_first_capacity_holds() -> None:
    assert one_link([(0, 10)], ([5.0, 7.0], [1.0, 2.0])) == [8.5]


def test_a_change_holds_from_its_very_instant() -> None:
    assert one_link([(4, 10)], ([0.0, 4.0], [1.0, 2.0])) == [9]
    assert one_link([(0, 4)], ([0.0, 4.0], [1.0, 0.0])) == [4]


def test_transfers_on_a_link_without_a_capacity_are_refused() -> None:
    table = Columns(np.array([0]), np.zeros(1), np.ones(1), np.ones(1, np.int8))
    with pytest.raises(ValueError, match="without a capacity"):
        links(table, [([], []), ([0.0], [1.0])])


def test_a_busy_past_is_forgotten_to_the_bit() -> None:
    """Coupling: once both links have been idle together, they agree in every bit (the clock went back to 0)."""
    rng = np.random.default_rng(5)
    n = 20_000
    ready, work = 1e6 + np.cumsum(rng.exponential(1.0, n)), rng.exponential(0.7, n)
    past: Floats = 1e6 - 1.0 + np.arange(50) / 1000

    def ends(first: Floats) -> Floats:
        m = len(first) + n
        table = Columns(
            np.zeros(m, np.int64), np.concatenate([first, ready]), np.concatenate([np.full(len(first), 3.3), work]),
            np.ones(m, np.int8),
        )  # fmt: skip
        return links(table, [([0.0], [1.0])])[0].end[len(first) :]

    differs = np.flatnonzero(ends(past[:0]) != ends(past))
    assert len(differs) > 100
    assert differs.max() < 5_000
