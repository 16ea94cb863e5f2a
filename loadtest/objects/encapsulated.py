"""Compressed pixels, encoded once a template, with a place that makes each object's its own (PS3.5 A.4, annex G).

JPEG-LS, JPEG 2000 and HTJ2K hold the mark in a comment segment of their code stream: 16 bytes that no decoder looks at,
so that all objects of a template decode to the same pixels. RLE holds it in the pixels themselves, as the uncompressed
syntaxes do: the first row is written as literal runs, whose bytes can be overwritten.

    JPEG-LS     FFD8 | FFFE 0012 mark (16)           | the stream after SOI         (ITU-T T.87 C.1.1, T.81 B.2.4.5)
    JPEG 2000   FF4F SIZ | FF64 0014 0000 mark (16)  | the stream after SIZ         (ITU-T T.800 A.9.2)
    RLE         header (64) | planes: 0F mark (16), literal runs | the other rows   (PS3.5 G.3 to G.5)

HTJ2K (ITU-T T.814) has JPEG 2000's outer form. OpenJPEG 2.5 reads it and does not write it: OpenJPH does, in the
package imagecodecs, which is an extra (`pip install 'filmless[htj2k]'`). It takes whole bytes, so that a picture's Bits
Stored become 16 or 8, its values staying as they were.
"""

from collections.abc import Callable
from importlib.util import find_spec
from itertools import pairwise
from struct import pack, unpack_from
from typing import NamedTuple

import numpy as np
from pydicom.pixels.encoders.base import get_encoder
from pydicom.uid import UID, HTJ2KLossless, JPEG2000Lossless, JPEGLSLossless, RLELossless

from loadtest.objects.pixels import Samples

MARK = 16  # bytes
_ITEM, _END = pack("<HHI", 0xFFFE, 0xE000, 0), pack("<HHI", 0xFFFE, 0xE0DD, 0)
SHORTEST_ROW = MARK + 2  # the second run can be halved
_RUN = 128  # bytes of the longest literal run
NO_HTJ2K = (
    "HTJ2K takes the package imagecodecs (OpenJPH), an extra of 26 MB that is not installed: pip install "
    "'filmless[htj2k]'; OpenJPEG, which is, reads HTJ2K and does not write it"
)


class Encapsulated(NamedTuple):
    """The Pixel Data element from its tag to its end, and where its mark lies."""

    element: bytes
    mark_at: int


def encapsulated(pixels: Samples, stored: int, syntax: UID) -> Encapsulated:
    """One frame: uint8 or uint16[rows, columns], or uint8[rows, columns, 3]; `stored` bits are used of each sample."""
    stream, mark_at = ENCODERS[syntax](pixels, stored, syntax)
    stream += b"\0" * (len(stream) % 2)
    before = pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, 0xFFFFFFFF) + _ITEM + pack("<HHI", 0xFFFE, 0xE000, len(stream))
    return Encapsulated(before + stream + _END, len(before) + mark_at)


def photometric(colour: bool, syntax: UID) -> str:
    """Photometric Interpretation (PS3.5 8.2.4): JPEG 2000 turns red, green and blue into its own three, reversibly."""
    return "MONOCHROME2" if not colour else "YBR_RCT" if syntax in (JPEG2000Lossless, HTJ2KLossless) else "RGB"


def bits_stored(stored: int, depth: int, syntax: UID) -> int:
    """Bits Stored as the stream has them: PS3.5 8.2.4 wants both alike. `depth` bytes a pixel, 3 = RGB."""
    return stored if syntax != HTJ2KLossless else 16 if depth == 2 else 8


def check_encoder(syntax: UID) -> None:
    """Raise ValueError, with how to mend it, where the package that encodes this syntax is not installed."""
    if syntax == HTJ2KLossless and find_spec("imagecodecs") is None:
        raise ValueError(NO_HTJ2K)


def _encode(pixels: Samples, stored: int, syntax: UID) -> bytes:
    """One frame's stream. Raises ValueError for a picture that the encoder does not take."""
    colour = pixels.ndim == 3
    rows, columns = pixels.shape[:2]
    try:
        stream: bytes = get_encoder(syntax).encode(
            np.ascontiguousarray(pixels).tobytes(), rows=rows, columns=columns, samples_per_pixel=3 if colour else 1,
            bits_allocated=8 * pixels.itemsize, bits_stored=stored, pixel_representation=0, number_of_frames=1,
            photometric_interpretation=photometric(colour, syntax), planar_configuration=0,
        )  # fmt: skip
    except RuntimeError as error:  # OpenJPEG takes no picture that is smaller than its resolutions
        raise ValueError(f"a matrix of {rows} x {columns} cannot be {syntax.name}") from error
    return stream


def _jpeg_ls(pixels: Samples, stored: int, syntax: UID) -> tuple[bytes, int]:
    stream, comment = _encode(pixels, stored, syntax), b"\xff\xfe" + pack(">H", 2 + MARK)
    return stream[:2] + comment + bytes(MARK) + stream[2:], 2 + len(comment)


def _jpeg_2000(pixels: Samples, stored: int, syntax: UID) -> tuple[bytes, int]:
    return _commented(_encode(pixels, stored, syntax))


def _htj2k(pixels: Samples, stored: int, syntax: UID) -> tuple[bytes, int]:
    check_encoder(syntax)
    from imagecodecs import htj2k_encode

    return _commented(bytes(htj2k_encode(np.ascontiguousarray(pixels), reversible=True)))


def _commented(stream: bytes) -> tuple[bytes, int]:
    """SIZ comes right after SOC; its length stands in its third and fourth byte."""
    comment = b"\xff\x64" + pack(">HH", 4 + MARK, 0)
    at = 4 + unpack_from(">H", stream, 4)[0]
    return stream[:at] + comment + bytes(MARK) + stream[at:], at + len(comment)


def _rle(pixels: Samples, stored: int, syntax: UID) -> tuple[bytes, int]:
    """The mark lies in the low bytes of the first sixteen pixels, as elsewhere; in colour in their red."""
    if pixels.shape[1] < SHORTEST_ROW:
        raise ValueError(
            f"a matrix of {pixels.shape[1]} columns: RLE holds its mark in rows of {SHORTEST_ROW} at least"
        )
    first = _planes(np.concatenate([np.zeros_like(pixels[0, :MARK]), pixels[0, MARK:]]))
    rest = _segments(_encode(pixels[1:], stored, syntax)) if len(pixels) > 1 else [b""] * len(first)
    planes = [_literal(row) + more for row, more in zip(first, rest, strict=True)]
    planes = [plane + b"\0" * (len(plane) % 2) for plane in planes]
    starts = 64 + np.cumsum([0, *map(len, planes)])
    header = pack("<16I", len(planes), *starts[:-1], *[0] * (15 - len(planes)))
    return header + b"".join(planes), int(starts[1 if pixels.itemsize == 2 else 0]) + 1


def _planes(row: Samples) -> list[bytes]:
    """A row's bytes by plane: most significant bytes first, or red, green, blue (PS3.5 G.2)."""
    if row.ndim == 2:
        return [row[:, sample].tobytes() for sample in range(3)]
    return [(row >> shift).astype(np.uint8).tobytes() for shift in range(8 * (row.itemsize - 1), -1, -8)]


def _literal(row: bytes) -> bytes:
    """PackBits with nothing but literal runs: length - 1, then the bytes; the first run is the mark's own.

    Even in length, by one run more where need be: the segment that follows has its own padding already.
    """
    cuts = [0, *range(MARK, len(row), _RUN), len(row)]
    if (len(row) + len(cuts) - 1) % 2:
        cuts = sorted([*cuts, (cuts[-2] if cuts[-1] - cuts[-2] > 1 else cuts[-3]) + 1])
    return b"".join(bytes((end - start - 1,)) + row[start:end] for start, end in pairwise(cuts) if end > start)


def _segments(stream: bytes) -> list[bytes]:
    """The planes of an RLE frame (PS3.5 G.5): number of segments, then where each begins."""
    number = unpack_from("<I", stream)[0]
    starts = [*unpack_from(f"<{number}I", stream, 4), len(stream)]
    return [stream[start:end] for start, end in pairwise(starts)]


ENCODERS: dict[UID, Callable[[Samples, int, UID], tuple[bytes, int]]] = {
    JPEGLSLossless: _jpeg_ls,
    JPEG2000Lossless: _jpeg_2000,
    HTJ2KLossless: _htj2k,
    RLELossless: _rle,
}
