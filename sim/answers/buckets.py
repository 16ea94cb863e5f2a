"""Logarithmic buckets, 1 % wide: percentiles of any number of exams within 0.5 %, and tallies that add up."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FIRST_S = 0.1  # everything faster is bucket 0
GROWTH = 1.01
N_BUCKETS = 2000  # up to FIRST_S * GROWTH**1999, over a year
TOGETHER = 256  # groups whose running sums are in memory at once


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


def _some(counts: NDArray[np.integer], q: NDArray[np.float64]) -> NDArray[np.float64]:
    """`quantiles` of a few groups: the bucket in which each rank lies, and how far into it."""
    upto, groups = np.cumsum(counts, axis=1, dtype=np.int64), np.arange(len(counts))
    out = np.full((len(counts), len(q)), np.nan)
    there = upto[:, -1] > 0
    for k, share in enumerate(q):
        rank = np.maximum(1.0, np.ceil(share * upto[:, -1] - 1e-9))
        bucket = np.minimum((upto < rank[:, None]).sum(axis=1), counts.shape[1] - 1)
        here = np.maximum(counts[groups, bucket], 1)
        inside = (rank - (upto[groups, bucket] - here) - 0.5) / here
        found = np.where(bucket == 0, FIRST_S / 2, bucket_edges()[bucket] * np.power(GROWTH, inside))
        out[there, k] = found[there]
    return out


def quantiles(counts: NDArray[np.integer], q: Sequence[float]) -> NDArray[np.float64]:
    """Quantiles of tallies int[group, bucket] as float64[group, quantile] in seconds; NaN for an empty group.

    The q-quantile is the value at rank ceil(q n): the inverse of the empirical distribution. Within its bucket the
    ranks are spread evenly on the logarithmic scale, so that intervals are not as coarse as the buckets.
    """
    parts = [_some(counts[a : a + TOGETHER], np.asarray(q)) for a in range(0, len(counts), TOGETHER)]
    return np.concatenate(parts) if parts else np.empty((0, len(q)))
