"""Soft shapes on a coarse grid, the drawing tools of the scenes.

Anatomy is smooth: it is drawn on at most 512 points a side and enlarged to the matrix, which keeps the largest
mammogram under a second. Coordinates run from -1 to 1 over the picture, x to the right and y down.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float32]
COARSE = 512  # points of the grid's longer side at most


@dataclass(frozen=True)
class Canvas:
    """The grid's coordinates (float32[rows, 1] and float32[1, columns]) and the scene's random numbers."""

    x: Floats
    y: Floats
    rng: np.random.Generator

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the grid."""
        return self.y.shape[0], self.x.shape[1]

    def disc(self, cx: float, cy: float, rx: float, ry: float, soft: float = 0.12) -> Floats:
        """1 inside an ellipse, 0 outside, with an edge that takes `soft` of the radius."""
        distance = np.sqrt(((self.x - cx) / rx) ** 2 + ((self.y - cy) / ry) ** 2)
        found: Floats = np.clip((1 - distance) / soft, 0, 1)
        return found

    def clouds(self, cells: int) -> Floats:
        """A smooth random field from 0 to 1 whose structures are 1/`cells` of the picture."""
        lattice = self.rng.random((cells + 1, cells + 1), dtype=np.float32)
        return np.clip(enlarge(lattice, *self.shape, smooth=True), 0, 1)


def canvas(rows: int, columns: int, rng: np.random.Generator) -> Canvas:
    """The coarse grid of a picture."""
    share = min(1.0, COARSE / max(rows, columns))
    y = np.linspace(-1, 1, max(1, round(rows * share)), dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, max(1, round(columns * share)), dtype=np.float32)[None, :]
    return Canvas(x, y, rng)


def enlarge(coarse: Floats, rows: int, columns: int, *, smooth: bool = False) -> Floats:
    """The field at the picture's size, float32[rows, columns]."""
    if coarse.shape == (rows, columns):
        return coarse
    how = Image.Resampling.BICUBIC if smooth else Image.Resampling.BILINEAR
    return np.array(Image.fromarray(coarse).resize((columns, rows), how), dtype=np.float32)
