"""WADO-RS of pictures (PS3.18 10.4.1.1.4 and 10.4.1.1.3): frames as they are stored, an instance rendered as JPEG."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from uuid import uuid4

import numpy as np
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut
from werkzeug.exceptions import BadRequest, HTTPException, NotAcceptable, NotFound, UnprocessableEntity
from werkzeug.wrappers import Request, Response

from loadtest.archives.embedded import part10
from loadtest.archives.embedded.archive import Archive
from loadtest.archives.embedded.web.wado import below

OCTETS, JPEG = "application/octet-stream", "image/jpeg"
LARGEST = 1 << 27  # samples, rule Z2: no allocation from a claim; a mammogram has 14 million
_FRAMES = re.compile(r"[1-9][0-9]{0,5}(,[1-9][0-9]{0,5}){0,999}\Z")


def frames(archive: Archive, request: Request, frames: str, **path: str) -> Response:
    """The frames of an instance that are asked for by number, in the transfer syntax in which they are stored."""
    _check_accepted(request, rf"\*/\*|multipart/\*|{OCTETS}", f'multipart/related; type="{OCTETS}"; transfer-syntax=*')
    if not _FRAMES.match(frames):
        raise BadRequest("frames are numbers from 1, with commas between them")
    found = _read(archive, path)
    with _readable():
        every = _frames_of(found)
    numbers = [int(one) for one in frames.split(",")]
    if max(numbers) > len(every):
        raise NotFound(f"the instance has {len(every)} frames")
    boundary = f"filmless-{uuid4().hex}"
    body = _parts([every[n - 1] for n in numbers], boundary.encode("ascii"), str(found.file_meta.TransferSyntaxUID))
    return Response(body, content_type=f'multipart/related; type="{OCTETS}"; boundary={boundary}')


def rendered(archive: Archive, request: Request, **path: str) -> Response:
    """The first frame of an instance in its own window, as a JPEG of 8 bits."""
    _check_accepted(request, r"\*/\*|image/\*|image/jpeg", JPEG)
    out = BytesIO()
    with _readable():
        Image.fromarray(_grey_levels(_read(archive, path))).save(out, "JPEG")
    return Response(out.getvalue(), content_type=JPEG)


@contextmanager
def _readable() -> Iterator[None]:
    """422 for a picture that is not what its header claims; nothing of a peer's makes this archive fail."""
    try:
        yield
    except HTTPException:
        raise
    except Exception as error:  # pydicom and its decoders raise many kinds on a peer's bytes; each means the same here
        raise UnprocessableEntity(f"the picture cannot be read: {type(error).__name__}") from error


def _check_accepted(request: Request, known: str, offered: str) -> None:
    if not re.search(known, request.headers.get("Accept", "*/*").lower()):
        raise NotAcceptable(f"offered is {offered}")


def _read(archive: Archive, path: dict[str, str]) -> Dataset:
    (stored,) = below(archive, path)
    head = part10.head(stored.sop_class, stored.instance, stored.transfer_syntax)
    return dcmread(BytesIO(head + archive.data_set(stored)))


def _frames_of(found: Dataset) -> list[bytes]:
    """All frames; 404 for an object without pixels."""
    if "PixelData" not in found:
        raise NotFound("the instance has no frames")
    number = int(found.get("NumberOfFrames") or 1)
    if found.file_meta.TransferSyntaxUID.is_encapsulated:
        return list(generate_frames(found.PixelData, number_of_frames=number))
    size = found.Rows * found.Columns * found.SamplesPerPixel * found.BitsAllocated // 8
    whole = min(number, len(found.PixelData) // size)  # a header may claim more frames than there are
    return [found.PixelData[at : at + size] for at in range(0, whole * size, size)]


def _parts(chosen: list[bytes], boundary: bytes, syntax: str) -> Iterator[bytes]:
    for one in chosen:
        head = f"\r\nContent-Type: {OCTETS}; transfer-syntax={syntax}\r\n\r\n".encode("ascii")
        yield b"\r\n--" + boundary + head + one
    yield b"\r\n--" + boundary + b"--\r\n"


def _grey_levels(found: Dataset) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    """uint8[rows, columns] or uint8[rows, columns, 3]: modality and window as the object says (PS3.4 N.2)."""
    if "PixelData" not in found:
        raise NotFound("the instance has no picture")
    if found.Rows * found.Columns * found.SamplesPerPixel * int(found.get("NumberOfFrames") or 1) > LARGEST:
        raise UnprocessableEntity(f"a picture of more than {LARGEST:,} samples is not rendered")
    pixels = found.pixel_array
    if int(found.get("NumberOfFrames") or 1) > 1:
        pixels = pixels[0]
    if found.SamplesPerPixel == 3:
        return pixels.astype(np.uint8)
    shown = apply_voi_lut(apply_modality_lut(pixels, found), found).astype(np.float64)
    low, high = float(shown.min()), float(shown.max())
    level = (shown - low) * (255 / max(high - low, 1e-9))
    return (255 - level if found.PhotometricInterpretation == "MONOCHROME1" else level).astype(np.uint8)
