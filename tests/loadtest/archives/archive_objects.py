"""Small CT objects, and DCMTK's programs by full path (a virtual environment has others of the same names)."""

import subprocess
from io import BytesIO
from pathlib import Path

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian
from pynetdicom.dsutils import encode

ROOT = "2.25.7777"


def ct(study: int = 1, series: int = 1, number: int = 1, rows: int = 16, **more: object) -> Dataset:
    """A CT image of `rows` x `rows` pixels; UIDs are functions of the numbers."""
    data = Dataset()
    data.SOPClassUID = CTImageStorage
    data.StudyInstanceUID = f"{ROOT}.{study}"
    data.SeriesInstanceUID = f"{ROOT}.{study}.{series}"
    data.SOPInstanceUID = f"{ROOT}.{study}.{series}.{number}"
    data.PatientID, data.PatientName = f"P{study}", f"TEST^Patient{study}"
    data.PatientBirthDate, data.PatientSex = "19500101", "F"
    data.StudyDate, data.StudyTime = f"2005{study // 28 % 12 + 1:02d}{study % 28 + 1:02d}", "093000"
    data.AccessionNumber, data.StudyID, data.StudyDescription = f"A{study}", str(study), "CT head"
    data.ReferringPhysicianName = "TEST^Referrer"
    data.Modality, data.SeriesNumber, data.InstanceNumber = "CT", series, number
    data.Rows = data.Columns = rows
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 12, 11, 0
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.PixelData = bytes([number % 256, 0]) * (rows * rows)
    for keyword, value in more.items():
        setattr(data, keyword, value)
    return with_meta(data)


def with_meta(data: Dataset, syntax: str = ExplicitVRLittleEndian) -> Dataset:
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = UID(syntax)
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    return data


def save(folder: Path, *objects: Dataset) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for count, data in enumerate(objects):
        data.save_as(folder / f"{count}.dcm", enforce_file_format=True)
    return folder


def dcmtk(program: str, *words: object, check: bool = True) -> str:
    """What one of DCMTK's programs printed."""
    done = subprocess.run(
        [f"/usr/bin/{program}", *map(str, words)], capture_output=True, text=True, timeout=60, check=False
    )
    said = done.stdout + done.stderr
    assert not check or done.returncode == 0, said
    return said


def part10(data: Dataset) -> bytes:
    """The object as a Part 10 file."""
    out = BytesIO()
    data.save_as(out, enforce_file_format=True)
    return out.getvalue()


def encoded(data: Dataset) -> bytes:
    """The data set in explicit VR little endian."""
    done = encode(data, False, True)
    assert done
    return done
