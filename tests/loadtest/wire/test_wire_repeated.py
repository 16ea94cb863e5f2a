"""Pixels that are sent many times: the same data set arrives, from a sealed file where it may, whatever the socket."""

import errno
import gc
import hashlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pynetdicom.pdu import P_DATA_TF

from loadtest.archives.launch import running
from loadtest.wire import (
    Association,
    ConnectionLost,
    Peer,
    PeerTimeout,
    Repeated,
    StoreListener,
    TcpProfile,
    Timeouts,
    open_association,
    pdu,
)
from loadtest.wire.pace import Link as SiteLink
from loadtest.wire.pipeline import pipelined
from loadtest.wire.repeated import LEAST, MOST_KEPT
from tests.loadtest.wire.wire_servers import (
    CT,
    EXPLICIT,
    QUICK,
    STUDY,
    Orthanc,
    accept,
    dataset,
    encoded,
    free_port,
    process,
    take_pdu,
)

Serve = Callable[[Callable[[socket.socket], None]], Peer]
PIXELS = 524288
WHOLE = encoded(dataset(0, pixels=PIXELS))[:-PIXELS] + os.urandom(PIXELS)
HEAD, UID = WHOLE[:-PIXELS], str(dataset(0).SOPInstanceUID)


@pytest.fixture
def sent_files(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Bytes of each os.sendfile; the call is the real one."""
    found: list[int] = []
    real = os.sendfile

    def counted(out: int, file: int, at: int, size: int) -> int:
        found.append(real(out, file, at, size))
        return found[-1]

    monkeypatch.setattr(os, "sendfile", counted)
    return found


@contextmanager
def listening(profile: TcpProfile = TcpProfile.TUNED) -> Iterator[tuple[StoreListener, Association]]:
    with StoreListener("MOVER", timeouts=QUICK, hashing=True) as listener:
        peer = Peer("127.0.0.1", listener.port, "MOVER")
        with open_association(peer, "A", [(CT, [EXPLICIT])], timeouts=QUICK, profile=profile) as link:
            yield listener, link


def arrived(listener: StoreListener) -> str:
    return listener.studies[STUDY].hashes[UID]


@settings(max_examples=200, deadline=None)
@given(
    head=st.integers(1, 400).map(lambda n: 2 * n),
    size=st.integers(1, 40_000).map(lambda n: 2 * n),
    max_pdu=st.one_of(st.integers(1024, 2000), st.integers(16383, 16385), st.just(1 << 20)),
)
def test_the_pdus_are_whole_and_give_the_message_back(head: int, size: int, max_pdu: int) -> None:
    """Every PDU is within the limit; pynetdicom decodes them; one last fragment of the command and one of the data."""
    message, header, pixels = b"c" * 100, b"h" * head, os.urandom(size)
    first = pdu.first_pdu(3, message, header, max_pdu)
    assert bool(first) == (len(message) + head + 12 <= max_pdu)
    stream = first + b"".join(pdu.last_pdus(3, memoryview(pixels), max_pdu))
    fragments: dict[int, bytes] = {0: b"", 1: b""}
    lasts: list[tuple[int, int]] = []
    while stream:
        length = int.from_bytes(stream[2:6], "big")
        assert length <= max_pdu
        one = P_DATA_TF()
        one.decode(stream[: 6 + length])
        assert one.encode() == stream[: 6 + length]
        for value in one.presentation_data_value_items:
            control, fragment = value.presentation_data_value[0], value.presentation_data_value[1:]
            assert (value.presentation_context_id, len(fragment) % 2) == (3, 0)
            fragments[control & 1] += fragment
            lasts += [(control & 1, len(stream) - 6 - length)] if control & 2 else []
        stream = stream[6 + length :]
    assert fragments == {0: (header if first else b"") + pixels, 1: message if first else b""}
    assert [kind for kind, _ in lasts] == [1, 0][0 if first else 1 :]
    assert lasts[-1] == (0, 0), "the last fragment ends the last PDU"


def test_what_does_not_fit_one_pdu_or_is_odd_or_empty_has_no_first_pdu() -> None:
    assert pdu.first_pdu(1, b"c" * 100, b"h" * 912, 1024)
    assert [pdu.first_pdu(1, b"c" * 100, header, 1024) for header in (b"h" * 914, b"h" * 3, b"")] == [b""] * 3


def test_the_same_data_set_arrives_from_the_file(sent_files: list[int]) -> None:
    pixels = Repeated(WHOLE[-PIXELS:])
    with listening() as (listener, link):
        for _ in range(3):
            assert link.store(CT, UID, EXPLICIT, (HEAD, pixels)).status == 0
        assert sum(sent_files) > 3 * PIXELS, "with the PDUs' own heads"
        assert arrived(listener) == hashlib.sha256(WHOLE).hexdigest()
        assert listener.studies[STUDY].bytes == 3 * len(WHOLE)


def test_dcmtk_and_orthanc_read_what_was_sent(orthanc: Orthanc, tmp_path: Path, sent_files: list[int]) -> None:
    port, pixels = free_port(), Repeated(WHOLE[-PIXELS:])
    with process(["/usr/bin/storescp", "-od", str(tmp_path), str(port)], port, tmp_path):
        for peer in (Peer("127.0.0.1", port, "STORESCP"), orthanc.peer):
            with open_association(peer, "A", [(CT, [EXPLICIT])], timeouts=QUICK) as link:
                assert link.store(CT, UID, EXPLICIT, (HEAD, pixels)).status == 0
    (file,) = tmp_path.glob("CT*")
    assert dcmread(file).PixelData == pixels
    assert sum(sent_files) > 2 * PIXELS


def test_requests_under_way_together_go_the_same_way(sent_files: list[int]) -> None:
    statuses: list[int] = []
    pixels = Repeated(WHOLE[-PIXELS:])
    with (
        running("embedded", "sink", mode="null") as target,
        open_association(target.peer(), "A", [(CT, [EXPLICIT])], timeouts=QUICK, window=4) as link,
        pipelined(link, lambda _, reply: statuses.append(reply.status)) as pipe,
    ):
        for number in range(20):
            pipe.store(CT, f"{UID}{number}", EXPLICIT, (HEAD, pixels), number)
    assert link.window == 4
    assert statuses == [0] * 20
    assert sum(sent_files) > 20 * PIXELS


def test_not_by_nagle_not_over_a_slow_link_and_not_if_small(sent_files: list[int]) -> None:
    pixels, small = Repeated(WHOLE[-PIXELS:]), Repeated(bytes(LEAST - 2))
    with listening(TcpProfile.MODALITY) as (listener, link):
        assert link.store(CT, UID, EXPLICIT, (HEAD, pixels)).status == 0
        assert arrived(listener) == hashlib.sha256(WHOLE).hexdigest()
    with listening() as (listener, link):
        link.channel.link = SiteLink(50e6)
        assert link.store(CT, UID, EXPLICIT, (HEAD, pixels)).status == 0
        assert arrived(listener) == hashlib.sha256(WHOLE).hexdigest()
        link.channel.link = None
        assert link.store(CT, UID, EXPLICIT, (encoded(dataset(0, pixels=len(small)))[: -len(small)], small)).status == 0
    assert sent_files == []


def test_without_a_file_they_are_sent_from_where_they_lie(
    monkeypatch: pytest.MonkeyPatch, sent_files: list[int]
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.EMFILE, "too many open files")

    pixels = Repeated(WHOLE[-PIXELS:])
    monkeypatch.setattr(os, "memfd_create", full)
    with listening() as (listener, link):
        for _ in range(2):
            assert link.store(CT, UID, EXPLICIT, (HEAD, pixels)).status == 0
        assert arrived(listener) == hashlib.sha256(WHOLE).hexdigest()
    assert sent_files == []


def test_the_file_is_sealed_and_ends_with_its_last_user() -> None:
    before, pixels = len(os.listdir("/proc/self/fd")), Repeated(bytes(LEAST))
    first = pixels.framed(1, 16384)
    assert first is not None
    assert pixels.framed(1, 16384) is first
    with pytest.raises(PermissionError):
        os.pwrite(first.fd, b"x", 0)
    with pytest.raises(PermissionError):
        os.ftruncate(first.fd, 10)
    for number in range(MOST_KEPT + 3):
        assert pixels.framed(2 * number + 3, 16384)
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == before + MOST_KEPT + 1, "the first is not kept any more, but held here"
    assert os.pread(first.fd, 6, 0)[:1] == b"\x04"
    del first, pixels
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_peer_that_takes_nothing_ends_it_in_time(scripted: Serve) -> None:
    def silent(talk: socket.socket) -> None:
        accept(talk)
        time.sleep(3)

    began = time.perf_counter()
    bounds = Timeouts(connect_s=1, response_s=1, operation_s=1)
    link = open_association(scripted(silent), "A", [(CT, [EXPLICIT])], timeouts=bounds)
    with pytest.raises(PeerTimeout, match=r"did not take all data within the operation's 1 s") as caught:
        link.store(CT, UID, EXPLICIT, (HEAD, Repeated(bytes(32 << 20))))
    assert not caught.value.unknown
    assert 0.9 < time.perf_counter() - began < 2.5


def test_a_peer_that_is_gone_in_the_middle_is_named(scripted: Serve) -> None:
    def leaves(talk: socket.socket) -> None:
        accept(talk)
        take_pdu(talk)

    link = open_association(scripted(leaves), "A", [(CT, [EXPLICIT])], timeouts=QUICK)
    with pytest.raises(ConnectionLost, match="while sending"):
        link.store(CT, UID, EXPLICIT, (HEAD, Repeated(bytes(32 << 20))))


GREENLETS = """
from gevent import monkey
monkey.patch_all()
import gevent, hashlib, os, socket, time
from loadtest.wire import Peer, PeerTimeout, Repeated, StoreListener, Timeouts, open_association
from tests.loadtest.wire.wire_servers import CT, EXPLICIT, STUDY, accept, dataset, encoded

calls, real = [], os.sendfile
os.sendfile = lambda *a: calls.append(real(*a)) or calls[-1]
SIZE = 3 << 20
whole = encoded(dataset(0, pixels=SIZE))[:-SIZE] + os.urandom(SIZE)
head, pixels, uid = whole[:-SIZE], Repeated(whole[-SIZE:]), str(dataset(0).SOPInstanceUID)
bounds = Timeouts(2, 20, 20)

def device(port):
    with open_association(Peer("127.0.0.1", port, "MOVER"), "A", [(CT, [EXPLICIT])], timeouts=bounds) as link:
        for _ in range(3):
            assert link.store(CT, uid, EXPLICIT, (head, pixels)).status == 0

with StoreListener("MOVER", timeouts=bounds, hashing=True) as listener:
    jobs = [gevent.spawn(device, listener.port) for _ in range(5)]
    gevent.joinall(jobs, timeout=30, raise_error=True)
    assert listener.studies[STUDY].bytes == 15 * len(whole)
    assert listener.studies[STUDY].hashes[uid] == hashlib.sha256(whole).hexdigest()
assert max(calls) <= 128 * 1024, "one greenlet keeps the others waiting"
assert sum(calls) > 0.9 * 15 * SIZE, "most of it is not copied"

door = socket.create_server(("127.0.0.1", 0))
def silent():
    talk, _ = door.accept()
    accept(talk)
    gevent.sleep(5)
gevent.spawn(silent)
peer, began = Peer("127.0.0.1", door.getsockname()[1], "X"), time.perf_counter()
link = open_association(peer, "A", [(CT, [EXPLICIT])], timeouts=Timeouts(1, 1, 1))
try:
    link.store(CT, uid, EXPLICIT, (head, Repeated(bytes(32 << 20))))
except PeerTimeout:
    assert 0.9 < time.perf_counter() - began < 2.5
    print("done")
"""


def test_greenlets() -> None:
    done = subprocess.run([sys.executable, "-c", GREENLETS], capture_output=True, text=True, timeout=90, check=False)
    assert done.stdout == "done\n", done.stderr
