"""Logarithm, exponential and normal score against the libraries that are slower."""

import numpy as np
from numba import njit
from numpy.testing import assert_allclose, assert_array_max_ulp
from scipy.stats import norm

from sim.world.elementary import exp, log, normal


@njit(error_model="numpy")
def columns(x, u, out):
    """As the draws use them: in a loop over columns."""
    for i in range(len(u)):
        out[0, i], out[1, i], out[2, i] = exp(x[i]), log(u[i]), normal(u[i])


def test_they_are_the_libraries_functions() -> None:
    n = 200_001
    x = np.linspace(-699.0, 699.0, n)
    middles = (np.rint(np.linspace(0, 2**32 - 1, n - 64)) + 0.5) / 2**32  # as the streams give them
    u = np.concatenate([middles, 2.0 ** -np.arange(1.0, 33.0), 1 - 2.0 ** -np.arange(1.0, 33.0)])
    out = np.empty((3, n))
    columns(x, u, out)
    assert_array_max_ulp(out[0], np.exp(x), 2)
    assert_array_max_ulp(out[1], np.log(u), 2)
    upper = np.where(u < 0.5, norm.ppf(u), norm.isf(1 - u))  # near 1 the upper tail is the exact one
    assert_allclose(out[2], upper, rtol=1e-13, atol=1e-15)


def test_a_normal_score_to_the_ends_of_what_is_drawn() -> None:
    for u in (2.0**-33, 1 - 2.0**-33, 0.5, 0.075, 0.925):
        wanted = norm.ppf(u) if u <= 0.5 else norm.isf(1 - u)
        assert_allclose(float(normal(u)), wanted, rtol=1e-13, atol=1e-15)


def test_big_and_small_logarithms() -> None:
    for x in (1e-300, 0.7, 1.0, 1.5, 1e300):
        assert_allclose(float(log(x)), np.log(x), rtol=4e-16, atol=1e-300)
