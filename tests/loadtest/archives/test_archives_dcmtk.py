"""Other people's clients against the embedded archive: DCMTK's command line programs."""

from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import ImplicitVRLittleEndian, JPEGLSLossless, RLELossless

from loadtest.archives.target import Target
from tests.loadtest.archives.archive_objects import ROOT, ct, dcmtk, save, with_meta


@pytest.fixture
def to(embedded: Target) -> list[object]:
    return ["-aet", "TESTER", "-aec", embedded.ae_title, embedded.host, embedded.port]


def keys(**values: str) -> list[str]:
    return [word for name, value in values.items() for word in ("-k", f"{name}={value}")]


def test_echo(to: list[object]) -> None:
    dcmtk("echoscu", *to)


def test_store_find_move_get(to: list[object], tmp_path: Path, embedded: Target, mover_port_2: int) -> None:
    before = embedded.count_instances()
    objects = [ct(41, series, number) for series in (1, 2) for number in (1, 2)]
    dcmtk("storescu", *to, "+sd", save(tmp_path / "in", *objects))
    assert embedded.count_instances() == (before or 0) + 4

    wanted = keys(QueryRetrieveLevel="STUDY", PatientName="test^patient41", StudyInstanceUID="", ModalitiesInStudy="")
    counts = keys(NumberOfStudyRelatedInstances="", NumberOfStudyRelatedSeries="")
    said = dcmtk("findscu", "-S", *to, *wanted, *counts)
    assert f"[{ROOT}.41]" in said
    assert "[4 ]" in said
    assert "[2 ]" in said

    one = keys(QueryRetrieveLevel="STUDY", StudyInstanceUID=f"{ROOT}.41")
    moved = tmp_path / "moved"
    moved.mkdir()
    dcmtk("movescu", "-S", "-aem", "STORED", "+P", mover_port_2, "-od", moved, *to, *one)
    assert sorted(dcmread(f).SOPInstanceUID for f in moved.iterdir()) == sorted(o.SOPInstanceUID for o in objects)

    got = tmp_path / "got"
    got.mkdir()
    dcmtk("getscu", "-S", "-od", got, *to, *one)
    assert sorted(dcmread(f).SOPInstanceUID for f in got.iterdir()) == sorted(o.SOPInstanceUID for o in objects)


def test_get_returns_what_was_sent(to: list[object], tmp_path: Path) -> None:
    sent = ct(42, rows=32, PatientComments="Ünïcode", SpecificCharacterSet="ISO_IR 192")
    dcmtk("storescu", *to, "+sd", save(tmp_path / "in", sent))
    got = tmp_path / "got"
    got.mkdir()
    wanted = keys(QueryRetrieveLevel="IMAGE", StudyInstanceUID=f"{ROOT}.42", SeriesInstanceUID=f"{ROOT}.42.1")
    dcmtk("getscu", "-S", "-od", got, *to, *wanted, *keys(SOPInstanceUID=f"{ROOT}.42.1.1"))
    (file,) = got.iterdir()
    assert dcmread(file) == dcmread(tmp_path / "in" / "0.dcm")


@pytest.mark.parametrize(
    ("syntax", "option"), [(ImplicitVRLittleEndian, "-xi"), (JPEGLSLossless, "-xt"), (RLELossless, "-xr")]
)
def test_syntaxes_are_kept_as_sent(to: list[object], tmp_path: Path, syntax: str, option: str) -> None:
    """Compressed frames are never decoded: any bytes pass through."""
    sent = ct(43 if syntax == RLELossless else 44 if syntax == JPEGLSLossless else 45)
    if syntax != ImplicitVRLittleEndian:
        sent.PixelData = encapsulate([b"\xff\xd8 not a real frame \xff\xd9"])
        sent["PixelData"].is_undefined_length = True
    folder = save(tmp_path / "in", with_meta(sent, syntax))
    dcmtk("storescu", option, *to, "+sd", folder)
    found = tmp_path / "got"
    found.mkdir()
    wanted = keys(QueryRetrieveLevel="STUDY", StudyInstanceUID=str(sent.StudyInstanceUID))
    prefer = {"-xi": "+xi", "-xt": "+xt", "-xr": "+xr"}[option]
    dcmtk("getscu", "-S", prefer, "-od", found, *to, *wanted)
    (file,) = found.iterdir()
    assert dcmread(file).PixelData == sent.PixelData


def test_patient_root_at_every_level(to: list[object], tmp_path: Path) -> None:
    dcmtk("storescu", *to, "+sd", save(tmp_path / "in", ct(46), ct(46, 1, 2)))
    above = {"PATIENT": {}, "STUDY": {"PatientID": "P46"}}
    above["SERIES"] = {**above["STUDY"], "StudyInstanceUID": f"{ROOT}.46"}
    above["IMAGE"] = {**above["SERIES"], "SeriesInstanceUID": f"{ROOT}.46.1"}
    unique = {"PATIENT": "PatientID", "STUDY": "StudyInstanceUID", "SERIES": "SeriesInstanceUID"}
    for level, given in above.items():
        asked = {"QueryRetrieveLevel": level, unique.get(level, "SOPInstanceUID"): "", **given}
        said = dcmtk("findscu", "-P", *to, *keys(**asked))
        assert ("P46" if level == "PATIENT" else f"{ROOT}.46") in said


def test_unknown_move_destination_is_refused(to: list[object]) -> None:
    one = keys(QueryRetrieveLevel="STUDY", StudyInstanceUID=f"{ROOT}.41")
    said = dcmtk("movescu", "-v", "-S", "-aem", "NOBODY", *to, *one, check=False)
    assert "MoveDestinationUnknown" in said


def test_wrong_level_is_refused_with_a_reason(to: list[object]) -> None:
    said = dcmtk("findscu", "-v", "-S", *to, *keys(QueryRetrieveLevel="SERIES", SeriesInstanceUID=""), check=False)
    assert "DataSetDoesNotMatchSOPClass" in said
