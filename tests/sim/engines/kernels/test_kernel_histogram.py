"""Buckets: exact by their edges, fine enough, wide enough."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.answers.buckets import FIRST_S, GROWTH, N_BUCKETS, bucket_edges, bucket_middles, quantiles
from sim.engines.kernels.histogram import bucket_of

EDGES = bucket_edges()


def expected(x: float) -> int:
    return max(0, int(np.searchsorted(EDGES, x, side="right")) - 1)


@given(st.one_of(st.floats(0, 1e9), st.floats(1e-300, 1e300), st.floats(0.09, 10)))
def test_as_a_search_in_the_edges(x: float) -> None:
    assert bucket_of(x) == expected(x)


def test_at_and_beside_every_edge() -> None:
    for edge in EDGES[1:]:
        for x in (np.nextafter(edge, 0), edge, np.nextafter(edge, np.inf)):
            assert bucket_of(x) == expected(x)


@pytest.mark.parametrize(("x", "bucket"), [
    (0.0, 0), (-5.0, 0), (-np.inf, 0), (np.nan, 0), (5e-324, 0), (FIRST_S, 1),
    (np.inf, N_BUCKETS - 1), (1e300, N_BUCKETS - 1),
])  # fmt: skip
def test_the_ends(x: float, bucket: int) -> None:
    assert bucket_of(x) == bucket


def test_edges_are_one_per_cent_apart_and_reach_over_a_year() -> None:
    assert np.allclose(EDGES[2:] / EDGES[1:-1], GROWTH, rtol=1e-12)
    assert np.allclose(EDGES[1:], FIRST_S * GROWTH ** np.arange(N_BUCKETS - 1), rtol=1e-11)
    assert EDGES[-1] > 366 * 86_400


def test_a_quantile_is_within_half_a_per_cent_of_the_exact_one() -> None:
    x = np.sort(np.random.default_rng(1).lognormal(7, 2, 200_000))
    counts = np.bincount([bucket_of(v) for v in x], minlength=N_BUCKETS)
    for q in (0.5, 0.95, 0.99, 0.999):
        exact = x[int(np.ceil(q * len(x))) - 1]
        assert quantiles(counts[None], [q])[0, 0] == pytest.approx(exact, rel=0.005)


def test_middles_lie_in_their_buckets() -> None:
    assert [bucket_of(m) for m in bucket_middles()] == list(range(N_BUCKETS))
