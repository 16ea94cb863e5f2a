"""StoreListener: takes what is its own from pynetdicom and DCMTK, and turns strangers away."""

import hashlib
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE
from pynetdicom.association import Association as TheirAssociation
from pynetdicom.pdu import A_ASSOCIATE_AC

from loadtest.wire import AssociationRejected, Peer, StoreListener, Timeouts, open_association, pdu
from loadtest.wire.arrivals import MOST_CAUSES, OTHER_CAUSES, Arrivals
from loadtest.wire.counted import Counted
from loadtest.wire.errors import AssociationAborted, ContextRefused
from tests.loadtest.wire.wire_servers import CT, EXPLICIT, QUICK, STUDY, dataset, encoded, eventually, part10, take_pdu

IMPLICIT = "1.2.840.10008.1.2"
VERIFICATION = "1.2.840.10008.1.1"


def theirs(listener: StoreListener, calling: str = "ARCHIVE", called: str = "MOVER") -> TheirAssociation:
    ae = AE(calling)
    ae.add_requested_context(CT, [EXPLICIT])
    ae.add_requested_context(VERIFICATION)
    return ae.associate("127.0.0.1", listener.port, ae_title=called, max_pdu=16384)


@pytest.fixture
def listener() -> Iterator[StoreListener]:
    with StoreListener("MOVER", calling_ae="ARCHIVE", uid_prefix=STUDY, hashing=True, timeouts=QUICK) as started:
        yield started


def peer(listener: StoreListener) -> Peer:
    return Peer(listener.host, listener.port, listener.ae_title)


def test_pynetdicom_stores_into_it(listener: StoreListener) -> None:
    link = theirs(listener)
    assert link.is_established
    assert link.send_c_echo().Status == 0
    for number in range(3):
        assert link.send_c_store(dataset(number, pixels=40960)).Status == 0
    foreign = link.send_c_store(dataset(0, study="1.2.3"))
    assert foreign.Status == 0x0124
    link.release()
    arrival = listener.studies[STUDY]
    want = [encoded(dataset(n, pixels=40960)) for n in range(3)]
    assert (arrival.objects, arrival.bytes) == (3, sum(map(len, want)))
    assert set(arrival.hashes.values()) == {hashlib.sha256(raw).hexdigest() for raw in want}
    assert list(listener.strangers) == ["object of a study that is not ours"]
    assert listener.objects == 3


def test_dcmtk_stores_into_it(listener: StoreListener, tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_bytes(part10(dataset(0)))
    command = ["/usr/bin/storescu", "-aet", "ARCHIVE", "-aec", "MOVER", "127.0.0.1", str(listener.port), "a.dcm"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=20, capture_output=True)
    assert listener.studies[STUDY].objects == 1


def test_our_own_client_stores_into_it_in_implicit_vr(listener: StoreListener) -> None:
    from pynetdicom.dsutils import encode

    raw = encode(dataset(0), True, True)
    assert raw is not None
    with open_association(peer(listener), "ARCHIVE", [(CT, [IMPLICIT])], timeouts=QUICK, max_pdu=4096) as link:
        assert link.store(CT, dataset(0).SOPInstanceUID, IMPLICIT, (raw,)).status == 0
    assert listener.studies[STUDY].bytes == len(raw)


@pytest.mark.parametrize(
    ("calling", "called", "reason"),
    [("ARCHIVE", "OTHER", "called AE title"), ("STRANGER", "MOVER", "calling AE title")],
)
def test_wrong_titles_are_rejected(listener: StoreListener, calling: str, called: str, reason: str) -> None:
    with pytest.raises(AssociationRejected, match=reason):
        open_association(Peer("127.0.0.1", listener.port, called), calling, [(CT, [EXPLICIT])], timeouts=QUICK)
    assert listener.strangers == {f"wrong {reason}": 1}


def test_only_expected_and_only_while_outstanding() -> None:
    with StoreListener("MOVER", only_expected=True, timeouts=QUICK) as listener:
        with pytest.raises(AssociationRejected, match="transiently"):
            open_association(peer(listener), "A", [(CT, [EXPLICIT])], timeouts=QUICK)
        arrival = listener.expect(STUDY)
        with open_association(peer(listener), "A", [(CT, [EXPLICIT])], timeouts=QUICK) as link:
            assert link.store(CT, "1.2", EXPLICIT, (encoded(dataset(0, study="1.9")),)).status == 0x0124
            assert link.store(CT, "1.2", EXPLICIT, (encoded(dataset(0)),)).status == 0
            listener.forget(STUDY)
            assert link.store(CT, "1.2", EXPLICIT, (encoded(dataset(0)),)).status == 0x0124
        assert arrival.objects == 1
        assert STUDY not in listener.studies


def test_another_address_and_too_many_associations() -> None:
    with StoreListener("MOVER", allowed_hosts=("192.0.2.1",)) as listener, pytest.raises(AssociationAborted):
        open_association(peer(listener), "A", [(CT, [EXPLICIT])], timeouts=QUICK)
    with (
        StoreListener("MOVER", most_associations=1) as listener,
        open_association(peer(listener), "A", [(CT, [EXPLICIT])], timeouts=QUICK),
    ):
        with pytest.raises(AssociationRejected, match="local limit exceeded"):
            open_association(peer(listener), "A", [(CT, [EXPLICIT])], timeouts=QUICK)
        # two that say nothing fill the room that is left for rejections
        silent = [socket.create_connection(("127.0.0.1", listener.port)) for _ in range(3)]
        assert eventually(lambda: listener.strangers["more connections than allowed"] >= 1)
        for one in silent:
            one.close()


def test_contexts_that_it_does_not_take(listener: StoreListener) -> None:
    contexts = [(CT, ["1.2.840.10008.1.2.1.99"]), ("1.2.840.10008.5.1.4.1.2.2.1", [IMPLICIT]), (CT, [EXPLICIT])]
    with open_association(peer(listener), "ARCHIVE", contexts, timeouts=QUICK) as link:
        assert link.context(CT, EXPLICIT) == 5
        with pytest.raises(ContextRefused, match="transfer syntaxes not supported"):
            link.context(CT, "1.2.840.10008.1.2.1.99")
        with pytest.raises(ContextRefused, match="abstract syntax not supported"):
            link.find("1.2.840.10008.5.1.4.1.2.2.1", Dataset())


@pytest.mark.parametrize("study", ["../../x", "/abs", "=cmd()", "<script>", "2.25.77\n1", "2.25.\x1b[31m"])
def test_hostile_study_uids_are_data_and_nothing_else(study: str, tmp_path: Path) -> None:
    raw = encoded(Dataset())
    value = study.encode() + b"\0" * (len(study) % 2)
    raw += b"\x20\0\x0d\0UI" + len(value).to_bytes(2, "little") + value
    with StoreListener("MOVER", timeouts=QUICK) as listener:
        with open_association(peer(listener), "A", [(CT, [EXPLICIT])], timeouts=QUICK) as link:
            assert link.store(CT, "1.2", EXPLICIT, (raw,)).status == 0
        assert all(c.isprintable() for key in listener.studies for c in key)
        assert listener.objects == 1


def test_broken_requests_are_counted_and_the_listener_lives(listener: StoreListener) -> None:
    messages = [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x01\0\xff\xff\xff\xff",
        pdu.pdu(1, bytes(68) + b"\x10\0\xff\xff"),
        pdu.release_rq(),
        b"",
    ]
    for message in messages:
        with socket.create_connection(("127.0.0.1", listener.port)) as talk:
            talk.sendall(message)
            talk.shutdown(socket.SHUT_WR)
            talk.settimeout(3)
            while talk.recv(100):
                pass
    assert eventually(lambda: listener.strangers.total() == len(messages))
    assert theirs(listener).is_established


def test_a_command_out_of_place_is_aborted(listener: StoreListener) -> None:
    link = open_association(peer(listener), "ARCHIVE", [(CT, [EXPLICIT])], timeouts=QUICK)
    with pytest.raises(AssociationAborted, match="service provider"):
        link.find(CT, Dataset())


def test_wait_ends() -> None:
    with StoreListener("MOVER") as listener:
        began = time.perf_counter()
        assert not listener.wait(STUDY, 1, 0.1)
        assert time.perf_counter() - began < 1.0


def test_stop_ends_idle_associations() -> None:
    listener = StoreListener("MOVER", timeouts=Timeouts(5, 60, 60))
    listener.start()
    link = open_association(peer(listener), "A", [(CT, [EXPLICIT])], timeouts=QUICK)
    began = time.perf_counter()
    listener.stop()
    assert time.perf_counter() - began < 1.0
    with pytest.raises(AssociationAborted):
        link.store(CT, "1.2", EXPLICIT, (encoded(dataset(0)),))


def test_objects_are_different_ones_and_those_asked_for() -> None:
    instances = {str(dataset(n).SOPInstanceUID) for n in range(2)}
    with StoreListener("MOVER", only_expected=True, timeouts=QUICK) as listener:
        arrival = listener.expect(STUDY, instances)
        with open_association(peer(listener), "A", [(CT, [EXPLICIT])], timeouts=QUICK) as link:
            answers = [
                link.store(CT, str(dataset(n).SOPInstanceUID), EXPLICIT, (encoded(dataset(n)),)).status
                for n in (0, 0, 2, 1)
            ]
        assert answers == [0, 0, 0x0124, 0]
        assert (arrival.objects, arrival.repeated, arrival.foreign) == (2, 1, 1)
        assert listener.strangers == {"object that is none of the study's": 1}
        assert listener.wait(STUDY, 3, 0.0)


def test_a_study_without_end_is_refused() -> None:
    """What is remembered of each object is bounded."""
    counted = Counted(most=3)
    assert [counted.count(f"1.{n}", 10, "") for n in (1, 2, 3, 4, 1)] == [0, 0, 0, 0xA700, 0]
    assert (counted.objects, counted.repeated, counted.bytes) == (3, 1, 40)


def test_causes_are_counted_in_a_bounded_number_of_rows() -> None:
    arrivals = Arrivals(lambda uid: True, only_expected=False, hashing=False, most_studies=1)
    for number in range(1000):
        arrivals.turn_away(f"ProtocolError: element {number}")
    assert len(arrivals.strangers) == MOST_CAUSES + 1
    assert (arrivals.strangers.total(), arrivals.strangers[OTHER_CAUSES]) == (1000, 1000 - MOST_CAUSES)


def asking(listener: StoreListener, titles: bytes, application: bytes = pdu.APPLICATION_CONTEXT) -> tuple[int, bytes]:
    """The answer to a request with these bytes 11 to 74."""
    request = pdu.associate_rq("MOVER", "A", [pdu.Context(1, CT, (EXPLICIT,))], 16384)
    rest = request[74:].replace(
        pdu.item(0x10, pdu.APPLICATION_CONTEXT), pdu.item(0x10, application) if application else b""
    )
    with socket.create_connection(("127.0.0.1", listener.port)) as talk:
        talk.settimeout(3)
        talk.sendall(pdu.pdu(pdu.ASSOCIATE_RQ, request[6:10] + titles + rest))
        return take_pdu(talk)


@pytest.mark.parametrize("calling", [b"PACS-M\xfcnchen", b"\xc3\xa9" * 8, b"\x1b[31m", b"TITLE_OF_SIXTEEN"])
def test_titles_go_back_as_they_came(calling: bytes) -> None:
    """PS3.8 table 9-17, also for what is reserved; pynetdicom reads the answer."""
    titles = b"MOVER".ljust(16) + calling.ljust(16) + bytes(range(32))
    with StoreListener("MOVER", timeouts=QUICK) as listener:
        kind, body = asking(listener, titles)
    assert (kind, body[4:68]) == (pdu.ASSOCIATE_AC, titles)
    theirs = A_ASSOCIATE_AC()
    theirs.decode(pdu.pdu(kind, body))
    assert [item.item_type for item in theirs.variable_items] == [0x10, 0x21, 0x50]


@pytest.mark.parametrize("application", [b"1.2.840.10008.3.1.1.2", b"1", b""])
def test_another_application_context_is_rejected(application: bytes) -> None:
    with StoreListener("MOVER", timeouts=QUICK) as listener:
        assert asking(listener, pdu.titles("MOVER", "A"), application) == (pdu.ASSOCIATE_RJ, b"\0\1\1\2")
        assert listener.strangers == {"another application context than DICOM's": 1}
