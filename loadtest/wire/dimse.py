"""DIMSE messages out of P-DATA PDUs: a command set, then perhaps a data set, both in fragments (PS3.8 annex E)."""

from collections.abc import Callable

from loadtest.wire import pdu
from loadtest.wire.channel import Channel
from loadtest.wire.command import COMMAND_CAP, Command, read_command
from loadtest.wire.errors import AssociationAborted, ProtocolError

Write = Callable[[memoryview], object]
IDENTIFIER_CAP = 1 << 20  # bytes, rule Z4


class PeerReleased(AssociationAborted):
    """The peer asked to release the association; for a requestor in the middle of an operation that ends it."""

    def __init__(self) -> None:
        super().__init__("the peer", "it released the association")


class Reader:
    """Reads messages from a channel; keeps its place when one PDU holds the end of one and the start of the next."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self._body = memoryview(b"")

    def expect_silence(self) -> None:
        """Before a request: raise what a peer says unasked, so that nothing is sent into a dead end."""
        if self._body or self.channel.has_spoken():
            self._body = self._body or self._next_body()
            raise ProtocolError("the peer sent a message that nobody asked for")

    def command(self) -> tuple[int, Command]:
        """The next message's presentation context id and command set."""
        raw = bytearray()
        context, last = -1, False
        while not last:
            number, control, fragment = self._pdv()
            if not control & 1 or context not in (-1, number):
                raise ProtocolError("a data set fragment, or another context, came where a command set was due")
            context, last = number, bool(control & 2)
            if len(raw) + len(fragment) > COMMAND_CAP:
                raise ProtocolError(f"command set over {COMMAND_CAP} bytes")
            raw += fragment
        return context, read_command(raw)

    def data(self, context: int, write: Write) -> int:
        """Pass the data set's fragments to `write` as they come; returns the number of bytes."""
        size, last = 0, False
        while not last:
            number, control, fragment = self._pdv()
            if control & 1 or number != context:
                raise ProtocolError("a command fragment, or another context, came where a data set was due")
            write(fragment)
            size, last = size + len(fragment), bool(control & 2)
        return size

    def identifier(self, context: int) -> bytes:
        """A data set of at most 1 MiB, whole."""
        raw = bytearray()

        def keep(fragment: memoryview) -> None:
            if len(raw) + len(fragment) > IDENTIFIER_CAP:
                raise ProtocolError(f"identifier over {IDENTIFIER_CAP} bytes")
            raw.extend(fragment)

        self.data(context, keep)
        return bytes(raw)

    def _pdv(self) -> tuple[int, int, memoryview]:
        """The next PDV: length (4), context id (1), control (1), fragment."""
        while not self._body:
            self._body = self._next_body()
        length = int.from_bytes(self._body[:4], "big") if len(self._body) >= 6 else 0
        if length < 2 or length > len(self._body) - 4:
            raise ProtocolError(f"PDV claims {length} bytes where {max(len(self._body) - 4, 0)} remain in its PDU")
        number, control, fragment = self._body[4], self._body[5], self._body[6 : 4 + length]
        self._body = self._body[4 + length :]
        return number, control, fragment

    def _next_body(self) -> memoryview:
        kind, body = self.channel.read_pdu()
        if kind == pdu.P_DATA_TF:
            return body
        if kind == pdu.ABORT:
            raise AssociationAborted.from_codes(*(body[2:4] if len(body) == 4 else (255, 255)))
        if kind == pdu.RELEASE_RQ:
            raise PeerReleased
        raise ProtocolError(f"PDU of type {kind:02X}H came where P-DATA was due")
