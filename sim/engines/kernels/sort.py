"""Rows of each station in order of readiness."""

import numpy as np
from numba import njit


@njit(cache=True)
def by_station(entity, ready, exam, wanted, stations):
    """Order the wanted rows by (entity, ready, exam).

    Returns order i8[m] and offsets i8[stations + 1]. Counting sort by entity, then insertion sort within, which is
    quick because rows come nearly in order of time.
    """
    offsets = np.zeros(stations + 1, np.int64)
    for i in range(len(entity)):
        if wanted[i]:
            offsets[entity[i] + 1] += 1
    for g in range(stations):
        offsets[g + 1] += offsets[g]
    order, fill = np.empty(offsets[stations], np.int64), offsets[:-1].copy()
    for i in range(len(entity)):
        if wanted[i]:
            order[fill[entity[i]]] = i
            fill[entity[i]] += 1
    for g in range(stations):
        part = order[offsets[g] : offsets[g + 1]]
        if not _ascending(part, ready, exam):
            order[offsets[g] : offsets[g + 1]] = _sorted(part, ready, exam)
    return order, offsets


@njit(cache=True)
def _ascending(rows, ready, exam):
    for k in range(1, len(rows)):
        a, b = rows[k - 1], rows[k]
        if ready[a] > ready[b] or (ready[a] == ready[b] and exam[a] > exam[b]):
            return False
    return True


@njit(cache=True)
def _sorted(rows, ready, exam):
    """By time; equal times, which are rare, by exam."""
    out = rows[np.argsort(ready[rows], kind="mergesort")]
    for k in range(1, len(out)):
        j = k
        while j > 0 and ready[out[j - 1]] == ready[out[j]] and exam[out[j - 1]] > exam[out[j]]:
            out[j - 1], out[j] = out[j], out[j - 1]
            j -= 1
    return out
