"""Between stations: what is ready for the next one, when. No queue is here; NaN stands for not yet, or never."""

import numpy as np
from numba import njit

from sim.engines.kernels.routing import (
    AT_CENTRE,
    AT_SITE,
    DOCTOR_FIRST,
    FETCH,
    FROM_UNIT,
    IN_LIBRARY,
    NO_PRIOR,
    ON_PACS,
    TO_INGEST,
    VIEW_DOWN,
    VIEW_FETCHED,
)  # fmt: skip


@njit(cache=True)
def wanted(route, bit, ready, end, horizon):
    """Rows of a route (all for bit 0) that are ready before the horizon and have not ended: bool[n]."""
    out = np.empty(len(ready), np.bool_)
    for i in range(len(ready)):
        out[i] = (bit == 0 or route[i] & bit != 0) and ready[i] < horizon and np.isnan(end[i])
    return out


@njit(cache=True)
def _later(a, b):
    """The later of two times; NaN while one is not known."""
    return a + b if np.isnan(a) or np.isnan(b) else max(a, b)


@njit(cache=True)
def _requests(route, bits, begun, ended, horizon):
    """Rows that may go on, first those of priors, then those of views: rows i8[m], view i8[m], ready f8[m]."""
    rows, view = np.empty(2 * len(route), np.int64), np.empty(2 * len(route), np.int64)
    ready, n = np.empty(2 * len(route)), 0
    for kind in range(2):
        for i in range(len(route)):
            if route[i] & bits[kind] and begun[kind][i] < horizon and np.isnan(ended[kind][i]):
                rows[n], view[n], ready[n] = i, kind, begun[kind][i]
                n += 1
    return rows[:n], view[:n], ready[:n]


@njit(cache=True)
def archive_requests(route, arrival, prior_more, room_end, ingest_end, view_delay, fetch_end, view_end, horizon):
    """Requests to the archive, ready and not done: for a prior with the exam, or after the record lookup that tells
    where it is; for a view when wanted and there.
    """
    wish, ask = np.full(len(route), np.nan), np.full(len(route), np.nan)
    for i in range(len(route)):
        if route[i] & FETCH:
            ask[i] = arrival[i] + prior_more[i]
        if route[i] & VIEW_FETCHED:
            wish[i] = _later(ingest_end[i], room_end[i] + view_delay[i])
    return _requests(route, (FETCH, VIEW_FETCHED), (ask, wish), (fetch_end, view_end), horizon)


@njit(cache=True)
def link_requests(route, fetch_end, view_end, fetch_down, view_down, horizon):
    """Transfers down to a site that may begin or go on."""
    return _requests(route, (FETCH, VIEW_DOWN), (fetch_end, view_end), (fetch_down, view_down), horizon)


@njit(cache=True)
def ready_to_read(jobs, arrival, view_delay, times):
    """From what the stations gave: image available, first view, prior ready, exam ready for the reader.

    jobs: route, view, prior, prior_more_s, read_more_s, view_more_s, film_to_view_s; times: the columns of `Times` in
    the order of the first line; the last four are written.
    """
    route, prior, prior_more, read_more, view_more, film_to_view = jobs
    (room_end, store_end, up_end, pull_end, fetch_down, process_end, view_end, view_down,
     available, prior_ready, read_ready, viewed) = times  # fmt: skip
    for i in range(len(route)):
        if not (np.isnan(viewed[i]) or np.isnan(read_ready[i])):
            continue
        bits, want = route[i], room_end[i] + view_delay[i]
        if bits & ON_PACS:
            available[i] = up_end[i] if bits & FROM_UNIT else store_end[i]
            seen = _later(available[i], want)
            if bits & VIEW_FETCHED:
                seen = view_down[i] if bits & VIEW_DOWN else view_end[i]
            images = available[i]
        else:
            available[i] = process_end[i]
            seen = _later(process_end[i] + film_to_view[i], want)
        viewed[i] = seen + view_more[i]
        if not bits & ON_PACS:
            images = (viewed[i] if bits & DOCTOR_FIRST else available[i]) + read_more[i]
        if prior[i] == NO_PRIOR:
            read_ready[i] = images
            continue
        if prior[i] == AT_CENTRE:
            prior_ready[i] = fetch_down[i]
        elif prior[i] == IN_LIBRARY:
            prior_ready[i] = pull_end[i] + prior_more[i]
        elif prior[i] == AT_SITE:
            prior_ready[i] = arrival[i]
        read_ready[i] = _later(images, prior_ready[i])


@njit(cache=True)
def finish(route, read_end, typing, ingest_end, viewed, reported, open_):
    """Fill `reported` f8[n] and `open_` bool[n]: is something of the exam still to come?"""
    for i in range(len(route)):
        reported[i] = read_end[i] + typing[i]
        open_[i] = np.isnan(reported[i]) or np.isnan(viewed[i]) or (route[i] & TO_INGEST and np.isnan(ingest_end[i]))
