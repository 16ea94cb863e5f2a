"""Storage commitment: on the same association, on a new one, from Orthanc; too few, foreign and unasked reports."""

import math
import socket
import threading
import time
from collections.abc import Callable
from struct import pack, unpack
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE, build_role, evt

from loadtest.wire import Peer, PeerTimeout, ProtocolError, StoreListener, Timeouts, open_association, pdu
from loadtest.wire.command import DATA_SET, N_EVENT_REPORT_RQ, command_set, ui, us
from loadtest.wire.commitment import PUSH_MODEL, PUSH_MODEL_INSTANCE, Report
from loadtest.wire.errors import AssociationAborted
from tests.loadtest.wire.wire_servers import (
    CT,
    EXPLICIT,
    QUICK,
    STUDY,
    Orthanc,
    accept,
    dataset,
    encoded,
    eventually,
    free_port,
    reply,
    response_elements,
    take_message,
)

IMPLICIT = "1.2.840.10008.1.2"
TRANSACTION = "2.25.4711"
ASKED = [(CT, "1.2.1"), (CT, "1.2.2"), (CT, "1.2.3")]
Serve = Callable[[Callable[[socket.socket], None]], Peer]


def report_of(committed: list[str], failed: dict[str, int], transaction: str = TRANSACTION) -> Dataset:
    def item(instance: str, reason: int | None = None) -> Dataset:
        one = Dataset()
        one.ReferencedSOPClassUID, one.ReferencedSOPInstanceUID = CT, instance
        if reason is not None:
            one.FailureReason = reason
        return one

    found = Dataset()
    found.TransactionUID = transaction
    found.ReferencedSOPSequence = [item(uid) for uid in committed]
    found.FailedSOPSequence = [item(uid, reason) for uid, reason in failed.items()]
    return found


def send_report(talk: socket.socket, context: int, data: bytes, event: int = 1) -> None:
    elements = [ui(0x0002, PUSH_MODEL), us(0x0100, N_EVENT_REPORT_RQ), us(0x0110, 1), us(0x0800, DATA_SET)]
    message = command_set(*elements, ui(0x1000, PUSH_MODEL_INSTANCE), us(0x1002, event))
    talk.sendall(b"".join(pdu.p_data(context, message, (data,), 16384)))


@pytest.mark.parametrize("before", [True, False])
def test_report_on_the_same_association(scripted: Serve, before: bool) -> None:
    heard: list[int] = []

    def archive(talk: socket.socket) -> None:
        accept(talk)
        context, request, raw = take_message(talk)
        assert request.values[0x1008] == b"\1\0"
        assert b"1.2.3" in raw
        report = encoded(report_of(["1.2.1"], {"1.2.2": 0x0112}))
        if before:
            send_report(talk, context, report, 2)
            heard.append(take_message(talk)[1].status)
        reply(talk, context, *response_elements(request, 0))
        if not before:
            send_report(talk, context, report, 2)
            heard.append(take_message(talk)[1].status)

    link = open_association(scripted(archive), "A", [(PUSH_MODEL, [EXPLICIT])], timeouts=QUICK)
    answer, report = link.request_commitment(TRANSACTION, ASKED)
    assert answer.status == 0
    report = report or link.await_report()
    assert (report.transaction_uid, report.committed, report.failed) == (TRANSACTION, {"1.2.1"}, {"1.2.2": 0x0112})
    instances = [uid for _, uid in ASKED]
    assert (report.missing(instances), report.foreign(instances)) == ({"1.2.3"}, set())
    assert report.foreign(["1.2.1"]) == {"1.2.2"}
    assert eventually(lambda: heard == [0])
    link.abort()


def test_no_report_ends_in_time(scripted: Serve) -> None:
    def archive(talk: socket.socket) -> None:
        accept(talk)
        context, request, _ = take_message(talk)
        reply(talk, context, *response_elements(request, 0))
        take_message(talk)

    link = open_association(scripted(archive), "A", [(PUSH_MODEL, [EXPLICIT])], timeouts=Timeouts(1, 0.2, 0.3))
    assert link.request_commitment(TRANSACTION, ASKED)[1] is None
    with pytest.raises(PeerTimeout):
        link.await_report()


def answering(*transactions: str, ends: bool = False) -> Callable[[socket.socket], None]:
    """An archive that answers N-ACTION, then reports these transactions; or ends the association at once."""

    def archive(talk: socket.socket) -> None:
        accept(talk)
        context, request, _ = take_message(talk)
        reply(talk, context, *response_elements(request, 0))
        for transaction in transactions:
            send_report(talk, context, encoded(report_of(["1.2.1"], {}, transaction)))
            STATUSES.append(take_message(talk)[1].status)
        if ends:
            talk.sendall(pdu.release_rq())
        take_message(talk)

    return archive


STATUSES: list[int] = []


def asked(peer: Peer, listener: StoreListener | None, within_s: float = 5.0) -> Report | None:
    link = open_association(peer, "A", [(PUSH_MODEL, [EXPLICIT])], timeouts=QUICK)
    try:
        assert link.request_commitment(TRANSACTION, ASKED)[1] is None
        return link.await_report_of(TRANSACTION, within_s, listener.reports if listener else None)
    finally:
        link.abort()


def test_the_report_is_awaited_in_both_places(scripted: Serve) -> None:
    """PS3.4 J.3.3 leaves the place to the archive, whether we listen or not."""
    with StoreListener("MOVER", only_expected=True, timeouts=QUICK) as listener, listener.reports.awaiting(TRANSACTION):
        began = time.perf_counter()
        for known in (listener, None):
            report = asked(scripted(answering(TRANSACTION)), known)
            assert report is not None
            assert report.committed == {"1.2.1"}
        assert time.perf_counter() - began < 2.0
        delivery = threading.Thread(target=deliver, args=(listener, report_of(["1.2.2"], {})))
        delivery.start()
        found = asked(scripted(answering()), listener)
        delivery.join()
    assert found is not None
    assert found.committed == {"1.2.2"}


def test_who_reports_elsewhere_may_end_the_association(scripted: Serve) -> None:
    with StoreListener("MOVER", only_expected=True, timeouts=QUICK) as listener, listener.reports.awaiting(TRANSACTION):
        later = threading.Timer(0.2, deliver, args=(listener, report_of(["1.2.2"], {})))
        later.start()
        found = asked(scripted(answering(ends=True)), listener)
        later.join()
        assert found is not None
    with pytest.raises(AssociationAborted, match="it released the association"):
        asked(scripted(answering(ends=True)), None)


def test_a_report_of_another_transaction_is_not_ours(scripted: Serve) -> None:
    """It is refused, or goes to who awaits it; ours may still come."""
    STATUSES.clear()
    report = asked(scripted(answering("9.9", TRANSACTION)), None)
    assert report is not None
    assert report.transaction_uid == TRANSACTION
    assert eventually(lambda: STATUSES == [0x0110, 0])
    with pytest.raises(ProtocolError, match="1 reports came, all of another transaction"):
        asked(scripted(answering("9.9")), None, 0.3)
    assert eventually(lambda: STATUSES == [0x0110, 0, 0x0110])
    with StoreListener("MOVER", timeouts=QUICK) as listener, listener.reports.awaiting("9.9"):
        assert asked(scripted(answering("9.9", TRANSACTION)), listener) is not None
        assert listener.reports.glance("9.9", 0.0) is not None
    assert eventually(lambda: STATUSES[3:] == [0, 0])


def test_a_report_of_another_transaction_before_the_answer(scripted: Serve) -> None:
    def archive(talk: socket.socket) -> None:
        accept(talk)
        context, request, _ = take_message(talk)
        send_report(talk, context, encoded(report_of(["1.2.1"], {}, "9.9")))
        assert take_message(talk)[1].status == 0x0110
        reply(talk, context, *response_elements(request, 0))
        take_message(talk)

    link = open_association(scripted(archive), "A", [(PUSH_MODEL, [EXPLICIT])], timeouts=QUICK)
    answer, report = link.request_commitment(TRANSACTION, ASKED)
    assert (answer.status, report) == (0, None)
    link.abort()


def endless() -> bytes:
    """A Failure Reason of infinity, as a double."""
    raw, at = encoded(report_of([], {"1.2.2": 1})), b"\x08\0\x97\x11US\2\0\1\0"
    long = raw.replace(at, b"\x08\0\x97\x11FD\x08\0" + pack("<d", math.inf))
    for tag in (b"\x08\0\x98\x11SQ\0\0", b"\xfe\xff\0\xe0"):  # the sequence and its item are six bytes longer
        start = long.index(tag) + len(tag)
        long = long[:start] + pack("<I", unpack("<I", long[start : start + 4])[0] + 6) + long[start + 4 :]
    return long


def lacking(keyword: str) -> bytes:
    found = report_of(["1.2.1"], {"1.2.2": 1})
    if keyword == "FailureReason":
        del found.FailedSOPSequence[0].FailureReason
    elif keyword == "ReferencedSOPInstanceUID":
        del found.ReferencedSOPSequence[0].ReferencedSOPInstanceUID
    elif keyword:
        del found.TransactionUID
    return encoded(found)


@pytest.mark.parametrize(
    ("data", "event"),
    [
        (lacking("TransactionUID"), 1),
        (lacking("FailureReason"), 2),
        (lacking("ReferencedSOPInstanceUID"), 1),
        (encoded(report_of([], {})), 3),
        (b"\x08\0\x95\x11UI\xff\xff", 1),
        (endless(), 2),
        (lacking("").replace(b"\x08\0\x55\x11UI", b"\x08\0\x55\x11UK"), 2),
    ],
)
def test_reports_that_are_no_reports(scripted: Serve, data: bytes, event: int) -> None:
    def archive(talk: socket.socket) -> None:
        accept(talk)
        context, _, _ = take_message(talk)
        send_report(talk, context, data, event)
        take_message(talk)

    link = open_association(scripted(archive), "A", [(PUSH_MODEL, [EXPLICIT])], timeouts=QUICK)
    with pytest.raises(ProtocolError):
        link.request_commitment(TRANSACTION, ASKED)


def test_bounds_of_a_transaction(scripted: Serve) -> None:
    link = open_association(scripted(accept), "A", [(PUSH_MODEL, [EXPLICIT])], timeouts=QUICK)
    for instances in ([], ASKED * 2000):
        with pytest.raises(ValueError, match="1 to 5000"):
            link.request_commitment(TRANSACTION, instances)
    link.abort()


def deliver(listener: StoreListener, report: Dataset) -> int:
    """As an archive does it with pynetdicom: a new association, we propose to be its SCP."""
    ae = AE("ARCHIVE")
    ae.add_requested_context(PUSH_MODEL, [EXPLICIT])
    link = ae.associate(
        "127.0.0.1", listener.port, ae_title="MOVER", ext_neg=[build_role(PUSH_MODEL, scp_role=True, scu_role=False)]
    )
    assert link.is_established
    assert link.accepted_contexts[0].as_scp
    status, _ = link.send_n_event_report(report, 1, PUSH_MODEL, PUSH_MODEL_INSTANCE)
    link.release()
    return int(status.Status)


def test_report_on_a_new_association_and_strangers() -> None:
    with StoreListener("MOVER", only_expected=True, timeouts=QUICK) as listener:
        listener.expect_report(TRANSACTION)
        assert deliver(listener, report_of(["1.2.1"], {}, "9.9.9")) == 0x0110
        assert deliver(listener, report_of(["1.2.1", "1.2.2"], {})) == 0
        listener.expect_report("1.1")
        assert deliver(listener, report_of(["1.2.1"], {})) == 0x0110  # a second report changes nothing
        report = listener.wait_report(TRANSACTION, 1.0)
        assert isinstance(report, Report)
        assert report.committed == {"1.2.1", "1.2.2"}
        assert listener.wait_report("1.1", 0.05) is None
        assert listener.strangers == {"commitment report that nobody awaits": 2}
        assert not listener.reports.is_outstanding()


def test_orthanc_commits_on_an_association_that_it_opens(orthanc: Orthanc) -> None:
    study = STUDY + ".3"
    stored = [dataset(n, study=study) for n in range(2)]
    contexts = [(CT, [EXPLICIT]), (PUSH_MODEL, [IMPLICIT])]
    with (
        StoreListener("MOVER", port=orthanc.mover_port, only_expected=True, timeouts=QUICK) as listener,
        open_association(orthanc.peer, "MOVER", contexts, timeouts=QUICK) as link,
    ):
        for ds in stored:
            assert link.store(CT, ds.SOPInstanceUID, EXPLICIT, (encoded(ds),)).status == 0
        listener.expect_report(TRANSACTION)
        instances = [(CT, str(ds.SOPInstanceUID)) for ds in stored] + [(CT, "1.2.3.4.5")]
        assert link.request_commitment(TRANSACTION, instances)[0].status == 0
        report = listener.wait_report(TRANSACTION, 8.0)
        assert report is not None, listener.strangers
        assert report.committed == {str(ds.SOPInstanceUID) for ds in stored}
        assert report.failed.keys() == {"1.2.3.4.5"}
        assert report.missing([uid for _, uid in instances]) == set()


def test_pynetdicom_reads_our_request() -> None:
    seen: list[Any] = []

    def act(event: Any) -> tuple[int, None]:
        seen.append((event.action_type, event.action_information))
        return 0, None

    ae = AE("SCP")
    ae.add_supported_context(PUSH_MODEL)
    server = ae.start_server(("127.0.0.1", free_port()), block=False, evt_handlers=[(evt.EVT_N_ACTION, act)])
    try:
        peer = Peer("127.0.0.1", server.server_address[1], "SCP")
        with open_association(peer, "A", [(PUSH_MODEL, [IMPLICIT])], timeouts=QUICK) as link:
            assert link.request_commitment(TRANSACTION, ASKED)[0].status == 0
    finally:
        server.shutdown()
    kind, information = seen[0]
    assert (kind, information.TransactionUID) == (1, TRANSACTION)
    assert [one.ReferencedSOPInstanceUID for one in information.ReferencedSOPSequence] == [uid for _, uid in ASKED]
