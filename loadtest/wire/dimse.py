"""DIMSE messages out of P-DATA PDUs: a command set, then perhaps a data set, both in fragments (PS3.8 annex E)."""

from collections.abc import Callable
from struct import Struct

from loadtest.wire import pdu
from loadtest.wire.channel import AHEAD, Channel
from loadtest.wire.command import COMMAND_CAP, Command, read_command
from loadtest.wire.errors import AssociationAborted, ProtocolError, WireError

Write = Callable[[memoryview], object]
IDENTIFIER_CAP = 1 << 20  # bytes, rule Z4
_PDV = Struct(">IBB")
WHOLE_COMMAND = 3  # control of a PDV: of a command set, and its last fragment (PS3.8 annex E.2)


class PeerReleased(AssociationAborted):
    """The peer asked to release the association; for a requestor in the middle of an operation that ends it."""

    def __init__(self) -> None:
        super().__init__("the peer", "it released the association")


class Reader:
    """Reads messages from a channel; keeps its place when one PDU holds the end of one and the start of the next."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self._body = memoryview(b"")

    def has_more(self) -> bool:
        """True if something has come that was not read; ConnectionLost if the peer closed while nothing went on."""
        return bool(self._body) or self.channel.has_spoken()

    def expect_silence(self) -> None:
        """Before a request: raise what a peer says unasked, so that nothing is sent into a dead end."""
        if self.has_more():
            self._body = self._body or self._next_body()
            raise ProtocolError("the peer sent a message that nobody asked for")

    def command(self) -> tuple[int, Command]:
        """The next message's presentation context id and command set."""
        number, control, fragment = self._pdv()
        if control == WHOLE_COMMAND and len(fragment) <= COMMAND_CAP:
            return number, read_command(fragment)
        return self._command_in_fragments(number, control, fragment)

    def _command_in_fragments(self, context: int, control: int, fragment: memoryview) -> tuple[int, Command]:
        raw, number = bytearray(), context
        while True:
            if not control & 1 or number != context:
                raise ProtocolError("a data set fragment, or another context, came where a command set was due")
            if len(raw) + len(fragment) > COMMAND_CAP:
                raise ProtocolError(f"command set over {COMMAND_CAP} bytes")
            raw += fragment
            if control & 2:
                return context, read_command(raw)
            number, control, fragment = self._pdv()

    def data(self, context: int, write: Write) -> int:
        """Pass the data set's fragments to `write` as they come; returns the number of bytes."""
        size, last = 0, False
        while not last:
            number, control, fragment = self._pdv()
            _check_data(number, control, context)
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
        """The next PDV's context id, control and fragment."""
        while not self._body:
            self._body = self._next_body()
        body = self._body
        number, control, size = _read_pdv(body, len(body))
        fragment, self._body = body[6 : 6 + size], body[6 + size :]
        return number, control, fragment

    def _next_body(self) -> memoryview:
        kind, body = self.channel.read_pdu()
        if kind != pdu.P_DATA_TF:
            raise _end_of_messages(kind, body)
        return body


class Skimmer(Reader):
    """A Reader for who wants command sets only: it reads PDUs in parts, and leaves the data sets in the kernel."""

    def __init__(self, channel: Channel) -> None:
        super().__init__(channel)
        self._left = 0  # bytes of the PDU that have not been read
        channel.ahead = AHEAD

    def skip(self, context: int) -> int:
        """Throw a data set away; returns its number of bytes."""
        size, last = 0, False
        while not last:
            number, control, length = self._head()
            _check_data(number, control, context)
            self.channel.discard(length)
            size, last = size + length, bool(control & 2)
        return size

    def _pdv(self) -> tuple[int, int, memoryview]:
        number, control, size = self._head()
        return number, control, self.channel.take(size)

    def _head(self) -> tuple[int, int, int]:
        """The next PDV's context id, control and size of its fragment, which is to be read next."""
        while not self._left:
            kind, self._left = self.channel.read_header()
            if kind != pdu.P_DATA_TF:
                raise _end_of_messages(kind, self.channel.take(self._left))
        number, control, size = _read_pdv(self.channel.take(min(6, self._left)), self._left)
        self._left -= 6 + size
        return number, control, size


def _read_pdv(head: memoryview, left: int) -> tuple[int, int, int]:
    """A PDV's context id, control and size of fragment; `left`: bytes of its PDU from here on.

    Length of what follows (4), context id (1), control (1) (PS3.8 9.3.5.1).
    """
    length, number, control = _PDV.unpack_from(head) if left >= 6 else (0, 0, 0)
    if length < 2 or length > left - 4:
        raise ProtocolError(f"PDV claims {length} bytes where {max(left - 4, 0)} remain in its PDU")
    return number, control, length - 2


def _check_data(number: int, control: int, context: int) -> None:
    if control & 1 or number != context:
        raise ProtocolError("a command fragment, or another context, came where a data set was due")


def _end_of_messages(kind: int, body: memoryview) -> WireError:
    """What a PDU means that is not P-DATA."""
    if kind == pdu.ABORT:
        return AssociationAborted.from_codes(*(body[2:4] if len(body) == 4 else (255, 255)))
    if kind == pdu.RELEASE_RQ:
        return PeerReleased()
    return ProtocolError(f"PDU of type {kind:02X}H came where P-DATA was due")
