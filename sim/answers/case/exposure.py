"""How much of each year is live, printed, or still asks for old film: integrals over the time since go-live.

All times in years. Arrays end with columns (sites, trusts or groups of them): [edge or year, draw, column].
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
KINDS = ("live", "printed", "old", "dip")


@dataclass(frozen=True)
class Habits:
    """What happens after go-live, one value a draw: float64[draw, 1]."""

    residual: Floats  # share still printed for ever
    first: Floats  # share printed on the day of go-live
    parallel: Floats  # years until only the residual share is printed
    dip: Floats  # years of slower work
    ages: tuple[Floats, Floats]  # years, share of priors younger: the same in all draws


def since(edges: Floats, start: Floats) -> Floats:
    """Years since `start` at each edge, not below 0: [edge, *start.shape]."""
    out: Floats = np.maximum(edges.reshape(-1, *([1] * start.ndim)) - start, 0.0)
    return out


def printed(t: Floats, h: Habits) -> Floats:
    """Integral of the printed share: it falls in a straight line from the first day's to the residual share (N6)."""
    within = np.minimum(t, h.parallel)
    extra = np.maximum(h.first - h.residual, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        falling = np.where(h.parallel > 0, within - within**2 / (2 * np.maximum(h.parallel, 1e-12)), 0.0)
    out: Floats = h.residual * t + extra * falling
    return out


def old(t: Floats, ages: tuple[Floats, Floats]) -> Floats:
    """Integral of the share of priors that are older than the time since go-live, and so on film."""
    years, younger = ages
    area = np.concatenate([[0.0], np.cumsum(np.diff(years) * (2 - younger[1:] - younger[:-1]) / 2)])
    within = np.minimum(t, years[-1])
    piece = np.searchsorted(years, within, "right") - 1
    mean_younger = (younger[piece] + np.interp(within, years, younger)) / 2
    out: Floats = area[piece] + (within - years[piece]) * (1 - mean_younger)
    return out


def exposures(edges: Floats, start: Floats, h: Habits) -> Floats:
    """Share of each year in each state, float64[kind, year, draw, column], in the order of `KINDS`."""
    t = since(edges, start)
    sums = np.stack([t, printed(t, h), old(t, h.ages), np.minimum(t, h.dip)])
    return np.diff(sums, axis=1)


def after(edges: Floats, start: Floats) -> Floats:
    """Share of each year after `start`."""
    return np.diff(since(edges, start), axis=0)


def happens(edges: Floats, when: Floats) -> Floats:
    """1 in the year in which a moment lies, float64[year, *when.shape]."""
    lower, upper = (e.reshape(-1, *([1] * when.ndim)) for e in (edges[:-1], edges[1:]))
    return ((when >= lower) & (when < upper)).astype(np.float64)
