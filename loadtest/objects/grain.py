"""Noise: how each kind of detector is grainy. Noise is what limits lossless compression, so its size sets the ratio.

Each grain takes the signal (float32[rows, columns], 0 to about 1) and gives grey levels of the same shape.
`white` is the level of signal 1, `noise` the standard deviation there, both in grey levels.
"""

from collections.abc import Callable

import numpy as np

from loadtest.objects.shapes import Floats

Grain = Callable[[Floats, float, float, np.random.Generator], Floats]


def _normal(like: Floats, rng: np.random.Generator) -> Floats:
    return rng.standard_normal(like.shape, dtype=np.float32)


def quantum(signal: Floats, white: float, noise: float, rng: np.random.Generator) -> Floats:
    """X-ray quanta: the deviation grows with the root of the signal; a little from the electronics everywhere."""
    level = _normal(signal, rng)
    spread = signal + np.float32(0.01)  # in place from here: the pictures are large
    level *= np.sqrt(spread, out=spread)
    level *= noise
    level += np.multiply(signal, white, out=spread)
    return level


def even(signal: Floats, white: float, noise: float, rng: np.random.Generator) -> Floats:
    """CT: noise alike in all the field, as the reconstruction smears it, and correlated by its kernel."""
    grain = _normal(signal, rng)
    grain[1:] += 0.5 * grain[:-1]
    grain[:, 1:] += 0.5 * grain[:, :-1]
    level = white * signal + (noise / 1.25) * grain
    level[signal <= 0] = 0
    return level


def rician(signal: Floats, white: float, noise: float, rng: np.random.Generator) -> Floats:
    """MR: the magnitude of a complex signal with normal noise in both parts."""
    real, imaginary = white * signal + noise * _normal(signal, rng), noise * _normal(signal, rng)
    level: Floats = np.hypot(real, imaginary)
    return level


def speckle(signal: Floats, white: float, noise: float, rng: np.random.Generator) -> Floats:
    """Ultrasound: noise in proportion to the echo, wider across the beam than along it; black stays black."""
    grain = _normal(signal, rng)
    for _ in range(2):
        grain[:, 1:] += grain[:, :-1]
    return signal * (white + noise / 2.45 * grain)


def counts(signal: Floats, white: float, noise: float, rng: np.random.Generator) -> Floats:
    """Nuclear medicine: Poisson counts, whose noise follows from `white`; `noise` is not used."""
    return rng.poisson(white * signal).astype(np.float32)
