"""Logarithmic buckets, 1 % wide: percentiles of any number of exams within 0.5 %, and tallies that add up."""

from collections.abc import Sequence

import numpy as np
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


def quantiles(counts: NDArray[np.integer], q: Sequence[float]) -> NDArray[np.float64]:
    """Quantiles of tallies int[group, bucket] as float64[group, quantile] in seconds; NaN for an empty group.

    The q-quantile is the value at rank ceil(q n): the inverse of the empirical distribution. Within its bucket the
    ranks are spread evenly on the logarithmic scale, so that intervals are not as coarse as the buckets.
    """
    upto, edges = np.cumsum(counts, axis=1), bucket_edges()
    out = np.full((len(counts), len(q)), np.nan)
    for g, row in enumerate(upto):
        if row[-1]:
            ranks = np.maximum(1, np.ceil(np.array(q) * row[-1] - 1e-9))
            bucket = np.searchsorted(row, ranks)
            inside = (ranks - (row[bucket] - counts[g, bucket]) - 0.5) / counts[g, bucket]
            out[g] = np.where(bucket == 0, FIRST_S / 2, edges[bucket] * np.power(GROWTH, inside))
    return out
