"""Compiled loops that add exams and jobs to tables of counts."""

import numpy as np
from numba import njit

from sim.engines.kernels.histogram import bucket_of


@njit(cache=True)
def add_exams(values, kind, cell, day, buckets, counts, sums, daily):
    """Tally measures.

    values float64[measure, n] seconds, NaN: none; kind i8[n] row of `buckets` i4[kind, measure, bucket];
    cell i8[n] row of `counts` i8[cell, measure] and `sums` float64[cell, measure]; day i8[n] of `daily`
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
            sums[cell[i], m] += x


@njit(cache=True)
def add_rows(key, columns, out):
    """out[key[i], c] += columns[c, i]."""
    for c in range(columns.shape[0]):
        for i in range(columns.shape[1]):
            out[key[i], c] += columns[c, i]


@njit(cache=True)
def add_load(entity, ready, start, end, work, zero_s, slot, arrivals, busy, bytes_):
    """Tally a station's hourly use: float64[entity, slot] arrivals, server seconds and bytes.

    zero_s is the time of hour 0; a job's seconds fall into the hours in which they were worked.
    """
    hours = len(slot)
    for i in range(len(entity)):
        h = int(np.floor((ready[i] - zero_s) / 3600))
        if 0 <= h < hours:
            arrivals[entity[i], slot[h]] += 1
            bytes_[entity[i], slot[h]] += work[i]
        a, b = max(start[i] - zero_s, 0.0), end[i] - zero_s
        h = int(a // 3600)
        while a < b and h < hours:
            stop = min(b, 3600.0 * (h + 1))
            busy[entity[i], slot[h]] += stop - a
            a, h = stop, h + 1
