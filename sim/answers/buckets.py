"""Logarithmic buckets, 1 % wide: percentiles of any number of exams within 0.5 %, and tallies that add up."""

from collections.abc import Sequence

import numpy as np
from numba import njit
from numpy.typing import NDArray

FIRST_S = 0.1  # everything faster is bucket 0
GROWTH = 1.01
N_BUCKETS = 2000  # up to FIRST_S * GROWTH**1999, over a year


def bucket_edges() -> NDArray[np.float64]:
    """Lower edge of each bucket in seconds, float64[N_BUCKETS]; bucket i holds edge[i] <= x < edge[i + 1].

    By repeated multiplication, not by powers: products are rounded alike on every machine, powers are not.
    """
    edges = np.full(N_BUCKETS, GROWTH)
    edges[:2] = 0.0, FIRST_S
    edges[1:] = np.cumprod(edges[1:])
    return edges


def bucket_middles() -> NDArray[np.float64]:
    """Geometric middle of each bucket in seconds; bucket 0 counts as half its edge."""
    middles: NDArray[np.float64] = bucket_edges() * np.sqrt(GROWTH)
    middles[0] = FIRST_S / 2
    return middles


@njit(cache=True)
def _places(counts, q, bucket, inside):
    """Fill bucket i8[group, quantile], -1 for an empty group, and inside f8: how far into it the rank lies."""
    for g in range(counts.shape[0]):
        total = 0
        for b in range(counts.shape[1]):
            total += counts[g, b]
        for k in range(len(q)):
            bucket[g, k] = -1
            rank, upto = max(1.0, np.ceil(q[k] * total - 1e-9)), 0
            for b in range(counts.shape[1] if total else 0):
                upto += counts[g, b]
                if upto >= rank:
                    bucket[g, k], inside[g, k] = b, (rank - (upto - counts[g, b]) - 0.5) / counts[g, b]
                    break


def quantiles(counts: NDArray[np.integer], q: Sequence[float]) -> NDArray[np.float64]:
    """Quantiles of tallies int[group, bucket] as float64[group, quantile] in seconds; NaN for an empty group.

    The q-quantile is the value at rank ceil(q n): the inverse of the empirical distribution. Within its bucket the
    ranks are spread evenly on the logarithmic scale, so that intervals are not as coarse as the buckets.
    """
    edges = bucket_edges()
    bucket, inside = np.empty((len(counts), len(q)), np.int64), np.zeros((len(counts), len(q)))
    _places(np.asarray(counts), np.array(q, dtype=np.float64), bucket, inside)
    found = np.where(bucket == 0, FIRST_S / 2, edges[bucket] * np.power(GROWTH, inside))
    out: NDArray[np.float64] = np.where(bucket < 0, np.nan, found)
    return out
