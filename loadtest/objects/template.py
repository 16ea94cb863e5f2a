"""Templates: one encoded data set a kind of image, whose fixed-width fields are overwritten for each object.

The pixels are shared by all objects of a template (they differ in their identifiers, dates, patient and numbers).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from pydicom.dataset import Dataset
from pydicom.filebase import DicomIO
from pydicom.filewriter import write_dataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, ImplicitVRLittleEndian

from loadtest.objects.identity import ISSUER, NAME_WIDTH, NHS_ISSUER
from loadtest.objects.kinds import KINDS
from loadtest.objects.pixels import WORDS, picture

# placeholders: found in the encoded bytes, so each must be unique and as wide as what replaces it
FIELDS = {
    "study": "9" * 58,
    "series": "8" * 60,
    "instance": "7" * 64,
    "frame": "6" * 64,
    "date": "19010203",
    "time": "010203",
    "patient_id": "FL424242424242",
    "nhs": "9876543219",
    "name": "PLACEHOLDER^".ljust(NAME_WIDTH, "X"),
    "born": "19020304",
    "accession": "FL535353535353",
    "number": "6464",
    "ae": "AE75757575757575",
    "institution": "INSTITUTION-PLACEHOLDER",
    "position": "-900.0",
}


@dataclass(frozen=True)
class Template:
    """An encoded data set: its head up to the pixels, where each field lies in it, and the pixels."""

    head: bytes
    places: dict[str, list[int]]
    pixels: memoryview

    def fill(self, values: Mapping[str, str]) -> bytes:
        """The head with new values, each exactly as wide as its placeholder."""
        head = bytearray(self.head)
        for name, value in values.items():
            raw, wide = value.encode("ascii"), len(FIELDS[name])
            if len(raw) != wide:
                raise ValueError(f"field '{name}' is {wide} wide, not {len(raw)}: {value!r}")
            for at in self.places[name]:
                head[at : at + wide] = raw
        return bytes(head)


def _patient(d: Dataset) -> None:
    d.PatientName, d.PatientID, d.IssuerOfPatientID = FIELDS["name"], FIELDS["patient_id"], ISSUER
    d.PatientBirthDate, d.PatientSex = FIELDS["born"], "O"
    other = Dataset()
    other.PatientID, other.IssuerOfPatientID, other.TypeOfPatientID = FIELDS["nhs"], NHS_ISSUER, "TEXT"
    d.OtherPatientIDsSequence = Sequence([other])
    d.PatientComments = WORDS


def _study_and_series(d: Dataset, modality: str) -> None:
    d.StudyInstanceUID, d.SeriesInstanceUID = FIELDS["study"], FIELDS["series"]
    d.StudyDate = d.SeriesDate = d.ContentDate = d.AcquisitionDate = FIELDS["date"]
    d.StudyTime = d.SeriesTime = d.ContentTime = d.AcquisitionTime = FIELDS["time"]
    d.AccessionNumber, d.StudyID, d.ReferringPhysicianName = FIELDS["accession"], FIELDS["accession"], ""
    d.StudyDescription = d.SeriesDescription = f"{WORDS} {modality}"
    d.Modality, d.SeriesNumber, d.InstanceNumber = modality, 1, FIELDS["number"]
    d.Manufacturer, d.ManufacturerModelName = "FILMLESS SYNTHETIC", "TEMPLATE"
    d.DeviceSerialNumber, d.SoftwareVersions = "0", "1"
    d.InstitutionName, d.StationName = FIELDS["institution"], FIELDS["ae"]
    d.PatientOrientation = ""


def _pixels(d: Dataset, modality: str, rows: int, columns: int, depth: int) -> bytes:
    look = KINDS[modality].look
    grey = picture(modality, look, rows, columns)
    d.Rows, d.Columns = rows, columns
    d.SamplesPerPixel = 3 if depth == 3 else 1
    d.PhotometricInterpretation = "RGB" if depth == 3 else "MONOCHROME2"
    if depth == 3:
        d.PlanarConfiguration = 0
    stored = min(look.bits, 8) if depth != 2 else look.bits
    d.BitsAllocated, d.BitsStored, d.HighBit, d.PixelRepresentation = 16 if depth == 2 else 8, stored, stored - 1, 0
    d.BurnedInAnnotation = "YES"
    if depth == 2:
        return grey.astype("<u2").tobytes()
    eight = (grey >> (look.bits - stored)).astype(np.uint8)
    return (np.repeat(eight[:, :, None], 3, axis=2) if depth == 3 else eight).tobytes()


def data_set(modality: str, rows: int, columns: int, depth: int) -> Dataset:
    """The whole data set of a template, placeholders in place."""
    kind, d = KINDS[modality], Dataset()
    d.SpecificCharacterSet = "ISO_IR 100"
    d.SOPClassUID, d.SOPInstanceUID = kind.sop_class, FIELDS["instance"]
    d.SyntheticData = "YES"
    d.ImageType = ["ORIGINAL", "PRIMARY"]
    _patient(d)
    _study_and_series(d, modality)
    data = _pixels(d, modality, rows, columns, depth)
    if kind.framed:
        d.FrameOfReferenceUID = FIELDS["frame"]
    kind.fill(d)
    d.PixelData = data + b"\0" * (len(data) % 2)
    d["PixelData"].VR = "OW" if depth == 2 else "OB"
    return d


def encode(d: Dataset, transfer_syntax: UID) -> bytes:
    """A data set's bytes in an uncompressed little endian transfer syntax."""
    buffer = BytesIO()
    stream = DicomIO(buffer)
    stream.is_little_endian, stream.is_implicit_VR = True, transfer_syntax == ImplicitVRLittleEndian
    write_dataset(stream, d)
    return buffer.getvalue()


def _places(head: bytes, text: str) -> list[int]:
    raw, found, at = text.encode(), [], head.find(text.encode())
    while at >= 0:
        found.append(at)
        at = head.find(raw, at + 1)
    return found


def make_template(modality: str, rows: int, columns: int, depth: int, transfer_syntax: UID) -> Template:
    """Encode once, and note where the fields lie."""
    d = data_set(modality, rows, columns, depth)
    size = len(d.PixelData)
    whole = encode(d, transfer_syntax)
    head = whole[: len(whole) - size]
    places = {name: _places(head, text) for name, text in FIELDS.items()}
    return Template(head, places, memoryview(whole)[len(whole) - size :])
