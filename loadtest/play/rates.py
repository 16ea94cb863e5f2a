"""When operations are due at a rate: constant, Poisson or ramp, as pure functions; nothing here knows a clock.

All give due times in seconds, float64[n], ascending, from 0 below `seconds`. Operation k is due where the expected
number reaches its place: k for the even rates, a unit-rate Poisson process's k-th arrival for `poisson` (inversion of
the cumulative rate, Cinlar 1975, ch. 4), so that another rate stretches the same draws and never makes new ones.
"""

from math import ceil, isfinite

import numpy as np
from numpy.typing import NDArray

Due = NDArray[np.float64]
Key = NDArray[np.uint64]  # of a named stream (sim.world.streams.stream_key)
MOST = 10_000_000  # operations; a plan of more does not fit in memory


def constant(per_s: float, seconds: float) -> Due:
    """One each 1/rate seconds, the first at 0. Raises ValueError for a rate or length that is not above 0."""
    return np.arange(_number(per_s, per_s, seconds), dtype=np.float64) / per_s


def ramp(from_per_s: float, to_per_s: float, seconds: float) -> Due:
    """A rate that rises (or falls) evenly from one value to the other; either may be 0, not both."""
    number = _number(from_per_s, to_per_s, seconds)
    slope, place = (to_per_s - from_per_s) / seconds, np.arange(number, dtype=np.float64)
    below = from_per_s + np.sqrt(np.maximum(from_per_s**2 + 2 * slope * place, 0.0))  # the root without cancellation
    found: Due = np.divide(2 * place, below, out=np.zeros(number), where=below > 0)
    return found


def poisson(per_s: float, seconds: float, key: Key) -> Due:
    """Arrivals of a Poisson process; the same key gives the same arrivals, whatever the length."""
    expected = _checked(per_s, per_s, seconds)
    draws = np.random.Generator(np.random.Philox(key=key))
    steps, reached = [], 0.0
    while reached < expected:
        steps.append(-np.log1p(-draws.random(4096)))
        reached += float(steps[-1].sum())
    arrivals = np.cumsum(np.concatenate(steps))
    found: Due = arrivals[arrivals < expected] / per_s
    return found


def _number(from_per_s: float, to_per_s: float, seconds: float) -> int:
    """How many even places lie below the expected number; 1e-9 keeps 0.1 * 30 from being four."""
    return ceil(_checked(from_per_s, to_per_s, seconds) - 1e-9)


def _checked(from_per_s: float, to_per_s: float, seconds: float) -> float:
    """The expected number of operations. Raises ValueError where it is none, or beyond memory."""
    rates = (from_per_s, to_per_s)
    if not (all(isfinite(one) and one >= 0 for one in rates) and max(rates) > 0):
        raise ValueError(f"rates {from_per_s:g} to {to_per_s:g} operations/s: give numbers from 0, one of them above 0")
    if not (isfinite(seconds) and seconds > 0):
        raise ValueError(f"length {seconds:g} s: give a number above 0")
    expected = (from_per_s + to_per_s) / 2 * seconds
    if expected > MOST:
        raise ValueError(f"{expected:,.0f} operations: at most {MOST:,} in one play; take a lower rate or less time")
    return expected
