"""k servers, emergencies before routine, non-pre-emptive, each class within its own opening hours.

With f the time at which the first server is free, the oldest emergency could start at
te = next_open(max(f, ready)) by its calendar, the oldest routine job at tr by its own: the earlier of the two starts,
at a tie the emergency. A job under way at closing time is finished. It is the queue of Cobham (1954) with two classes
and calendars, its servers kept as in Kiefer and Wolfowitz (1955); within a class it is first come first served.
"""

import numpy as np
from numba import njit

from sim.engines.kernels.calendar import opening
from sim.engines.kernels.fifo import block
from sim.engines.kernels.heap import replace_first


@njit(cache=True)
def _by_class(rows, priority, emergencies, others):
    """Fill the rows of each class, i8[m or more], in their order; returns how many are emergencies.

    Each row is written to both, and stays in one: whose turn is next could not be foretold.
    """
    n = 0
    for k in range(len(rows)):
        emergencies[n], others[k - n] = rows[k], rows[k]
        n += priority[rows[k]] == 0
    return n


@njit(cache=True)
def _ready(rows, ready, k):
    """When the row at place k is ready; never where there is none."""
    return ready[rows[k]] if k < len(rows) else np.inf


@njit(cache=True)
def priority_pool(urgent, others, ready, service, free, emergency, routine, offset_s, horizon, start, end, begins,
                  untils, taken, upto):  # fmt: skip
    """Serve emergencies and others, i8[m] indices in order of readiness, at one pool, as far as it is decided.

    ready, service f8[n] seconds, ready before the horizon; free f8[k], k >= 1, a heap,
    changed; emergency, routine, offset_s: see `calendar`; start, end f8[n] are written at the rows that start before
    the horizon. Such a start cannot be changed by a job that is ready at or after it. Blocks as in `fifo`. Returns how
    many rows are undecided (they come again with the next window, before its rows) and how many blocks are taken.
    """
    e = r = 0
    ready_e, ready_r = _ready(urgent, ready, e), _ready(others, ready, r)
    open_e = close_e = open_r = close_r = -np.inf  # each class is known to be open from ... until
    while e < len(urgent) or r < len(others):
        te, tr = max(free[0], ready_e), max(free[0], ready_r)
        if not open_e <= te < close_e:
            te, close_e = opening(te, emergency, offset_s)
            open_e = te
        if not open_r <= tr < close_r:
            tr, close_r = opening(tr, routine, offset_s)
            open_r = tr
        begin = te if te <= tr else tr
        if taken < upto and begins[taken] <= begin and begins[taken] < horizon:
            block(free, begins[taken], untils[taken])
            taken += 1
            continue
        if begin >= horizon or begin == np.inf:
            return len(urgent) - e + len(others) - r, taken
        i = urgent[e] if te <= tr else others[r]
        start[i], end[i] = begin, begin + service[i]
        replace_first(free, end[i])
        if te <= tr:
            e += 1
            ready_e = _ready(urgent, ready, e)
        else:
            r += 1
            ready_r = _ready(others, ready, r)
    return 0, taken


@njit(cache=True)
def grouped_pools(order, offsets, ready, service, priority, free, free_offsets, emergency, routine, spans, which,
                  offset_s, horizon, start, end, begins, untils, blocks, taken):  # fmt: skip
    """`priority_pool` at each pool g, as `sort.by_station` grouped the jobs; returns how many rows are undecided.

    Rows of g are order[offsets[g]:offsets[g+1]], its servers free[free_offsets[g]:free_offsets[g+1]], its calendar
    c = which[g]: the first spans[c, 0] rows of emergency[c] f8[m, 2] and spans[c, 1] of routine[c]; blocks as in
    `grouped_fifo`.
    Raises ValueError for jobs at a pool without servers.
    """
    undecided, most = 0, 0
    for g in range(len(offsets) - 1):
        most = max(most, offsets[g + 1] - offsets[g])
    urgent, others = np.empty(most + 1, np.int64), np.empty(most + 1, np.int64)
    for g in range(len(offsets) - 1):
        rows, servers = order[offsets[g] : offsets[g + 1]], free[free_offsets[g] : free_offsets[g + 1]]
        if len(rows) and not len(servers):
            raise ValueError("jobs at a station without servers")
        if len(rows):
            c, n = which[g], _by_class(rows, priority, urgent, others)
            left, taken[g] = priority_pool(
                urgent[:n], others[: len(rows) - n], ready, service, servers, emergency[c, : spans[c, 0]],
                routine[c, : spans[c, 1]], offset_s, horizon, start, end, begins, untils, taken[g], blocks[g + 1],
            )  # fmt: skip
            undecided += left
    return undecided
