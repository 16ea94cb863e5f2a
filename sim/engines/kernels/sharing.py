"""Egalitarian processor sharing in virtual time, on a link whose capacity may change.

Virtual time V grows at rate / n while n transfers are under way; a transfer of w bytes that enters at V ends when
virtual time reaches its tag V + w (Parekh and Gallager 1993, with equal weights; Kleinrock 1976, section 4.4). So one
heap of tags replaces the work left of every transfer. V goes back to 0 whenever the link is idle: else what a run did
long ago would live on in the last bits, and runs that differ in their past would never become identical.
"""

import numpy as np
from numba import njit

from sim.engines.kernels.heap import pop, push


@njit(cache=True)
def _piece(since, t):
    """The piece of capacity that holds at t; the first holds from the beginning."""
    return max(0, np.searchsorted(since, t, side="right") - 1) if len(since) > 1 else 0


@njit(cache=True)
def _entered(rows, tag, order_of, keys, at):
    """Fill the heap with the transfers of earlier windows, which come first in `rows`; returns how many there are."""
    size = 0
    while size < len(rows) and not np.isnan(tag[rows[size]]):
        size = push(keys, at, size, tag[rows[size]], rows[size], order_of)
    return size


@njit(cache=True, error_model="numpy")
def _first_end(last, left, size, rate):
    """When the first of `size` transfers ends, with `left` bytes to go; never at rate 0."""
    if left <= 0.0:
        return last
    return last + left * size / rate if rate > 0.0 else np.inf


@njit(cache=True, error_model="numpy")
def sharing(rows, ready, work, order_of, tag, state, since, rates, horizon, end):
    """Move the transfers `rows` on one link, as far as they end before the horizon.

    rows i8[m]: transfers ready before the horizon and not ended, those that entered in an earlier window first, in
    order of readiness; ready f8[n] seconds; work f8[n] bytes; order_of i8[n] says who leaves first at equal tags.
    tag f8[n]: NaN until entered, then kept by the caller for the next window. state f8[2]: virtual time and the time
    of its last change. Capacity is rates f8[p] bytes a second from since f8[p] on, ascending (0: an outage).
    end f8[n] is written for the transfers that end before the horizon; returns how many are still under way.
    """
    keys, at = np.empty(len(rows)), np.empty(len(rows), np.int64)
    virtual, last, p = state[0], state[1], _piece(since, state[1])
    size = _entered(rows, tag, order_of, keys, at)
    k = size
    while k < len(rows) or size > 0:
        arrives = ready[rows[k]] if k < len(rows) else np.inf
        ends = _first_end(last, keys[0] - virtual, size, rates[p]) if size else np.inf
        changes = since[p + 1] if size and p + 1 < len(since) else np.inf
        if min(arrives, ends, changes) >= horizon:
            break
        if ends <= min(arrives, changes):
            virtual, last = keys[0], ends
            end[at[0]] = ends
            size = pop(keys, at, size, order_of)
            continue
        now = min(arrives, changes)
        virtual, last = virtual + (now - last) * rates[p] / size if size else 0.0, now
        if changes <= arrives:
            p += 1
            continue
        if size == 0:
            p = _piece(since, now)
        tag[rows[k]] = virtual + work[rows[k]]
        size = push(keys, at, size, tag[rows[k]], rows[k], order_of)
        k += 1
    state[0], state[1] = virtual, last
    return size


@njit(cache=True)
def grouped_sharing(order, offsets, ready, work, order_of, tag, states, rates, horizon, end):
    """`sharing` on each link g at a constant rates[g], as `sort.by_station` grouped the transfers; states f8[g, 2]."""
    links = len(offsets) - 1
    always, pieces = np.full(links, -np.inf), np.arange(links + 1)
    return grouped_changing(order, offsets, ready, work, order_of, tag, states, always, rates, pieces, horizon, end)


@njit(cache=True)
def grouped_changing(order, offsets, ready, work, order_of, tag, states, since, rates, pieces, horizon, end):
    """`sharing` on each link g, whose capacity is the pieces pieces[g] to pieces[g+1] of `since` and `rates`.

    Returns how many transfers are still under way. Raises ValueError for transfers on a link without any capacity.
    """
    under_way = 0
    for g in range(len(offsets) - 1):
        rows, a, b = order[offsets[g] : offsets[g + 1]], pieces[g], pieces[g + 1]
        if len(rows) and a == b:
            raise ValueError("transfers on a link without a capacity")
        if len(rows):
            under_way += sharing(rows, ready, work, order_of, tag, states[g], since[a:b], rates[a:b], horizon, end)
    return under_way
