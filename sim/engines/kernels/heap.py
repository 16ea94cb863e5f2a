"""Binary heaps in arrays that numba can see (Williams 1964); the moving entry is held back until its place is found."""

from numba import njit


@njit(cache=True)
def replace_first(free, value):
    """Replace the smallest of `free` f8[k], a heap, by `value`."""
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


@njit(cache=True)
def _before(key, row, other_key, other_row, order_of):
    return key < other_key or (key == other_key and order_of[row] < order_of[other_row])


@njit(cache=True)
def push(keys, rows, size, key, row, order_of):
    """Add an entry to a heap of (key, order_of[row]); returns the new size."""
    child = size
    while child > 0:
        parent = (child - 1) >> 1
        if not _before(key, row, keys[parent], rows[parent], order_of):
            break
        keys[child], rows[child] = keys[parent], rows[parent]
        child = parent
    keys[child], rows[child] = key, row
    return size + 1


@njit(cache=True)
def pop(keys, rows, size, order_of):
    """Take the first entry out (read it at index 0 before); returns the new size."""
    size -= 1
    key, row, parent = keys[size], rows[size], 0
    while True:
        child = 2 * parent + 1
        if child >= size:
            break
        right = child + 1
        if right < size and _before(keys[right], rows[right], keys[child], rows[child], order_of):
            child = right
        if not _before(keys[child], rows[child], key, row, order_of):
            break
        keys[parent], rows[parent] = keys[child], rows[child]
        parent = child
    keys[parent], rows[parent] = key, row
    return size
