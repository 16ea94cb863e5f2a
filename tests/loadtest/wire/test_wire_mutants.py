"""Ten thousand mutated answers: each ends at once as an answer or a WireError, never as a hang or another exception."""

import gc
import json
import os
import random
import re
import socket
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

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
from loadtest.wire.acceptor import Acceptor
from loadtest.wire.arrivals import Arrivals
from loadtest.wire.channel import Channel
from loadtest.wire.command import Command, command_set, ui, us
from loadtest.wire.commitment import PUSH_MODEL, PUSH_MODEL_INSTANCE, Reports
from loadtest.wire.dimse import Reader
from loadtest.wire.pipeline import pipelined
from loadtest.wire.query import STUDY_ROOT_FIND, STUDY_ROOT_GET, STUDY_ROOT_MOVE
from tests.loadtest.wire.test_wire_commitment import TRANSACTION, report_of
from tests.loadtest.wire.wire_servers import CT, EXPLICIT, dataset, encoded

MUTANTS = 3000
BOUNDS = Timeouts(connect_s=1.0, response_s=0.5, operation_s=0.5)
CLASSES = (CT, STUDY_ROOT_FIND, STUDY_ROOT_GET, STUDY_ROOT_MOVE, PUSH_MODEL)
CONTEXTS = [(uid, [EXPLICIT]) for uid in CLASSES]
IDS = {uid: 2 * n + 1 for n, uid in enumerate(CLASSES)}
ACCEPT = pdu.associate_ac(
    pdu.titles("P", "T"), [(number, 0, EXPLICIT) for number in IDS.values()], 16384, [(CT, False, True)], (4, 1)
)
MOST_MEMORY = 64 << 20  # bytes, rule Z9


class Memory:
    """The most memory that this process has held since the object was made, beyond what it held then (man 5 proc)."""

    def __init__(self) -> None:
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        self._before = self._peak()

    @staticmethod
    def _peak() -> int:
        found = re.search(r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
        assert found
        return int(found[1]) << 10

    def grown(self) -> int:
        """Bytes."""
        return self._peak() - self._before


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


def response(
    field: int, status: int, context: int, data: bytes = b"", message_id: int = 1, instance: str = ""
) -> bytes:
    elements = [us(0x0100, field), us(0x0120, message_id), us(0x0800, 1 if data else 0x0101), us(0x0900, status)]
    about = ui(0x1000, instance) if instance else us(0x1021, 1)
    message = command_set(ui(0x0002, CT), *elements, about)
    return b"".join(pdu.p_data(context, message, (data,) if data else (), 16384))


def stored(context: int) -> bytes:
    return b"".join(pdu.p_data(context, command.store_rq(CT, "1.2.3", 1), (encoded(dataset(0, pixels=64)),), 16384))


def reported(context: int) -> bytes:
    elements = [ui(0x0002, PUSH_MODEL), us(0x0100, command.N_EVENT_REPORT_RQ), us(0x0110, 1), us(0x0800, 1)]
    message = command_set(*elements, ui(0x1000, PUSH_MODEL_INSTANCE), us(0x1002, 2))
    return b"".join(pdu.p_data(context, message, (encoded(report_of(["1.2.1"], {"1.2.2": 272})),), 16384))


def answers_to(service: str) -> bytes:
    """A whole good conversation of a server, as bytes."""
    if service == "pipeline":
        answers = [response(0x8001, 0, 1, message_id=n, instance=f"1.2.{n}") for n in (1, 2, 3)]
        return ACCEPT + b"".join(answers)
    if service == "commitment":
        number = IDS[PUSH_MODEL]
        return ACCEPT + response(0x8130, 0, number) + reported(number) + pdu.release_rp()
    if service == "move":
        number = IDS[STUDY_ROOT_MOVE]
        return ACCEPT + response(0x8021, 0xFF00, number) + response(0x8021, 0, number) + pdu.release_rp()
    if service == "store":
        return ACCEPT + response(0x8001, 0, 1) + pdu.release_rp()
    if service == "find":
        found = Dataset()
        found.QueryRetrieveLevel, found.StudyInstanceUID, found.PatientName = "STUDY", "1.2.3", "TEST^ONE"
        found.ReferencedStudySequence = [Dataset(), found.__class__({})]
        pending = response(0x8020, 0xFF00, 3, encoded(found))
        return ACCEPT + pending * 2 + response(0x8020, 0, 3) + pdu.release_rp()
    return ACCEPT + stored(1) + response(0x8010, 0xFF00, 5) + response(0x8010, 0, 5) + pdu.release_rp()


def converse(service: str) -> None:
    peer = Peer("127.0.0.1", 1, "P")
    window = 4 if service == "pipeline" else 1
    with open_association(
        peer, "T", CONTEXTS, timeouts=BOUNDS, profile=TcpProfile.MODALITY, scp_roles=[CT], window=window
    ) as link:
        if service == "store":
            link.store(CT, "1.2.3", EXPLICIT, (bytes(100),))
        elif service == "find":
            link.find(STUDY_ROOT_FIND, Dataset())
        elif service == "move":
            link.move(STUDY_ROOT_MOVE, Dataset(), "D")
        elif service == "commitment":
            _, report = link.request_commitment(TRANSACTION, [(CT, "1.2.1")])
            report = report or link.await_report_of(TRANSACTION, 0.3)
            assert report is not None
            assert len(report.committed) + len(report.failed) <= 2
        elif service == "pipeline":
            together(link)
        else:
            link.get(STUDY_ROOT_GET, Dataset(), CountingSink(hashing=True))


def together(link: association.Association) -> None:
    with pipelined(link, lambda request, reply: None) as pipe:
        for number in range(1, 4):
            pipe.store(CT, f"1.2.{number}", EXPLICIT, (b"ab", bytes(100)), number)
    link.abort()


REQUEST = pdu.associate_rq(
    "D", "ARCHIVE", [pdu.Context(1, CT, (EXPLICIT,)), pdu.Context(3, PUSH_MODEL, (EXPLICIT,))], 16384, [PUSH_MODEL]
)


def listen() -> str:
    """An archive that stores an object and reports a transaction at our listener; why it was turned away, if it was."""
    arrivals, reports = Arrivals(lambda uid: True, only_expected=False, hashing=True, most_studies=100), Reports()
    reports.expect(TRANSACTION)
    channel = Channel(association.connect("", 1, TcpProfile.MODALITY, 1.0), TcpProfile.MODALITY, BOUNDS, 16384)
    Acceptor(channel, arrivals, reports, lambda request: None).serve()
    return next((cause.partition(":")[0] for cause in arrivals.strangers), "")


def with_what_was_read(channel: Channel, twin: Callable[[Channel], Channel] = Channel.twin) -> Channel:
    """All answers lie there from the start, so that the requestor's own channel has read ahead."""
    ear = twin(channel)
    ear._buffer, ear._start, ear._end = channel._buffer, channel._start, channel._end
    return ear


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
CASES: dict[str, tuple[bytes, Callable[[], str | None]]] = {
    **{
        name: (answers_to(name), partial(converse, name))
        for name in ("store", "find", "get", "move", "commitment", "pipeline")
    },
    "listener": (REQUEST + stored(1) + reported(3) + pdu.release_rq(), listen),
    "stow": (web_answer(STOW, "application/dicom+json"), partial(browse, "stow")),
    "qido": (web_answer(b'[{"00080020": {"vr": "DA"}}]', "application/dicom+json"), partial(browse, "qido")),
    "wado": (web_answer(PARTS, "multipart/related; boundary=B"), partial(browse, "wado")),
}


@pytest.mark.parametrize("kept", [True, False])
def test_the_measure_of_memory_sees_what_comes_after_a_higher_peak(kept: bool) -> None:
    """What is kept as well as what is given back at once."""
    assert len(bytes(4 * MOST_MEMORY).replace(b"\0", b"x")) == 4 * MOST_MEMORY
    memory = Memory()
    assert memory.grown() < MOST_MEMORY
    held = bytearray(b"x") * (2 * MOST_MEMORY)
    if not kept:
        del held
    assert memory.grown() > MOST_MEMORY


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
    monkeypatch.setattr(Channel, "twin", with_what_was_read)
    assert not act()  # the good conversation is understood
    classes: Counter[str] = Counter()
    memory = Memory()
    for _ in range(MUTANTS):
        said[0] = mutate(good, rng)
        began = time.perf_counter()
        try:
            classes[act() or "understood"] += 1
        except WireError as error:
            classes[type(error).__name__] += 1
        assert time.perf_counter() - began < 2 * BOUNDS.operation_s, said[0].hex()
        while kept:
            os.close(kept.pop())
    assert classes.total() == MUTANTS
    assert len(classes) > 2, classes
    assert memory.grown() < MOST_MEMORY


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
