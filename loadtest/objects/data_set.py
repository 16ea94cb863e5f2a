"""The data set that a template is encoded from: what all kinds share, with placeholders where objects differ."""

from collections.abc import Mapping

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from loadtest.objects.identity import ISSUER, NHS_ISSUER
from loadtest.objects.kinds import KINDS
from loadtest.objects.lettering import WORDS

MAKER = "FILMLESS SYNTHETIC"


def data_set(modality: str, rows: int, columns: int, depth: int, fields: Mapping[str, str]) -> Dataset:
    """All of an object but its pixels; `fields` holds a value for each name of template.FIELDS."""
    kind, d = KINDS[modality], Dataset()
    d.SpecificCharacterSet = "ISO_IR 100"
    d.SOPClassUID, d.SOPInstanceUID, d.SyntheticData = kind.sop_class, fields["instance"], "YES"
    _patient(d, fields)
    _study(d, fields)
    _series(d, modality, fields)
    _equipment(d, fields)
    _image_pixel(d, rows, columns, depth, kind.look.stored(depth))
    d.InstanceNumber, d.BurnedInAnnotation, d.ImageComments = fields["number"], "YES", WORDS
    d.AcquisitionDate = d.ContentDate = fields["date"]
    d.AcquisitionTime = d.ContentTime = fields["time"]
    if kind.framed:
        d.FrameOfReferenceUID, d.SliceLocation = fields["frame"], fields["slice"]
    kind.fill(d, kind.look.ink(depth))
    return d


def _patient(d: Dataset, fields: Mapping[str, str]) -> None:
    """Patient (C.7.1.1). The Patient ID is ours; the NHS number of the test range stands beside it."""
    d.PatientName, d.PatientID, d.IssuerOfPatientID = fields["name"], fields["patient_id"], ISSUER
    d.PatientBirthDate, d.PatientSex = fields["born"], fields["sex"]
    other = Dataset()
    other.PatientID, other.IssuerOfPatientID, other.TypeOfPatientID = fields["nhs"], NHS_ISSUER, "TEXT"
    d.OtherPatientIDsSequence = Sequence([other])
    d.PatientComments = WORDS


def _study(d: Dataset, fields: Mapping[str, str]) -> None:
    """General Study (C.7.2.1)."""
    d.StudyInstanceUID, d.StudyDate, d.StudyTime = fields["study"], fields["date"], fields["time"]
    d.AccessionNumber, d.StudyID, d.ReferringPhysicianName = fields["accession"], fields["accession"], ""
    d.StudyDescription = WORDS


def _series(d: Dataset, modality: str, fields: Mapping[str, str]) -> None:
    """General Series (C.7.3.1). Laterality is absent: no kind shows one of a pair but MG, which says it by image."""
    d.Modality, d.SeriesInstanceUID, d.SeriesNumber = modality, fields["series"], 1
    d.SeriesDate, d.SeriesTime = fields["date"], fields["time"]
    d.SeriesDescription = f"{WORDS} {modality}"


def _equipment(d: Dataset, fields: Mapping[str, str]) -> None:
    """General Equipment (C.7.5.1)."""
    d.Manufacturer, d.ManufacturerModelName = MAKER, "TEMPLATE"
    d.DeviceSerialNumber, d.SoftwareVersions = "0", "1"
    d.InstitutionName, d.StationName = fields["institution"], fields["ae"]


def _image_pixel(d: Dataset, rows: int, columns: int, depth: int, stored: int) -> None:
    """Image Pixel (C.7.6.3) but for the pixels."""
    d.Rows, d.Columns, d.SamplesPerPixel = rows, columns, 3 if depth == 3 else 1
    d.PhotometricInterpretation = "RGB" if depth == 3 else "MONOCHROME2"
    if depth == 3:
        d.PlanarConfiguration = 0
    d.BitsAllocated, d.PixelRepresentation = 16 if depth == 2 else 8, 0
    d.BitsStored, d.HighBit = stored, stored - 1
