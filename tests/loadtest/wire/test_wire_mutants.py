"""Ten thousand mutated answers: each ends at once as an answer or a WireError, never as a hang or another exception."""

import json
import os
import random
import resource
import socket
import time
from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest
from pydicom.dataset import Dataset

from loadtest.wire import (
    CountingSink,
    DicomWeb,
    Peer,
    TcpProfile,
    Timeouts,
    WireError,
    association,
    command,
    http_channel,
    multipart,
    open_association,
    pdu,
)
from loadtest.wire.command import Command, command_set, ui, us
from loadtest.wire.dimse import Reader
from loadtest.wire.query import STUDY_ROOT_FIND, STUDY_ROOT_GET
from tests.loadtest.wire.wire_servers import CT, EXPLICIT, dataset, encoded

MUTANTS = 3000
BOUNDS = Timeouts(connect_s=1.0, response_s=0.5, operation_s=0.5)
CONTEXTS = [(CT, [EXPLICIT]), (STUDY_ROOT_FIND, [EXPLICIT]), (STUDY_ROOT_GET, [EXPLICIT])]
ACCEPT = pdu.associate_ac("P", "T", [(1, 0, EXPLICIT), (3, 0, EXPLICIT), (5, 0, EXPLICIT)], 16384)


def mutate(good: bytes, rng: random.Random) -> bytes:
    """One to four edits of the kinds that break parsers: flips, extreme numbers, cuts, repeats, insertions."""
    raw = bytearray(good)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(max(len(raw), 1))
        size = rng.choice((1, 2, 4, rng.randint(1, 40)))
        kind = rng.choice((0, 0, 0, 1, 1, 2, 3, 4, 5))
        if kind == 0 and raw:
            raw[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            raw[at : at + size] = rng.choice((b"\0", b"\xff", b"\x7f", b"\x80")) * size
        elif kind == 2:
            del raw[at : at + size]
        elif kind == 3:
            raw[at:at] = raw[at : at + size]
        elif kind == 4:
            raw[at:at] = rng.randbytes(size)
        else:
            del raw[at:]
    return bytes(raw)


def response(field: int, status: int, context: int, data: bytes = b"", message_id: int = 1) -> bytes:
    elements = [us(0x0100, field), us(0x0120, message_id), us(0x0800, 1 if data else 0x0101), us(0x0900, status)]
    message = command_set(ui(0x0002, CT), *elements, us(0x1021, 1))
    return b"".join(pdu.p_data(context, message, (data,) if data else (), 16384))


def answers_to(service: str) -> bytes:
    """A whole good conversation of a server, as bytes."""
    if service == "store":
        return ACCEPT + response(0x8001, 0, 1) + pdu.release_rp()
    if service == "find":
        found = Dataset()
        found.QueryRetrieveLevel, found.StudyInstanceUID, found.PatientName = "STUDY", "1.2.3", "TEST^ONE"
        found.ReferencedStudySequence = [Dataset(), found.__class__({})]
        pending = response(0x8020, 0xFF00, 3, encoded(found))
        return ACCEPT + pending * 2 + response(0x8020, 0, 3) + pdu.release_rp()
    store = pdu.p_data(1, command.store_rq(CT, "1.2.3", 1), (encoded(dataset(0, pixels=64)),), 16384)
    return ACCEPT + b"".join(store) + response(0x8010, 0xFF00, 5) + response(0x8010, 0, 5) + pdu.release_rp()


def converse(service: str) -> None:
    peer = Peer("127.0.0.1", 1, "P")
    with open_association(peer, "T", CONTEXTS, timeouts=BOUNDS, profile=TcpProfile.MODALITY, scp_roles=[CT]) as link:
        if service == "store":
            link.store(CT, "1.2.3", EXPLICIT, (bytes(100),))
        elif service == "find":
            link.find(STUDY_ROOT_FIND, Dataset())
        else:
            link.get(STUDY_ROOT_GET, Dataset(), CountingSink(hashing=True))


def web_answer(body: bytes, content_type: str) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def browse(service: str) -> None:
    with DicomWeb("http://127.0.0.1:1/", BOUNDS, profile=TcpProfile.MODALITY, environment={}) as web:
        if service == "stow":
            web.stow([b"x"])
        elif service == "qido":
            web.qido("studies", {})  # page by page: test_wire_mutants_web.py
        else:
            web.wado_study("1.2", hashing=True)


FAILED = [{"00081197": {"Value": [272]}}]
STOW = json.dumps({"00081199": {"vr": "SQ", "Value": [{}]}, "00081198": {"Value": FAILED}}).encode()
PARTS = b"".join(multipart.encode([b"one", b"two"], b"B"))
CASES: dict[str, tuple[bytes, Callable[[], None]]] = {
    **{name: (answers_to(name), partial(converse, name)) for name in ("store", "find", "get")},
    "stow": (web_answer(STOW, "application/dicom+json"), partial(browse, "stow")),
    "qido": (web_answer(b'[{"00080020": {"vr": "DA"}}]', "application/dicom+json"), partial(browse, "qido")),
    "wado": (web_answer(PARTS, "multipart/related; boundary=B"), partial(browse, "wado")),
}


@pytest.mark.parametrize("name", CASES)
def test_mutants(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    good, act = CASES[name]
    rng = random.Random(f"filmless {name}")
    said = [good]

    def connect(*_: object) -> socket.socket:
        server, client = socket.socketpair()
        with server:
            server.sendall(said[0])
            server.shutdown(socket.SHUT_WR)
            kept.append(server.detach())
        return client

    kept: list[int] = []
    monkeypatch.setattr(association, "connect", connect)
    monkeypatch.setattr(http_channel, "connect", connect)
    monkeypatch.setattr(Reader, "expect_silence", lambda self: None)  # all answers lie there from the start
    act()  # the good conversation is understood
    classes: Counter[str] = Counter()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(MUTANTS):
        said[0] = mutate(good, rng)
        began = time.perf_counter()
        try:
            act()
            classes["understood"] += 1
        except WireError as error:
            classes[type(error).__name__] += 1
        assert time.perf_counter() - began < 2 * BOUNDS.operation_s, said[0].hex()
        while kept:
            os.close(kept.pop())
    assert classes.total() == MUTANTS
    assert len(classes) > 2, classes
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024, "kB of growth"


def test_a_command_set_of_random_bytes_never_raises_another_error() -> None:
    rng = random.Random("filmless command")
    good = command.store_rq(CT, "1.2.3", 7)
    for _ in range(MUTANTS):
        try:
            read: Command = command.read_command(mutate(good, rng))
            assert (read.field, read.message_id, read.has_data, read.sop_class) is not None
            assert read.comment.isprintable()
        except WireError:
            continue
