"""Rows of each station in order of readiness.

A counting sort by station, then each station's rows by time. Rows that come in order are left alone, rows nearly in
order are put right by straight insertion. Others first go through a bucket sort with as many cells of equal length of
time as rows, so that a cell holds about one row (Dobosiewicz 1978), and then through insertion; where the cells
come out crowded, a heap sort takes over, so that no input costs more than n log n.
"""

import numpy as np
from numba import njit

from sim.engines.kernels.heap import pop, push

NEARLY = 8  # a station's rows are nearly in order where fewer than one in so many comes too early
CROWDED = 16  # steps of insertion per row after which a heap sort takes over


@njit(cache=True, error_model="numpy")
def by_station(entity, ready, exam, wanted, stations):
    """Order the wanted rows by (entity, ready, exam).

    entity int[n] from 0 to stations - 1; ready f8[n] seconds, finite where wanted; exam i8[n]; wanted bool[n].
    Returns order i8[m], the wanted row numbers, and offsets i8[stations + 1]: station g's rows are
    order[offsets[g]:offsets[g+1]]. Raises ValueError for a wanted row without a station or without a finite time.
    """
    order, keys, offsets = _by_entity(entity, ready, wanted, stations)
    most = 0
    for g in range(stations):
        most = max(most, offsets[g + 1] - offsets[g])
    spare = np.empty(most, np.int64), np.empty(most), np.empty(most, np.int32), np.empty(most + 1, np.int32)
    for g in range(stations):
        a, b = offsets[g], offsets[g + 1]
        _by_time(order[a:b], keys[a:b], exam, spare)
    return order, offsets


@njit(cache=True, error_model="numpy")
def _by_entity(entity, ready, wanted, stations):
    """Wanted rows and their times by station, each station's as they came."""
    offsets = np.zeros(stations + 1, np.int64)
    for i in range(len(entity)):
        if wanted[i]:
            if not (0 <= entity[i] < stations and -np.inf < ready[i] < np.inf):
                raise ValueError("a wanted row has no station of this bank, or no finite time")
            offsets[entity[i] + 1] += 1
    for g in range(stations):
        offsets[g + 1] += offsets[g]
    order, keys, fill = np.empty(offsets[-1], np.int64), np.empty(offsets[-1]), offsets[:-1].copy()
    for i in range(len(entity)):
        if wanted[i]:
            at = fill[entity[i]]
            fill[entity[i]] = at + 1
            order[at], keys[at] = i, ready[i]
    return order, keys, offsets


@njit(cache=True, error_model="numpy")
def _by_time(rows, keys, exam, spare):
    """Sort one station's rows by (key, exam)."""
    early = 0
    for k in range(1, len(rows)):
        early += keys[k - 1] >= keys[k]
    if early == 0:
        return
    if early * NEARLY <= len(rows) and _insert(rows, keys, exam):
        return
    _to_cells(rows, keys, spare)
    if not _insert(rows, keys, exam):
        _heap_sort(rows, keys, exam, spare)


@njit(cache=True, error_model="numpy")
def _to_cells(rows, keys, spare):
    """Move rows to their cells of time, within a cell as they came. Plain loops: array expressions compile slowly."""
    rows_to, keys_to, cells, fill = spare
    m, low, high = len(rows), keys[0], keys[0]
    for k in range(m):
        low, high, fill[k + 1] = min(low, keys[k]), max(high, keys[k]), 0
    per_s = (m - 1) / (high - low) if high > low else 0.0
    for k in range(m):
        cells[k] = min(m - 1, int((keys[k] - low) * per_s))  # rounding may reach one too far
        fill[cells[k] + 1] += 1
    fill[0] = 0
    for c in range(m):
        fill[c + 1] += fill[c]
    for k in range(m):
        at = fill[cells[k]]
        fill[cells[k]] = at + 1
        rows_to[at], keys_to[at] = rows[k], keys[k]
    for k in range(m):
        rows[k], keys[k] = rows_to[k], keys_to[k]


@njit(cache=True, error_model="numpy")
def _insert(rows, keys, exam):
    """Straight insertion by (key, exam); False, with the rows permuted somehow, where it would take too long."""
    left = CROWDED * len(rows)
    for k in range(1, len(rows)):
        key, row = keys[k], rows[k]
        j = k
        while j > 0 and (keys[j - 1] > key or (keys[j - 1] == key and exam[rows[j - 1]] > exam[row])):
            keys[j], rows[j] = keys[j - 1], rows[j - 1]
            j -= 1
        keys[j], rows[j] = key, row
        left -= k - j
        if left < 0:
            return False
    return True


@njit(cache=True, error_model="numpy")
def _heap_sort(rows, keys, exam, spare):
    """Into a heap and out again: slower on most inputs, slow on none."""
    rows_to, keys_to, _, _ = spare
    size = 0
    for k in range(len(rows)):
        size = push(keys_to, rows_to, size, keys[k], rows[k], exam)
    for k in range(len(rows)):
        rows[k], keys[k] = rows_to[0], keys_to[0]
        size = pop(keys_to, rows_to, size, exam)
