"""Objects from templates: unique, of the sizes asked for, the same each time, and fast; bad input is named."""

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from time import process_time

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGBaseline8Bit

from loadtest.objects.factory import Factory
from loadtest.objects.identity import Identities
from loadtest.objects.kinds import KINDS
from loadtest.objects.study import Study
from loadtest.objects.template import FIELDS, FRAMED, marked
from loadtest.objects.uids import Instances, frame_uid, instance_uid, lot_seed, root, series_uid, study_uid
from loadtest.wire import Repeated

MakeStudy = Callable[..., Study]
SMALL = dict.fromkeys(KINDS, (48, 40, 2))


@pytest.fixture
def small() -> Factory:
    return Factory(7, SMALL, Identities([123, 456]))


def read(factory: Factory, of: Study, number: int) -> pydicom.FileDataset:
    return pydicom.dcmread(BytesIO(factory.file_bytes(of, number)))


def test_objects_of_a_study_differ_as_they_must(small: Factory, study: MakeStudy) -> None:
    objects = [read(small, study("CT"), i) for i in (0, 1, 9999)]
    assert [d.SOPInstanceUID for d in objects] == [small.instance_uid(study("CT").exam, i) for i in (0, 1, 9999)]
    assert {d.StudyInstanceUID for d in objects} == {small.study_uid(study("CT").exam)}
    assert len({d.SeriesInstanceUID for d in objects}) == len({d.FrameOfReferenceUID for d in objects}) == 1
    assert [int(d.InstanceNumber) for d in objects] == [1, 2, 10_000]
    assert [float(d.SliceLocation) for d in objects] == [-5000, -4999, 4999]
    assert [float(d.ImagePositionPatient[2]) for d in objects] == [-5000, -4999, 4999]
    assert len({d.PixelData for d in objects}) == 3, "each object has pixels of its own"


def test_an_object_says_what_its_study_says(small: Factory, study: MakeStudy) -> None:
    d = read(small, study("MR", patient=456, site="NW12B"), 0)
    assert d.StudyDate == d.SeriesDate == d.AcquisitionDate == d.ContentDate == "20060306"
    assert d.StudyTime == d.SeriesTime == d.AcquisitionTime == d.ContentTime == "101112"
    assert (d.Modality, d.StationName, d.InstitutionName) == ("MR", "CR1003R1", "SYNTHETIC NW12B")
    assert d.PatientID == small.patient_id(456) == "FL000000000456"
    assert d.SOPClassUID == small.sop_class("MR")


def test_interleaved_studies_do_not_mix(small: Factory, study: MakeStudy) -> None:
    """As when many devices send at once from one factory."""
    studies = [study(m, exam=e, patient=p) for e, (m, p) in enumerate([("CT", 123), ("CR", 456), ("CT", 456)])]
    for number in range(3):
        for one in studies:
            d = read(small, one, number)
            said = (d.StudyInstanceUID, d.PatientID, d.Modality, int(d.InstanceNumber))
            assert said == (small.study_uid(one.exam), f"FL{one.patient:012d}", one.modality, number + 1)


@pytest.mark.parametrize("modality", KINDS)
def test_no_sample_of_the_template_is_left(small: Factory, study: MakeStudy, modality: str) -> None:
    head = small.parts(study(modality), 0)[0]
    for name, field in FIELDS.items():
        if len(field.sample) > 5 and not (name in FRAMED and not KINDS[modality].framed):
            assert field.sample.encode() not in head, name


def test_both_syntaxes_and_both_ways_say_the_same(study: MakeStudy) -> None:
    explicit, implicit = (Factory(3, {"NM": (20, 30, 2)}, Identities([123]), syntax)
                          for syntax in (ExplicitVRLittleEndian, ImplicitVRLittleEndian))  # fmt: skip
    one, other = read(explicit, study("NM"), 4), read(implicit, study("NM"), 4)
    assert one == other
    assert explicit.file_bytes(study("NM"), 4).endswith(explicit.encode(study("NM"), 4))
    assert b"".join(explicit.parts(study("NM"), 4)) == explicit.encode(study("NM"), 4)


@settings(max_examples=40, deadline=None)
@given(
    modality=st.sampled_from(sorted(KINDS)),
    rows=st.integers(1, 130),
    columns=st.integers(16, 130),
    depth=st.sampled_from([1, 2, 3]),
)
def test_any_matrix_works(study: MakeStudy, modality: str, rows: int, columns: int, depth: int) -> None:
    factory = Factory(1, {modality: (rows, columns, depth)}, Identities([123]))
    d = read(factory, study(modality), 0)
    assert len(d.PixelData) == rows * columns * depth + rows * columns * depth % 2
    assert d.pixel_array.shape == ((rows, columns, 3) if depth == 3 else (rows, columns))
    assert d.pixel_array.max() < 1 << d.BitsStored


def test_the_same_arguments_make_the_same_bytes(study: MakeStudy) -> None:
    one, other = (Factory(5, {"US": (120, 160, 1)}, Identities([123])) for _ in range(2))
    assert one.encode(study("US"), 3) == other.encode(study("US"), 3)
    elsewhere = Factory(6, {"US": (120, 160, 1)}, Identities([123]))
    assert elsewhere.encode(study("US"), 3) != one.encode(study("US"), 3)


def test_another_lot_shares_no_uid_no_accession_number_and_no_mark(study: MakeStudy) -> None:
    plain, zero, one, again, other = (
        Factory(5, {"US": (120, 160, 1)}, Identities([123]), **lot)
        for lot in ({}, {"lot": 0}, *({"lot": n} for n in (8, 8, 9)))
    )
    of = study("US")
    assert plain.encode(of, 3) == zero.encode(of, 3)
    assert one.encode(of, 3) == again.encode(of, 3), "the same lot is made again"
    assert one.file_bytes(of, 3) == again.file_bytes(of, 3)
    found = [read(factory, of, 3) for factory in (plain, one, other)]
    for keyword in (
        "StudyInstanceUID",
        "SeriesInstanceUID",
        "SOPInstanceUID",
        "FrameOfReferenceUID",
        "AccessionNumber",
    ):
        assert len({str(data.get(keyword, n)) for n, data in enumerate(found)}) == 3, keyword
    assert len({data.pixel_array.ravel()[:16].tobytes() for data in found}) == 3
    assert len({data.PatientID for data in found}) == 1
    assert len({lot_seed(seed, lot) for seed in range(30) for lot in range(30)}) == 900


def test_the_mark_is_the_objects_own(small: Factory, study: MakeStudy) -> None:
    of = study("CT")
    grey = read(small, of, 12).pixel_array.ravel()[:16]
    assert grey.max() <= 15
    assert int("".join(f"{level:x}" for level in grey), 16) == of.exam * 10_000 + 12
    assert marked(0xFEDC_BA98_7654_3210) == bytes(range(15, -1, -1))


def test_pixels_are_shared_and_cannot_be_written(small: Factory, study: MakeStudy) -> None:
    first, second = (small.parts(study("CT"), i)[1] for i in range(2))
    assert first is second
    assert isinstance(first, Repeated), "which the wire sends without a copy"


def test_the_objects_of_a_study_are_known_without_making_them() -> None:
    ours = Instances(study_uid(7, 5), 120)
    assert [n for n in range(1000) if instance_uid(7, 5, n) in ours] == list(range(120))
    start, arabic = instance_uid(7, 5, 1)[:-4], "\u0660\u0660\u0660\u0661"
    foreign = [
        instance_uid(7, 6, 1), instance_uid(8, 5, 1), study_uid(7, 5), series_uid(7, 5), "", "0001", "1.2.3",
        *(start + digits for digits in ("+001", " 001", "001", "00001", arabic, "-001", "1_01", "")),
    ]  # fmt: skip
    assert not [uid for uid in foreign if uid in ours]


def test_uids_are_as_wide_as_they_may_be() -> None:
    assert len(instance_uid(1, 10**12 - 1, 9999)) == 64
    for seed in range(20):
        assert len(root(seed)) == 44
    assert len({root(seed) for seed in range(20)}) == 20
    assert all(part == "0" or not part.startswith("0") for part in instance_uid(3, 5, 7).split("."))
    assert len({study_uid(1, 2), series_uid(1, 2), frame_uid(1, 2), *(instance_uid(1, 2, n) for n in range(9))}) == 12


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ({"exam": 10**12}, "12 digits"),
        ({"exam": -1}, "12 digits"),
        ({"ae_title": "A" * 17}, "field 'ae' takes 16"),
        ({"site": "LONG-SITE-LABEL"}, "field 'institution' takes 24"),
        ({"site": "é"}, "ASCII"),
        ({"modality": "XA"}, "no matrix for modality 'XA'"),
    ],
)
def test_a_study_that_does_not_fit_is_refused(
    small: Factory, study: MakeStudy, what: dict[str, object], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        small.parts(replace(study("CT"), **what), 0)  # type: ignore[arg-type]


@pytest.mark.parametrize("number", [-1, 10_000])
def test_an_object_number_that_does_not_fit_is_refused(small: Factory, study: MakeStudy, number: int) -> None:
    with pytest.raises(ValueError, match="0 to 9999"):
        small.parts(study("CT"), number)


@pytest.mark.parametrize("matrix", [(0, 512, 2), (512, 65_536, 2), (512, 512, 4), (512, 512, 0), (3, 5, 2)])
def test_a_matrix_that_cannot_be_is_refused(matrix: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match=f"matrix {matrix[0]} x {matrix[1]} x {matrix[2]} of CT"):
        Factory(1, {"CT": matrix}, Identities([]))


def test_other_kinds_syntaxes_and_patients_are_refused(small: Factory, study: MakeStudy) -> None:
    with pytest.raises(ValueError, match="'XA' is not made here: take one of CR, DX"):
        Factory(1, {"XA": (16, 16, 2)}, Identities([]))
    with pytest.raises(ValueError, match="Explicit VR Little Endian"):
        Factory(1, SMALL, Identities([]), JPEGBaseline8Bit)
    with pytest.raises(KeyError, match="patient 9 "):
        small.parts(study("CT", patient=9), 0)


def test_ten_thousand_unique_cts_a_second(factory: Factory, study: MakeStudy) -> None:
    """Of 512 kB, on one core, in processor time: others may use the machine."""
    studies, seen = [study("CT", exam=e) for e in range(100)], set()
    factory.prepare("CT")
    begun = process_time()
    for one in studies:
        for number in range(100):
            seen.add(factory.parts(one, number)[0])
    took = process_time() - begun
    assert len(seen) == 10_000
    assert took < 1.0


def test_the_largest_template_takes_under_a_second(matrices: dict[str, tuple[int, int, int]]) -> None:
    begun = process_time()
    template = Factory(8, matrices, Identities([])).prepare("MG")
    assert process_time() - begun < 1.0
    assert len(template.pixels) + 32 == np.prod(matrices["MG"])
