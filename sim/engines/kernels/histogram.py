"""Tallies in the logarithmic buckets of `sim.answers.buckets`.

A bucket is found without a logarithm: sign, exponent and the first 8 bits of the mantissa of a float64 are one of about
7,400 cells, each 0.2 to 0.4 % wide, so that at most one bucket edge lies in a cell and one comparison decides. The
answer is exact by the edges, the same on every machine.
"""

import numpy as np
from numba import njit

from sim.answers.buckets import FIRST_S, N_BUCKETS, bucket_edges

_SHIFT = 52 - 8  # bits of a float64 below its cell
_EDGES = bucket_edges()
_UPPER = np.append(_EDGES[1:], np.inf)  # where each bucket ends


def _cell(x: float) -> int:
    return int(np.float64(x).view(np.int64)) >> _SHIFT


_FIRST_CELL = _cell(FIRST_S)
_CELLS = np.arange(_FIRST_CELL, _cell(_EDGES[-1]) + 1, dtype=np.int64)
_BUCKETS = (np.searchsorted(_EDGES, (_CELLS << _SHIFT).view(np.float64), side="right") - 1).astype(np.int16)


@njit(cache=True)
def bucket_of(x):
    """Bucket of x seconds: 0 below the first edge (and for NaN), the last for all above."""
    if not x >= FIRST_S:
        return 0
    cell = (np.float64(x).view(np.int64) >> _SHIFT) - _FIRST_CELL
    if cell >= len(_BUCKETS):
        return N_BUCKETS - 1
    bucket = np.int64(_BUCKETS[cell])
    return bucket + 1 if x >= _UPPER[bucket] else bucket
