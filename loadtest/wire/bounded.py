"""Calls on a socket that wait a while at most, without a system call that only says how long.

A call may end after `SLICE_S` already, with TimeoutError: the caller looks at the clock, and calls again. So the bound
that is set on the socket stays the same from call to call, until the last slice of a wait.
"""

import os
import socket
import ssl
import sys
from collections.abc import Sequence
from struct import pack

from loadtest.wire.pdu import Buffer
from loadtest.wire.repeated import Framed

SLICE_S = 1.0
COPIED = 4096  # bytes of a file that are sent as others are, to wait for room
FILE_WAITS = 4  # more than a blocking sendfile waits in one call (measured: three times, for one piece of 64 kB)
_MORE = getattr(socket, "MSG_MORE", 0)
# Linux drops what a TCP receive with MSG_TRUNC asks for, uncopied (man 7 tcp); elsewhere the flag means another thing.
_DROP = socket.MSG_TRUNC | socket.MSG_WAITALL if sys.platform == "linux" else 0


def bounded(sock: socket.socket) -> "Bounded":
    """The way for this socket. Kernel time-outs mean nothing to gevent, whose sockets never block in the kernel."""
    if isinstance(sock, ssl.SSLSocket) or not hasattr(sock, "sendmsg"):
        return _Whole(sock)
    is_plain = type(sock).__module__ == socket.__name__
    return _Kernel(sock) if is_plain and sys.platform == "linux" else Bounded(sock)


class Bounded:
    """By Python's own time-out: an attribute under gevent; on a plain socket a poll before each call.

    `most_bytes` go into one `send`: the kernel takes up to 4 MB at once, and on the loopback delivers them in the same
    call, which kept all others of a gevent process waiting 9 to 15 ms; 128 KiB keep them 1.5 ms at most.
    """

    drop = _DROP
    most_bytes = 128 * 1024
    sends_files = True

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def receive(self, room: memoryview, left: float, flags: int = 0) -> int:
        """Bytes that came; 0 at the end of the stream. `drop` among the flags: they need not be kept."""
        self._wait(left)
        return self._sock.recv_into(room, len(room), flags)  # gevent's TLS sockets read nothing for a length of 0

    def receive_now(self, room: memoryview) -> int | None:
        """Bytes that were there already; None when there is nothing."""
        self._sock.settimeout(0.0)
        try:
            return self._sock.recv_into(room)
        except (BlockingIOError, ssl.SSLWantReadError):
            return None

    def send(self, pieces: Sequence[Buffer], left: float, more: bool = False) -> int:
        """Bytes of a row of buffers that the kernel has taken; `more` follow at once, and may leave with them."""
        self._wait(left)
        return self._sock.sendmsg(pieces, (), _MORE if more else 0)

    def send_file(self, file: Framed, at: int, left: float) -> int:
        """Bytes of a file, from `at` on, that the kernel has taken."""
        self._wait(left)
        try:
            return os.sendfile(self._sock.fileno(), file.fd, at, min(file.size - at, self.most_bytes))
        except BlockingIOError:  # the socket's own way to wait
            return self._sock.send(os.pread(file.fd, COPIED, at))

    def _wait(self, left: float) -> None:
        now, wait = self._sock.gettimeout(), min(left, SLICE_S)
        if now is None or not wait <= now <= left:
            self._sock.settimeout(wait)


class _Whole(Bounded):
    """TLS: a buffer that was sent in part cannot be taken up again, so that its wait has no slices."""

    drop = 0
    sends_files = False

    def send(self, pieces: Sequence[Buffer], left: float, more: bool = False) -> int:
        whole = b"".join(pieces)
        self._sock.settimeout(left)
        self._sock.sendall(whole)
        return len(whole)


class _Kernel(Bounded):
    """By the kernel's time-outs (man 7 socket): one system call to receive or send, blocking, and no other."""

    most_bytes = 1 << 30  # a thread that is kept in a call keeps nobody else

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        sock.settimeout(None)
        self._set = {socket.SO_RCVTIMEO: 0.0, socket.SO_SNDTIMEO: 0.0}

    def receive(self, room: memoryview, left: float, flags: int = 0) -> int:
        self._bound(socket.SO_RCVTIMEO, left)
        try:
            return self._sock.recv_into(room, len(room), flags)
        except BlockingIOError:
            raise TimeoutError from None

    def receive_now(self, room: memoryview) -> int | None:
        try:
            return self._sock.recv_into(room, 0, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None

    def send(self, pieces: Sequence[Buffer], left: float, more: bool = False) -> int:
        self._bound(socket.SO_SNDTIMEO, left)
        try:
            return self._sock.sendmsg(pieces, (), _MORE if more else 0)
        except BlockingIOError:
            raise TimeoutError from None

    def send_file(self, file: Framed, at: int, left: float) -> int:
        self._bound(socket.SO_SNDTIMEO, left / FILE_WAITS)
        try:
            return os.sendfile(self._sock.fileno(), file.fd, at, file.size - at)
        except BlockingIOError:
            raise TimeoutError from None

    def _bound(self, option: int, left: float) -> None:
        wait = min(left, SLICE_S)
        if not wait <= self._set[option] <= left:
            microseconds = max(1, int(wait * 1e6))  # 0 would mean for ever
            self._sock.setsockopt(socket.SOL_SOCKET, option, pack("@ll", *divmod(microseconds, 1_000_000)))
            self._set[option] = wait
