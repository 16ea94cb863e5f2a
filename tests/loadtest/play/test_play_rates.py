"""Rates are pure: the k-th operation is due where the expected number reaches its place."""

from math import inf, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from loadtest.play.rates import constant, poisson, ramp
from sim.world.streams import stream_key

RATES, LENGTHS = st.floats(0.1, 200), st.floats(0.1, 60)
KEY = stream_key(1, 0, "load", "south", "")


def test_a_constant_rate_by_hand() -> None:
    assert constant(4, 1.0).tolist() == [0.0, 0.25, 0.5, 0.75]
    assert len(constant(0.1, 30)) == 3


def test_a_ramp_by_hand() -> None:
    assert ramp(0, 8, 1.0).tolist() == [0.0, 0.5, pytest.approx(0.5 * 2**0.5), pytest.approx(0.5 * 3**0.5)]
    assert ramp(4, 4, 1.0).tolist() == constant(4, 1.0).tolist()
    assert ramp(8, 0, 1.0) == pytest.approx([0.0, 1 - 0.75**0.5, 1 - 0.5**0.5, 0.5])


@given(st.floats(0, 200), RATES, LENGTHS)
def test_a_ramp_has_the_expected_number_at_each_of_its_times(low: float, high: float, seconds: float) -> None:
    for first, last in ((low, high), (high, low)):
        due = ramp(first, last, seconds)
        assert np.all(np.diff(due) >= 0)
        assert np.all((due >= 0) & (due < seconds * (1 + 1e-9)))
        expected = first * due + (last - first) / seconds * due**2 / 2
        assert expected == pytest.approx(np.arange(len(due)), abs=1e-6 * max(len(due), 1))


@given(RATES, LENGTHS)
def test_poisson_arrivals_lie_inside_and_stretch_with_the_rate(rate: float, seconds: float) -> None:
    due = poisson(rate, seconds, KEY)
    assert np.all(np.diff(due) > 0)
    assert np.all((due > 0) & (due < seconds))
    assert poisson(2 * rate, seconds / 2, KEY) == pytest.approx(due / 2)
    longer = poisson(rate, seconds * 1.5, KEY)
    assert longer[: len(due)].tolist() == due.tolist()


def test_poisson_gaps_are_exponential_and_counts_vary_as_much_as_their_mean() -> None:
    due = poisson(50, 400, stream_key(3, 0, "load", "", ""))
    assert stats.kstest(np.diff(due), "expon", args=(0, 1 / 50)).pvalue > 1e-3
    counts = np.histogram(due, bins=400, range=(0, 400))[0]
    assert 0.8 < counts.var() / counts.mean() < 1.25
    assert poisson(50, 1, stream_key(4, 0, "load", "", ""))[0] != due[0]


@pytest.mark.parametrize(("rate", "seconds"), [(0, 1), (-1, 1), (nan, 1), (inf, 1), (1, 0), (1, nan), (1e9, 1e9)])
def test_a_rate_or_length_that_is_none(rate: float, seconds: float) -> None:
    for make in (constant, lambda r, s: poisson(r, s, KEY), lambda r, s: ramp(r, r, s)):
        with pytest.raises(ValueError, match=r"operations|length"):
            make(rate, seconds)
