"""Logarithm, exponential and normal score in plain arithmetic, so that a loop over a column is computed many at a time.

A call to the mathematical library is computed one at a time, and its last bit depends on the machine; these are within
two units of the last place, the same on every machine.
"""

import math
from typing import Any

import numpy as np
from numba import float64, njit
from numba.extending import intrinsic

_LN2_HIGH, _LN2_LOW = (
    6.93147180369123816490e-01,
    1.90821492927058770002e-10,
)  # the first: 33 bits, so k times it is exact
_FRACTION, _EXPONENT, _BIAS = 0x000FFFFFFFFFFFFF, 52, 1023
_ROOT_HALF = 0x3FE6A09E667F3BCD  # bits of the square root of 1/2
_ARTANH = tuple(2 / n for n in range(21, 2, -2))
_POWERS = tuple(1 / math.factorial(n) for n in range(13, 1, -1))

# coefficients of Wichura's rational approximations, highest power first: of the centre, and of the tails
_CENTRE = (
    (2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4, 4.5921953931549871457e4,
     1.3731693765509461125e4, 1.9715909503065514427e3, 1.3314166789178437745e2, 3.3871328727963666080e0),
    (5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4, 2.1213794301586595867e4,
     5.3941960214247511077e3, 6.8718700749205790830e2, 4.2313330701600911252e1, 1.0),
)  # fmt: skip
_TAIL = (
    (7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1, 1.27045825245236838258e0,
     3.64784832476320460504e0, 5.76949722146069140550e0, 4.63033784615654529590e0, 1.42343711074968357734e0),
    (1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2, 1.48103976427480074590e-1,
     6.89767334985100004550e-1, 1.67638483018380384940e0, 2.05319162663775882187e0, 1.0),
)  # fmt: skip


def _typed_fma(typing: Any, a: Any, b: Any, c: Any) -> Any:
    """a * b + c, rounded once: one instruction, and asked for by name, or each compiler would choose for itself."""
    return float64(float64, float64, float64), lambda context, builder, signature, args: builder.fma(*args)


fma: Any = intrinsic(_typed_fma)


@njit(cache=True, error_model="numpy", inline="always")
def _polynomial(c: Any, x: float) -> float:
    """By Horner's rule, coefficients of the highest power first."""
    total: float = c[0]
    for k in range(1, len(c)):
        total = fma(total, x, c[k])
    return total


@njit(cache=True, error_model="numpy", inline="always")
def log(x: float) -> float:
    """The natural logarithm of a normal positive number.

    x = 2**k * (1 + f) with 1 + f between the roots of 1/2 and 2; log(1 + f) = 2 artanh(s), s = f / (2 + f), by its
    power series, and so arranged that f is added last.
    """
    shifted = np.float64(x).view(np.int64) - _ROOT_HALF
    k = np.float64(shifted >> _EXPONENT)
    f = np.int64((shifted & _FRACTION) + _ROOT_HALF).view(np.float64) - 1.0
    s = f / (2.0 + f)
    z, half = s * s, 0.5 * f * f
    series = z * _polynomial(_ARTANH, z)
    return float(k * _LN2_HIGH - ((half - fma(s, half + series, k * _LN2_LOW)) - f))


@njit(cache=True, error_model="numpy", inline="always")
def exp(x: float) -> float:
    """e to the x, for |x| < 700: 2**k times the power series of the rest, which is at most log(2) / 2."""
    k = np.rint(x * 1.4426950408889634)
    r = fma(k, -_LN2_LOW, fma(k, -_LN2_HIGH, x))
    scaled = np.float64(1.0 + fma(r * r, _polynomial(_POWERS, r), r)).view(np.int64) + (np.int64(k) << _EXPONENT)
    return np.int64(scaled).view(np.float64)


@njit(cache=True, error_model="numpy", inline="always")
def _ratio(c: Any, r: float) -> Any:
    return _polynomial(c[0], r) / _polynomial(c[1], r)


@njit(cache=True, error_model="numpy", inline="always")
def normal(u: float) -> float:
    """The standard normal of a uniform from 2**-33 to 1 - 2**-33, by inversion (Wichura 1988, AS 241).

    Farther out than the streams go (below e**-25) AS 241 has other coefficients.
    """
    q = u - 0.5
    centre = q * _ratio(_CENTRE, 0.180625 - q * q)
    tail = _ratio(_TAIL, math.sqrt(-log(0.5 - abs(q))) - 1.6)
    tail = tail if q > 0 else -tail
    return float(centre if abs(q) <= 0.425 else tail)
