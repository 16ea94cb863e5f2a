"""Discounting (G4) and optimism bias (G6): the Green Book's arithmetic, and nothing else."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
STEPS = (30, 75)  # the last years of the first and of the second rate


def factors(years: int, rate: float, rate_31: float, rate_76: float) -> Floats:
    """Discount factors of years 0 to years - 1, rates in % a year: years 1 to 30, 31 to 75, 76 and later.

    The first year is year 0 and is not discounted. Source: Green Book, table of declining long-term rates.
    """
    year = np.arange(1, years)
    each = np.where(year <= STEPS[0], rate, np.where(year <= STEPS[1], rate_31, rate_76))
    return np.concatenate([[1.0], np.cumprod(1 / (1 + each / 100))])


def optimism(upper: float, lower: float, weights: Floats, managed: Floats) -> float:
    """Optimism bias: max(lower, upper x (1 - sum of weight x managed)).

    It starts at the upper bound and comes down only for causes shown to be managed (G6); Mott MacDonald 2002.
    """
    return max(lower, upper * (1 - float(np.sum(weights * managed))))
