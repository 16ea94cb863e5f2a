"""A door that stays open: a connection that cannot be taken is counted, and the next one is."""

import errno
import os
import socket
import threading
from collections.abc import Callable

import pytest

from loadtest.archives.embedded import null_scp
from loadtest.archives.embedded.archive import Archive
from loadtest.wire import Peer, StoreListener, open_association
from tests.loadtest.wire.wire_servers import CT, EXPLICIT, QUICK, eventually

CONTEXTS = [(CT, [EXPLICIT])]


@pytest.fixture
def few_descriptors(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """The first three times that anybody accepts there is no descriptor free; how often it was tried by now."""
    accept, tried = socket.socket.accept, []

    def failing(door: socket.socket) -> object:
        tried.append(door)
        if len(tried) <= 3:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return accept(door)

    monkeypatch.setattr(socket.socket, "accept", failing)
    return lambda: len(tried)


def test_the_listener_goes_on_without_descriptors(few_descriptors: Callable[[], int]) -> None:
    with StoreListener("MOVER", timeouts=QUICK) as listener:
        open_association(Peer("127.0.0.1", listener.port, "MOVER"), "A", CONTEXTS, timeouts=QUICK).release()
        assert listener.strangers == {"a connection could not be taken: Too many open files": 3}
    assert few_descriptors() >= 4


def test_the_null_sink_goes_on_without_descriptors(few_descriptors: Callable[[], int]) -> None:
    door = null_scp._Door(Archive("null"), 0, null_scp.NullPeer, 1)
    service = door.service()
    open_association(Peer("127.0.0.1", service.port, "NULL"), "A", CONTEXTS, timeouts=QUICK).release()
    service.stop()
    assert door.not_taken == {"a connection could not be taken: Too many open files": 3}
    assert few_descriptors() >= 4


def test_the_listener_goes_on_without_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    with StoreListener("MOVER", timeouts=QUICK) as listener:
        peer, start, failed = Peer("127.0.0.1", listener.port, "MOVER"), threading.Thread.start, []

        def failing(thread: threading.Thread) -> None:
            if not failed:
                failed.append(thread)
                raise RuntimeError("can't start new thread")
            start(thread)

        monkeypatch.setattr(threading.Thread, "start", failing)
        with socket.create_connection(("127.0.0.1", listener.port)) as talk:
            talk.settimeout(3.0)
            assert talk.recv(1) == b""
        open_association(peer, "A", CONTEXTS, timeouts=QUICK).release()
        assert eventually(lambda: listener.strangers == {"no thread could be started for a connection": 1})
