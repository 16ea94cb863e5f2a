"""DICOMweb against servers that redirect, lie, compress, drip or stop short; multipart in any slicing."""

import base64
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest.wire import ConnectFailed, ConnectionLost, DicomWeb, PeerTimeout, ProtocolError, Timeouts, multipart
from loadtest.wire.dicomweb import PASSWORD, TOKEN, USER
from tests.loadtest.wire.wire_servers import QUICK, free_port

SHORT = Timeouts(connect_s=1.0, response_s=0.3, operation_s=0.5)
JSON_HEAD = "HTTP/1.1 200 OK\r\nContent-Type: application/dicom+json\r\n"


Answer = bytes | Callable[[socket.socket], None]


class Web:
    """A server on loopback that gives one canned answer to each request, and keeps what it was asked."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.requests: list[bytes] = []
        self.connections = 0
        self.door = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.door.getsockname()[1]}/base"
        self.talks: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        try:
            while self.answers:
                talk, _ = self.door.accept()
                self.connections += 1
                self.talks.append(talk)
                with suppress(ConnectionError):  # a client that has heard enough
                    self._talk(talk)
        except OSError:
            return

    def _talk(self, talk: socket.socket) -> None:
        with talk:
            while self.answers and (request := self._request(talk)):
                self.requests.append(request)
                answer = self.answers.pop(0)
                if callable(answer):
                    answer(talk)
                    return
                talk.sendall(answer)

    def _request(self, talk: socket.socket) -> bytes:
        raw = b""
        while b"\r\n\r\n" not in raw:
            raw += (piece := talk.recv(65536))
            if not piece:
                return b""
        head, _, body = raw.partition(b"\r\n\r\n")
        lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        length = int(lines.get(b"content-length", b"0"))
        while len(body) < length:
            body += talk.recv(65536)
        return head + b"\r\n\r\n" + body


@contextmanager
def serving(
    *answers: Answer, timeouts: Timeouts = QUICK, environment: dict[str, str] | None = None
) -> Iterator[tuple[Web, DicomWeb]]:
    server = Web(*answers)
    with server.door, DicomWeb(server.url, timeouts, environment=environment or {}) as web:
        yield server, web


def answer(body: bytes, head: str = JSON_HEAD) -> bytes:
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def stow_body(stored: int, reasons: list[int]) -> bytes:
    body = {
        "00081199": {"vr": "SQ", "Value": [{"00081155": {"vr": "UI", "Value": [f"1.{n}"]}} for n in range(stored)]},
        "00081198": {"vr": "SQ", "Value": [{"00081197": {"vr": "US", "Value": [r]}} for r in reasons]},
    }
    return json.dumps(body).encode()


def parts_body(parts: list[bytes], boundary: bytes = b"B") -> bytes:
    return b"".join(multipart.encode(parts, boundary))


def parts_answer(body: bytes) -> bytes:
    return answer(body, 'HTTP/1.1 200 OK\r\nContent-Type: multipart/related; type="application/dicom"; boundary=B\r\n')


def test_stow_counts_failed_objects_in_a_202() -> None:
    body = stow_body(2, [0xA700, 272])
    with serving(answer(body, JSON_HEAD.replace("200 OK", "202 Accepted"))) as (server, web):
        got = web.stow([b"one", b"two!", memoryview(b"three")], "1.2.3")
    assert (got.status, got.stored, got.failed, got.reasons, got.ok) == (202, 2, 2, (0xA700, 272), False)
    head, _, sent = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /base/studies/1.2.3 HTTP/1.1")
    boundary = multipart.boundary_of(next(h for h in head.decode().split("\r\n") if "boundary" in h)[14:])
    counter = multipart.PartCounter(boundary, hashing=True)
    counter.feed(sent)
    counter.finish()
    assert counter.hashes == [sha256(p).hexdigest() for p in (b"one", b"two!", b"three")]


@pytest.mark.parametrize(
    ("body", "head"),
    [
        (b"", JSON_HEAD),
        (b"<ok/>", JSON_HEAD.replace("dicom+json", "xml")),
    ],
)
def test_stow_without_json_stores_nothing_that_we_know_of(body: bytes, head: str) -> None:
    with serving(answer(body, head)) as (_, web):
        got = web.stow([b"x"])
    assert (got.status, got.stored, got.detail) == (200, 0, "the answer names no objects")


NO_STOW_ANSWERS = [b"{", b"[]", b"[" * 100_000, b'{"00081199":5}', b'{"00081199":{"Value":[1]}}', b"\xff"]


@pytest.mark.parametrize("body", NO_STOW_ANSWERS)
def test_stow_answers_that_are_no_answer(body: bytes) -> None:
    with serving(answer(body)) as (_, web), pytest.raises(ProtocolError):
        web.stow([b"x"])


def test_qido_pages_until_a_short_page() -> None:
    pages = [answer(json.dumps([{}] * n).encode()) for n in (3, 3, 1)]
    with serving(*pages) as (server, web):
        found, got = web.qido("studies", {"PatientID": "A B&c"}, page=3)
    assert (len(found), got.requests, got.objects, got.status) == (7, 3, 7, 200)
    assert b"GET /base/studies?PatientID=A+B%26c&limit=3&offset=6 HTTP/1.1" in server.requests[2]
    assert server.connections == 1


def test_qido_stops_at_its_cap_at_errors_and_at_no_content() -> None:
    full = answer(json.dumps([{}] * 3).encode())
    no_content = b"HTTP/1.1 204 No Content\r\n\r\n"
    refusal = answer(b"not <b>today\x1b", "HTTP/1.1 403 Forbidden\r\n")
    with serving(full, full, no_content, full, refusal) as (_, web):
        assert len(web.qido("studies", {}, page=3, most=4)[0]) == 4
        assert web.qido("studies", {})[1].status == 204
        found, got = web.qido("studies", {}, page=3)
    assert (len(found), got.status, got.ok, got.detail) == (3, 403, False, "403 Forbidden: not <b>today\\x1b")


@pytest.mark.parametrize("body", [b"{}", b"[1]", b"nothing"])
def test_qido_answers_that_are_no_answer(body: bytes) -> None:
    with serving(answer(body)) as (_, web), pytest.raises(ProtocolError):
        web.qido("studies", {})


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    with Web(answer(b"[]")).door as elsewhere:
        to = f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{elsewhere.getsockname()[1]}/\r\n"
        with serving(answer(b"", to)) as (_, web):
            assert web.qido("studies", {})[1].status == 302


def test_no_proxy_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    with serving(answer(b"[]")) as (_, web):
        assert web.qido("studies", {})[1].status == 200


def test_wado_streams_and_times() -> None:
    def slowly(talk: socket.socket) -> None:
        raw = parts_answer(parts_body([b"a" * 1000, b"b" * 5000]))
        talk.sendall(raw[:1400])
        time.sleep(0.1)
        talk.sendall(raw[1400:])

    with serving(slowly) as (server, web):
        got = web.wado_study("1.2", hashing=True)
    assert (got.objects, got.bytes, got.ok) == (2, 6000, True)
    assert got.first_part - got.first_byte < 0.08
    assert got.end - got.first_part > 0.05
    assert got.hashes == tuple(sha256(p).hexdigest() for p in (b"a" * 1000, b"b" * 5000))
    assert b"transfer-syntax=*" in server.requests[0]


def chunked(body: bytes, size: int) -> bytes:
    head = 'HTTP/1.1 200 OK\r\nContent-Type: multipart/related; boundary="B"\r\nTransfer-Encoding: chunked\r\n\r\n'
    out = head.encode()
    for at in range(0, len(body), size):
        piece = body[at : at + size]
        out += b"%x\r\n" % len(piece) + piece + b"\r\n"
    return out + b"0\r\n\r\n"


def test_wado_chunked_and_until_close() -> None:
    body = parts_body([b"x" * 999] * 3)

    def until_close(talk: socket.socket) -> None:
        head = "HTTP/1.1 200 OK\r\nContent-Type: multipart/related; boundary=B\r\nConnection: close\r\n\r\n"
        talk.sendall(head.encode() + body)

    with serving(chunked(body, 100), until_close, parts_answer(body)) as (server, web):
        for _ in range(3):
            assert web.wado_study("1").objects == 3
        assert server.connections == 2


LIES: dict[str, tuple[Answer, type[Exception]]] = {
    "body stops before Content-Length": (
        lambda t: t.sendall(parts_answer(parts_body([b"x" * 999]))[:-100]),
        ConnectionLost,
    ),
    "chunk stops": (lambda t: t.sendall(chunked(parts_body([b"x" * 999]), 100)[:-200]), ConnectionLost),
    "chunk size is no number": (
        b"HTTP/1.1 200 OK\r\nContent-Type: multipart/related; boundary=B\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        ProtocolError,
    ),
    "no closing delimiter": (parts_answer(parts_body([b"x" * 999])[:-6]), ProtocolError),
    "no multipart": (answer(b"[]"), ProtocolError),
    "no boundary": (answer(b"x", "HTTP/1.1 200 OK\r\nContent-Type: multipart/related\r\n"), ProtocolError),
    "gzip": (
        answer(b"x", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Type: multipart/related; boundary=B\r\n"),
        ProtocolError,
    ),
    "endless part headers": (parts_answer(b"--B\r\n" + b"X: y\r\n" * 10_000), ProtocolError),
    "a line without end": (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000, ProtocolError),
    "200 headers": (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n", ProtocolError),
    "two long headers": (b"HTTP/1.1 200 OK\r\n" + (b"X: " + b"y" * 60_000 + b"\r\n") * 2, ProtocolError),
    "endless 100 Continue": (b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000, ProtocolError),
    "not HTTP": (b"\x02\0\0\0\0\xbaDICM\r\n", ProtocolError),
    "closed": (lambda talk: None, ConnectionLost),
}


@pytest.mark.parametrize("name", LIES)
def test_liars(name: str) -> None:
    said, error = LIES[name]
    with serving(said, answer(b"[]")) as (server, web):
        with pytest.raises(error) as caught:
            web.wado_study("1.2")
        assert caught.value.unknown  # the request had left
        assert web.qido("studies", {})[1].status == 200  # on a new connection
        assert (len(server.requests), server.connections) == (2, 2)  # and nothing was repeated


@pytest.mark.parametrize("before", [b"", JSON_HEAD.encode(), b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n"])
def test_drip_ends_at_the_bound(before: bytes) -> None:
    def drip(talk: socket.socket) -> None:
        talk.sendall(before)
        for _ in range(100):
            talk.sendall(b" ")  # which may stand before any JSON
            time.sleep(0.05)

    began = time.perf_counter()
    with serving(drip, timeouts=SHORT) as (_, web), pytest.raises(PeerTimeout) as caught:
        web.qido("studies", {})
    assert 0.25 < time.perf_counter() - began < 1.0
    assert caught.value.unknown


def test_nobody_listens_and_bad_urls() -> None:
    with pytest.raises(ConnectFailed):
        DicomWeb(f"http://127.0.0.1:{free_port()}/", QUICK, environment={}).qido("studies", {})
    for url in ("ftp://x/", "http://", "http://user:secret@x/", "http://x/?a=b"):
        with pytest.raises(ValueError, match="base URL"):
            DicomWeb(url, QUICK, environment={})


def test_a_connection_that_was_closed_while_idle_is_opened_anew_before_sending() -> None:
    def one_and_close(talk: socket.socket) -> None:
        talk.sendall(answer(b"[]"))

    with serving(one_and_close, answer(b"[]")) as (server, web):
        web.qido("studies", {})
        time.sleep(0.1)
        assert web.qido("studies", {})[1].status == 200
    assert len(server.requests) == 2


def test_credentials_come_from_the_environment_and_show_nowhere() -> None:
    basic = {USER: "u", PASSWORD: "planted:secret"}
    with serving(answer(b"[]"), environment=basic) as (server, web):
        web.qido("studies", {})
        assert base64.b64encode(b"u:planted:secret") in server.requests[0]
        assert "planted" not in repr(web)
    with serving(lambda talk: None, environment={TOKEN: "planted"}) as (server, web):
        with pytest.raises(ConnectionLost) as caught:
            web.qido("studies", {})
        assert b"Authorization: Bearer planted" in server.requests[0]
        assert "planted" not in str(caught.value)


@settings(max_examples=200, deadline=None)
@given(
    parts=st.lists(st.one_of(st.binary(max_size=80), st.just(b"\r\n--"), st.just(b"\r\n--Bx"[:5])), max_size=5),
    cuts=st.lists(st.integers(1, 40), min_size=1, max_size=20),
)
def test_multipart_in_any_slicing(parts: list[bytes], cuts: list[int]) -> None:
    boundary = b"a-boundary-that-is-in-no-part"
    body = parts_body(parts, boundary)
    counter = multipart.PartCounter(boundary, hashing=True)
    at = turn = 0
    while at < len(body):
        counter.feed(body[at : at + cuts[turn % len(cuts)]])
        at, turn = at + cuts[turn % len(cuts)], turn + 1
    counter.finish()
    assert (counter.parts, counter.bytes) == (len(parts), sum(map(len, parts)))
    assert counter.hashes == [sha256(p).hexdigest() for p in parts]


def test_boundary() -> None:
    assert multipart.boundary_of('multipart/related; type="application/dicom"; boundary="a b"') == b"a b"
    assert multipart.boundary_of("Multipart/Related;boundary=xyz;start=1") == b"xyz"
    for bad in ("multipart/related; boundary=", "application/json", 'multipart/related; boundary="' + "x" * 71 + '"'):
        with pytest.raises(ProtocolError):
            multipart.boundary_of(bad)
