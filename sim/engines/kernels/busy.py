"""Hourly use of stations, and what theory asks of them.

All are whole numbers (time in microseconds), so sums are exact and the same in any order: neither windows nor the order
in which exams are finished can be read off a result.
"""

import numpy as np
from numba import njit

HOUR_US = 3_600_000_000
_ONE, _HOUR = np.uint64(1), np.uint64(HOUR_US)
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
    for row in _there(rows, end):
        i = np.uint64(row)  # an index that cannot be negative is not looked at twice
        g, came = np.uint64(entity[i]), _us(ready[i]) - zero
        begun, ended = _us(start[i]) - zero, _us(end[i]) - zero
        service = _us(work[i] / rate[g]) if link else ended - begun
        if 0 <= came < whole:
            h = np.uint64(slot[np.uint64(came) // _HOUR])
            use[CAME, g, h] += 1
            use[BYTES, g, h] += np.int64(np.rint(work[i]))
            sums[g, JOBS] += 1
            sums[g, WAIT] += ended - came - service
            sums[g, SERVICE] += service
            sums[g, SERVICE_SQUARED] += (service // 1000) ** 2
            if link:
                use[BUSY, g, h] += service
        left = ended if link else begun
        sums[g, QUEUE] += max(0, min(left, whole) - max(came, 0))
        if lasts and left > came:
            turns[g, _hour(came, hours)] += 1
            turns[g, _hour(left, hours)] -= 1
        if not link:
            _spread(max(begun, 0), min(ended, whole), slot, use, g)


@njit(cache=True)
def _there(rows, end):
    """The rows that have an end, i8[m]: found without a branch, which could not be foretold."""
    out, n = np.empty(len(rows), np.int64), 0
    for row in rows:
        out[n] = row
        n += not np.isnan(end[np.uint64(row)])
    return out[:n]


@njit(cache=True, inline="always")
def _spread(a, b, slot, use, g):
    """Put the time from a to b into the hours in which it lies; two of them at once, for most jobs end in one of these.

    The second may get nothing: that costs less than asking.
    """
    if a >= b:
        return
    h = np.uint64(a) // _HOUR
    stop = np.int64((h + _ONE) * _HOUR)
    first, after = min(b, stop), min(h + _ONE, np.uint64(len(slot) - 1))
    use[BUSY, g, np.uint64(slot[h])] += first - a
    use[BUSY, g, np.uint64(slot[after])] += min(b, stop + HOUR_US) - first
    a = stop + HOUR_US
    while a < b:
        stop = min(b, a + HOUR_US)
        use[BUSY, g, slot[a // HOUR_US]] += stop - a
        a = stop
