"""Templates: one encoded data set a kind of image, whose fixed-width fields are overwritten for each object.

All objects of a template share their pixels but for a mark in the first sixteen, which makes each object's pixels
its own; otherwise they differ in identifiers, dates, patient, numbers and slice position.

    | data elements, fields overwritten | (7FE0,0010), length | mark, 16 pixels or 16 bytes | the other pixels, shared |
    '------------------------- head, made anew for each object --------------------------' '----- Repeated bytes ----'

Compressed pixels have their mark elsewhere in the stream: see encapsulated.py.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from struct import pack
from typing import NamedTuple

import numpy as np
from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset
from pydicom.filebase import DicomIO
from pydicom.filewriter import write_dataset
from pydicom.tag import Tag
from pydicom.uid import UID, ImplicitVRLittleEndian

from loadtest.objects.data_set import data_set
from loadtest.objects.encapsulated import ENCODERS, bits_stored, encapsulated, photometric
from loadtest.objects.identity import FAMILY_NAME
from loadtest.objects.kinds import KINDS
from loadtest.objects.pixels import Samples, picture
from loadtest.wire.repeated import Repeated

MARK = 16  # pixels of the first row in which an object differs from the others; four bits in each


class Field(NamedTuple):
    """A field: a value of its width, and the elements that hold it (all of VRs with a two-byte length)."""

    sample: str
    keywords: tuple[str, ...]


FIELDS = {
    "study": Field("9" * 58, ("StudyInstanceUID",)),
    "series": Field("8" * 60, ("SeriesInstanceUID",)),
    "instance": Field("7" * 64, ("SOPInstanceUID",)),
    "frame": Field("6" * 60, ("FrameOfReferenceUID",)),
    "date": Field("19010203", ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate")),
    "time": Field("010203", ("StudyTime", "SeriesTime", "AcquisitionTime", "ContentTime")),
    "patient_id": Field("FL424242424242", ("PatientID",)),
    "nhs": Field("9876543219", ("PatientID",)),  # that of the Other Patient IDs Sequence, told apart by its sample
    "name": Field(f"{FAMILY_NAME}^XXXXXXXXX", ("PatientName",)),
    "born": Field("19020304", ("PatientBirthDate",)),
    "sex": Field("O", ("PatientSex",)),
    "accession": Field("FL535353535353", ("AccessionNumber", "StudyID")),
    "number": Field("64646", ("InstanceNumber",)),
    "ae": Field("AE75757575757575", ("StationName",)),
    "institution": Field("INSTITUTION-PLACEHOLDER.", ("InstitutionName",)),
    "slice": Field("-4999.0", ("SliceLocation", "ImagePositionPatient")),
}
WIDTHS = {name: len(field.sample) for name, field in FIELDS.items()}
FRAMED = ("frame", "slice")  # the fields of a frame of reference: without one an object has no place for them


@dataclass(frozen=True)
class Template:
    """An encoded data set: its head, where each field, Pixel Data and the mark lie in it, and the pixels."""

    head: bytes
    places: dict[str, tuple[int, ...]]
    pixel_data_at: int
    mark_at: slice
    pixels: Repeated

    def fill(self, head: bytes, values: Mapping[str, str], mark: int | None = None) -> bytes:
        """A head with new values, each exactly as wide as its sample, and the mark (64 bits) of its pixels.

        Raises ValueError for a value of another width or outside ASCII.
        """
        filled = bytearray(head)
        for name, value in values.items():
            raw, wide = value.encode(), WIDTHS[name]
            if not len(raw) == len(value) == wide:
                raise ValueError(f"field '{name}' takes {wide} ASCII characters, not {len(value)}: {value!r}")
            for at in self.places[name]:
                filled[at : at + wide] = raw
        if mark is not None:
            filled[self.mark_at] = marked(mark)
        return bytes(filled)


_NIBBLES = bytes.maketrans(b"0123456789abcdef", bytes(range(16)))


def marked(mark: int) -> bytes:
    """64 bits as the grey levels, 0 to 15, of sixteen pixels."""
    return (b"%016x" % mark).translate(_NIBBLES)


def encode(d: Dataset, transfer_syntax: UID) -> bytes:
    """A data set's bytes in an uncompressed little endian transfer syntax."""
    buffer = BytesIO()
    stream = DicomIO(buffer)
    stream.is_little_endian, stream.is_implicit_VR = True, transfer_syntax == ImplicitVRLittleEndian
    write_dataset(stream, d)
    return buffer.getvalue()


def _place(head: bytes, keyword: str, sample: str, implicit: bool) -> int:
    """Where the sample lies in the element's value: all of it, or the last of several numbers (a position).

    An element begins with its tag, then VR and a two-byte length, or in implicit VR a four-byte length (PS3.5 7.1).
    """
    tag = Tag(keyword)
    start = re.escape(pack("<HH", tag.group, tag.element) + (b"" if implicit else dictionary_VR(tag).encode()))
    length = b".{4}" if implicit else b".{2}"
    pattern = start + length + rb"(?:[-0-9.]+\\){0,2}" + re.escape(sample.encode())
    found = [one.end() - len(sample) for one in re.finditer(pattern, head, re.DOTALL)]
    if len(found) != 1:
        raise ValueError(f"a template must hold its sample of {keyword} once, and has it {len(found)} times")
    return found[0]


def _places(head: bytes, framed: bool, implicit: bool) -> dict[str, tuple[int, ...]]:
    """Where each field lies; nowhere for those that the kind does not have."""
    return {
        name: tuple(_place(head, k, field.sample, implicit) for k in field.keywords if framed or name not in FRAMED)
        for name, field in FIELDS.items()
    }


def _native(grey: Samples, implicit: bool) -> tuple[bytes, slice]:
    """The Pixel Data element, little endian, padded to an even length, and where the first samples' low bytes lie."""
    data = np.ascontiguousarray(grey, dtype=grey.dtype.newbyteorder("<")).tobytes()
    vr = b"" if implicit else (b"OW\0\0" if grey.itemsize == 2 else b"OB\0\0")
    before = pack("<HH", 0x7FE0, 0x0010) + vr + pack("<I", len(data) + len(data) % 2)
    mark = slice(len(before), len(before) + MARK * grey.itemsize, grey.itemsize)
    return before + data + b"\0" * (len(data) % 2), mark


def _pixel_data(grey: Samples, stored: int, transfer_syntax: UID) -> tuple[bytes, slice]:
    if transfer_syntax not in ENCODERS:
        return _native(grey, transfer_syntax == ImplicitVRLittleEndian)
    element, at = encapsulated(grey, stored, transfer_syntax)
    return element, slice(at, at + MARK)


def make_template(modality: str, rows: int, columns: int, depth: int, transfer_syntax: UID) -> Template:
    """Encode once, and note where the fields lie. Under a second for the largest mammogram, some if compressed."""
    implicit = transfer_syntax == ImplicitVRLittleEndian
    d = data_set(modality, rows, columns, depth, {name: field.sample for name, field in FIELDS.items()})
    d.PhotometricInterpretation = photometric(depth == 3, transfer_syntax)
    look = KINDS[modality].look
    d.BitsStored = bits_stored(d.BitsStored, depth, transfer_syntax)
    d.HighBit = d.BitsStored - 1
    element, mark = _pixel_data(picture(modality, look, rows, columns, depth), look.stored(depth), transfer_syntax)
    fields = encode(d, transfer_syntax)
    end = mark.stop + mark.stop % 2  # the head has an even length, as fragments have
    places, size = _places(fields, KINDS[modality].framed, implicit), len(fields)
    at = slice(size + mark.start, size + mark.stop, mark.step)
    return Template(fields + _cleared(element, mark)[:end], places, size, at, Repeated(memoryview(element)[end:]))


def _cleared(element: bytes, mark: slice) -> bytes:
    """The element without its first sixteen samples: nothing of them shows in an object that has no mark."""
    cleared = bytearray(element)
    cleared[mark.start : mark.stop] = bytes(mark.stop - mark.start)
    return bytes(cleared)
