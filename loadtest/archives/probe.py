"""The one synthetic object that the pre-flight stores: a small Secondary Capture, marked as synthetic (rule S10)."""

from dataclasses import dataclass, field
from uuid import uuid4

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian, SecondaryCaptureImageStorage
from pynetdicom.dsutils import encode

from loadtest.objects.encapsulated import encapsulated
from loadtest.objects.part10 import file_head
from loadtest.wire.settings import IMPLEMENTATION_UID

SYNTAX = str(ExplicitVRLittleEndian)
IMPLICIT = str(ImplicitVRLittleEndian)
SOP_CLASS = str(SecondaryCaptureImageStorage)
PATIENT_ID = "FILMLESS-PREFLIGHT"
_SIDE = 64  # pixels
_RAMP = bytes(4 * column for column in range(_SIDE)) * _SIDE


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
        """The data set as a C-STORE carries it, in any transfer syntax that objects are made in."""
        data = self.data_set()
        if syntax in (SYNTAX, IMPLICIT):
            return encode(data, syntax == IMPLICIT, True) or b""
        del data.PixelData
        pixels = np.frombuffer(_RAMP, np.uint8).reshape(_SIDE, _SIDE)
        return (encode(data, False, True) or b"") + encapsulated(pixels, 8, UID(syntax)).element

    def file(self, syntax: str = SYNTAX) -> bytes:
        """The object as a Part 10 file, as STOW-RS carries it."""
        return file_head(SOP_CLASS, self.instance, syntax) + self.encoded(syntax)

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
    data.PixelData = _RAMP
    return data
