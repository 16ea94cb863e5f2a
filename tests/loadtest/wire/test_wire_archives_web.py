"""DICOMweb against real archives: Orthanc and the embedded one, request by request."""

from collections.abc import Iterator

import pytest

from loadtest.archives.launch import running
from loadtest.wire import DicomWeb
from tests.loadtest.wire.wire_servers import QUICK, STUDY, Orthanc, dataset, part10

NO_DICOM = b"this is no DICOM file"


@pytest.fixture(scope="module")
def embedded() -> Iterator[str]:
    with running("embedded", "Archive") as target:
        yield target.base_url


@pytest.fixture(params=["orthanc", "embedded"])
def web(request: pytest.FixtureRequest) -> Iterator[DicomWeb]:
    found = request.getfixturevalue(request.param)
    with DicomWeb(found.web if isinstance(found, Orthanc) else found, QUICK, environment={}) as client:
        yield client


def files(study: str, count: int) -> list[bytes]:
    return [part10(dataset(n, study=study)) for n in range(count)]


def test_a_series_and_an_instance_come_back_as_they_were_sent(web: DicomWeb) -> None:
    study, sent = f"{STUDY}.20", files(f"{STUDY}.20", 3)
    assert web.stow(sent, study).stored == 3
    other = dataset(7, study=study)
    other.SeriesInstanceUID = f"{study}.6"
    assert web.stow([part10(other)]).ok
    series = web.wado(f"studies/{study}/series/{study}.8", hashing=True)
    assert (series.status, series.objects, web.wado_study(study).objects) == (200, 3, 4)
    one = web.wado(f"studies/{study}/series/{study}.8/instances/{study}.9.2", hashing=True)
    assert (one.status, one.objects, len(one.hashes)) == (200, 1, 1)
    assert one.hashes[0] in series.hashes
    assert one.bytes * 3 == series.bytes
    assert one.sent <= one.first_byte <= one.first_part <= one.end
    again = web.wado(f"studies/{study}/series/{study}.8/instances/{study}.9.9")
    assert (again.status, again.objects, again.ok) == (404, 0, False)


def test_several_parts_of_which_some_are_refused(web: DicomWeb) -> None:
    study = f"{STUDY}.22"
    strangers = files(f"{STUDY}.23", 2)
    got = web.stow([*files(study, 3), *strangers], study)  # two of another study than the path's (PS3.18 10.5.1)
    assert (got.stored, got.failed, got.unknown, got.ok) == (3, 2, 0, False)
    assert len(got.reasons) == 2
    assert all(got.reasons)
    assert len(web.qido("instances", {"StudyInstanceUID": study})[0]) == 3
    assert not web.qido("studies", {"StudyInstanceUID": f"{STUDY}.23"})[0]


def test_orthancs_refusal_of_one_part_tells_what_it_has_stored_all_the_same(orthanc: Orthanc) -> None:
    with DicomWeb(orthanc.web, QUICK, environment={}) as web:
        got = web.stow([*files(f"{STUDY}.25", 2), NO_DICOM])
        assert (got.status, got.stored, got.failed, got.unknown, got.ok) == (400, 2, 0, 1, False)
        assert len(web.qido("instances", {"StudyInstanceUID": f"{STUDY}.25"})[0]) == 2


def test_what_an_archive_refuses_as_a_whole_is_not_stored(web: DicomWeb) -> None:
    got = web.stow([NO_DICOM])
    assert (got.stored, got.failed + got.unknown, got.ok) == (0, 1, False)
    assert got.status in (400, 409)


@pytest.mark.parametrize("count", [4, 5])
def test_pages(web: DicomWeb, count: int) -> None:
    study = f"{STUDY}.24{count}"
    assert web.stow(files(study, count)).ok
    for page, requests in ((2, 3), (count, 2), (count + 1, 2), (0, 1)):
        found, got = web.qido("instances", {"StudyInstanceUID": study}, page=page)
        uids = {one["00080018"]["Value"][0] for one in found}
        assert (len(found), len(uids), got.status) == (count, count, 200 if page == 2 and count == 5 else got.status)
        assert got.requests == requests
        assert got.ok
    found, got = web.qido("instances", {"StudyInstanceUID": study}, page=2, most=3)
    assert (len(found), got.requests, got.detail) == (3, 2, "1 answers over 3 were thrown away")
