"""Matching (PS3.4 C.2.2.2) on the archive itself: one row per rule."""

import pytest

from loadtest.archives.embedded.archive import Archive
from loadtest.archives.embedded.keys import KEYS, Level
from loadtest.archives.embedded.matching import Query
from tests.loadtest.archives.archive_objects import ROOT


def found(archive: Archive, level: Level, unique: str, **match: str) -> list[str]:
    return [row[unique].removeprefix(f"{ROOT}.") for row in archive.find(Query(level, match, [unique]))]


@pytest.mark.parametrize(
    ("match", "studies"),
    [
        ({}, ["1", "2"]),  # universal
        ({"PatientID": "P1"}, ["1"]),  # single value
        ({"PatientID": "p1"}, []),  # case counts, except in names
        ({"PatientName": "test^PATIENT2"}, ["2"]),
        ({"PatientName": "TEST^*"}, ["1", "2"]),  # wild card
        ({"PatientName": "TEST^Patient?"}, ["1", "2"]),
        ({"PatientName": "TEST^Patient1^^"}, ["1"]),  # trailing empty components
        ({"PatientName": "100%"}, []),  # SQL's own wild cards mean themselves
        ({"PatientID": "P_"}, []),
        ({"PatientID": "P[12]"}, []),
        ({"PatientID": "P*"}, ["1", "2"]),
        ({"StudyDate": "20050102-20050102"}, ["1"]),  # ranges
        ({"StudyDate": "20050103-"}, ["2"]),
        ({"StudyDate": "-20050102"}, ["1"]),
        ({"StudyDate": "20050101-20051231"}, ["1", "2"]),
        ({"StudyTime": "0900-0930"}, ["1", "2"]),  # a shortened end includes what it stands for
        ({"StudyTime": "1000-"}, []),
        ({"StudyInstanceUID": f"{ROOT}.1\\{ROOT}.2"}, ["1", "2"]),  # list of UIDs
        ({"StudyInstanceUID": f"{ROOT}.*"}, []),  # no wild card in UIDs
        ({"ModalitiesInStudy": "MR"}, ["2"]),
        ({"ModalitiesInStudy": "CT\\MR"}, ["1", "2"]),
        ({"AccessionNumber": "A1", "PatientID": "P2"}, []),  # all keys must match
        ({"PatientID": "' OR 1=1 --"}, []),  # values never become SQL
    ],
)
def test_study_matching(archive: Archive, match: dict[str, str], studies: list[str]) -> None:
    assert found(archive, Level.STUDY, "StudyInstanceUID", **match) == studies


def test_levels(archive: Archive) -> None:
    assert [row["PatientID"] for row in archive.find(Query(Level.PATIENT, {}, ["PatientID"]))] == ["P1", "P2"]
    assert found(archive, Level.SERIES, "SeriesInstanceUID", StudyInstanceUID=f"{ROOT}.1") == ["1.1", "1.2"]
    assert found(archive, Level.SERIES, "SeriesInstanceUID", SeriesDescription="Bo*") == ["1.2"]
    assert found(archive, Level.IMAGE, "SOPInstanceUID", PatientID="P1", InstanceNumber="3") == ["1.2.3"]


def test_counts_are_computed(archive: Archive) -> None:
    words = [word for word in KEYS if word.startswith("NumberOf") and word != "NumberOfFrames"]
    (row,) = archive.find(Query(Level.SERIES, {"SeriesInstanceUID": f"{ROOT}.1.1"}, [*words, "ModalitiesInStudy"]))
    assert row == {
        "NumberOfPatientRelatedStudies": "1",
        "NumberOfPatientRelatedSeries": "2",
        "NumberOfPatientRelatedInstances": "3",
        "NumberOfStudyRelatedSeries": "2",
        "NumberOfStudyRelatedInstances": "3",
        "NumberOfSeriesRelatedInstances": "2",
        "ModalitiesInStudy": "CT",
    }


def test_pages(archive: Archive) -> None:
    pages = [Query(Level.IMAGE, {}, ["SOPInstanceUID"], limit=3, offset=at) for at in (0, 3, 6)]
    assert [len(archive.find(page)) for page in pages] == [3, 1, 0]


def test_unsupported_keys_are_named(archive: Archive) -> None:
    query = Query(Level.STUDY, {"PatientWeight": "70", "Modality": "CT"}, ["StudyInstanceUID", "PatientWeight"])
    assert query.unsupported() == ["PatientWeight", "Modality"]
    assert len(archive.find(query)) == 2
