"""The archive's DIMSE side with pynetdicom as client: statuses, comments, limits."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, MRImageStorage
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.presentation import build_role
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    PatientRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
)

from loadtest.archives.embedded import null_scp, scp
from loadtest.archives.embedded.archive import Archive
from loadtest.archives.embedded.keys import Level
from loadtest.archives.embedded.options import Options
from loadtest.wire import Peer, StoreListener, open_association
from tests.loadtest.archives.archive_objects import ROOT, ct

VERIFICATION = "1.2.840.10008.1.1"
FIND, GET, MOVE = (
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
)


@pytest.fixture(scope="module")
def listener() -> Iterator[StoreListener]:
    with StoreListener("LISTENER", calling_ae="ARCHIVE") as listening:
        yield listening


@pytest.fixture(scope="module")
def served(listener: StoreListener) -> Iterator[tuple[Archive, int]]:
    archive = Archive()
    movers = {"LISTENER": ("127.0.0.1", listener.port), "ABSENT": ("127.0.0.1", 1)}
    server = scp.start(archive, Options(ae_title="ARCHIVE", movers=movers))
    yield archive, server.port
    server.stop()


@pytest.fixture
def assoc(served: tuple[Archive, int]) -> Iterator[Association]:
    entity = AE("TESTER")
    for uid in (FIND, GET, MOVE, PatientRootQueryRetrieveInformationModelFind, CTImageStorage, MRImageStorage):
        entity.add_requested_context(uid, ExplicitVRLittleEndian)
    entity.acse_timeout = entity.dimse_timeout = 10
    handlers: list[evt.EventHandlerType] = [(evt.EVT_C_STORE, lambda event: 0x0000)]
    roles = [build_role(CTImageStorage, scu_role=True, scp_role=True)]
    association = entity.associate("127.0.0.1", served[1], ext_neg=list(roles), evt_handlers=handlers)
    assert association.is_established
    yield association
    association.release()


def asking(level: str, **keys: object) -> Dataset:
    identifier = Dataset()
    identifier.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        setattr(identifier, keyword, value)
    return identifier


def answers(assoc: Association, model: str, identifier: Dataset) -> tuple[list[Dataset], Dataset]:
    """(matches, final status)."""
    *pending, final = list(assoc.send_c_find(identifier, model))
    return [one for _, one in pending if one is not None], final[0]


def test_store_answers(assoc: Association) -> None:
    assert assoc.send_c_store(ct(1)).Status == 0x0000
    assert assoc.send_c_store(ct(1)).Status == 0x0000  # again: acknowledged, kept once
    no_study = ct(2)
    del no_study.StudyInstanceUID
    refused = assoc.send_c_store(no_study)
    assert (refused.Status, refused.ErrorComment) == (0xC000, "StudyInstanceUID is missing or is no UID")


@pytest.mark.parametrize(
    ("model", "identifier"),
    [
        (FIND, asking("PATIENT", PatientID="*")),  # not a level of the study root model
        (FIND, asking("", StudyInstanceUID="")),
        (FIND, asking("SERIES", SeriesInstanceUID="")),  # its study must be named
        (FIND, asking("SERIES", StudyInstanceUID=[f"{ROOT}.1", f"{ROOT}.2"])),  # by one UID
        (FIND, asking("IMAGE", StudyInstanceUID=f"{ROOT}.1")),
        (PatientRootQueryRetrieveInformationModelFind, asking("STUDY", StudyInstanceUID="")),
    ],
)
def test_identifiers_that_break_the_hierarchy(assoc: Association, model: str, identifier: Dataset) -> None:
    found, final = answers(assoc, model, identifier)
    assert (found, final.Status) == ([], 0xA900)
    assert final.ErrorComment


def test_keys_not_held_are_told_by_the_status(assoc: Association) -> None:
    assoc.send_c_store(ct(3))
    one = asking("STUDY", StudyInstanceUID=f"{ROOT}.3", PatientWeight="")
    (status, found), (final, _) = assoc.send_c_find(one, FIND)
    assert (status.Status, final.Status) == (0xFF01, 0x0000)
    assert found is not None
    assert "PatientWeight" not in found
    assert found.RetrieveAETitle == "ARCHIVE"


def test_answers_outside_ascii_name_their_character_set(assoc: Association) -> None:
    assoc.send_c_store(ct(4, SpecificCharacterSet="ISO_IR 100", PatientName="TEST^Jürgen"))
    (found,), _ = answers(assoc, FIND, asking("STUDY", StudyInstanceUID=f"{ROOT}.4", PatientName=""))
    assert (found.PatientName, found.SpecificCharacterSet) == ("TEST^Jürgen", "ISO_IR 192")


def test_get_counts_what_could_not_go_out(assoc: Association) -> None:
    """The getter takes CT only in the role of an SCP: the MR image fails, and is named."""
    assoc.send_c_store(ct(5, 1, 1))
    mr = ct(5, 2, 2, SOPClassUID=MRImageStorage)
    assert assoc.send_c_store(mr).Status == 0x0000
    *_, (final, failed) = assoc.send_c_get(asking("STUDY", StudyInstanceUID=f"{ROOT}.5"), GET)
    assert (final.Status, final.NumberOfCompletedSuboperations, final.NumberOfFailedSuboperations) == (0xB000, 1, 1)
    assert failed is not None
    assert failed.FailedSOPInstanceUIDList == mr.SOPInstanceUID


def test_get_of_nothing_succeeds_with_no_sub_operation(assoc: Association) -> None:
    ((final, _),) = assoc.send_c_get(asking("STUDY", StudyInstanceUID=f"{ROOT}.999"), GET)
    assert (final.Status, final.NumberOfCompletedSuboperations) == (0x0000, 0)


def test_get_without_its_unique_key_is_refused(assoc: Association) -> None:
    *_, (final, _) = assoc.send_c_get(asking("STUDY", PatientID="P1"), GET)
    assert final.Status == 0xA900


@pytest.mark.parametrize(("level", "objects"), [("STUDY", 3), ("SERIES", 2), ("IMAGE", 1)])
def test_move_at_each_level(assoc: Association, listener: StoreListener, level: str, objects: int) -> None:
    for series, number in ((1, 1), (1, 2), (2, 3)):
        assoc.send_c_store(ct(6, series, number))
    keys = {"StudyInstanceUID": f"{ROOT}.6", "SeriesInstanceUID": f"{ROOT}.6.1", "SOPInstanceUID": f"{ROOT}.6.1.1"}
    given = dict(list(keys.items())[: Level[level].value])
    arrival = listener.expect(f"{ROOT}.6")
    *_, (final, _) = assoc.send_c_move(asking(level, **given), "LISTENER", MOVE)
    assert (final.Status, final.NumberOfCompletedSuboperations) == (0x0000, objects)
    assert arrival.objects == objects


@pytest.mark.parametrize("destination", ["STRANGER", "ABSENT"])
def test_move_to_where_nobody_listens(assoc: Association, destination: str) -> None:
    assoc.send_c_store(ct(7))
    *_, (final, _) = assoc.send_c_move(asking("STUDY", StudyInstanceUID=f"{ROOT}.7"), destination, MOVE)
    assert final.Status == 0xA801


def test_deflated_is_not_accepted(served: tuple[Archive, int]) -> None:
    entity = AE("TESTER")
    entity.add_requested_context(CTImageStorage, DeflatedExplicitVRLittleEndian)
    association = entity.associate("127.0.0.1", served[1])
    assert [context.result for context in association.rejected_contexts] == [4]


def test_their_order_of_syntaxes_wins(served: tuple[Archive, int]) -> None:
    entity = AE("TESTER")
    entity.add_requested_context(CTImageStorage, ["1.2.840.10008.1.2.5", ExplicitVRLittleEndian])
    association = entity.associate("127.0.0.1", served[1])
    assert [str(context.transfer_syntax[0]) for context in association.accepted_contexts] == ["1.2.840.10008.1.2.5"]
    association.release()


def test_more_than_ten_associations_at_once(served: tuple[Archive, int]) -> None:
    entity = AE("TESTER")
    entity.add_requested_context(CTImageStorage, ExplicitVRLittleEndian)
    many = [entity.associate("127.0.0.1", served[1]) for _ in range(15)]
    assert all(one.is_established for one in many)
    for one in many:
        one.release()


def test_only_loopback_is_bound(served: tuple[Archive, int]) -> None:
    bound = Path("/proc/net/tcp").read_text().splitlines()[1:]
    local = [line.split()[1] for line in bound if line.split()[3] == "0A"]
    assert [address for address in local if int(address.split(":")[1], 16) == served[1]] == [
        f"0100007F:{served[1]:04X}"
    ]


def test_null_answers_every_service_and_keeps_nothing() -> None:
    archive = Archive("null")
    server = null_scp.start(archive, Options(mode="null", ae_title="NULL"))
    entity = AE("TESTER")
    for uid in (VERIFICATION, FIND, GET, MOVE, CTImageStorage):
        entity.add_requested_context(uid, ExplicitVRLittleEndian)
    entity.add_requested_context("1.2.840.10008.5.1.1.9", ExplicitVRLittleEndian)  # printing: not ours
    roles = [build_role(CTImageStorage, scu_role=True, scp_role=True)]
    assoc = entity.associate("127.0.0.1", server.port, ext_neg=list(roles))
    assert [context.result for context in assoc.rejected_contexts] == [3]
    assert assoc.send_c_echo().Status == 0
    assert assoc.send_c_store(ct(1, rows=512)).Status == 0
    assert answers(assoc, FIND, asking("STUDY", StudyInstanceUID=""))[0] == []
    for found in (  # each to its end before the next: pynetdicom's own thread takes an answer that nobody waits for
        list(assoc.send_c_get(asking("STUDY", StudyInstanceUID="1.2"), GET)),
        list(assoc.send_c_move(asking("STUDY", StudyInstanceUID="1.2"), "ANYWHERE", MOVE)),
    ):
        ((final, _),) = found
        assert (final.Status, final.NumberOfCompletedSuboperations) == (0, 0)
    assoc.release()
    assert assoc.is_released
    server.stop()
    assert archive.statistics()["instances"] == 1


def test_null_survives_nonsense() -> None:
    """A PDU that claims 4 GiB, another protocol, silence and reset: each ends its own connection only."""
    server = null_scp.start(Archive("null"), Options(mode="null"))
    for nonsense in (b"\x04\x00\xff\xff\xff\xff", b"GET / HTTP/1.1\r\n\r\n", b""):
        with socket.create_connection(("127.0.0.1", server.port)) as peer:
            peer.sendall(nonsense)
    contexts = [(VERIFICATION, ["1.2.840.10008.1.2"])]
    with open_association(Peer("127.0.0.1", server.port, "NULL"), "TESTER", contexts) as ok:
        assert ok.echo().status == 0
    server.stop()
