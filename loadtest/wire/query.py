"""C-FIND, C-MOVE and C-GET as requestor (PS3.7 9.1.2 to 9.1.4; PS3.4 annex C)."""

from pydicom.dataset import Dataset

from loadtest.wire import command
from loadtest.wire.command import PENDING, PENDING_WARNING, Command
from loadtest.wire.errors import ProtocolError
from loadtest.wire.identifier import decode_identifier, encode_identifier
from loadtest.wire.link import Link
from loadtest.wire.reply import Reply
from loadtest.wire.sinks import Sink

MOST_ANSWERS = 10_000
STUDY_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.2.1"
STUDY_ROOT_MOVE = "1.2.840.10008.5.1.4.1.2.2.2"
STUDY_ROOT_GET = "1.2.840.10008.5.1.4.1.2.2.3"


def _ask(link: Link, field: int, model: str, identifier: Dataset, destination: str = "") -> tuple[int, str, int]:
    """Send the request; gives context id, its transfer syntax and the message id."""
    context, message_id = link.context(model), link.next_message_id()
    syntax = link.agreement.accepted[context][1]
    raw = encode_identifier(identifier, syntax)
    link.send(context, command.query_rq(field, model, message_id, destination=destination), (raw,))
    return context, syntax, message_id


def find(link: Link, model: str, identifier: Dataset, most: int) -> tuple[list[Dataset], Reply]:
    """Collect pending answers until the final status; cancel beyond `most`, abort a peer that ignores the cancel."""
    link.context(model)
    answers: list[Dataset] = []
    cut = 0
    with link.operation():
        context, syntax, message_id = _ask(link, command.C_FIND_RQ, model, identifier)
        while True:
            answer = link.response(context, command.C_FIND_RQ, message_id)
            raw = link.reader.identifier(context) if answer.has_data else b""
            if answer.status not in (PENDING, PENDING_WARNING):
                return answers, link.reply(answer, cut)
            if len(answers) < most:
                answers.append(decode_identifier(raw, syntax))
                continue
            cut += 1
            if cut == 1:
                link.send(context, command.cancel_rq(message_id))
            if cut > max(most, 1000):
                raise ProtocolError(f"the peer still sends answers, {cut} after C-CANCEL at {most}")


def move(link: Link, model: str, identifier: Dataset, destination: str) -> Reply:
    """Wait through the pending responses for the final one, which carries the sub-operation counts."""
    link.context(model)
    with link.operation():
        context, _, message_id = _ask(link, command.C_MOVE_RQ, model, identifier, destination)
        while True:
            answer = link.response(context, command.C_MOVE_RQ, message_id)
            _drop_identifier(link, context, answer)
            if answer.status not in (PENDING, PENDING_WARNING):
                return link.reply(answer)


def get(link: Link, model: str, identifier: Dataset, sink: Sink, sop_class: str = "") -> Reply:
    """Serve C-STORE-RQs of the peer on this association until the final C-GET response (PS3.4 C.4.3)."""
    link.context(model)
    link.agreement.check_receives(link.offered, model, sop_class)
    with link.operation():
        _, _, message_id = _ask(link, command.C_GET_RQ, model, identifier)
        while True:
            number, answer = link.reader.command()
            if answer.field == command.C_STORE_RQ:
                _receive(link, number, answer, sink)
                continue
            if answer.field != command.C_GET_RQ | command.RESPONSE or answer.must(0x0120) != message_id:
                raise ProtocolError(f"command {answer.field:04X}H came where C-STORE-RQ or our C-GET-RSP was due")
            _drop_identifier(link, number, answer)
            if answer.status not in (PENDING, PENDING_WARNING):
                return link.reply(answer)


def _receive(link: Link, number: int, request: Command, sink: Sink) -> None:
    abstract, syntax = link.agreement.accepted.get(number, ("", ""))
    if abstract != request.sop_class or not request.has_data:
        raise ProtocolError(
            f"C-STORE-RQ of {request.sop_class} in context {number}, which was agreed for {abstract or 'nothing'}"
        )
    sink.begin(abstract, request.sop_instance, syntax)
    link.reader.data(number, sink.write)
    sent = link.channel.sent  # the request's own time of sending is what the Reply tells
    link.send(number, command.response(command.C_STORE_RQ, request, sink.end()))
    link.channel.sent = sent


def _drop_identifier(link: Link, context: int, answer: Command) -> None:
    """A final C-MOVE or C-GET response may carry the list of failed instances; the counts tell enough."""
    if answer.has_data:
        link.reader.identifier(context)
