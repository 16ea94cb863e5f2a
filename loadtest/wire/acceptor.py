"""The accepting side of an association, as small as a C-MOVE destination needs it (PS3.8 7.1, PS3.7 9.3.1.2)."""

from collections.abc import Callable
from contextlib import suppress

from pydicom.uid import AllTransferSyntaxes, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian

from loadtest.wire import command, pdu
from loadtest.wire.arrivals import Arrivals, Incoming
from loadtest.wire.channel import Channel
from loadtest.wire.command import Command
from loadtest.wire.commitment import PROCESSING_FAILURE, PUSH_MODEL, Reports, read_report
from loadtest.wire.dimse import PeerReleased, Reader
from loadtest.wire.errors import PeerTimeout, ProtocolError, WireError
from loadtest.wire.negotiation import Request, read_request
from loadtest.wire.pdu import Context

VERIFICATION = "1.2.840.10008.1.1"
APPLICATION_CONTEXT = pdu.APPLICATION_CONTEXT.decode("ascii")
STORAGE_PREFIX = "1.2.840.10008.5.1.4.1.1."
# Not inflated (rule Z5) and not scanned: deflated and big endian. Pixels are never decoded, so the rest is welcome.
SYNTAXES = frozenset(str(u) for u in AllTransferSyntaxes) - {
    str(DeflatedExplicitVRLittleEndian),
    str(ExplicitVRBigEndian),
}
Refusal = tuple[int, int, int, str]  # result, source, reason of A-ASSOCIATE-RJ, and our words
_OTHER_APPLICATION: Refusal = (1, 1, 2, "another application context than DICOM's")
Admit = Callable[[Request], Refusal | None]


class Acceptor:
    """Serves one connection until release, abort, error or time-out."""

    def __init__(self, channel: Channel, arrivals: Arrivals, reports: Reports, admit: Admit) -> None:
        self.channel, self.arrivals, self.reports, self.admit = channel, arrivals, reports, admit
        self.reader = Reader(channel)
        self.send_pdu = 0
        self.contexts: dict[int, tuple[str, str]] = {}

    def serve(self) -> None:
        """Negotiate and answer requests; whatever goes wrong is counted among the strangers, never raised."""
        try:
            if self._negotiate():
                while True:
                    self.channel.begin()
                    self._answer(*self.reader.command())
        except PeerReleased:
            self._send(pdu.release_rp())
        except WireError as error:
            if isinstance(error, (ProtocolError, PeerTimeout)):
                self._send(pdu.abort(2, 0))
            self.arrivals.turn_away(f"{type(error).__name__}: {error}"[:200])
        finally:
            self.channel.close()

    def _send(self, message: bytes) -> None:
        self.channel.begin(1.0)
        with suppress(WireError):  # it is gone; the connection is closed next
            self.channel.send([message])

    def _negotiate(self) -> bool:
        kind, body = self.channel.read_pdu()
        if kind != pdu.ASSOCIATE_RQ:
            raise ProtocolError(f"PDU of type {kind:02X}H came where A-ASSOCIATE-RQ was due")
        request = read_request(body)
        refusal = _OTHER_APPLICATION if request.application_context != APPLICATION_CONTEXT else self.admit(request)
        if refusal is not None:
            self.arrivals.turn_away(refusal[3])
            self._send(pdu.associate_rj(*refusal[:3]))
            return False
        self.send_pdu = request.user.max_pdu or pdu.UNLIMITED_SEND
        answers = [self._choose(c) for c in request.contexts]
        # As SCU of commitment we take the roles that the archive proposes: it reports as SCP (PS3.4 J.3.3).
        roles = [(uid, *both) for uid, both in request.user.roles.items() if uid == PUSH_MODEL]
        self.channel.send([pdu.associate_ac(request.titles, answers, self.channel.max_pdu, roles)])
        return True

    def _choose(self, offered: Context) -> tuple[int, int, str]:
        """Result and transfer syntax for one context: the first syntax that we take (PS3.8 table 9-18)."""
        known = offered.abstract_syntax in (VERIFICATION, PUSH_MODEL)
        if not known and not offered.abstract_syntax.startswith(STORAGE_PREFIX):
            return offered.id, 3, offered.transfer_syntaxes[0] if offered.transfer_syntaxes else ""
        for syntax in offered.transfer_syntaxes:
            if syntax in SYNTAXES:
                self.contexts[offered.id] = (offered.abstract_syntax, syntax)
                return offered.id, 0, syntax
        return offered.id, 4, offered.transfer_syntaxes[0] if offered.transfer_syntaxes else ""

    def _answer(self, context: int, request: Command) -> None:
        abstract, syntax = self.contexts.get(context, ("", ""))
        serve = _SERVICES.get(request.field)
        if serve is None or abstract != request.sop_class or (abstract == PUSH_MODEL) != (serve is Acceptor._report):
            raise ProtocolError(
                f"command {request.field:04X}H in context {context}, which was agreed for {abstract or 'nothing'}"
            )
        self.channel.send(pdu.p_data(context, serve(self, context, syntax, request), (), self.send_pdu))

    def _echo(self, context: int, syntax: str, request: Command) -> bytes:
        return command.response(request.field, request, command.SUCCESS)

    def _store(self, context: int, syntax: str, request: Command) -> bytes:
        incoming = Incoming(self.arrivals, request.sop_instance, syntax)
        self.reader.data(context, incoming.write)
        return command.response(request.field, request, incoming.end())

    def _report(self, context: int, syntax: str, request: Command) -> bytes:
        report = read_report(self.reader, context, request, syntax)
        if self.reports.take(report):
            return command.event_report_rsp(request, command.SUCCESS)
        self.arrivals.turn_away("commitment report that nobody awaits")
        return command.event_report_rsp(request, PROCESSING_FAILURE)


_SERVICES = {
    command.C_ECHO_RQ: Acceptor._echo,
    command.C_STORE_RQ: Acceptor._store,
    command.N_EVENT_REPORT_RQ: Acceptor._report,
}
