"""A binary heap of (key, order) pairs in two arrays: what `heapq` does, where numba can see it."""

from numba import njit


@njit(cache=True)
def less(keys, orders, a, b):
    """Is entry a before entry b: smaller key, then smaller order."""
    return keys[a] < keys[b] or (keys[a] == keys[b] and orders[a] < orders[b])


@njit(cache=True)
def _swap(keys, orders, rows, a, b):
    keys[a], keys[b] = keys[b], keys[a]
    orders[a], orders[b] = orders[b], orders[a]
    rows[a], rows[b] = rows[b], rows[a]


@njit(cache=True)
def push(keys, orders, rows, size, key, order, row):
    """Add an entry; returns the new size."""
    keys[size], orders[size], rows[size] = key, order, row
    child = size
    while child > 0:
        parent = (child - 1) >> 1
        if not less(keys, orders, child, parent):
            break
        _swap(keys, orders, rows, child, parent)
        child = parent
    return size + 1


@njit(cache=True)
def pop(keys, orders, rows, size):
    """Take the first entry out (read it at index 0 before); returns the new size."""
    size -= 1
    _swap(keys, orders, rows, 0, size)
    parent = 0
    while True:
        child = 2 * parent + 1
        if child >= size:
            return size
        if child + 1 < size and less(keys, orders, child + 1, child):
            child += 1
        if not less(keys, orders, child, parent):
            return size
        _swap(keys, orders, rows, parent, child)
        parent = child


@njit(cache=True)
def replace_first(free, value):
    """Replace the smallest of a heap of numbers by `value`, which is not smaller."""
    n, parent = len(free), 0
    while True:
        child = 2 * parent + 1
        if child >= n:
            break
        if child + 1 < n and free[child + 1] < free[child]:
            child += 1
        if free[child] >= value:
            break
        free[parent] = free[child]
        parent = child
    free[parent] = value
