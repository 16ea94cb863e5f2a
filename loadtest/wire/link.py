"""The part of an association that all services share: contexts, message ids, bounds, release and abort."""

from collections.abc import Sequence
from contextlib import suppress
from time import perf_counter
from types import TracebackType
from typing import Self

from loadtest.wire import command, pdu
from loadtest.wire.channel import Channel
from loadtest.wire.command import Command
from loadtest.wire.dimse import PeerReleased, Reader
from loadtest.wire.errors import AssociationAborted, PeerTimeout, ProtocolError, WireError
from loadtest.wire.negotiation import Agreement
from loadtest.wire.pdu import Buffer, Context
from loadtest.wire.repeated import Repeated
from loadtest.wire.reply import Reply, reply_from
from loadtest.wire.tls import security

RELEASE_S = 10.0  # to answer a release; who has not by then is told an abort
LAST_WORDS_S = 0.2  # for ten bytes to a peer that may not listen any more


class Link:
    """An open association. One operation at a time; after any WireError but ContextRefused it is closed."""

    def __init__(self, channel: Channel, offered: Sequence[Context], agreement: Agreement) -> None:
        self.channel, self.offered, self.agreement = channel, tuple(offered), agreement
        self.send_pdu = agreement.user.max_pdu or pdu.UNLIMITED_SEND
        self.reader = Reader(channel)
        self.is_open = True
        self.connect_s = self.negotiate_s = 0.0
        self.window = 1  # requests that may be without an answer at once, as granted
        self._message_id = 0
        self._contexts: dict[tuple[str, str | None], int] = {}

    def context(self, abstract: str, syntax: str | None = None) -> int:
        """Id of the accepted context; raises ContextRefused (nothing is sent, the association stays open)."""
        key = (abstract, syntax)
        if key not in self._contexts:
            self._contexts[key] = self.agreement.context_for(self.offered, abstract, syntax)
        return self._contexts[key]

    @property
    def security(self) -> str:
        """TLS version and suite, "" for plain TCP."""
        return security(self.channel.sock)

    def next_message_id(self) -> int:
        """1 to 65535, then again from 1 (PS3.7: unique among what is outstanding)."""
        self._message_id = self._message_id % 0xFFFF + 1
        return self._message_id

    def operation(self, *, asks: bool = True) -> "_Operation":
        """A with-block that bounds the time, and after an error ends the association.

        `asks`: the operation starts with a request of ours, so the peer must not have said anything yet.
        """
        return _Operation(self, asks)

    def end_after(self, error: BaseException) -> None:
        """End the association in the middle of an operation, and say whether its outcome is unknown.

        What is no WireError is a greenlet that is killed, Ctrl-C, or a sink that raised: half a message is never left.
        """
        if isinstance(error, WireError):
            error.unknown = self.channel.sent > 0
            self._last_words_after(error)
            self._close()
        else:
            self.abort()

    def _last_words_after(self, error: WireError) -> None:
        if isinstance(error, PeerReleased):
            last_words(self.channel, pdu.release_rp())
        elif isinstance(error, (ProtocolError, PeerTimeout)):
            last_words(self.channel, pdu.abort())

    def send(self, context: int, message: bytes, parts: Sequence[Buffer] = ()) -> None:
        """Send one DIMSE message, fragmented as the peer asked; a repeated end of its data set from a file."""
        channel = self.channel
        if len(parts) == 2 and isinstance(parts[1], Repeated) and channel.sends_files:
            first = pdu.first_pdu(context, message, bytes(parts[0]), self.send_pdu)
            if first and (rest := parts[1].framed(context, self.send_pdu)) is not None:
                channel.send((first,), rest)
                return
        channel.send(pdu.p_data(context, message, parts, self.send_pdu))

    def response(self, context: int, field: int, message_id: int) -> Command:
        """Read one command set and check that it answers our request (PS3.7 9.3)."""
        number, answer = self.reader.command()
        self.check_response(number, answer, context, field, message_id)
        return answer

    @staticmethod
    def check_response(number: int, answer: Command, context: int, field: int, message_id: int) -> None:
        """Raise ProtocolError unless a command set is the response to our request."""
        if answer.field != field | command.RESPONSE or number != context:
            raise ProtocolError(f"command {answer.field:04X}H came where the response to {field:04X}H was due")
        if answer.must(0x0120) != message_id:
            raise ProtocolError(f"answer to message {answer.must(0x0120)} came where {message_id} was due")

    def reply(self, answer: Command, cut: int = 0) -> Reply:
        """The operation's Reply, ended now."""
        return reply_from(answer, self.channel.sent, self.channel.first_byte, perf_counter(), cut)

    def release(self) -> None:
        """A-RELEASE, then close. Raises when the peer does not answer it; a second call does nothing."""
        if not self.is_open:
            return
        with self.operation(asks=False):
            self.channel.begin(min(RELEASE_S, self.channel.timeouts.operation_s))
            self.channel.send([pdu.release_rq()])
            kind, _ = self.channel.read_pdu()
            if kind == pdu.RELEASE_RQ:  # both asked at once: the requestor answers first (PS3.8 9.2, state 9)
                self.channel.send([pdu.release_rp()])
                kind, _ = self.channel.read_pdu()
            if kind != pdu.RELEASE_RP:
                raise ProtocolError(f"PDU of type {kind:02X}H came where A-RELEASE-RP was due")
        self._close()

    def abort(self) -> None:
        """A-ABORT, then close; never raises for a peer that is already gone."""
        if self.is_open:
            last_words(self.channel, pdu.abort())
        self._close()

    def _close(self) -> None:
        self.is_open = False
        self.channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release after good work, abort after an exception."""
        if kind is None:
            self.release()
        else:
            self.abort()


class _Operation:
    """See `Link.operation`; a generator would take three times as long, which shows at 10,000 images a second."""

    __slots__ = ("_asks", "_link")

    def __init__(self, link: Link, asks: bool) -> None:
        self._link, self._asks = link, asks

    def __enter__(self) -> None:
        link = self._link
        if not link.is_open:
            raise AssociationAborted("this side", "the association is closed; open another one")
        link.channel.begin()
        if self._asks:
            try:
                link.reader.expect_silence()
            except BaseException as error:
                link.end_after(error)
                raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._link.end_after(error)


def last_words(channel: Channel, message: bytes) -> None:
    """Send a final PDU if the peer can still understand it, without waiting for a peer that takes nothing."""
    if channel.is_cut:
        return
    channel.begin(LAST_WORDS_S)
    with suppress(WireError):  # it is gone; the cause was raised before
        channel.send([message])
