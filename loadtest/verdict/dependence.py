"""Ends of a share and of a mean when one run is one series: neighbours resemble each other, and the slowest are rare.

Batches in time, 20 and coarser ones, the widest of which counts: a batch shorter than the archive's memory says too
little. Near a limit few operations are slow, and how they come together is not seen; so the spread is looked at half
way below it too. Measured false PASS rates stand in docs/thresholds.md.
"""

from math import log, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import betaincinv

from loadtest.verdict.operations import BATCHES, LARGEST_CORRELATION, lag_one

Floats = NDArray[np.float64]
CI = 0.95
BESIDE = (1 - CI) / 2
NORMAL = float(stats.norm.ppf(1 - BESIDE))
T = {k: float(stats.t.ppf(1 - BESIDE, k - 1)) for k in (BATCHES, BATCHES // 2, BATCHES // 4)}
UNSEEN = -log(BESIDE)  # of n operations, so many may be of a kind that was not met, n times their share
FOR_80 = float(stats.norm.ppf(0.8))  # so much further from the limit, and four of five plays decide


def by_batches(values: Floats, count: int = BATCHES) -> Floats:
    """Means of so many batches in time."""
    edges = np.arange(count + 1) * len(values) // count
    return np.asarray(np.add.reduceat(values, edges[:-1]) / np.diff(edges), dtype=np.float64)


def spread(values: Floats, count: int = BATCHES, from_r: float = LARGEST_CORRELATION) -> tuple[float, float]:
    """Standard error of the mean by batches in time, wider where neighbours' correlation passes `from_r`; and that."""
    means = by_batches(values, count)
    return float(means.std(ddof=1)) / sqrt(count) * wider(r := lag_one(means), from_r), r


def wider(r: float, from_r: float = LARGEST_CORRELATION) -> float:
    """By what factor a correlation of neighbouring batches widens the standard error of their mean."""
    return sqrt((1 + r) / (1 - r)) if r > from_r else 1.0


def design_effect(hits: NDArray[np.bool_]) -> float:
    """By what factor the batches in time spread more than chance makes them; t for the normal's quantile."""
    n, share = len(hits), float(hits.mean())
    alone, values = share * (1 - share) / n, np.asarray(hits, dtype=np.float64)
    if alone <= 0:
        return 1.0
    return max(max(1.0, spread(values, k)[0] ** 2 / alone) * (T[k] / NORMAL) ** 2 for k in (BATCHES, BATCHES // 2))


def effect_above(seconds: Floats, limit: float) -> float:
    """The design effect of "slower than the limit", or of "slower than half of it" where that is larger."""
    return max(design_effect(seconds > limit), design_effect(seconds > limit / 2))


def share_ends(hits: NDArray[np.bool_], effect: float = 1.0) -> tuple[float, float]:
    """Interval of a share: Clopper-Pearson, with n lowered by the design effect, here or (`effect`) nearby."""
    n, share = len(hits), float(hits.mean())
    effective = n / max(effect, design_effect(hits))
    bad = share * effective
    low = float(betaincinv(bad, effective - bad + 1, BESIDE)) if bad > 0 else 0.0
    return low, float(betaincinv(bad + 1, effective - bad, 1 - BESIDE)) if bad < effective else 1.0


def half_width(values: Floats) -> float:
    """Of the interval of a mean: the widest by 20, 10 and 5 batches, each widened for the correlation that it shows.

    A correlation of so few batches is too low on average: by (1 + 4 r) / batches (Marriott and Pope 1954; recalled).
    """
    found = []
    for count, t in T.items():
        r = lag_one(by_batches(values, count))
        more = wider(min(r + (1 + 4 * r) / count, 0.95), 0.0) if r > 0 else 1.0
        found.append(t * spread(values, count, 1.0)[0] * more)
    return max(found)


def skewed(values: Floats) -> float:
    """By how much the upper end of a mean rises where a few values are far above the rest (Johnson 1978; recalled)."""
    means = by_batches(values)
    if (s := float(means.std(ddof=1))) <= 0:
        return 0.0
    skewness = float(np.mean((means - means.mean()) ** 3)) / float(means.std()) ** 3
    return max(0.0, skewness) * s / (6 * BATCHES) * (1 + 2 * T[BATCHES] ** 2)
