"""Pixels: body-like shapes with the noise of their modality, so that they compress about as published.

An image that is all noise does not compress, a flat one compresses without end. Here a smooth body lies on a dark
ground; the noise's size sets the lossless ratio, as quantum noise does. Deterministic: one Philox stream a kind.
"""

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

WORDS = "SYNTHETIC - NOT FOR DIAGNOSIS"
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Look:
    """How a kind of image looks: bits stored, grey of ground and body, noise (all in grey levels)."""

    bits: int
    ground: float
    body: float
    noise: float
    ground_noise: float
    size: float = 0.85  # of the body, over the picture


def _generator(name: str) -> np.random.Generator:
    key = np.frombuffer(blake2b(name.encode(), digest_size=16).digest(), dtype="<u8")
    return np.random.Generator(np.random.Philox(key=key))


def _body(rows: int, columns: int, size: float, rng: np.random.Generator) -> Floats:
    """1 inside a soft ellipse, 0 outside, with a few smooth organs between 0.4 and 1."""
    y = np.linspace(-1, 1, rows, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, columns, dtype=np.float32)[None, :]
    distance = (x / size) ** 2 + (y / size) ** 2
    inside: Floats = np.clip((1 - distance) * 8, 0, 1)
    for cx, cy, width, depth in rng.uniform((-0.5, -0.5, 0.1, -0.5), (0.5, 0.5, 0.4, 0.2), (6, 4)).astype(np.float32):
        inside *= 1 + depth * np.exp(-(((x - cx) / width) ** 2)) * np.exp(-(((y - cy) / width) ** 2))
    return inside


def _words(rows: int, columns: int) -> NDArray[np.bool_]:
    """The words, as large as a fifth of the width allows, as a mask of the picture's top."""
    probe = ImageDraw.Draw(Image.new("L", (1, 1)))
    box = probe.textbbox((0, 0), WORDS)
    small = Image.new("L", (int(box[2]) + 2, int(box[3]) + 2))
    ImageDraw.Draw(small).text((1, 1), WORDS, fill=255)
    scale = max(1, int(0.8 * columns) // small.width)
    width = min(columns, small.width * scale)
    large = small.resize((width, max(8, small.height * width // small.width)), Image.Resampling.NEAREST)
    mask = np.zeros((rows, columns), dtype=bool)
    letters = np.asarray(large) > 127
    h, w = min(rows, letters.shape[0]), min(columns, letters.shape[1])
    mask[:h, :w] = letters[:h, :w]
    return mask


def picture(name: str, look: Look, rows: int, columns: int) -> NDArray[np.uint16]:
    """Grey levels uint16[rows, columns] of one kind, always the same for the same arguments."""
    rng = _generator(f"{name}/{rows}x{columns}")
    body = _body(rows, columns, look.size, rng)
    level = look.ground + (look.body - look.ground) * body
    spread = np.where(body > 0, look.noise, look.ground_noise).astype(np.float32)
    level += spread * rng.standard_normal((rows, columns), dtype=np.float32)
    top = (1 << look.bits) - 1
    grey: NDArray[np.uint16] = np.clip(np.rint(level), 0, top).astype(np.uint16)
    grey[_words(rows, columns)] = top
    return grey
