"""STOW-RS, QIDO-RS and WADO-RS with `requests`, a client that is not ours."""

import socket
from collections.abc import Iterator
from email import message_from_bytes
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian

from loadtest.archives.counting import statistics
from loadtest.archives.launch import running
from loadtest.archives.target import Target
from loadtest.wire.multipart import boundary_of
from tests.loadtest.archives.archive_objects import ROOT, ct, part10, with_meta

STORED, FAILED, REASON, UID_OF = "00081199", "00081198", "00081197", "00081155"


@pytest.fixture(scope="module")
def web() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


def stow(web: requests.Session, target: Target, *files: bytes, path: str = "/studies", **headers: str) -> Any:
    body = b"".join(b"--b\r\nContent-Type: application/dicom\r\n\r\n" + file + b"\r\n" for file in files) + b"--b--\r\n"
    given = {"Content-Type": 'multipart/related; type="application/dicom"; boundary=b', **headers}
    return web.post(target.base_url + path, data=body, headers=given, timeout=10)


def value(found: dict[str, Any], tag: str) -> Any:
    return found[tag]["Value"][0]


@pytest.fixture(scope="module")
def filled(embedded: Target, web: requests.Session) -> Target:
    """Studies 61 (2 series, 3 images) and 62 (1 image)."""
    objects = [ct(61, 1, 1), ct(61, 1, 2), ct(61, 2, 3), ct(62, Modality="MR")]
    assert stow(web, embedded, *map(part10, objects)).status_code == 200
    return embedded


def objects_of(answer: requests.Response) -> list[Dataset]:
    head = f"Content-Type: {answer.headers['Content-Type']}\r\n\r\n".encode("ascii")
    parts = message_from_bytes(head + answer.content).get_payload()
    assert isinstance(parts, list)
    return [dcmread(BytesIO(part.get_payload(decode=True))) for part in parts]  # type: ignore[union-attr, arg-type]


def test_stow_names_what_it_stored(embedded: Target, web: requests.Session) -> None:
    before = statistics(embedded.statistics_url)
    answer = stow(web, embedded, part10(ct(63, 1, 1)), part10(ct(63, 1, 2)))
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/dicom+json")
    named = [value(one, UID_OF) for one in answer.json()[STORED]["Value"]]
    assert named == [ct(63, 1, 1).SOPInstanceUID, ct(63, 1, 2).SOPInstanceUID]
    assert FAILED not in answer.json()
    assert statistics(embedded.statistics_url)["instances"] == before["instances"] + 2


def test_stow_is_honest_about_a_part(embedded: Target, web: requests.Session) -> None:
    answer = stow(web, embedded, part10(ct(64)), b"not DICOM at all")
    assert answer.status_code == 202
    assert len(answer.json()[STORED]["Value"]) == 1
    assert value(answer.json()[FAILED]["Value"][0], REASON) == 0xC000


def test_stow_refuses_what_it_cannot_index(embedded: Target, web: requests.Session) -> None:
    deflated = stow(web, embedded, part10(with_meta(ct(65), DeflatedExplicitVRLittleEndian)))
    assert deflated.status_code == 409
    assert value(deflated.json()[FAILED]["Value"][0], REASON) == 0xC122
    other = stow(web, embedded, part10(ct(65)), path=f"/studies/{ROOT}.66")
    assert (other.status_code, value(other.json()[FAILED]["Value"][0], REASON)) == (409, 0xA900)


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{}", "application/json", 415),
        (b"--b--", 'multipart/related; type="application/dicom+json"; boundary=b', 415),
        (b"--b--", "multipart/related; type=application/dicom", 415),  # no boundary
        (b"", "multipart/related; type=application/dicom; boundary=b", 400),
        (b"--b\r\n\r\nhalf", "multipart/related; type=application/dicom; boundary=b", 400),  # cut short
        (b"--b\r\nX: " + b"y" * 40_000, "multipart/related; type=application/dicom; boundary=b", 400),
    ],
)
def test_bad_bodies(embedded: Target, web: requests.Session, body: bytes, content_type: str, status: int) -> None:
    url = f"{embedded.base_url}/studies"
    answer = web.post(url, data=body, headers={"Content-Type": content_type}, timeout=10)
    assert answer.status_code == status
    assert len(answer.text) < 300


def test_qido_studies(filled: Target, web: requests.Session) -> None:
    params = {"PatientID": "P61", "includefield": "NumberOfPatientRelatedStudies"}
    (found,) = web.get(f"{filled.base_url}/studies", params=params, timeout=10).json()
    assert value(found, "0020000D") == f"{ROOT}.61"
    assert value(found, "00100010") == {"Alphabetic": "TEST^Patient61"}
    assert (value(found, "00201206"), value(found, "00201208"), value(found, "00201200")) == (2, 3, 1)
    assert found["00080061"] == {"vr": "CS", "Value": ["CT"]}
    assert value(found, "00081190") == f"{filled.base_url}/studies/{ROOT}.61"


@pytest.mark.parametrize(
    ("path", "params", "answers"),
    [
        ("/studies", {"00100020": "P6?", "StudyDate": "20050101-20051231", "ModalitiesInStudy": "MR"}, 1),
        ("/studies", {"StudyInstanceUID": f"{ROOT}.61,{ROOT}.62"}, 2),
        ("/studies", {"PatientName": "test^patient61", "fuzzymatching": "true"}, 1),
        ("/studies", {"PatientID": "P61'--"}, 0),
        ("/series", {"StudyInstanceUID": f"{ROOT}.61"}, 2),
        (f"/studies/{ROOT}.61/series", {"SeriesNumber": "2"}, 1),
        (f"/studies/{ROOT}.61/instances", {}, 3),
        (f"/studies/{ROOT}.61/series/{ROOT}.61.1/instances", {"InstanceNumber": "2"}, 1),
        ("/instances", {"StudyInstanceUID": f"{ROOT}.61", "limit": "2"}, 2),
        ("/instances", {"StudyInstanceUID": f"{ROOT}.61", "limit": "2", "offset": "2"}, 1),
    ],
)
def test_qido_matching(filled: Target, web: requests.Session, path: str, params: dict[str, str], answers: int) -> None:
    answer = web.get(filled.base_url + path, params=params, timeout=10)
    assert (answer.status_code, len(answer.json())) == (200, answers)


def test_qido_says_what_it_ignored(filled: Target, web: requests.Session) -> None:
    answer = web.get(f"{filled.base_url}/studies", params={"PatientWeight": "70", "PatientID": "P61"}, timeout=10)
    assert "PatientWeight" in answer.headers["Warning"]
    assert len(answer.json()) == 1


@pytest.mark.parametrize("params", ["limit=-1", "limit=x", "offset=1e3", "a\r\nX-Evil:%201=2", "%F0%9F%92%A5=1"])
def test_bad_queries(filled: Target, web: requests.Session, params: str) -> None:
    answer = web.get(f"{filled.base_url}/studies?{params}", timeout=10)
    assert answer.status_code == 400
    assert "X-Evil" not in answer.headers


@pytest.mark.parametrize(("below", "objects"), [("", 3), (f"/series/{ROOT}.61.1", 2)])
def test_wado_returns_the_files(filled: Target, web: requests.Session, below: str, objects: int) -> None:
    accept = 'multipart/related; type="application/dicom"; transfer-syntax=*'
    answer = web.get(f"{filled.base_url}/studies/{ROOT}.61{below}", headers={"Accept": accept}, timeout=10)
    found = objects_of(answer)
    assert len(found) == objects
    assert found[0] == dcmread(BytesIO(part10(ct(61, 1, 1))))
    assert found[0].file_meta.TransferSyntaxUID == ct().file_meta.TransferSyntaxUID


def test_wado_one_instance(filled: Target, web: requests.Session) -> None:
    path = f"/studies/{ROOT}.61/series/{ROOT}.61.2/instances/{ROOT}.61.2.3"
    (found,) = objects_of(web.get(filled.base_url + path, timeout=10))
    assert found == dcmread(BytesIO(part10(ct(61, 2, 3))))


def test_wado_metadata(filled: Target, web: requests.Session) -> None:
    found = web.get(f"{filled.base_url}/studies/{ROOT}.61/metadata", timeout=10).json()
    assert [value(one, "00200013") for one in found] == [1, 2, 3]
    assert all("7FE00010" not in one for one in found)


def test_wado_frames_are_the_bytes_that_were_stored(filled: Target, web: requests.Session) -> None:
    path = f"/studies/{ROOT}.61/series/{ROOT}.61.2/instances/{ROOT}.61.2.3"
    accept = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'
    answer = web.get(f"{filled.base_url}{path}/frames/1", headers={"Accept": accept}, timeout=10)
    assert answer.status_code == 200
    boundary = boundary_of(answer.headers["Content-Type"])
    (part,) = answer.content.split(b"\r\n--" + boundary)[1:-1]
    head, _, body = part.partition(b"\r\n\r\n")
    assert b"transfer-syntax=" + str(ct().file_meta.TransferSyntaxUID).encode() in head
    assert body == ct(61, 2, 3).PixelData


def test_wado_rendered_is_a_jpeg_of_the_picture(filled: Target, web: requests.Session) -> None:
    path = f"/studies/{ROOT}.61/series/{ROOT}.61.2/instances/{ROOT}.61.2.3"
    answer = web.get(f"{filled.base_url}{path}/rendered", headers={"Accept": "image/jpeg"}, timeout=10)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/jpeg")
    picture = Image.open(BytesIO(answer.content))
    assert (picture.size, picture.mode) == ((ct().Columns, ct().Rows), "L")


@pytest.mark.parametrize(
    ("below", "accept", "status"),
    [
        ("frames/2", "*/*", 404), ("frames/0", "*/*", 400), ("frames/x", "*/*", 400), ("frames/1,", "*/*", 400),
        ("frames/1", "image/jpeg", 406), ("rendered", "application/dicom", 406),
    ],
)  # fmt: skip
def test_wado_picture_refusals(filled: Target, web: requests.Session, below: str, accept: str, status: int) -> None:
    path = f"/studies/{ROOT}.61/series/{ROOT}.61.2/instances/{ROOT}.61.2.3/{below}"
    assert web.get(filled.base_url + path, headers={"Accept": accept}, timeout=10).status_code == status


@pytest.mark.parametrize(
    ("number", "more", "below", "status"),
    [
        (71, {"Rows": None}, "frames/1", 422), (71, {"Rows": None}, "rendered", 422),
        (72, {"PixelData": b"ab"}, "frames/1", 404), (72, {"PixelData": b"ab"}, "rendered", 422),
        (73, {"NumberOfFrames": 2 * 10**9}, "frames/2", 404), (73, {"NumberOfFrames": 2 * 10**9}, "rendered", 422),
        (74, {"Rows": 65_535, "Columns": 65_535}, "rendered", 422), (75, {"Rows": 0}, "frames/1", 422),
    ],
)  # fmt: skip
def test_a_picture_that_is_not_what_it_claims_is_refused(
    embedded: Target, web: requests.Session, number: int, more: dict[str, Any], below: str, status: int
) -> None:
    stow(web, embedded, part10(ct(number, 1, 1, **more)))
    path = f"/studies/{ROOT}.{number}/series/{ROOT}.{number}.1/instances/{ROOT}.{number}.1.1/{below}"
    answer = web.get(embedded.base_url + path, headers={"Accept": "*/*"}, timeout=10)
    assert answer.status_code == status, answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    ("path", "accept", "status"),
    [
        (f"/studies/{ROOT}.404", "*/*", 404),
        (f"/studies/{ROOT}.61/series/{ROOT}.62.1", "*/*", 404),  # of another study
        ("/studies/../../etc/passwd", "*/*", 404),
        ("/studies/%2e%2e%2f%2e%2e%2fetc", "*/*", 404),
        (f"/studies/{ROOT}.61", "image/jpeg", 406),
        (
            f"/studies/{ROOT}.61",
            'multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.5',
            406,
        ),
        ("/rendered", "*/*", 404),
    ],
)
def test_wado_refusals(filled: Target, web: requests.Session, path: str, accept: str, status: int) -> None:
    answer = web.get(filled.base_url + path, headers={"Accept": accept}, timeout=10)
    assert answer.status_code == status


def test_other_methods_are_refused(filled: Target, web: requests.Session) -> None:
    assert web.delete(f"{filled.base_url}/studies/{ROOT}.61", timeout=10).status_code == 405


def test_connections_are_kept_alive(filled: Target) -> None:
    with requests.Session() as session:
        for _ in range(3):
            answer = session.get(f"{filled.base_url}/studies", params={"PatientID": "P61"}, timeout=10)
            assert answer.headers.get("Connection", "keep-alive").lower() == "keep-alive"


def raw(target: Target, request: bytes) -> bytes:
    """The first bytes that come back."""
    address = urlsplit(target.base_url)
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=5) as peer:
        peer.sendall(request)
        return peer.recv(64)


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"POST /dicom-web/studies HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n", b"413"),
        (b"GET /dicom-web/studies HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 100_000, b"413"),
        (b"POST /dicom-web/studies HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", b"415"),
        (b"nonsense\r\n\r\n", b"400"),
    ],
)
def test_sizes_are_bounded(embedded: Target, request_bytes: bytes, status: bytes) -> None:
    assert status in raw(embedded, request_bytes)[:40]


def test_chunked_bodies_are_taken(embedded: Target, web: requests.Session) -> None:
    pieces = iter([b"--b\r\nContent-Type: application/dicom\r\n\r\n", part10(ct(67)), b"\r\n--b--\r\n"])
    headers = {"Content-Type": 'multipart/related; type="application/dicom"; boundary=b'}
    answer = web.post(f"{embedded.base_url}/studies", data=pieces, headers=headers, timeout=10)
    assert answer.status_code == 200


def test_null_mode_counts_what_is_sent(web: requests.Session) -> None:
    with running("embedded", "Null", mode="null") as target:
        answer = stow(web, target, part10(ct(68, 1, 1)), part10(ct(68, 1, 2)))
        assert (answer.status_code, len(answer.json()[STORED]["Value"])) == (200, 2)
        assert target.count_instances() == 2
        assert web.get(f"{target.base_url}/studies", timeout=10).json() == []
