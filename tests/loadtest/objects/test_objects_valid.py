"""Objects are valid by outside judges and say in each place that they are synthetic."""

import subprocess
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import nhs_number
import numpy as np
import pydicom
import pytest
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from loadtest.objects.factory import Factory
from loadtest.objects.identity import Identities
from loadtest.objects.kinds import KINDS
from loadtest.objects.lettering import WORDS, lettering
from loadtest.objects.study import Study

MakeStudy = Callable[..., Study]
# Synthetic Data (0008,001C) is younger than the packaged validator, whose dictionary lacks it. It says so in one line
# of each object; the second object of the test is the same without the attribute, and has no error at all.
YOUNGER = "Error - Attribute with an even group number is not a recognized standard attribute - (0x0008,0x001c)"


def complaints(path: Path, kind: str = "Error") -> list[str]:
    """Lines of the validator; its being absent fails the test."""
    found = subprocess.run(["/usr/bin/dciodvfy", str(path)], capture_output=True, text=True, check=False)
    said = (found.stdout + found.stderr).splitlines()
    assert any("Image" in line and " - " not in line for line in said), f"it names no IOD: {said}"
    return [line.strip() for line in said if line.startswith(kind)]


@pytest.mark.parametrize("modality", KINDS)
def test_dciodvfy_finds_no_error(factory: Factory, study: MakeStudy, tmp_path: Path, modality: str) -> None:
    path, plain = tmp_path / "o.dcm", tmp_path / "plain.dcm"
    path.write_bytes(factory.file_bytes(study(modality), 1))
    assert [line for line in complaints(path) if not line.startswith(YOUNGER)] == []
    d = pydicom.dcmread(path)
    del d.SyntheticData
    d.save_as(plain)
    assert complaints(plain) == []
    assert complaints(plain, "Warning") == []


# the other depths that the standard allows, and a picture so small that its words are cut
OTHERS = [("US", (60, 80, 3)), ("RF", (90, 90, 2)), ("NM", (64, 64, 1)), ("DX", (100, 80, 1)), ("CR", (100, 80, 1)),
          ("MG", (90, 70, 1)), ("CT", (33, 35, 2)), ("MR", (16, 16, 2))]  # fmt: skip


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
@pytest.mark.parametrize(("modality", "matrix"), OTHERS)
def test_dciodvfy_finds_no_error_in_other_matrices(
    study: MakeStudy, tmp_path: Path, modality: str, matrix: tuple[int, int, int], syntax: pydicom.uid.UID
) -> None:
    path = tmp_path / "o.dcm"
    path.write_bytes(Factory(1, {modality: matrix}, Identities([123]), syntax).file_bytes(study(modality), 9999))
    assert [line for line in complaints(path) if not line.startswith(YOUNGER)] == []
    assert pydicom.dcmread(path).pixel_array.shape[:2] == matrix[:2]


@pytest.mark.parametrize("modality", KINDS)
def test_every_object_says_that_it_is_synthetic(factory: Factory, study: MakeStudy, modality: str) -> None:
    d = pydicom.dcmread(BytesIO(factory.file_bytes(study(modality), 2)))
    assert d.SyntheticData == "YES"
    assert d.IssuerOfPatientID == "FILMLESS SYNTHETIC"
    assert d.PatientName.family_name == "TEST-SYNTHETIC"
    for text in (d.Manufacturer, d.InstitutionName, d.SeriesDescription, d.StudyDescription, d.PatientComments):
        assert "SYNTHETIC" in text
    assert WORDS in d.SeriesDescription
    assert d.BurnedInAnnotation == "YES"
    assert d.AccessionNumber == f"FL{study(modality).exam:012d}"


@pytest.mark.parametrize("modality", KINDS)
def test_the_words_are_in_the_pixels_brighter_than_what_is_around(
    factory: Factory, study: MakeStudy, modality: str
) -> None:
    grey = pydicom.dcmread(BytesIO(factory.file_bytes(study(modality), 0))).pixel_array
    mask = lettering(*grey.shape)
    ink = KINDS[modality].look.ink(grey.itemsize)
    assert (grey[mask] == ink).all()
    box = np.argwhere(mask).max(axis=0) + 1
    ground = ~mask[: box[0], : box[1]]
    assert np.median(grey[: box[0], : box[1]][ground]) < 0.75 * ink
    assert box[1] > 0.4 * grey.shape[1], "large enough to be read"


def test_the_nhs_number_stands_beside_our_patient_id(factory: Factory, study: MakeStudy) -> None:
    d = pydicom.dcmread(BytesIO(factory.file_bytes(study("CT"), 0)))
    assert d.PatientID == "FL000000000123"
    (other,) = d.OtherPatientIDsSequence
    assert nhs_number.is_valid(other.PatientID)
    assert other.PatientID.startswith("999")
    assert (other.IssuerOfPatientID, other.TypeOfPatientID) == ("NHS TEST RANGE 999", "TEXT")
    assert d.PatientSex in ("M", "F")


def test_every_uid_is_ours_or_the_standards(factory: Factory, study: MakeStudy) -> None:
    ours = factory.study_uid(study("CT").exam)
    d = pydicom.dcmread(BytesIO(factory.file_bytes(study("CT"), 0)))
    uids = {e.keyword: e.value for e in d.iterall() if e.VR == "UI"}
    assert uids.pop("SOPClassUID") == factory.sop_class("CT")
    assert set(uids) == {"SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"}
    assert all(uid.startswith(ours) and uid.is_valid for uid in uids.values())
    assert len(set(uids.values())) == 4
    assert d.file_meta.MediaStorageSOPInstanceUID == d.SOPInstanceUID
