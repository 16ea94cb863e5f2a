"""One HTTP/1.1 connection with bounds: the standard library's client on a socket whose every read has a limit.

`http.client` follows no redirect, reads no proxy from the environment and never repeats a request (rules L8, Z7).
"""

import http.client
import io
import os
import socket
import ssl
from collections.abc import Iterable, Mapping
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

from loadtest.wire.channel import connect
from loadtest.wire.errors import ConnectionLost, PeerTimeout, ProtocolError, WireError, printable
from loadtest.wire.pdu import Buffer
from loadtest.wire.settings import TcpProfile, Timeouts
from loadtest.wire.tls import client_context, security

HEADERS_CAP = 64 * 1024  # bytes before the body, all 1xx answers included
PIECE = 1 << 18


class _Bounded(io.RawIOBase):
    """Reads from a socket within the operation's time; marks the first byte; counts what came before the body."""

    def __init__(self, owner: "HttpConnection", wrapped: "_Wrapped") -> None:
        self.owner, self.wrapped = owner, wrapped
        wrapped.readers += 1

    def readable(self) -> bool:
        """True; `io` asks."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill from the socket; TimeoutError when the answer or the operation has taken too long."""
        owner, sock = self.owner, self.wrapped.sock
        left = min(owner.timeouts.response_s, owner.until - perf_counter())
        if left <= 0:
            raise TimeoutError
        if owner.quick_ack:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        sock.settimeout(left)
        # one read may bring the whole head and some of the body: only a read beyond the cap is too much head
        if owner.in_head and owner.head_left < 0:
            raise ProtocolError(f"HTTP headers over {HEADERS_CAP} bytes")
        count = sock.recv_into(buffer)
        owner.ended = count == 0
        owner.first_byte = owner.first_byte or perf_counter()
        owner.head_left -= count
        return count

    def close(self) -> None:
        """Give the socket back."""
        if not self.closed:
            self.wrapped.readers -= 1
            self.wrapped.close_if_unused()
        super().close()


class _Wrapped:
    """What `http.client` needs of a socket. As with a real one, `close` waits for the readers made from it."""

    def __init__(self, owner: "HttpConnection", sock: socket.socket) -> None:
        self.owner, self.sock = owner, sock
        self.readers, self.closing = 0, False

    def sendall(self, data: Buffer) -> None:
        """Send within what is left of the operation's time."""
        self.sock.settimeout(max(self.owner.until - perf_counter(), 1e-3))
        self.sock.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        """A bounded reader."""
        return io.BufferedReader(_Bounded(self.owner, self), PIECE)

    def close(self) -> None:
        """Close when the last reader has closed."""
        self.closing = True
        self.close_if_unused()

    def close_if_unused(self) -> None:
        """Close the socket if nobody reads and nobody will."""
        if self.closing and self.readers == 0:
            self.sock.close()


class _FinalAnswer(http.client.HTTPResponse):
    """Steps over interim answers (RFC 9110 15.2), such as 103 Early Hints; their number is bounded by HEADERS_CAP."""

    def _read_status(self) -> tuple[str, int, str]:
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if not 100 <= status < 200:
                return version, status, reason
            if status == http.client.SWITCHING_PROTOCOLS:
                raise ProtocolError("101 Switching Protocols, though none was asked for")
            http.client.parse_headers(self.fp)


class HttpConnection:
    """Keep-alive to one server. One that the server closed while idle is opened anew before anything is sent."""

    def __init__(
        self, base_url: str, timeouts: Timeouts, profile: TcpProfile, tls: ssl.SSLContext | None, address: str = ""
    ) -> None:
        """`address`: where to connect to, while the URL's host is whom we ask for and whose certificate it must be."""
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.username:
            raise ValueError("base URL: give http(s)://host[:port]/path without user, password or query")
        self.host, self.path = parts.hostname, parts.path.rstrip("/")
        self.address = address or self.host
        self.port = parts.port or (443 if parts.scheme == "https" else 80)
        self.tls = (tls or client_context(os.environ)) if parts.scheme == "https" else None
        self.timeouts, self.profile = timeouts, profile
        self.quick_ack = profile.quick_ack and self.tls is None
        self.security = ""
        self.begin()
        self.in_head, self.head_left, self.ended = True, HEADERS_CAP, False
        self._client = http.client.HTTPConnection(self.host, self.port)
        self._client.response_class = _FinalAnswer
        self._client.auto_open = 0
        self._wrapped: _Wrapped | None = None

    def begin(self) -> None:
        """Start an operation's clock, for one request or for several; the first one starts with the connection."""
        self.until = perf_counter() + self.timeouts.operation_s
        self.first_byte = self.sent = 0.0

    def request(
        self, method: str, path: str, headers: Mapping[str, str], body: Iterable[Buffer] = ()
    ) -> http.client.HTTPResponse:
        """Send one request and read the answer's headers; the body is then read by `body`. Raises WireErrors."""
        self.in_head, self.head_left, self.ended = True, HEADERS_CAP, False
        try:
            self._ready()
            self._head(method, path, headers)
            self._client.endheaders()
            for piece in body:
                self._client.send(piece)
            self.sent = self.sent or perf_counter()
            answer = self._client.getresponse()
        except Exception as error:
            raise self._named(error) from error
        self.in_head = False
        if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise self._named(ProtocolError("the body is compressed though no encoding was accepted"))
        return answer

    def _head(self, method: str, path: str, headers: Mapping[str, str]) -> None:
        """Write the request's head. What `http.client` says of a bad one holds its values: never repeat it (S3)."""
        wrong = ""
        try:
            self._client.putrequest(method, self.path + path, skip_accept_encoding=True)
            for name, value in headers.items():
                self._client.putheader(name, value)
        except (ValueError, http.client.HTTPException) as error:
            wrong = type(error).__name__
        if wrong:  # not while it is handled: the error would be kept as the new one's context
            raise ProtocolError(f"our own request cannot be sent as HTTP/1.1: {wrong}")

    def read(self, answer: http.client.HTTPResponse) -> bytes:
        """The next piece of the body as soon as it is there; b"" at its end, ConnectionLost if that comes too early."""
        due = answer.length
        if due == 0:
            answer.close()  # read1 does not notice
            return b""
        try:
            piece = answer.read1(PIECE)
        except Exception as error:
            raise self._named(error) from error
        if not piece and due:
            raise self._named(ConnectionLost(f"the body ended {due} bytes before its Content-Length"))
        if isinstance(answer.chunk_left, int) and answer.chunk_left < 0:
            raise self._named(ProtocolError("a chunk of negative size"))
        return piece

    def read_all(self, answer: http.client.HTTPResponse, cap: int) -> bytes:
        """The whole body, at most `cap` bytes."""
        return self.read_start(answer, cap, cap)

    def read_start(self, answer: http.client.HTTPResponse, most: int, cap: int) -> bytes:
        """The first `most` bytes of a body that is read to its end; at most `cap` bytes may come."""
        raw, size = bytearray(), 0
        while piece := self.read(answer):
            raw += piece[: most - len(raw)]
            size += len(piece)
            if size > cap:
                raise self._named(ProtocolError(f"the body is over {cap} bytes"))
        return bytes(raw)

    def _ready(self) -> None:
        """Open the connection, or open it anew when the server has closed it while nothing was outstanding."""
        if self._client.sock is None or self._wrapped is None or _is_stale(self._wrapped.sock):
            self.close()
            sock = connect(self.address, self.port, self.profile, self.timeouts.connect_s, self.tls, self.host)
            self.security = security(sock)
            self._client.sock = self._wrapped = _Wrapped(self, sock)

    def _named(self, error: Exception) -> WireError:
        """The error in this package's words; the connection is closed, for its state is not known any more."""
        self.close()
        if isinstance(error, WireError):
            named = error
        elif isinstance(error, TimeoutError):
            named = PeerTimeout(f"no whole answer within the operation's {self.timeouts.operation_s:g} s")
        elif isinstance(error, OSError) or (self.ended and isinstance(error, http.client.HTTPException)):
            named = ConnectionLost(printable(f"{type(error).__name__}: {error}"))
        elif isinstance(error, (http.client.HTTPException, ValueError, LookupError)):
            named = ProtocolError(printable(f"not HTTP/1.1: {type(error).__name__}: {error}"))
        else:
            raise error
        return named

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        self._client.close()
        if self._wrapped is not None:
            self._wrapped.sock.close()
        self._wrapped = None


def _is_stale(sock: socket.socket) -> bool:
    """True if an idle connection is readable: the server has closed it, or said something that nobody asked for."""
    sock.settimeout(0.0)
    try:
        sock.recv(1, socket.MSG_PEEK) if not isinstance(sock, ssl.SSLSocket) else sock.recv(1)
    except (BlockingIOError, ssl.SSLWantReadError):
        return False
    except OSError:
        return True
    return True
