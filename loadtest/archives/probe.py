"""The one synthetic object that the pre-flight stores: a small Secondary Capture, marked as synthetic (rule S10)."""

from dataclasses import dataclass, field
from io import BytesIO
from uuid import uuid4

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian, SecondaryCaptureImageStorage
from pynetdicom.dsutils import encode

from loadtest.wire.settings import IMPLEMENTATION_UID

SYNTAX = str(ExplicitVRLittleEndian)
IMPLICIT = str(ImplicitVRLittleEndian)
SOP_CLASS = str(SecondaryCaptureImageStorage)
PATIENT_ID = "FILMLESS-PREFLIGHT"
_SIDE = 64  # pixels


def _uid() -> str:
    return f"2.25.{uuid4().int}"


@dataclass(frozen=True)
class Probe:
    """An object of a study of its own: each pre-flight leaves at most two, by PATIENT_ID to be found and removed."""

    study: str = field(default_factory=_uid)
    series: str = field(default_factory=_uid)
    instance: str = field(default_factory=_uid)

    def data_set(self) -> Dataset:
        """The object."""
        data = Dataset()
        data.SOPClassUID, data.SOPInstanceUID = UID(SOP_CLASS), UID(self.instance)
        data.StudyInstanceUID, data.SeriesInstanceUID = UID(self.study), UID(self.series)
        data.PatientName, data.PatientID, data.IssuerOfPatientID = "TEST^Preflight", PATIENT_ID, "FILMLESS"
        data.PatientBirthDate, data.PatientSex = "", "O"
        data.StudyDate, data.StudyTime, data.StudyID = "20050101", "000000", "1"
        data.AccessionNumber, data.ReferringPhysicianName = "FILMLESS0", ""
        data.Modality, data.ConversionType = "OT", "SYN"
        data.SeriesNumber, data.InstanceNumber = 1, 1
        data.StudyDescription = data.SeriesDescription = "SYNTHETIC - NOT FOR DIAGNOSIS"
        data.Manufacturer = data.InstitutionName = "filmless (synthetic)"
        data.SyntheticData = "YES"
        return _with_pixels(data)

    def encoded(self, syntax: str = SYNTAX) -> bytes:
        """The data set in explicit or implicit VR little endian, as a C-STORE carries it."""
        return encode(self.data_set(), syntax == IMPLICIT, True) or b""

    def file(self) -> bytes:
        """The object as a Part 10 file, as STOW-RS carries it."""
        out = BytesIO()
        self.data_set_with_meta().save_as(out, enforce_file_format=True)
        return out.getvalue()

    def data_set_with_meta(self) -> Dataset:
        """The object with the file meta information that says how it is to be encoded."""
        data = self.data_set()
        data.file_meta = FileMetaDataset()
        data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        data.file_meta.ImplementationClassUID = UID(IMPLEMENTATION_UID)
        return data

    def at_study(self) -> Dataset:
        """The identifier that asks for its study."""
        identifier = Dataset()
        identifier.QueryRetrieveLevel = "STUDY"
        identifier.StudyInstanceUID = UID(self.study)
        return identifier


def _with_pixels(data: Dataset) -> Dataset:
    """A grey ramp of 64 x 64 pixels."""
    data.Rows = data.Columns = _SIDE
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 8, 8, 7, 0
    data.PixelData = bytes(4 * column for column in range(_SIDE)) * _SIDE
    return data
