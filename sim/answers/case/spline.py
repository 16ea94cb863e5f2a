"""Shares of variance and value of information from the Monte Carlo sample itself: no further run (A6: 2, 3, 6).

Source: Strong, Oakley, Brennan 2014, doi 10.1177/0272989X13505910: E[NB given x] by a smooth regression of NB on x;
here a cubic spline by least squares, its knots at quantiles of x.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline

Floats = NDArray[np.float64]
KNOTS = 12
ADDITIVE_KNOTS = 4  # of each input, where all are fitted together
SUBSAMPLES = 10
FEWEST = 3  # draws for each column of an additive fit


def design(x: Floats, knots: int = KNOTS) -> Floats:
    """Cubic B-splines of x with knots at quantiles, float64[n, basis]; a constant where x does not vary."""
    inner = np.unique(np.quantile(x, np.linspace(0, 1, knots)))
    if len(inner) < 2:
        return np.ones((len(x), 1))
    t = np.concatenate([[inner[0]] * 3, inner, [inner[-1]] * 3])
    out: Floats = BSpline.design_matrix(x, t, 3).toarray()
    return out


def quadratic(x: Floats) -> Floats:
    """All squares and products of a group's inputs, float64[n, 1 + k + k(k+1)/2]; x float64[n, k]."""
    z = (x - x.mean(axis=0)) / np.maximum(x.std(axis=0), 1e-300)
    upper = np.triu_indices(z.shape[1])
    return np.column_stack([np.ones(len(z)), z, z[:, upper[0]] * z[:, upper[1]]])


def _solved(basis: Floats, y: Floats) -> tuple[Floats, int]:
    """Least squares by the normal equations (splines are well conditioned): fitted values, and the basis's rank."""
    coefficients, _, rank, _ = np.linalg.lstsq(basis.T @ basis, basis.T @ y, rcond=1e-10)
    found: Floats = basis @ coefficients
    return found, int(rank)


def fitted(basis: Floats, y: Floats) -> Floats:
    """E[y given the basis], for each column of y float64[n, options]."""
    return _solved(basis, y)[0]


def explained(basis: Floats, y: Floats) -> float:
    """Share of the variance of y that a basis explains, less what as many columns of noise would; y float64[n]."""
    n, whole = len(y), float(y.var())
    if not whole:
        return 0.0
    fit, rank = _solved(basis, y[:, None])
    missed = float((y - fit[:, 0]).var()) / whole
    return 1 - missed * (n - 1) / max(n - rank, 1)


def first_order(x: Floats, y: Floats) -> float:
    """Share of the variance of y that x alone explains."""
    return explained(design(x), y)


def interaction(columns: Floats, y: Floats) -> float:
    """Share of the variance of y that no sum of smooth functions of single inputs explains; columns float64[n, k].

    Of independent inputs it is 1 less the sum of their first-order shares; of correlated ones that sum would count what
    they have in common twice, and this does not. NaN where there are too few draws for so many inputs.
    """
    parts = [design(x, ADDITIVE_KNOTS)[:, 1:] for x in columns.T]
    basis = np.column_stack([np.ones(len(y)), *parts])
    return 1 - explained(basis, y) if len(y) >= FEWEST * basis.shape[1] else np.nan


def value_of(fit: Floats) -> float:
    """What deciding after learning x is worth: mean of the best, less the best mean; fit float64[n, decision]."""
    return float(fit.max(axis=1).mean()) - float(fit.mean(axis=0).max())


@dataclass(frozen=True)
class Worth:
    """EVPPI of an input or group, in pounds."""

    value: float
    error: float  # standard error, from sub-samples
    bias: float  # what a permuted x still seems to be worth


def worth(basis: Floats, net: Floats, shuffle: NDArray[np.int64]) -> Worth:
    """EVPPI by regression; net float64[n, decision], one column all 0 for business as usual.

    The standard error is the spread of ten interleaved sub-samples over the root of ten; the bias is the EVPPI of the
    same basis with its rows permuted, which knows nothing.
    """
    parts = [value_of(fitted(basis[i::SUBSAMPLES], net[i::SUBSAMPLES])) for i in range(SUBSAMPLES)]
    error = float(np.std(parts, ddof=1) / np.sqrt(SUBSAMPLES))
    return Worth(value_of(fitted(basis, net)), error, value_of(fitted(basis[shuffle], net)))
