"""An association as requestor (SCU): open, C-ECHO, C-STORE, C-FIND, C-MOVE, C-GET, storage commitment."""

import ssl
from collections.abc import Mapping, Sequence
from time import perf_counter

from pydicom.dataset import Dataset

from loadtest.wire import command, commitment, pdu, query
from loadtest.wire.channel import Channel, connect
from loadtest.wire.errors import AssociationAborted, AssociationRejected, PeerTimeout, ProtocolError
from loadtest.wire.identity import UserIdentity
from loadtest.wire.link import Link, last_words
from loadtest.wire.negotiation import Agreement, read_accept
from loadtest.wire.pdu import MOST_CONTEXTS, Buffer, Context
from loadtest.wire.reply import Reply
from loadtest.wire.settings import (
    ANNOUNCED,
    DEFAULT_TIMEOUTS,
    Peer,
    TcpProfile,
    Timeouts,
    check_ae_title,
    check_max_pdu,
    check_window,
)
from loadtest.wire.sinks import Sink

VERIFICATION = "1.2.840.10008.1.1"
SMALLEST_PEER_PDU = 16  # bytes: a PDV header and a few bytes of fragment


class Association(Link):
    """An open association. One operation at a time; after any WireError but ContextRefused it is closed."""

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
            answer.check_instance(instance_uid)
            return self.reply(answer)

    def find(self, model_uid: str, identifier: Dataset, most: int = query.MOST_ANSWERS) -> tuple[list[Dataset], Reply]:
        """C-FIND (PS3.7 9.1.2): keeps at most `most` answers, then cancels and counts the rest as cut."""
        return query.find(self, model_uid, identifier, most)

    def move(self, model_uid: str, identifier: Dataset, destination_ae: str) -> Reply:
        """C-MOVE (PS3.7 9.1.4) to an AE that the archive knows; the objects arrive at that AE's listener."""
        return query.move(self, model_uid, identifier, check_ae_title(destination_ae))

    def get(self, model_uid: str, identifier: Dataset, sink: Sink, sop_class: str = "") -> Reply:
        """C-GET (PS3.7 9.1.3): the objects come over this association into `sink`.

        ContextRefused, and nothing is sent, where the peer has not granted us the SCP role for any class that was
        offered, or for `sop_class`, that of the objects where it is known.
        """
        return query.get(self, model_uid, identifier, sink, sop_class)

    def request_commitment(
        self, transaction_uid: str, instances: Sequence[tuple[str, str]]
    ) -> tuple[Reply, commitment.Report | None]:
        """N-ACTION of storage commitment (PS3.4 J.3.2); the report, too, if the archive sends it before the response.

        Otherwise it comes on this association, or at a listener that expects the transaction: see `await_report_of`.
        """
        return commitment.ask(self, transaction_uid, instances)

    def await_report(self) -> commitment.Report:
        """Wait, up to `response_s`, for the storage commitment report on this association."""
        return commitment.await_report(self)

    def await_report_of(
        self, transaction_uid: str, within_s: float, listeners: commitment.Reports | None = None
    ) -> commitment.Report | None:
        """The report of a transaction, on this association or at a listener (its `reports`), wherever it comes first.

        None when it has not come within `within_s`. Raises AssociationAborted where the peer ends this association and
        there is no listener.
        """
        return commitment.await_report_of(self, transaction_uid, within_s, listeners)


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
    max_pdu: int = ANNOUNCED,
    scp_roles: Sequence[str] = (),
    tls: ssl.SSLContext | None = None,
    window: int = 1,
    extended: Mapping[str, bytes] | None = None,
    identity: UserIdentity | None = None,
) -> Association:
    """Connect and negotiate (PS3.8 7.1). `max_pdu` (bytes) is what we announce that we take; `tls` see wire.tls,
    the peer's own by default.

    `window` above 1 proposes so many requests without an answer at once (see wire.pipeline); the association's own
    `window` is what the peer granted. `extended`: SOP class -> service class application information, such as b"\1" for
    relational queries (PS3.4 C.5.1.1); what the peer takes is in `agreement.user.extended`. `identity`: see
    wire.identity, the peer's own by default; an archive that took it says so by `agreement.user.identity_answer`.

    Raises ConnectFailed, PeerTimeout, AssociationRejected, AssociationAborted, ProtocolError, ValueError.
    """
    offered, tls, identity = number_contexts(contexts), tls or peer.tls, identity or peer.identity
    if check_window(window) > 1 and tls is not None:
        raise ValueError("window over TLS: OpenSSL lets nobody read a connection while another writes it; take 1")
    request = pdu.associate_rq(
        peer.ae_title, check_ae_title(calling_ae), offered, check_max_pdu(max_pdu), tuple(map(str, scp_roles)),
        (window, 1) if window > 1 else None, extended, identity,
    )  # fmt: skip
    began = perf_counter()
    sock = connect(peer.host, peer.port, profile, timeouts.connect_s, tls, peer.name)
    channel = Channel(sock, profile, timeouts, max_pdu)
    connected = perf_counter()
    try:
        agreement = _negotiate(channel, request, offered)
    except BaseException as error:
        if isinstance(error, (PeerTimeout, ProtocolError)):
            last_words(channel, pdu.abort())
        channel.close()
        raise
    opened = Association(channel, offered, agreement)
    opened.window = agreement.user.granted(window)
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
