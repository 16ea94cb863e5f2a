"""k servers, emergencies before routine, non-pre-emptive, each class within its own opening hours.

When the first server is free at f, the oldest emergency could start at te = open_e(max(f, ready)), the oldest
routine job at tr = open_r(max(f, ready)); the earlier of the two starts, at a tie the emergency. A job that is
under way at closing time is finished. Recursion over the two-class queue of Cobham (1954) with calendars.
"""

import numpy as np
from numba import njit

from sim.engines.kernels.heap import replace_first

WEEK_S = 604_800.0


@njit(cache=True)
def next_open(t, spans, offset_s):
    """First time at or after t inside a weekly span; spans float64[m, 2] in seconds of the week."""
    week = np.floor((t + offset_s) / WEEK_S) * WEEK_S
    now = t + offset_s - week
    for k in range(len(spans)):
        if now < spans[k, 1]:
            return t if now >= spans[k, 0] else week + spans[k, 0] - offset_s
    return week + WEEK_S + spans[0, 0] - offset_s


@njit(cache=True)
def priority_pool(rows, ready, service, priority, free, emergency, routine, offset_s, horizon, start, end):
    """Serve `rows` (indices in order of readiness) at one pool; jobs that would start at or after the horizon stay NaN.

    A start before the horizon cannot be changed by a job that is ready at or after it.
    """
    n = len(rows)
    heads = np.zeros(2, np.int64)  # next row of each class
    while True:
        for c in range(2):
            while heads[c] < n and (priority[rows[heads[c]]] != c):
                heads[c] += 1
        te = tr = np.inf
        if heads[0] < n:
            te = next_open(max(free[0], ready[rows[heads[0]]]), emergency, offset_s)
        if heads[1] < n:
            tr = next_open(max(free[0], ready[rows[heads[1]]]), routine, offset_s)
        c, begin = (0, te) if te <= tr else (1, tr)
        if begin >= horizon or begin == np.inf:
            return
        i = rows[heads[c]]
        start[i], end[i] = begin, begin + service[i]
        replace_first(free, end[i])
        heads[c] += 1


@njit(cache=True)
def grouped_pools(order, offsets, ready, service, priority, free, free_offsets, emergency, routine, spans, which,
                  offset_s, horizon, start, end):  # fmt: skip
    """`priority_pool` at each pool g with calendar c = which[g]: spans[c] rows of `emergency` and `routine`."""
    for g in range(len(offsets) - 1):
        if offsets[g] < offsets[g + 1]:
            c = which[g]
            priority_pool(
                order[offsets[g] : offsets[g + 1]], ready, service, priority,
                free[free_offsets[g] : free_offsets[g + 1]], emergency[c, : spans[c, 0]], routine[c, : spans[c, 1]],
                offset_s, horizon, start, end,
            )  # fmt: skip
