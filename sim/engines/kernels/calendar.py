"""Weekly opening hours.

spans f8[m, 2] are in seconds of the week (Monday 00:00 is 0), ascending, open at the first second and closed at the
last; `offset_s` is the second of the week at time 0. No span: never open.
"""

import numpy as np
from numba import njit

WEEK_S = 604_800.0


@njit(cache=True)
def opening(t, spans, offset_s):
    """First time at or after t inside a span, and when that span closes; infinite where there is none."""
    if len(spans) == 0 or t == np.inf:
        return np.inf, np.inf
    week = np.floor((t + offset_s) / WEEK_S) * WEEK_S
    now = t + offset_s - week
    for k in range(len(spans)):
        if now < spans[k, 1]:
            begin = t if now >= spans[k, 0] else week + spans[k, 0] - offset_s
            return begin, week + spans[k, 1] - offset_s
    return week + WEEK_S + spans[0, 0] - offset_s, week + WEEK_S + spans[0, 1] - offset_s


@njit(cache=True)
def next_open(t, spans, offset_s):
    """First time at or after t inside a span."""
    return opening(t, spans, offset_s)[0]
