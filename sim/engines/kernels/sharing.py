"""Egalitarian processor sharing in virtual time.

Virtual time V grows at rate / n while n transfers are under way; a transfer of w bytes that enters at V ends when
virtual time reaches its tag V + w (Parekh and Gallager 1993, for equal weights). V goes back to 0 whenever the link
is idle, so that runs that differ in their past become identical (tiny differences would live on for ever).
"""

import numpy as np
from numba import njit

from sim.engines.kernels.heap import pop, push


@njit(cache=True)
def sharing(rows, ready, work, order_of, tag, state, rate, horizon, end):
    """Transfers on one link.

    rows: indices of transfers that are not ended and ready before the horizon, in order of readiness; those with a
    tag (entered in an earlier window) first. tag float64[n]: NaN until entered, kept for the next window.
    state float64[2]: virtual time and the real time of its last change. Ends before the horizon are written.
    """
    n = len(rows)
    keys, orders, at = np.empty(n), np.empty(n, np.int64), np.empty(n, np.int64)
    size, k, virtual, last = 0, 0, state[0], state[1]
    while k < n and not np.isnan(tag[rows[k]]):
        size = push(keys, orders, at, size, tag[rows[k]], order_of[rows[k]], rows[k])
        k += 1
    while k < n or size > 0:
        arrives = ready[rows[k]] if k < n else np.inf
        ends = last + max(0.0, keys[0] - virtual) * size / rate if size else np.inf
        if min(arrives, ends) >= horizon:
            break
        if ends <= arrives:
            virtual, last = keys[0], ends
            end[at[0]] = ends
            size = pop(keys, orders, at, size)
            continue
        virtual = virtual + (arrives - last) * rate / size if size else 0.0
        last = arrives
        i = rows[k]
        tag[i] = virtual + work[i]
        size = push(keys, orders, at, size, tag[i], order_of[i], i)
        k += 1
    state[0], state[1] = virtual, last


@njit(cache=True)
def grouped_sharing(order, offsets, ready, work, order_of, tag, states, rates, horizon, end):
    """`sharing` on each link g."""
    for g in range(len(offsets) - 1):
        if offsets[g] < offsets[g + 1]:
            sharing(order[offsets[g] : offsets[g + 1]], ready, work, order_of, tag, states[g], rates[g], horizon, end)
