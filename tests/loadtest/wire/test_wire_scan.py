"""The walk over data sets that a peer sends."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pynetdicom.dsutils import encode

from loadtest.wire.errors import ProtocolError
from loadtest.wire.identifier import decode_identifier
from loadtest.wire.scan import DEEPEST, check_structure, find_uid
from tests.loadtest.wire.wire_servers import EXPLICIT, STUDY, dataset, encoded


def nested(depth: int) -> Dataset:
    inner = Dataset()
    inner.StudyInstanceUID = "9.9"  # not the one at the top level
    inner.CodeValue = "X"
    for _ in range(depth):
        outer = Dataset()
        outer.ReferencedStudySequence = [inner, inner] if depth < 4 else [inner]
        inner = outer
    return inner


def with_study(ds: Dataset) -> Dataset:
    ds.StudyInstanceUID, ds.InstanceNumber = STUDY, 1
    return ds


@pytest.mark.parametrize("explicit", [True, False])
@pytest.mark.parametrize("undefined", [True, False])
@pytest.mark.parametrize("depth", [0, 1, 3])
def test_study_uid_is_found_past_sequences(explicit: bool, undefined: bool, depth: int) -> None:
    ds = with_study(nested(depth))
    if depth:
        ds["ReferencedStudySequence"].is_undefined_length = undefined
    raw = encode(ds, not explicit, True)
    assert raw is not None
    check_structure(raw, explicit)
    assert find_uid(raw, explicit) == STUDY
    for cut in range(raw.index(STUDY.encode()) + len(STUDY)):
        assert find_uid(raw[:cut], explicit) is None


def test_pydicoms_own_encoding_with_undefined_lengths() -> None:
    """Orthanc and DCMTK write sequences and items of undefined length."""
    item = b"\xfe\xff\0\xe0\xff\xff\xff\xff" + b"\x08\0\0\1SH\2\0X " + b"\xfe\xff\x0d\xe0\0\0\0\0"
    sequence = b"\x08\0\x10\x11SQ\0\0\xff\xff\xff\xff" + item * 2 + b"\xfe\xff\xdd\xe0\0\0\0\0"
    raw = sequence + b"\x20\0\x0d\0UI\x04\x001.2\0"
    check_structure(raw, True)
    assert find_uid(raw, True) == "1.2"


def test_absent_and_too_long() -> None:
    assert find_uid(encode(dataset(0), True, True) or b"", False, 0x00200001) == ""
    with pytest.raises(ProtocolError, match="64 are allowed"):
        find_uid(b"\x20\0\x0d\0UI\xff\xff", True)


def test_depth_is_bounded() -> None:
    opening = b"\x08\0\x10\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff"
    for function in (check_structure, find_uid):
        with pytest.raises(ProtocolError, match="nested deeper"):
            function(opening * (DEEPEST + 1), True)
        with pytest.raises(ProtocolError, match="nested deeper"):
            function(opening * 100_000, True)


@pytest.mark.parametrize(
    "raw",
    [
        b"\x10\0\x20\0LO\xff\x00abc",
        b"\x10\0\x20",
        b"\x08\0\x10\x11SQ\0\0\x10\0\0\0\xfe\xff\0\xe0\xff\0\0\0" + bytes(8),
        b"\x08\0\x10\x11SQ\0\0\x0c\0\0\0\xfe\xff\0\xe0\x0a\0\0\0" + b"\x08\0\0\1SH\2\0X " + bytes(8),
        b"\x08\0\x10\x11SQ\0\0\x12\0\0\0\xfe\xff\0\xe0\x04\0\0\0" + b"\x08\0\0\1SH\2\0X " + bytes(8),
        b"\x08\0\x10\x11SQ\0\0\x08\0\0\0\x08\0\0\1SH\0\0",
    ],
)
def test_liars(raw: bytes) -> None:
    with pytest.raises(ProtocolError, match="data set"):
        check_structure(raw, True)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_end_with_an_answer_or_a_protocol_error(raw: bytes, explicit: bool) -> None:
    for function in (check_structure, find_uid):
        try:
            function(raw, explicit)
        except ProtocolError:
            continue


@pytest.mark.parametrize("at", [b"\x08\0\x55\x11UI", b"\x08\0\x97\x11US"])
def test_what_is_nested_is_read_too(at: bytes) -> None:
    """pydicom reads the items of a sequence late: a VR that is none must not be found by who uses the value."""
    item = Dataset()
    item.ReferencedSOPInstanceUID, item.FailureReason = "1.2", 272
    found = Dataset()
    found.ReferencedSOPSequence = [item]
    raw = encoded(found)
    assert decode_identifier(raw, EXPLICIT).ReferencedSOPSequence[0].ReferencedSOPInstanceUID == "1.2"
    assert at in raw
    with pytest.raises(ProtocolError, match="NotImplementedError"):
        decode_identifier(raw.replace(at, at[:4] + b"UK"), EXPLICIT)
