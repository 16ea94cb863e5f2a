"""Compiled loops that add exams to tables of counts."""

import numpy as np
from numba import njit

from sim.engines.kernels.histogram import bucket_of

MICRO = 1e6  # microseconds in a second


@njit(cache=True)
def add_exams(values, kind, cell, day, buckets, counts, sums, daily):
    """Tally measures.

    values float64[measure, n] seconds, NaN: none; kind i8[n] row of `buckets` i4[kind, measure, bucket];
    cell i8[n] row of `counts` i8[cell, measure] and `sums` i8[cell, measure] microseconds; day i8[n] of `daily`
    i4[day, measure, bucket].
    """
    measures, n = values.shape
    for m in range(measures):
        for i in range(n):
            x = values[m, i]
            if np.isnan(x):
                continue
            b = bucket_of(x)
            buckets[kind[i], m, b] += 1
            daily[day[i], m, b] += 1
            counts[cell[i], m] += 1
            sums[cell[i], m] += np.int64(np.rint(x * MICRO))


@njit(cache=True)
def add_rows(key, columns, out):
    """out[key[i], c] += columns[c, i]."""
    for c in range(columns.shape[0]):
        for i in range(columns.shape[1]):
            out[key[i], c] += columns[c, i]
