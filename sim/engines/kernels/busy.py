"""Hourly use of stations, and what theory asks of them.

All are whole numbers (time in microseconds), so sums are exact and the same in any order: neither windows nor the order
in which exams are finished can be read off a result.
"""

import numpy as np
from numba import njit

HOUR_US = 3_600_000_000
CAME, BUSY, BYTES = range(3)  # rows of `use`: jobs, server time, bytes
JOBS, WAIT, QUEUE, SERVICE, SERVICE_SQUARED = range(5)  # columns of `sums`: the square in square milliseconds


@njit(cache=True, error_model="numpy", inline="always")
def _us(t):
    return np.int64(np.rint(t * 1e6))


@njit(cache=True)
def _hour(t, hours):
    """The first hour that begins at or after t microseconds, at most the one after the last."""
    return min(hours, max(0, -(-t // HOUR_US)))


@njit(cache=True, error_model="numpy")
def add_use(rows, entity, ready, start, end, work, rate, zero_s, slot, use, sums, turns):
    """Add the jobs `rows`, i8[m], to `use` i8[3, entity, slot], `sums` i8[entity, 5] and `turns` i8[entity, hour + 1].

    entity int[n]; ready, start, end f8[n] seconds; work f8[n] bytes; rate f8[entity] bytes a second of links, none
    (0 long) for servers; zero_s the time of hour 0; slot i8[hours]: where each hour is counted. A job counts as an
    arrival, with its bytes, in the hour in which it was ready, and its time in the hours in which it was worked; what
    lies outside the hours is left out. On a link a transfer's service is its bytes at the full rate, put into the
    hour of its arrival, and what sharing adds is its wait. QUEUE is the time waited within all hours, whoever came
    when. The sum of turns[g, :h + 1] is how many wait (on a link: are under way) at the beginning of hour h; turns of
    no columns are not kept. A job with NaN for its end is none.
    """
    hours, zero, link, lasts = len(slot), _us(zero_s), len(rate) > 0, turns.shape[1] > 0
    whole = hours * HOUR_US
    for row in rows:
        i = np.uint64(row)  # an index that cannot be negative is not looked at twice
        if np.isnan(end[i]):
            continue
        g, came = np.uint64(entity[i]), _us(ready[i]) - zero
        begun, ended = _us(start[i]) - zero, _us(end[i]) - zero
        service = _us(work[i] / rate[g]) if link else ended - begun
        if 0 <= came < whole:
            h = np.uint64(slot[came // HOUR_US])
            use[CAME, g, h] += 1
            use[BYTES, g, h] += np.int64(np.rint(work[i]))
            sums[g, JOBS] += 1
            sums[g, WAIT] += ended - came - service
            sums[g, SERVICE] += service
            sums[g, SERVICE_SQUARED] += (service // 1000) ** 2
            if link:
                use[BUSY, g, h] += service
        left = ended if link else begun
        if left > came:
            sums[g, QUEUE] += max(0, min(left, whole) - max(came, 0))
            if lasts:
                turns[g, _hour(came, hours)] += 1
                turns[g, _hour(left, hours)] -= 1
        a, b = max(begun, 0), min(ended, whole)
        while a < b and not link:
            h = a // HOUR_US
            stop = min(b, (h + 1) * HOUR_US)
            use[BUSY, g, slot[h]] += stop - a
            a = stop
