"""A TCP connection that reads whole PDUs within bounds of time and size.

Blocking sockets with bounds: under gevent's patched `socket` the same code runs in greenlets.
"""

import socket
import ssl
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from mmap import mmap
from struct import Struct, pack
from time import perf_counter

from loadtest.wire import pdu
from loadtest.wire.bounded import bounded
from loadtest.wire.errors import ConnectFailed, ConnectionLost, PeerTimeout, ProtocolError
from loadtest.wire.pace import Link as SiteLink
from loadtest.wire.pace import Pace
from loadtest.wire.pdu import Buffer
from loadtest.wire.repeated import Framed
from loadtest.wire.resolve import addresses
from loadtest.wire.settings import TcpProfile, Timeouts
from loadtest.wire.tls import secure

ASSOCIATION_CAP = 128 * 1024  # bytes; 128 contexts with all their syntaxes need about 40 kB
MOST_BUFFERS = 512  # Linux takes 1,024 in one sendmsg (IOV_MAX)
AHEAD = 4096  # bytes read beyond what is asked for by who does not want the data; a command set and headers fit
_RESET = pack("ii", 1, 0)  # linger for 0 s: what the kernel still holds is thrown away
_HEADER = Struct(">BxI")  # type, reserved, length (PS3.8 9.3.1)
_SHORT = (pdu.ASSOCIATE_RJ, pdu.RELEASE_RQ, pdu.RELEASE_RP, pdu.ABORT)
_LONG = (pdu.ASSOCIATE_RQ, pdu.ASSOCIATE_AC)


class Channel:
    """One connection. `first_byte` is the perf_counter time of the first byte that came since `begin`."""

    def __init__(self, sock: socket.socket, profile: TcpProfile, timeouts: Timeouts, max_pdu: int) -> None:
        self.sock, self.profile, self.timeouts, self.max_pdu = sock, profile, timeouts, max_pdu
        # One buffer for life: what a header claims never decides what we allocate (rule Z2). Mapped, so that it takes
        # memory only as far as it has been written to: most associations get nothing but short answers.
        self._buffer = memoryview(mmap(-1, 6 + max(max_pdu, ASSOCIATION_CAP)))
        self._start = self._end = 0
        self.first_byte = 0.0
        self.sent = 0.0
        self.link: SiteLink | None = None  # what is sent and received goes over it
        self.is_cut = False  # a PDU left only in part: nothing that follows could be understood
        self._most = dict.fromkeys(_SHORT, 4) | dict.fromkeys(_LONG, ASSOCIATION_CAP) | {pdu.P_DATA_TF: max_pdu}
        self.ahead = len(self._buffer)  # most bytes that are read at once, asked for or not
        self._until = self._pdu_until = perf_counter() + timeouts.operation_s
        self._bounded = bounded(sock)
        self._quick_ack = profile.quick_ack and not isinstance(sock, ssl.SSLSocket)
        self._owes_ack = False  # something came since we last sent, so that no data of ours acknowledge it

    def twin(self) -> "Channel":
        """The same connection for another thread or greenlet, which only reads: its clock and buffer are its own."""
        ear = Channel(self.sock, self.profile, self.timeouts, self.max_pdu)
        ear.link, ear._bounded = self.link, self._bounded
        return ear

    @property
    def congestion(self) -> str:
        """The algorithm that the system sends by (TcpProfile), "" where it does not tell."""
        with suppress(OSError, AttributeError):
            return self.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).partition(b"\0")[0].decode()
        return ""

    def hang_up(self, how: int) -> None:
        """Wake whoever waits for this connection: SHUT_RD who reads, SHUT_RDWR who sends as well."""
        with suppress(OSError):  # it is gone already
            self.sock.shutdown(how)

    def begin(self, operation_s: float | None = None) -> None:
        """Start an operation's clock: nothing below waits beyond it."""
        self.first_byte = self.sent = 0.0
        self._until = perf_counter() + (operation_s or self.timeouts.operation_s)

    @property
    def sends_files(self) -> bool:
        """Whether `send` takes a file: not over a site's slow link, by TLS, or as Nagle's algorithm cuts it."""
        return self.link is None and self.profile.no_delay and self._bounded.sends_files

    def send(self, pieces: Sequence[Buffer], file: Framed | None = None) -> None:
        """Send buffers in a row, and a file after them; `sent` is the time when the kernel had the last byte."""
        self.is_cut = True
        try:
            if self.link is not None:
                self._send_paced(pieces, self.link.up)
            else:
                self._send_gathered(pieces, file is not None)
            if file is not None:
                self._send_file(file)
        except OSError as error:
            raise ConnectionLost(f"while sending: {error.strerror or error}") from error
        self.sent = perf_counter()
        self.is_cut = self._owes_ack = False

    def _send_paced(self, pieces: Sequence[Buffer], pace: Pace) -> None:
        """In small chunks, each when its bytes have passed the site's link."""
        for one in pieces:
            piece = memoryview(one)
            for at in range(0, len(piece), pace.chunk):
                chunk = piece[at : at + pace.chunk]
                pace.take(len(chunk), self._until)
                self._send_gathered([chunk])

    def _send_gathered(self, pieces: Sequence[Buffer], more: bool = False) -> None:
        for batch, size in _batches(pieces, self._bounded.most_bytes):
            while size:
                try:
                    taken = self._bounded.send(batch, self._left_to_send(), more)
                except TimeoutError:
                    continue  # the next round says so
                size -= taken
                batch = _after(batch, taken) if size else ()

    def _send_file(self, file: Framed) -> None:
        at = 0
        while at < file.size:
            try:
                at += self._bounded.send_file(file, at, self._left_to_send())
            except TimeoutError:
                continue  # the next round says so

    def _left_to_send(self) -> float:
        left = self._until - perf_counter()
        if left <= 0:
            raise PeerTimeout(f"the peer did not take all data within the operation's {self.timeouts.operation_s:g} s")
        return left

    def has_spoken(self) -> bool:
        """True if bytes wait that nobody asked for; ConnectionLost if the peer closed while nothing was going on."""
        if self._end > self._start:
            return True
        self._start = self._end = 0
        try:
            count = self._bounded.receive_now(self._buffer)
        except OSError as error:
            raise ConnectionLost(f"while it was idle: {error.strerror or error}") from error
        if count is None:
            return False
        if count == 0:
            raise ConnectionLost("the peer closed the idle connection without release or abort")
        self._end = count
        return True

    def read_pdu(self) -> tuple[int, memoryview]:
        """The next PDU's type and body. The body is valid until the next call.

        Raises PeerTimeout when it is not whole after `response_s`, ProtocolError for a type or length that may not be
        (known from the first six bytes), ConnectionLost at the end of the stream.
        """
        kind, length = self.read_header()
        return kind, self.take(length)

    def read_header(self) -> tuple[int, int]:
        """The next PDU's type and length; `take` and `discard` read its body, within the same bounds of time."""
        self._pdu_until = min(perf_counter() + self.timeouts.response_s, self._until)
        if self._end - self._start < 6:
            self._need(6)
        kind, length = _HEADER.unpack_from(self._buffer, self._start)
        self._start += 6
        if length > self._most.get(kind, -1):
            raise ProtocolError(self._may_not_be(kind, length))
        return kind, length

    def take(self, size: int) -> memoryview:
        """The next bytes of a PDU, valid until the next call."""
        if self._end - self._start < size:
            self._need(size)
        self._start += size
        return self._buffer[self._start - size : self._start]

    def discard(self, size: int) -> None:
        """Throw the next bytes of a PDU away, where it can be done without copying them out of the kernel."""
        have = min(self._end - self._start, size)
        self._start += have
        while size := size - have:
            self._start = self._end = 0
            have = self._receive(self._buffer[:size], self._bounded.drop, self._pdu_until)

    def _may_not_be(self, kind: int, length: int) -> str:
        if kind not in self._most:
            return f"PDU type {kind:02X}H is none of 01H to 07H"
        return f"PDU of type {kind:02X}H claims {length} bytes; at most {self._most[kind]} may come"

    def _need(self, size: int) -> None:
        have = self._end - self._start
        if have == 0:
            self._start = self._end = 0
        elif self._start + size > len(self._buffer):
            self._buffer[:have] = self._buffer[self._start : self._end]
            self._start, self._end = 0, have
        while self._end - self._start < size:
            self._end += self._receive(self._buffer[self._end :][: self.ahead], 0, self._pdu_until)

    def _receive(self, room: memoryview, flags: int, until: float) -> int:
        """Bytes that came, at most as many as there is room for; 0 when it is time to look at the clock."""
        left = until - perf_counter()
        if left <= 0:
            raise PeerTimeout(
                f"no whole answer within {self.timeouts.response_s:g} s (operation {self.timeouts.operation_s:g} s)"
            )
        if self.link is not None:  # over a slow link only a chunk at a time
            room = room[: self.link.down.chunk]
        try:
            if self._quick_ack and self._owes_ack:
                # Linux forgets the option; it also sends at once the acknowledgement of what was just read, which
                # frees a peer whose Nagle algorithm holds back the second half of its answer.
                self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            count = self._bounded.receive(room, left, flags)
        except TimeoutError:
            return 0  # the next round says so
        except OSError as error:
            raise ConnectionLost(f"while waiting for an answer: {error.strerror or error}") from error
        if count == 0:
            raise ConnectionLost("the peer closed the connection without release or abort")
        if self.link is not None:
            self.link.down.take(count, self._until)
        self._owes_ack = True
        self.first_byte = self.first_byte or perf_counter()
        return count

    def close(self) -> None:
        """Close the socket, with a reset when a PDU was cut; never raises for a connection that is already gone."""
        with suppress(OSError):
            if self.is_cut:
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.sock.close()


def _batches(pieces: Sequence[Buffer], most_bytes: int) -> Iterable[tuple[Sequence[Buffer], int]]:
    """Buffers in a row for one call each, and their bytes; one that is larger by itself is cut."""
    size = sum(map(len, pieces))
    if size <= most_bytes and len(pieces) <= MOST_BUFFERS:
        return ((pieces, size),)
    return _cut(pieces, most_bytes)


def _cut(pieces: Sequence[Buffer], most_bytes: int) -> Iterator[tuple[Sequence[Buffer], int]]:
    batch: list[Buffer] = []
    size = 0
    for piece in pieces:
        for at in range(0, len(piece), most_bytes):
            part = piece if len(piece) <= most_bytes else memoryview(piece)[at : at + most_bytes]
            if size + len(part) > most_bytes or len(batch) == MOST_BUFFERS:
                yield batch, size
                batch, size = [], 0
            batch.append(part)
            size += len(part)
    if batch:
        yield batch, size


def _after(batch: Sequence[Buffer], taken: int) -> list[Buffer]:
    """What is left of `batch` when the kernel took its first `taken` bytes."""
    for index, piece in enumerate(batch):
        if taken < len(piece):
            return [memoryview(piece)[taken:], *batch[index + 1 :]]
        taken -= len(piece)
    return []


def connect(
    host: str, port: int, profile: TcpProfile, timeout_s: float, tls: ssl.SSLContext | None = None, name: str = ""
) -> socket.socket:
    """Open a TCP (and TLS) connection with the profile's options, without retry; raises ConnectFailed with the cause.

    A name with several addresses (localhost) is looked up and tried address by address, all within `timeout_s`.
    `name`: whose certificate it must be, where `host` is the address that a name was pinned to.
    """
    until = perf_counter() + timeout_s
    cause: OSError = OSError("the name has no address")
    try:
        for family, address in addresses(host, port, timeout_s):
            sock = socket.socket(family, socket.SOCK_STREAM)
            try:
                apply(sock, profile)
                sock.settimeout(max(until - perf_counter(), 1e-3))
                sock.connect(address)
                return sock if tls is None else secure(sock, tls, name or host, max(until - perf_counter(), 1e-3))
            except OSError as error:
                cause = error
                sock.close()
    except OSError as error:  # the name is not known, or not in time
        cause = error
    raise ConnectFailed(f"no connection to {host}:{port}: {cause.strerror or cause}") from cause


def apply(sock: socket.socket, profile: TcpProfile) -> None:
    """Set the profile's options; the segment size counts only before the connection is made."""
    _send_by(sock, profile.congestion)
    if profile.no_delay:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if profile.segment_bytes:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, profile.segment_bytes)


def _send_by(sock: socket.socket, algorithms: Sequence[str]) -> None:
    """Who is not root may take only what net.ipv4.tcp_allowed_congestion_control lists; Reno is always there."""
    for name in algorithms if hasattr(socket, "TCP_CONGESTION") else ():
        with suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, name.encode())
            return
