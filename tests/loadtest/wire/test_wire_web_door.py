"""Before an answer can come: credentials that cannot be sent, names that lead nowhere in time, pinned addresses."""

import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from loadtest.archives.addresses import resolve
from loadtest.archives.check_result import Means, Preflight
from loadtest.archives.check_web import qido
from loadtest.archives.target import Target
from loadtest.archives.web_door import open_web, web_address
from loadtest.wire import ConnectFailed, DicomWeb, ProtocolError, TcpProfile, Timeouts
from loadtest.wire.channel import connect
from loadtest.wire.dicomweb import PASSWORD, TOKEN, USER, authorization
from loadtest.wire.http_channel import HttpConnection
from loadtest.wire.resolve import addresses
from loadtest.wire.tls import client_context, server_context
from tests.loadtest.wire.test_wire_tls import Certificates, tls_server
from tests.loadtest.wire.test_wire_web import Web, answer, serving
from tests.loadtest.wire.wire_servers import QUICK, free_port

SOON = Timeouts(connect_s=0.3, response_s=1.0, operation_s=1.0)


@pytest.mark.parametrize("end", ["\n", "\r", "\r\nX: y", " b", "é", "€", "\0"])
def test_a_token_that_cannot_be_sent_is_named_and_not_quoted(end: str) -> None:
    with pytest.raises(ValueError, match=TOKEN) as caught:
        DicomWeb("http://127.0.0.1:1/", QUICK, environment={TOKEN: f"planted{end}"})
    assert "planted" not in f"{caught.value!r} {caught.value.__context__!r}"


@pytest.mark.parametrize("name", [USER, PASSWORD])
@pytest.mark.parametrize("end", ["\n", "\udcff"])
def test_a_user_that_cannot_be_sent(name: str, end: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} ") as caught:
        authorization({USER: "u", PASSWORD: "p", name: f"planted{end}"})
    assert "planted" not in f"{caught.value!r} {caught.value.__context__!r}"
    assert authorization({USER: "ü", PASSWORD: "p:ß"})["Authorization"].startswith("Basic ")


@pytest.mark.parametrize("header", ["planted\n", "planted\u20ac"])
def test_an_error_of_our_own_request_is_never_quoted(header: str) -> None:
    with Web(answer(b"[]")).door as door:
        http = HttpConnection(f"http://127.0.0.1:{door.getsockname()[1]}", QUICK, TcpProfile.TUNED, None)
        with pytest.raises(ProtocolError, match="our own request") as caught:
            http.request("GET", "/", {"Authorization": header})
        assert http.sent == 0.0
    error: BaseException | None = caught.value
    for _ in range(5):
        assert "planted" not in repr(error)
        error = error.__context__ if error else None


# --- interim answers (RFC 9110 15.2) ---

HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"


def test_interim_answers_are_stepped_over() -> None:
    first = HINTS + b"HTTP/1.1 102 Processing\r\n\r\n" + b"HTTP/1.1 100 Continue\r\n\r\n" + HINTS + answer(b"[{}]")
    with serving(first, answer(b"[]")) as (server, web):
        found, got = web.qido("studies", {})
        assert (len(found), got.status) == (1, 200)
        assert web.qido("studies", {})[1].objects == 0
        assert (len(server.requests), server.connections) == (2, 1)


@pytest.mark.parametrize("said", [HINTS * 10_000, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"])
def test_interim_answers_without_end_and_the_one_that_is_final(said: bytes) -> None:
    with serving(said) as (_, web), pytest.raises(ProtocolError):
        web.qido("studies", {})


# --- names ---


def slow_resolver(monkeypatch: pytest.MonkeyPatch, asked: list[str]) -> threading.Event:
    """A resolver that answers when the event is set."""
    go_on, known = threading.Event(), socket.getaddrinfo

    def slow(host: str, *more: object, **named: object) -> object:
        asked.append(host)
        go_on.wait(10.0)
        return known("127.0.0.1", *more, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    return go_on


@pytest.mark.alone
def test_a_slow_resolver_is_waited_for_within_the_bound_and_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    go_on = slow_resolver(monkeypatch, asked)
    port = free_port()
    began = time.perf_counter()
    for _ in range(2):
        with pytest.raises(ConnectFailed, match=r"not resolved within 0\.3 s"):
            connect("archive.invalid", port, TcpProfile.TUNED, 0.3)
    assert 0.5 < time.perf_counter() - began < 1.5
    assert asked == ["archive.invalid"]
    with pytest.raises(ConnectFailed):
        DicomWeb(f"http://archive.invalid:{port}/", SOON, environment={}).qido("studies", {})
    go_on.set()
    assert addresses("archive.invalid", port, 3.0)[0][1] == ("127.0.0.1", port)
    assert resolve("archive.invalid") == "127.0.0.1"


@pytest.mark.parametrize("name", ["no-such-host.invalid", "a..b", "x" * 70])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(ConnectFailed, match="no connection to"):
        connect(name, 80, TcpProfile.TUNED, 5.0)


UNDER_GEVENT = """
from gevent import monkey, get_hub, spawn, sleep
monkey.patch_all()
import os, socket, time
from loadtest.wire import ConnectFailed, TcpProfile
from loadtest.wire.channel import connect
blocking = monkey.get_original("time", "sleep")
socket.getaddrinfo = lambda *a, **k: get_hub().threadpool.apply(blocking, (5.0,))
turns = []
def others():
    while True:
        turns.append(1)
        sleep(0.01)
spawn(others)
began = time.perf_counter()
try:
    connect("archive.invalid", 80, TcpProfile.TUNED, 0.3)
except ConnectFailed as error:
    print(error, flush=True)
assert time.perf_counter() - began < 2.0
assert len(turns) > 10, "the resolver held everybody up"
os._exit(0)  # without waiting for the pool's thread
"""


@pytest.mark.alone
def test_a_slow_resolver_under_gevent() -> None:
    done = subprocess.run([sys.executable, "-c", UNDER_GEVENT], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "no connection to archive.invalid:80: its name was not resolved within 0.3 s\n", done.stderr


# --- pinned addresses (rule S6) ---


def test_a_pinned_address_is_connected_to_under_the_urls_name() -> None:
    server = Web(answer(b"[]"))
    port = server.door.getsockname()[1]
    with server.door, DicomWeb(f"http://pacs.invalid:{port}/x", QUICK, environment={}, address="127.0.0.1") as web:
        assert web.qido("studies", {})[1].status == 200
        assert web.place == ("127.0.0.1", port)
    assert f"\r\nHost: pacs.invalid:{port}\r\n".encode() in server.requests[0]


def test_tls_asks_for_the_urls_name(tmp_path: Path) -> None:
    certificates = Certificates(tmp_path)  # "wrong-name" is for elsewhere.invalid
    told = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"
    ours: ssl.SSLContext = client_context(certificates.environment())
    with tls_server(server_context(certificates.environment("wrong-name", authority="")), told) as port:
        url = f"https://elsewhere.invalid:{port}"
        with DicomWeb(url, QUICK, tls=ours, environment={}, address="127.0.0.1") as web:
            assert web.qido("studies", {})[1].status == 200
    with (
        tls_server(server_context(certificates.environment("good", authority="")), told) as port,
        pytest.raises(ConnectFailed, match=r"certificate of elsewhere\.invalid"),
    ):
        DicomWeb(f"https://elsewhere.invalid:{port}", QUICK, tls=ours, environment={}, address="127.0.0.1").stow([])


def pinned(base_url: str, host: str = "localhost", address: str = "127.0.0.1") -> Target:
    return Target(name="t", host=host, port=104, ae_title="X", base_url=base_url).model_copy(
        update={"address": address}
    )


def test_a_targets_web_door_is_at_its_pinned_address(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *_, **__: asked.append(host))
    server = Web(answer(b"[]"), answer(b"[]"))
    port = server.door.getsockname()[1]
    with server.door:
        target = pinned(f"http://localhost:{port}")
        with open_web(target, QUICK) as web:
            assert web.qido("studies", {})[1].ok
        assert qido(Preflight(target, means=Means(timeouts=QUICK))).is_ok
    assert b"Host: localhost:" in server.requests[0]
    assert not asked


def test_another_host_is_resolved_once_and_stays_in_the_network_agreed_to(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {"web.invalid": ["127.0.0.7", "127.0.0.8"], "far.invalid": ["192.0.2.1"]}

    def resolver(host: str, *_: object, **__: object) -> object:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (found[host].pop(0), 0))]

    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    target = pinned("").model_copy(update={"base_url": "http://web.invalid/"})
    assert [web_address(target), web_address(target)] == ["127.0.0.7", "127.0.0.7"]
    with pytest.raises(ConnectFailed, match="agreed is loopback"):
        open_web(target.model_copy(update={"base_url": "https://far.invalid/"}), QUICK)
    assert web_address(target.model_copy(update={"address": ""})) == ""
