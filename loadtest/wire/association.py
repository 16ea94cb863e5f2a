"""An association as requestor (SCU): open, C-ECHO, C-STORE, C-FIND, C-MOVE, C-GET, release, abort."""

import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from time import perf_counter
from types import TracebackType
from typing import Self

from pydicom.dataset import Dataset

from loadtest.wire import command, pdu, query
from loadtest.wire.channel import Channel, connect
from loadtest.wire.command import Command
from loadtest.wire.dimse import PeerReleased, Reader
from loadtest.wire.errors import AssociationAborted, AssociationRejected, PeerTimeout, ProtocolError, WireError
from loadtest.wire.negotiation import Agreement, read_accept
from loadtest.wire.pdu import MOST_CONTEXTS, Buffer, Context
from loadtest.wire.reply import Reply, reply_from
from loadtest.wire.settings import DEFAULT_TIMEOUTS, Peer, TcpProfile, Timeouts, check_ae_title, check_max_pdu
from loadtest.wire.sinks import Sink
from loadtest.wire.tls import security

VERIFICATION = "1.2.840.10008.1.1"
SMALLEST_PEER_PDU = 16  # bytes: a PDV header and a few bytes of fragment
LAST_WORDS_S = 0.2  # for ten bytes to a peer that may not listen any more


class Association:
    """An open association. One operation at a time; after any WireError but ContextRefused it is closed."""

    def __init__(self, channel: Channel, offered: Sequence[Context], agreement: Agreement) -> None:
        self.channel, self.offered, self.agreement = channel, tuple(offered), agreement
        self.send_pdu = agreement.user.max_pdu or pdu.UNLIMITED_SEND
        self.reader = Reader(channel)
        self.is_open = True
        self.connect_s = self.negotiate_s = 0.0
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

    @contextmanager
    def operation(self) -> Iterator[None]:
        """Bound the time; on an error abort, mark it unknown if the request had left whole, and close."""
        if not self.is_open:
            raise AssociationAborted("this side", "the association is closed; open another one")
        self.channel.begin()
        try:
            yield
        except WireError as error:
            error.unknown = self.channel.sent > 0
            self._end_after(error)
            raise
        except BaseException:  # a greenlet that is killed, Ctrl-C, a sink that raised: never leave half a message
            self.abort()
            raise

    def _end_after(self, error: WireError) -> None:
        if isinstance(error, PeerReleased):
            _last_words(self.channel, pdu.release_rp())
        elif isinstance(error, (ProtocolError, PeerTimeout)):
            _last_words(self.channel, pdu.abort())
        self._close()

    def send(self, context: int, message: bytes, parts: Sequence[Buffer] = ()) -> None:
        """Send one DIMSE message, fragmented as the peer asked."""
        self.channel.send(pdu.p_data(context, message, parts, self.send_pdu))

    def response(self, context: int, field: int, message_id: int) -> Command:
        """Read one command set and check that it answers our request (PS3.7 9.3)."""
        number, answer = self.reader.command()
        if answer.field != field | command.RESPONSE or number != context:
            raise ProtocolError(f"command {answer.field:04X}H came where the response to {field:04X}H was due")
        if answer.must(0x0120) != message_id:
            raise ProtocolError(f"answer to message {answer.must(0x0120)} came where {message_id} was due")
        return answer

    def reply(self, answer: Command, cut: int = 0) -> Reply:
        """The operation's Reply, ended now."""
        return reply_from(answer, self.channel.sent, self.channel.first_byte, perf_counter(), cut)

    def echo(self) -> Reply:
        """C-ECHO (PS3.7 9.1.5); the association must have been opened with the Verification SOP class."""
        context, message_id = self.context(VERIFICATION), self.next_message_id()
        with self.operation():
            self.send(context, command.echo_rq(message_id))
            return self.reply(self.response(context, command.C_ECHO_RQ, message_id))

    def store(self, sop_class: str, instance_uid: str, transfer_syntax: str, parts: Sequence[Buffer]) -> Reply:
        """C-STORE (PS3.7 9.1.1) of a data set (no file meta) that is already encoded in `transfer_syntax`.

        `parts` in a row are the data set, an even number of bytes; they are sent from where they lie.
        """
        context, message_id = self.context(sop_class, transfer_syntax), self.next_message_id()
        with self.operation():
            self.send(context, command.store_rq(sop_class, instance_uid, message_id), parts)
            answer = self.response(context, command.C_STORE_RQ, message_id)
            if 0x1000 in answer.values and answer.sop_instance != instance_uid:
                raise ProtocolError(f"the answer is about {answer.sop_instance}, not about {instance_uid}")
            return self.reply(answer)

    def find(self, model_uid: str, identifier: Dataset, most: int = query.MOST_ANSWERS) -> tuple[list[Dataset], Reply]:
        """C-FIND (PS3.7 9.1.2): keeps at most `most` answers, then cancels and counts the rest as cut."""
        return query.find(self, model_uid, identifier, most)

    def move(self, model_uid: str, identifier: Dataset, destination_ae: str) -> Reply:
        """C-MOVE (PS3.7 9.1.4) to an AE that the archive knows; the objects arrive at that AE's listener."""
        return query.move(self, model_uid, identifier, check_ae_title(destination_ae))

    def get(self, model_uid: str, identifier: Dataset, sink: Sink) -> Reply:
        """C-GET (PS3.7 9.1.3): the objects come over this association into `sink`."""
        return query.get(self, model_uid, identifier, sink)

    def release(self) -> None:
        """A-RELEASE, then close. Raises when the peer does not answer it; a second call does nothing."""
        if not self.is_open:
            return
        with self.operation():
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
            _last_words(self.channel, pdu.abort())
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


def _last_words(channel: Channel, message: bytes) -> None:
    """Send a final PDU if the peer can still understand it, without waiting for a peer that takes nothing."""
    if channel.is_cut:
        return
    channel.begin(LAST_WORDS_S)
    with suppress(WireError):  # it is gone; the cause was raised before
        channel.send([message])


def number_contexts(contexts: Sequence[tuple[str, Sequence[str]]]) -> list[Context]:
    """Give odd ids 1, 3, 5 ... (PS3.8 9.3.2.2) to (abstract syntax, transfer syntaxes)."""
    if not 1 <= len(contexts) <= MOST_CONTEXTS:
        raise ValueError(f"{len(contexts)} presentation contexts: allowed are 1 to {MOST_CONTEXTS}")
    return [Context(2 * i + 1, str(a), tuple(map(str, t))) for i, (a, t) in enumerate(contexts)]


def open_association(
    peer: Peer,
    calling_ae: str,
    contexts: Sequence[tuple[str, Sequence[str]]],
    *,
    profile: TcpProfile = TcpProfile.TUNED,
    timeouts: Timeouts = DEFAULT_TIMEOUTS,
    max_pdu: int = 131072,
    scp_roles: Sequence[str] = (),
    tls: ssl.SSLContext | None = None,
) -> Association:
    """Connect and negotiate (PS3.8 7.1). `max_pdu` (bytes) is what we announce that we take; `tls` see wire.tls.

    Raises ConnectFailed, PeerTimeout, AssociationRejected, AssociationAborted, ProtocolError, ValueError.
    """
    offered = number_contexts(contexts)
    request = pdu.associate_rq(
        peer.ae_title, check_ae_title(calling_ae), offered, check_max_pdu(max_pdu), tuple(map(str, scp_roles))
    )
    began = perf_counter()
    sock = connect(peer.host, peer.port, profile, timeouts.connect_s, tls)
    channel = Channel(sock, profile, timeouts, max_pdu)
    connected = perf_counter()
    try:
        agreement = _negotiate(channel, request, offered)
    except BaseException as error:
        if isinstance(error, (PeerTimeout, ProtocolError)):
            _last_words(channel, pdu.abort())
        channel.close()
        raise
    opened = Association(channel, offered, agreement)
    opened.connect_s, opened.negotiate_s = connected - began, perf_counter() - connected
    return opened


def _negotiate(channel: Channel, request: bytes, offered: Sequence[Context]) -> Agreement:
    channel.begin()
    channel.send([request])
    kind, body = channel.read_pdu()
    if kind == pdu.ASSOCIATE_RJ and len(body) == 4:
        raise AssociationRejected(body[1], body[2], body[3])
    if kind == pdu.ABORT and len(body) == 4:
        raise AssociationAborted.from_codes(body[2], body[3])
    if kind != pdu.ASSOCIATE_AC:
        raise ProtocolError(f"PDU of type {kind:02X}H came where A-ASSOCIATE-AC was due")
    agreement = read_accept(body, offered)
    if 0 < agreement.user.max_pdu < SMALLEST_PEER_PDU:
        raise ProtocolError(f"the peer takes PDUs of {agreement.user.max_pdu} bytes at most: no fragment fits")
    return agreement
