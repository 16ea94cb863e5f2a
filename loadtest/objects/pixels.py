"""Pixels: a scene, the grain of its detector, and the words, in the grey levels of the modality.

An image that is all noise does not compress, a flat one compresses without end. Smooth anatomy with the detector's
noise lies between, and the noise's size is set so that JPEG-LS comes near the published ratios (facts: SPIE 2000,
3,679 radiological images). Deterministic: one random stream for each kind and matrix, no global state.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from loadtest.objects.grain import Grain
from loadtest.objects.lettering import lettering
from loadtest.objects.shapes import Canvas, Floats, canvas, enlarge

Samples = NDArray[np.uint8] | NDArray[np.uint16]


@dataclass(frozen=True)
class Look:
    """How a kind of image looks. `white` (the grey of signal 1) and `noise` are levels of a picture of `scale` bits."""

    scene: Callable[[Canvas], Floats]
    grain: Grain
    scale: int
    white: float
    noise: float
    bits: int = 0  # stored in a 16-bit word; 0: as scale. Eight are stored in a byte
    counted: bool = False  # levels are counts, the same whatever the word

    def stored(self, depth: int) -> int:
        """Bits stored for `depth` bytes a pixel."""
        return (self.bits or self.scale) if depth == 2 else 8

    def ink(self, depth: int) -> int:
        """Grey level of the words: above bright tissue, below the white that would darken a viewer's window."""
        return min((1 << self.stored(depth)) - 1, round(1.25 * self.white * self.factor(depth)))

    def factor(self, depth: int) -> float:
        """What `white` and `noise` are multiplied by at a depth."""
        return 1.0 if self.counted else float(2.0 ** (self.stored(depth) - self.scale))


def _generator(name: str) -> np.random.Generator:
    key = int.from_bytes(blake2b(name.encode(), digest_size=16).digest(), "little")
    return np.random.Generator(np.random.PCG64(key))


def picture(name: str, look: Look, rows: int, columns: int, depth: int) -> Samples:
    """One picture, always the same for the same arguments.

    uint16[rows, columns] for depth 2, uint8[rows, columns] for 1, uint8[rows, columns, 3] (RGB) for 3.
    """
    rng = _generator(f"{name}/{rows}x{columns}")
    signal = enlarge(look.scene(canvas(rows, columns, rng)), rows, columns)
    factor = look.factor(depth)
    level = look.grain(signal, look.white * factor, look.noise * factor, rng)
    np.rint(level, out=level)
    np.clip(level, 0, (1 << look.stored(depth)) - 1, out=level)
    level[lettering(rows, columns)] = look.ink(depth)
    if depth == 2:
        return level.astype(np.uint16)
    return level.astype(np.uint8) if depth == 1 else _colour(level.astype(np.uint8))


def _colour(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Grey as RGB, with a patch of red and blue as colour flow shows blood."""
    rows, columns = grey.shape
    rgb = np.repeat(grey[:, :, None], 3, axis=2)
    flow = rgb[rows // 2 : rows * 5 // 8, columns * 3 // 8 : columns // 2]
    flow[:, : flow.shape[1] // 2, 1:] //= 4
    flow[:, flow.shape[1] // 2 :, :2] //= 4
    return rgb
