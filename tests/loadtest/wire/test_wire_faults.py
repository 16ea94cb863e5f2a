"""Servers that reject, abort, lie, drip, stall or answer wrongly: each ends in time with its own error."""

import socket
import time
from collections.abc import Callable, Iterator

import pytest
from pydicom.dataset import Dataset

from loadtest.wire import (
    Association,
    AssociationAborted,
    AssociationRejected,
    ConnectFailed,
    ConnectionLost,
    ContextRefused,
    Peer,
    PeerTimeout,
    ProtocolError,
    TcpProfile,
    Timeouts,
    open_association,
    pdu,
)
from loadtest.wire.command import command_set
from loadtest.wire.errors import ABORT_REASONS, REJECT_REASONS
from tests.loadtest.wire.wire_servers import (
    CT,
    EXPLICIT,
    QUICK,
    Script,
    accept,
    eventually,
    free_port,
    reply,
    response_elements,
    take_message,
    take_pdu,
)

Serve = Callable[[Script], Peer]
TITLES = pdu.titles("A", "B")
SHORT = Timeouts(connect_s=1.0, response_s=0.3, operation_s=0.5)
INSTANCE = "1.2.3.4"
OPEN: list[Association] = []


def opened(peer: Peer, timeouts: Timeouts = QUICK) -> Association:
    link = open_association(peer, "TESTER", [(CT, [EXPLICIT])], timeouts=timeouts)
    OPEN.append(link)
    return link


@pytest.fixture(autouse=True)
def close_what_is_open() -> Iterator[None]:
    yield
    while OPEN:
        OPEN.pop().abort()


def store(link: Association) -> int:
    return link.store(CT, INSTANCE, EXPLICIT, (bytes(100),)).status


@pytest.mark.parametrize(("source", "reason"), [*REJECT_REASONS, (1, 9), (3, 7), (7, 7)])
def test_each_rejection_has_its_words(scripted: Serve, source: int, reason: int) -> None:
    def reject(talk: socket.socket) -> None:
        take_pdu(talk)
        talk.sendall(pdu.associate_rj(1, source, reason))

    with pytest.raises(AssociationRejected) as caught:
        opened(scripted(reject))
    assert (caught.value.result, caught.value.source, caught.value.reason) == (1, source, reason)
    assert REJECT_REASONS.get((source, reason), f"reserved reason {reason}") in str(caught.value)
    assert "permanently" in str(caught.value)


@pytest.mark.parametrize("reason", [*ABORT_REASONS, 3, 200])
def test_each_abort_has_its_words(scripted: Serve, reason: int) -> None:
    def abort_the_request(talk: socket.socket) -> None:
        take_pdu(talk)
        talk.sendall(pdu.abort(2, reason))

    with pytest.raises(AssociationAborted, match=ABORT_REASONS.get(reason, f"reserved reason {reason}")):
        opened(scripted(abort_the_request))

    def abort_the_store(talk: socket.socket) -> None:
        accept(talk)
        take_message(talk)
        talk.sendall(pdu.abort(0, reason))

    link = opened(scripted(abort_the_store))
    with pytest.raises(AssociationAborted, match="service user") as caught:
        store(link)
    assert caught.value.unknown  # all was sent: nobody knows whether it was stored
    assert not link.is_open
    with pytest.raises(AssociationAborted, match="closed"):
        store(link)


def test_nobody_listens() -> None:
    with pytest.raises(ConnectFailed, match="refused"):
        opened(Peer("127.0.0.1", free_port(), "NOBODY"))


def test_name_that_is_not_known() -> None:
    with pytest.raises(ConnectFailed, match="no connection to"):
        opened(Peer("no-such-host.invalid", 104, "NOBODY"))


def test_refused_context_says_why_and_keeps_the_association(scripted: Serve) -> None:
    def refuse(talk: socket.socket) -> None:
        take_pdu(talk)
        talk.sendall(pdu.associate_ac(TITLES, [(1, 3, EXPLICIT)], 16384))
        assert take_pdu(talk)[0] == pdu.RELEASE_RQ
        talk.sendall(pdu.release_rp())

    link = opened(scripted(refuse))
    with pytest.raises(ContextRefused, match="abstract syntax not supported"):
        store(link)
    with pytest.raises(ContextRefused, match="not offered"):
        link.echo()
    assert link.is_open
    link.release()


ANSWERS: dict[str, tuple[Callable[[socket.socket], None], type[Exception]]] = {
    "closed": (lambda talk: None, ConnectionLost),
    "header of 4 GiB": (lambda talk: talk.sendall(b"\x02\0\xff\xff\xff\xff"), ProtocolError),
    "unknown type": (lambda talk: talk.sendall(b"\x09\0\0\0\0\x04\0\0\0\0"), ProtocolError),
    "P-DATA too early": (lambda talk: talk.sendall(b"\x04\0\0\0\0\x06\0\0\0\x02\x01\x03"), ProtocolError),
    "accept without body": (lambda talk: talk.sendall(b"\x02\0\0\0\0\0"), ProtocolError),
    "rejection of 5 bytes": (lambda talk: talk.sendall(b"\x03\0\0\0\0\x05\0\0\0\0\0"), ProtocolError),
    "context not offered": (lambda t: t.sendall(pdu.associate_ac(TITLES, [(9, 0, EXPLICIT)], 1)), ProtocolError),
    "context twice": (lambda t: t.sendall(pdu.associate_ac(TITLES, [(1, 0, EXPLICIT)] * 2, 0)), ProtocolError),
    "other syntax": (lambda t: t.sendall(pdu.associate_ac(TITLES, [(1, 0, "1.2.3")], 16384)), ProtocolError),
    "no UID": (lambda t: t.sendall(pdu.associate_ac(TITLES, [(1, 0, "../../x")], 16384)), ProtocolError),
    "PDUs of 10 bytes": (lambda t: t.sendall(pdu.associate_ac(TITLES, [(1, 0, EXPLICIT)], 10)), ProtocolError),
    "HTTP": (lambda talk: talk.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"), ProtocolError),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_wrong_answer_to_the_request(scripted: Serve, name: str) -> None:
    answer, error = ANSWERS[name]

    def serve(talk: socket.socket) -> None:
        take_pdu(talk)
        answer(talk)

    began = time.perf_counter()
    with pytest.raises(error):
        opened(scripted(serve))
    assert time.perf_counter() - began < 2.0


def after_store(answer: Callable[[socket.socket, int, object], None]) -> Script:
    def serve(talk: socket.socket) -> None:
        accept(talk)
        context, request, _ = take_message(talk)
        answer(talk, context, request)
        take_pdu(talk)  # stays until the client has gone

    return serve


WRONG: dict[str, Callable[..., None]] = {
    "other message id": lambda t, c, r: reply(t, c, *response_elements(r, 0, message_id=521)),
    "other instance": lambda t, c, r: reply(t, c, *response_elements(r, 0, instance="9.9")),
    "other command": lambda t, c, r: reply(t, c, *response_elements(r, 0, field=0x8030)),
    "other context": lambda t, c, r: reply(t, 99, *response_elements(r, 0)),
    "no status": lambda t, c, r: reply(t, c, *response_elements(r, 0)[:3]),
    "elements out of order": lambda t, c, r: reply(t, c, *reversed(response_elements(r, 0))),
    "status of 4 bytes": lambda t, c, r: reply(t, c, *response_elements(r, 0)[:3], b"\0\0\0\x09\4\0\0\0\0\0\0\0"),
    "PDU over what we announced": lambda t, c, r: t.sendall(b"\x04\0\xff\xff\xff\xff"),
    "PDV longer than its PDU": lambda t, c, r: t.sendall(b"\x04\0\0\0\0\x06\0\0\xff\xff\x01\x03"),
    "PDV of length 1": lambda t, c, r: t.sendall(b"\x04\0\0\0\0\x06\0\0\0\x01\x01\x03"),
    "PDV cut short": lambda t, c, r: t.sendall(b"\x04\0\0\0\0\x03\0\0\0"),
    "data set first": lambda t, c, r: t.sendall(b"\x04\0\0\0\0\x08\0\0\0\x04\x01\x02\0\0"),
    "element longer than the set": lambda t, c, r: t.sendall(
        b"\x04\0\0\0\0\x0e\0\0\0\x0a\x01\x03" + b"\0\0\0\0\xff\xff\xff\xff"
    ),
    "association PDU": lambda t, c, r: t.sendall(pdu.associate_rj(1, 1, 1)),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_answer_to_a_store_is_aborted(scripted: Serve, name: str) -> None:
    link = opened(scripted(after_store(WRONG[name])))
    with pytest.raises(ProtocolError) as caught:
        store(link)
    assert caught.value.unknown
    assert not link.is_open


def test_status_is_read_by_element_not_by_position(scripted: Serve) -> None:
    """Message id 521 = 0209H once passed for a status: elements before and after must not matter."""

    def odd(talk: socket.socket, context: int, request: object) -> None:
        elements = response_elements(request, 0xA701)  # type: ignore[arg-type]
        comment = b"\0\0\x02\x09\x0a\0\0\0no \x1b[31mro"
        reply(talk, context, *elements, comment)

    link = opened(scripted(after_store(odd)))
    got = link.store(CT, INSTANCE, EXPLICIT, (bytes(100),))
    assert (got.status, got.category, got.ok) == (0xA701, "Failure", False)
    assert got.comment == "no \\x1b[31mro"


@pytest.mark.parametrize(
    ("status", "category"),
    [
        (0x0000, "Success"),
        (0xB000, "Warning"),
        (0x0122, "Failure"),
        (0xA900, "Failure"),
        (0xC123, "Failure"),
        (0x7777, "Unknown"),
    ],
)
def test_status_classes(scripted: Serve, status: int, category: str) -> None:
    link = opened(scripted(after_store(lambda t, c, r: reply(t, c, *response_elements(r, status)))))
    got = link.store(CT, INSTANCE, EXPLICIT, (bytes(100),))
    assert (got.status, got.category, got.ok) == (status, category, category in ("Success", "Warning"))
    assert link.is_open


def test_answer_twice_is_caught_by_the_next_operation(scripted: Serve) -> None:
    def twice(talk: socket.socket) -> None:
        accept(talk)
        context, request, _ = take_message(talk)
        for _ in range(2):
            reply(talk, context, *response_elements(request, 0, instance=INSTANCE))
        take_message(talk)

    link = opened(scripted(twice))
    assert store(link) == 0
    with pytest.raises(ProtocolError, match=r"nobody asked for|came where 2 was due"):
        store(link)


def test_a_late_second_answer_is_no_answer_to_the_next_operation(scripted: Serve) -> None:
    def late(talk: socket.socket) -> None:
        accept(talk)
        context, request, _ = take_message(talk)
        reply(talk, context, *response_elements(request, 0))
        take_message(talk)
        reply(talk, context, *response_elements(request, 0))

    link = opened(scripted(late))
    assert store(link) == 0
    with pytest.raises(ProtocolError, match="answer to message 1 came where 2 was due"):
        store(link)


IDLE: dict[str, tuple[Callable[[socket.socket], object], type[Exception]]] = {
    "closed": (lambda talk: talk.shutdown(socket.SHUT_RDWR), ConnectionLost),
    "reset": (lambda talk: talk.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1" + bytes(7)), ConnectionLost),
    "aborted": (lambda talk: talk.sendall(pdu.abort(2, 2)), AssociationAborted),
    "released": (lambda talk: talk.sendall(pdu.release_rq()), AssociationAborted),
}


@pytest.mark.parametrize("name", IDLE)
def test_what_happened_while_idle_is_known_before_anything_is_sent(scripted: Serve, name: str) -> None:
    leave, error = IDLE[name]

    def idle(talk: socket.socket) -> None:
        accept(talk)
        leave(talk)

    link = opened(scripted(idle))
    time.sleep(0.05)
    with pytest.raises(error) as caught:
        store(link)
    assert not caught.value.unknown  # not one byte of the object has left
    assert not link.is_open


def test_peer_that_releases_in_the_middle_is_answered(scripted: Serve) -> None:
    heard = []

    def leave(talk: socket.socket) -> None:
        accept(talk)
        take_message(talk)
        talk.sendall(pdu.release_rq())
        heard.append(take_pdu(talk)[0])

    link = opened(scripted(leave))
    with pytest.raises(AssociationAborted, match="released"):
        store(link)
    assert eventually(lambda: heard == [pdu.RELEASE_RP])


def test_release_collision(scripted: Serve) -> None:
    def both(talk: socket.socket) -> None:
        accept(talk)
        talk.sendall(pdu.release_rq())
        assert take_pdu(talk)[0] == pdu.RELEASE_RQ
        assert take_pdu(talk)[0] == pdu.RELEASE_RP
        talk.sendall(pdu.release_rp())

    link = opened(scripted(both))
    time.sleep(0.05)
    link.release()
    assert not link.is_open


def test_reset_in_the_middle_of_sending(scripted: Serve) -> None:
    def reset(talk: socket.socket) -> None:
        accept(talk)
        talk.recv(1000)
        talk.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    link = opened(scripted(reset))
    with pytest.raises(ConnectionLost) as caught:
        link.store(CT, INSTANCE, EXPLICIT, (bytes(50_000_000),))
    assert not caught.value.unknown  # it never left whole


def test_drip_ends_at_the_bound_and_not_at_the_last_byte(scripted: Serve) -> None:
    def drip(talk: socket.socket) -> None:
        accept(talk)
        take_message(talk)
        for byte in b"\x04\0\0\0\x40\0" + bytes(100):
            talk.sendall(bytes([byte]))
            time.sleep(0.05)

    link = opened(scripted(drip), SHORT)
    began = time.perf_counter()
    with pytest.raises(PeerTimeout) as caught:
        store(link)
    assert 0.25 < time.perf_counter() - began < 0.9
    assert caught.value.unknown


def test_silence_after_connect_ends(scripted: Serve) -> None:
    began = time.perf_counter()
    with pytest.raises(PeerTimeout):
        opened(scripted(lambda talk: time.sleep(2)), SHORT)
    assert time.perf_counter() - began < 0.9


def test_peer_that_takes_nothing_ends(scripted: Serve) -> None:
    def stuck(talk: socket.socket) -> None:
        accept(talk)
        time.sleep(2)

    link = opened(scripted(stuck), SHORT)
    began = time.perf_counter()
    with pytest.raises(PeerTimeout) as caught:
        link.store(CT, INSTANCE, EXPLICIT, (bytes(50_000_000),))
    assert time.perf_counter() - began < 1.2
    assert not caught.value.unknown


def test_many_slow_answers_end_at_the_operation_bound(scripted: Serve) -> None:
    """Each answer is in time; the operation as a whole is not."""

    def pending(talk: socket.socket) -> None:
        accept(talk)
        context, request, _ = take_message(talk)
        while True:
            reply(talk, context, *response_elements(request, 0xFF00))
            time.sleep(0.05)

    link = opened(scripted(pending), SHORT)
    began = time.perf_counter()
    with pytest.raises(PeerTimeout):
        link.move(CT, Dataset(), "MOVER")
    assert 0.4 < time.perf_counter() - began < 1.0


def test_a_response_in_many_pieces_is_put_together(scripted: Serve) -> None:
    def sliced(talk: socket.socket, context: int, request: object) -> None:
        raw = b"".join(pdu.p_data(context, command_set(*response_elements(request, 0)), (), 32))  # type: ignore[arg-type]
        for at in range(0, len(raw), 7):
            talk.sendall(raw[at : at + 7])
            time.sleep(0.001)

    link = opened(scripted(after_store(sliced)))
    assert store(link) == 0


def test_bad_arguments_say_what_is_allowed() -> None:
    with pytest.raises(ValueError, match="1 to 16 printable"):
        Peer("127.0.0.1", 104, "SEVENTEEN_LETTERS")
    with pytest.raises(ValueError, match="a wait must end"):
        Timeouts(response_s=0)
    with pytest.raises(ValueError, match="1 to 65535"):
        Peer("127.0.0.1", 0, "A")
    with pytest.raises(ValueError, match="88 to 32767"):
        TcpProfile("odd", no_delay=True, quick_ack=True, segment_bytes=65000)
    peer = Peer("127.0.0.1", 104, "A")
    with pytest.raises(ValueError, match="1 to 128"):
        open_association(peer, "A", [])
    with pytest.raises(ValueError, match="4096 to 1048576"):
        open_association(peer, "A", [(CT, [EXPLICIT])], max_pdu=0)
    with pytest.raises(ValueError, match="AE title"):
        open_association(peer, "", [(CT, [EXPLICIT])])
