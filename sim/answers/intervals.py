"""Intervals: each kind of figure by a method that covers as it says (Law 2015 ch. 9; sectioning: Nakayama 2014)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

Floats = NDArray[np.float64]
SECTIONS = 10  # groups of replications for the interval of a pooled percentile
FEWEST = 3  # replications below which no interval is given


@dataclass(frozen=True)
class Interval:
    """A value with its interval; low and high are NaN where there are too few replications for one."""

    value: float
    low: float
    high: float
    n: int
    method: str


def _around(value: float, spread: float, n: int, ci: float, method: str) -> Interval:
    half = float(stdtrit(n - 1, 0.5 + ci / 2)) * spread / np.sqrt(n)
    return Interval(value, value - half, value + half, n, method)


def student(values: Floats, ci: float, unit: str = "replications") -> Interval:
    """Mean of one value a replication (or day), by Student's t."""
    values = values[~np.isnan(values)]
    n = len(values)
    if n == 0:
        return Interval(np.nan, np.nan, np.nan, 0, "nothing was measured")
    if n < FEWEST:
        return Interval(float(values.mean()), np.nan, np.nan, n, f"no interval: fewer than {FEWEST} {unit}")
    return _around(float(values.mean()), float(values.std(ddof=1)), n, ci, f"Student t over {n} {unit}")


def section_of(replication: int) -> int:
    """Where a replication's exams are counted; it stays there when replications are added to a run."""
    return replication % SECTIONS


def sections(n: int) -> list[NDArray[np.int64]]:
    """Replications 0 to n-1 by section, at most `SECTIONS` of them, in sizes that differ by one at most."""
    return [np.arange(first, n, SECTIONS) for first in range(min(n, SECTIONS))]


def sectioned(pooled: float, by_section: Floats, n: int, ci: float) -> Interval:
    """A statistic of all replications together, with the spread of its sections about it."""
    if n < FEWEST:
        return Interval(pooled, np.nan, np.nan, n, f"no interval: fewer than {FEWEST} replications")
    groups = len(by_section)
    spread = float(np.sqrt(np.sum((by_section - pooled) ** 2) / (groups - 1)))
    found = _around(pooled, spread, groups, ci, f"sectioning, {groups} groups of replications")
    return Interval(pooled, found.low, found.high, n, found.method)
