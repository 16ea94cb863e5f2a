"""Synthetic objects: valid by an outside judge, marked as synthetic, unique, and compressing about as published."""

import subprocess
from datetime import datetime
from io import BytesIO
from pathlib import Path
from time import perf_counter

import jpeg_ls
import nhs_number
import numpy as np
import pydicom
import pytest
from pydicom.uid import ImplicitVRLittleEndian

from loadtest.objects.factory import Factory
from loadtest.objects.identity import Identities, TooManyPatients
from loadtest.objects.identity import test_range as nhs_test_range
from loadtest.objects.kinds import KINDS
from loadtest.objects.pixels import picture
from loadtest.objects.study import Study
from loadtest.objects.uids import instance_uid, root, study_uid

MATRICES = {
    "CR": (1760, 2140, 2), "DX": (3000, 2500, 2), "CT": (512, 512, 2), "MR": (352, 352, 2),
    "US": (576, 1024, 1), "RF": (1024, 1024, 1), "NM": (256, 256, 2), "MG": (4096, 3328, 2),
}  # fmt: skip
# lossless ratios of the scenario (JPEG-LS)
RATIOS = {"CR": 3.64, "DX": 2.43, "CT": 4.0, "MR": 3.59, "US": 3.4, "RF": 3.0, "NM": 5.98, "MG": 2.62}
# Synthetic Data (0008,001C) is younger than Debian's validator, which knows no such element: the one line allowed
YOUNGER = "Attribute with an even group number is not a recognized standard attribute - (0x0008,0x001c)"
EXAM = 100_122_595_025


@pytest.fixture(scope="module")
def factory() -> Factory:
    return Factory(7, MATRICES, Identities([123, 10_010_000_456]))


def study(modality: str, exam: int = EXAM, patient: int = 123) -> Study:
    return Study(exam, modality, patient, 3, datetime(2006, 3, 6, 10, 11, 12), "south", "ge", "SO01A", "CR1003R1")


@pytest.mark.parametrize("modality", KINDS)
def test_dciodvfy_finds_no_error(factory: Factory, tmp_path: Path, modality: str) -> None:
    path = tmp_path / "o.dcm"
    path.write_bytes(factory.file_bytes(study(modality), 1))
    found = subprocess.run(["/usr/bin/dciodvfy", str(path)], capture_output=True, text=True, check=False)
    said = (found.stdout + found.stderr).splitlines()
    assert [line for line in said if line.startswith("Error") and YOUNGER not in line] == []
    assert said, "the validator names at least the IOD that it judged by"


@pytest.mark.parametrize("modality", KINDS)
def test_every_object_says_that_it_is_synthetic(factory: Factory, modality: str) -> None:
    d = pydicom.dcmread(BytesIO(factory.file_bytes(study(modality), 2)))
    assert d.SyntheticData == "YES"
    assert d.IssuerOfPatientID == "FILMLESS SYNTHETIC"
    assert str(d.PatientName).startswith("SYNTHETIC^")
    assert "SYNTHETIC" in d.Manufacturer
    assert "SYNTHETIC" in d.InstitutionName
    assert "SYNTHETIC - NOT FOR DIAGNOSIS" in d.SeriesDescription
    assert d.BurnedInAnnotation == "YES"
    top = d.pixel_array.max()
    assert (d.pixel_array[: d.Rows // 4] == top).sum() > 50  # the words
    assert d.PatientID == "FL000000000123"
    other = d.OtherPatientIDsSequence[0]
    assert nhs_number.is_valid(other.PatientID)
    assert other.PatientID.startswith("999")
    assert d.AccessionNumber == f"FL{EXAM:012d}"


@pytest.mark.parametrize("modality", KINDS)
def test_pixels_compress_about_as_published(modality: str) -> None:
    rows, columns, depth = MATRICES[modality]
    grey = picture(modality, KINDS[modality].look, rows, columns)
    grey = grey.astype(np.uint8) if depth == 1 else grey
    ratio = grey.nbytes / len(jpeg_ls.encode_array(grey))
    assert abs(ratio / RATIOS[modality] - 1) < 0.1


def test_objects_of_a_study_differ_as_they_must(factory: Factory) -> None:
    read = [pydicom.dcmread(BytesIO(factory.file_bytes(study("CT"), i))) for i in range(3)]
    assert len({d.SOPInstanceUID for d in read}) == 3
    assert {d.StudyInstanceUID for d in read} == {study_uid(7, EXAM)}
    assert len({d.SeriesInstanceUID for d in read}) == 1
    assert [int(d.InstanceNumber) for d in read] == [1, 2, 3]
    assert len({d.ImagePositionPatient[2] for d in read}) == 3
    other = pydicom.dcmread(BytesIO(factory.file_bytes(study("CT", EXAM + 1, 10_010_000_456), 0)))
    assert other.PatientID != read[0].PatientID
    assert other.OtherPatientIDsSequence[0].PatientID != read[0].OtherPatientIDsSequence[0].PatientID


def test_uids_are_wide_enough_and_no_wider() -> None:
    assert len(instance_uid(1, 10**12 - 1, 9999)) == 64
    for seed in range(20):
        assert len(root(seed)) == 44
    assert all(not part.startswith("0") for part in instance_uid(3, 5, 7).split("."))


def test_the_wire_size_is_the_scenarios(factory: Factory) -> None:
    for modality, (rows, columns, depth) in MATRICES.items():
        assert len(factory.parts(study(modality), 0)[1]) == rows * columns * depth


def test_implicit_vr_and_colour() -> None:
    factory = Factory(1, {"US": (100, 120, 3)}, Identities([1]), ImplicitVRLittleEndian)
    d = pydicom.dcmread(BytesIO(factory.file_bytes(study("US", patient=1), 0)))
    assert d.pixel_array.shape == (100, 120, 3)


def test_the_test_range_is_dealt_out_one_to_one_and_no_further() -> None:
    numbers = nhs_test_range()
    assert len(numbers) == 909_091
    assert numbers.min() >= 9_990_000_000
    assert all(nhs_number.is_valid(str(n)) for n in numbers[::9_091])
    everyone = Identities(range(909_091))
    assert everyone[909_090].nhs_number == str(numbers[-1])
    with pytest.raises(TooManyPatients, match="909,091"):
        Identities(range(909_092))


def test_ten_thousand_unique_cts_a_second(factory: Factory) -> None:
    ct, begun = study("CT"), perf_counter()
    heads = {factory.parts(ct, i)[0] for i in range(9_999)}
    assert len(heads) == 9_999
    assert perf_counter() - begun < 1.0
