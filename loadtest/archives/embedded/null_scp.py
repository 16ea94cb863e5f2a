"""Null mode's DIMSE side: it answers success as fast as bytes can be read, so that a generator can show its headroom.

Built on the wire's reader rather than on pynetdicom, whose polling threads end at about 300 images a second: a sink
must be faster than the archives that the generator is to be trusted with. Data sets are counted and, on Linux, never
leave the kernel. Queries find and retrieves move nothing.
"""

import os
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

from loadtest.archives.embedded.archive import Archive
from loadtest.archives.embedded.contexts import syntaxes_taken
from loadtest.archives.embedded.options import LOOPBACK, Options
from loadtest.archives.embedded.service import Service
from loadtest.wire import ProtocolError, TcpProfile, Timeouts, WireError, command, pdu
from loadtest.wire.channel import Channel, apply
from loadtest.wire.command import Command
from loadtest.wire.dimse import PeerReleased, Skimmer
from loadtest.wire.door import connections
from loadtest.wire.negotiation import UserInformation, read_request
from loadtest.wire.pdu import Context
from loadtest.wire.settings import LARGEST_WINDOW

MAX_PDU = 1 << 20  # a CT in one: each header costs the sink a wait
IDLE = Timeouts(connect_s=5.0, response_s=600.0, operation_s=600.0)
SYNCHRONOUS = (1, 1)
POLL_S = 0.1
_QUERIES = (command.C_FIND_RQ, command.C_GET_RQ, command.C_MOVE_RQ)


MakePeer = Callable[[Channel, Archive], "NullPeer"]


def start(archive: Archive, options: Options, peer: MakePeer | None = None) -> Service:
    """Listen on loopback; `peer` serves an association, the null sink's own where none is given.

    Raises OSError when the port is taken.
    """
    return _Door(archive, options.port, peer or NullPeer, options.processes).service()


class _Door:
    """The listening socket, and the connections that came through it. Its processes take turns at it."""

    def __init__(self, archive: Archive, port: int, peer: MakePeer, processes: int) -> None:
        self._archive, self._peer = archive, peer
        self._socket = socket.create_server((LOOPBACK, port), backlog=128)
        self._open: set[socket.socket] = set()
        self._stopping = False
        self.not_taken: Counter[str] = Counter()  # connections of this process, by cause
        self._helpers = [self._fork(number) for number in range(1, processes)]
        self._thread = threading.Thread(target=self._accept, name="null sink", daemon=True)
        self._thread.start()

    def _fork(self, number: int) -> int:
        """A process that does the same at the same socket, and ends with this one, however that ends; its id."""
        parent = os.getpid()
        if child := os.fork():
            return child
        try:
            self._archive.swallowed.take_number(number)
            threading.Thread(target=self._accept, daemon=True).start()
            while os.getppid() == parent:
                time.sleep(POLL_S)
        finally:
            os._exit(0)

    def service(self) -> Service:
        return Service(int(self._socket.getsockname()[1]), self._stop, self._stop)

    def _accept(self) -> None:
        for connection, _ in connections(self._socket, lambda: self._stopping, self._failed):
            self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _failed(self, cause: str) -> None:
        self.not_taken[cause] += 1

    def _serve(self, connection: socket.socket) -> None:
        apply(connection, TcpProfile.TUNED)
        self._peer(Channel(connection, TcpProfile.TUNED, IDLE, MAX_PDU), self._archive).serve()
        self._open.discard(connection)

    def _stop(self) -> None:
        self._stopping = True
        for one in (self._socket, *list(self._open)):
            with suppress(OSError):  # its peer may be gone
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for child in self._helpers:
            os.kill(child, signal.SIGKILL)  # it keeps nothing
            os.waitpid(child, 0)
        self._thread.join(5)


class NullPeer:
    """One association."""

    def __init__(self, channel: Channel, archive: Archive) -> None:
        self._channel, self._archive = channel, archive
        self._reader = Skimmer(channel)
        self._send_pdu = 0

    def serve(self) -> None:
        """Negotiate, then answer until release, abort, error or ten idle minutes."""
        try:
            self._negotiate()
            while True:
                self._channel.begin()
                self._answer(*self._reader.command())
        except PeerReleased:
            self._last_words(pdu.release_rp())
        except ProtocolError:
            self._last_words(pdu.abort(2, 0))
        except WireError:
            pass  # the peer is gone, or silent for too long
        finally:
            self._channel.close()

    def _last_words(self, message: bytes) -> None:
        with suppress(WireError):  # it may not listen any more
            self._channel.begin(1.0)
            self._channel.send([message])

    def _negotiate(self) -> None:
        kind, body = self._channel.read_pdu()
        if kind != pdu.ASSOCIATE_RQ:
            raise ProtocolError(f"PDU of type {kind:02X}H came where A-ASSOCIATE-RQ was due")
        request = read_request(body)
        self._send_pdu = request.user.max_pdu or pdu.UNLIMITED_SEND
        answers = [_choose(context) for context in request.contexts]
        roles = [(uid, *granted) for uid, granted in request.user.roles.items()]
        window = _window(request.user)
        accept = pdu.associate_ac(request.titles, answers, self._channel.max_pdu, roles, window)
        self._channel.send([accept])

    def _answer(self, context: int, request: Command) -> None:
        field = request.field
        if field == command.C_CANCEL_RQ:
            return
        if field == command.C_STORE_RQ:
            self._archive.swallow(self._reader.skip(context))
        elif field in _QUERIES:
            self._reader.identifier(context)
        elif field != command.C_ECHO_RQ:
            raise ProtocolError(f"command {field:04X}H is not served")
        self._succeed(context, request)

    def _succeed(self, context: int, request: Command) -> None:
        self._channel.send(pdu.p_data(context, _success(request), (), self._send_pdu))


def _window(user: UserInformation) -> tuple[int, int] | None:
    """What of a proposed window is granted; requests that wait are in the kernel's buffers (PS3.7 D.3.3.3)."""
    return None if user.window == SYNCHRONOUS else (user.granted(LARGEST_WINDOW), 1)


def _choose(offered: Context) -> tuple[int, int, str]:
    """(context id, result, transfer syntax), in the caller's order of preference (PS3.8 table 9-18)."""
    taken = syntaxes_taken(offered.abstract_syntax)
    if not taken:
        return offered.id, 3, ""
    common = next((syntax for syntax in offered.transfer_syntaxes if syntax in taken), "")
    return offered.id, 0 if common else 4, common


def _success(request: Command) -> bytes:
    """Success; retrieves moved 0 objects (PS3.7 9.3.3.2, 9.3.4.2)."""
    if request.field not in (command.C_GET_RQ, command.C_MOVE_RQ):
        return command.response(request.field, request, command.SUCCESS)
    return command.command_set(
        command.ui(0x0002, request.sop_class),
        command.us(0x0100, request.field | command.RESPONSE),
        command.us(0x0120, request.message_id),
        command.us(0x0800, command.NO_DATA_SET),
        command.us(0x0900, command.SUCCESS),
        *(command.us(element, 0) for element in (0x1021, 0x1022, 0x1023)),
    )
