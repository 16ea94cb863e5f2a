"""Logarithmic buckets for tallies; the constants are `sim.answers.buckets`'."""

import math

from numba import njit

from sim.answers.buckets import FIRST_S, GROWTH, N_BUCKETS

_LOG_FIRST, _PER_LOG = math.log(FIRST_S), 1 / math.log(GROWTH)


@njit(cache=True)
def bucket_of(x):
    """Bucket of x seconds: 0 below the first edge, the last for all above."""
    if x < FIRST_S:
        return 0
    return min(N_BUCKETS - 1, 1 + int((math.log(x) - _LOG_FIRST) * _PER_LOG))
