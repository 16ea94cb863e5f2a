"""What is stored, what is refused, and that no name of a file comes from a peer."""

from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from loadtest.archives.embedded.archive import Archive
from loadtest.archives.embedded.header import Unreadable
from loadtest.archives.embedded.keys import Level
from loadtest.archives.embedded.matching import Query
from loadtest.archives.embedded.options import Mode
from tests.loadtest.archives.archive_objects import ROOT, ct, encoded

EXPLICIT = "1.2.840.10008.1.2.1"
HOSTILE = [
    "../../x",
    "/abs",
    "1" * 65,
    "1.2\0003",
    "1.2\n3",
    "\x1b[31m1.2",
    "=cmd()",
    "<script>",
    "",
    "1.2/..",
    "1.2 3",
]


def with_uid(place: str, uid: str) -> bytes:
    """A CT whose UID `place` (of a known length) is replaced by other bytes of any length."""
    original = {"StudyInstanceUID": f"{ROOT}.1", "SOPInstanceUID": f"{ROOT}.1.1.1"}[place]
    raw = uid.encode() + b"\0" * (len(uid) % 2)
    before = original.encode() + b"\0" * (len(original) % 2)
    tag = {"StudyInstanceUID": b"\x20\x00\x0d\x00UI", "SOPInstanceUID": b"\x08\x00\x18\x00UI"}[place]
    old = tag + len(before).to_bytes(2, "little") + before
    data = encoded(ct())
    assert old in data
    return data.replace(old, tag + len(raw).to_bytes(2, "little") + raw)


def store(archive: Archive, data: Dataset) -> None:
    archive.store(encoded(data), EXPLICIT, data.SOPClassUID, data.SOPInstanceUID)


@pytest.fixture(params=["memory", "disk"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Archive:
    mode: Mode = request.param
    return Archive(mode, tmp_path / "store" if mode == "disk" else None)


def test_bytes_come_back_as_they_went_in(either: Archive) -> None:
    data = encoded(ct(rows=64))
    stored = either.store(data, EXPLICIT, ct().SOPClassUID, ct().SOPInstanceUID)
    assert stored is not None
    assert either.data_set(stored) == data
    assert either.statistics() == {"instances": 1, "studies": 1, "bytes": len(data), "duplicates": 0}


def test_a_second_object_of_one_uid_is_counted_and_not_kept(either: Archive) -> None:
    store(either, ct(rows=16))
    first = either.statistics()["bytes"]
    store(either, ct(rows=32))
    assert either.statistics() == {"instances": 1, "studies": 1, "bytes": first, "duplicates": 1}


@pytest.mark.filterwarnings("ignore:Invalid value for VR UI", "ignore:The value length")
@pytest.mark.parametrize("uid", HOSTILE)
@pytest.mark.parametrize("place", ["StudyInstanceUID", "SOPInstanceUID"])
def test_hostile_uids_are_refused_and_name_no_file(tmp_path: Path, place: str, uid: str) -> None:
    archive = Archive("disk", tmp_path / "in" / "store")
    data = with_uid(place, uid)
    with pytest.raises(Unreadable) as refused:
        archive.store(data, EXPLICIT, ct().SOPClassUID, uid if place == "SOPInstanceUID" else ct().SOPInstanceUID)
    assert refused.value.status == 0xC000
    assert archive.statistics()["instances"] == 0
    files = {path.relative_to(tmp_path).parts[:2] for path in tmp_path.rglob("*") if path.is_file()}
    assert files <= {("in", "store")}


def test_files_are_named_by_our_own_number(tmp_path: Path) -> None:
    archive = Archive("disk", tmp_path)
    store(archive, ct(1, 1, 1))
    store(archive, ct(1, 1, 2))
    names = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.dcm"))
    assert names == ["objects/000000/000000001.dcm", "objects/000000/000000002.dcm"]


SAID = ct().SOPClassUID, ct().SOPInstanceUID, f"{ROOT}.1"


@pytest.mark.parametrize("said", [("1.2.3", *SAID[1:]), (SAID[0], "1.2.3", SAID[2]), (*SAID[:2], "1.2.3")])
def test_request_and_data_set_must_agree(archive: Archive, said: tuple[str, str, str]) -> None:
    with pytest.raises(Unreadable) as refused:
        archive.store(encoded(ct()), EXPLICIT, *said)
    assert refused.value.status == 0xA900


@pytest.mark.parametrize("data", [b"", b"not DICOM", encoded(ct())[:40], b"\xff" * 4096])
def test_what_cannot_be_read_is_refused(data: bytes) -> None:
    with pytest.raises(Unreadable) as refused:
        Archive().store(data, EXPLICIT, "1.2", "1.2.3")
    assert refused.value.status == 0xC000


def test_deep_nesting_ends_in_a_refusal() -> None:
    """Sequences of undefined length, 5,000 deep: refused, not a crash."""
    item = b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    with pytest.raises(Unreadable):
        Archive().store(item * 5_000, EXPLICIT, "1.2", "1.2.3")


def test_disk_archive_goes_on_where_it_stopped(tmp_path: Path) -> None:
    first = Archive("disk", tmp_path)
    store(first, ct(1, 1, 1))
    first.close()
    again = Archive("disk", tmp_path)
    store(again, ct(1, 1, 2))
    assert again.statistics()["instances"] == 2
    assert [again.data_set(s) for s in again.instances(Level.STUDY, {"StudyInstanceUID": f"{ROOT}.1"})] == [
        encoded(ct(1, 1, 1)),
        encoded(ct(1, 1, 2)),
    ]


def test_null_mode_keeps_counters_only() -> None:
    archive = Archive("null")
    assert archive.store(b"12345", EXPLICIT, "1.2", "1.2.3") is None
    assert archive.statistics() == {"instances": 1, "bytes": 5, "duplicates": 0, "studies": None}
    assert archive.find(Query(Level.STUDY, {}, ["StudyInstanceUID"])) == []


def test_names_in_other_alphabets(archive: Archive) -> None:
    store(archive, ct(9, SpecificCharacterSet="ISO_IR 192", PatientName="ΤΕΣΤ^Ασθενής=山田"))
    (row,) = archive.find(Query(Level.STUDY, {"StudyInstanceUID": f"{ROOT}.9"}, ["PatientName"]))
    assert row["PatientName"] == "ΤΕΣΤ^Ασθενής=山田"
