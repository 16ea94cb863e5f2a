"""Hourly use of stations: jobs that came, server time worked, bytes asked for.

All are whole numbers (time in microseconds), so sums are exact and the same in any order: neither windows nor the order
in which exams are finished can be read off a result.
"""

import numpy as np
from numba import njit

HOUR_US = 3_600_000_000


@njit(cache=True, error_model="numpy")
def _us(t):
    return np.int64(np.rint(t * 1e6))


@njit(cache=True, error_model="numpy")
def add_use(entity, ready, start, end, work, zero_s, slot, use):
    """Add jobs to `use` i8[3, entity, slot]: arrivals, busy microseconds, bytes.

    entity int[n]; ready, start, end f8[n] seconds; work f8[n] bytes; zero_s the time of hour 0; slot i8[hours]: where
    each hour is counted. A job counts as an arrival, with its bytes, in the hour in which it was ready, and its time
    in the hours in which it was worked; what lies outside the hours is left out. A job with NaN for its end is none.
    """
    hours, zero = len(slot), _us(zero_s)
    for i in range(len(entity)):
        if np.isnan(end[i]):
            continue
        g, came = entity[i], _us(ready[i]) - zero
        if 0 <= came < hours * HOUR_US:
            use[0, g, slot[came // HOUR_US]] += 1
            use[2, g, slot[came // HOUR_US]] += np.int64(np.rint(work[i]))
        a, b = max(_us(start[i]) - zero, 0), min(_us(end[i]) - zero, hours * HOUR_US)
        while a < b:
            h = a // HOUR_US
            stop = min(b, (h + 1) * HOUR_US)
            use[1, g, slot[h]] += stop - a
            a = stop
