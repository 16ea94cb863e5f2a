"""Storage commitment (PS3.4 annex J): asked for by N-ACTION, answered by N-EVENT-REPORT, perhaps much later.

The report may come on the association that asked, or on one that the archive opens to our listener.
"""

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter

from pydicom.dataset import Dataset

from loadtest.wire import command
from loadtest.wire.command import Command
from loadtest.wire.dimse import Reader
from loadtest.wire.errors import AssociationAborted, ProtocolError, printable
from loadtest.wire.identifier import decode_identifier, encode_identifier
from loadtest.wire.link import Link
from loadtest.wire.reply import Reply

PUSH_MODEL = "1.2.840.10008.1.20.1"
PUSH_MODEL_INSTANCE = "1.2.840.10008.1.20.1.1"
REQUEST_COMMITMENT = 1  # action type (PS3.4 table J.3-1)
MOST_PER_TRANSACTION = 5000  # its report still fits into 1 MiB
PROCESSING_FAILURE = 0x0110
FIRST_SLICE_S, LAST_SLICE_S = 0.001, 0.05  # of a wait for a report that may come in two places; each twice the last


@dataclass(frozen=True, slots=True)
class Report:
    """What an archive says about a transaction: instances it is now responsible for, and failures with their reason."""

    transaction_uid: str
    committed: frozenset[str]
    failed: Mapping[str, int]
    received: float = field(default_factory=perf_counter)

    def missing(self, asked: Collection[str]) -> set[str]:
        """Instances that were asked for and of which the report says nothing."""
        return set(asked).difference(self.committed, self.failed)

    def foreign(self, asked: Collection[str]) -> set[str]:
        """Instances in the report that nobody asked for."""
        return set(self.committed).union(self.failed).difference(asked)


class Reports:
    """Transactions that a listener waits for; safe between threads or greenlets."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self._known: dict[str, Report | None] = {}

    def expect(self, transaction_uid: str) -> None:
        """Let the report of this transaction in."""
        with self.changed:
            self._known[transaction_uid] = None

    def is_outstanding(self) -> bool:
        """True while any report is awaited."""
        with self.changed:
            return None in self._known.values()

    def take(self, report: Report) -> bool:
        """Keep a report that is awaited; False for any other, and for a second one."""
        with self.changed:
            if self._known.get(report.transaction_uid, report) is not None:
                return False
            self._known[report.transaction_uid] = report
            self.changed.notify_all()
            return True

    def glance(self, transaction_uid: str, timeout_s: float) -> Report | None:
        """The report, or None when it has not come in time; it is awaited as before."""
        with self.changed:
            self.changed.wait_for(lambda: self._known.get(transaction_uid) is not None, timeout_s)
            return self._known.get(transaction_uid)

    @contextmanager
    def awaiting(self, transaction_uid: str) -> Iterator[None]:
        """Let the report of this transaction in for as long as the block lasts."""
        self.expect(transaction_uid)
        try:
            yield
        finally:
            self.forget(transaction_uid)

    def forget(self, transaction_uid: str) -> None:
        """Await it no more."""
        with self.changed:
            self._known.pop(transaction_uid, None)

    def wait(self, transaction_uid: str, timeout_s: float) -> Report | None:
        """The report, or None when it has not come in time; either way it is not awaited any more."""
        try:
            return self.glance(transaction_uid, timeout_s)
        finally:
            self.forget(transaction_uid)


def ask(link: Link, transaction_uid: str, instances: Sequence[tuple[str, str]]) -> tuple[Reply, Report | None]:
    """N-ACTION for (SOP class, SOP instance) pairs; its report too, if it comes before the response."""
    if not 1 <= len(instances) <= MOST_PER_TRANSACTION:
        raise ValueError(f"{len(instances)} instances in one transaction: allowed are 1 to {MOST_PER_TRANSACTION}")
    context, message_id = link.context(PUSH_MODEL), link.next_message_id()
    raw = encode_identifier(_action(transaction_uid, instances), link.agreement.accepted[context][1])
    request = command.action_rq(PUSH_MODEL, PUSH_MODEL_INSTANCE, message_id, REQUEST_COMMITMENT)
    report: Report | None = None
    with link.operation():
        link.send(context, request, (raw,))
        sent = link.channel.sent
        while True:
            number, answer = link.reader.command()
            if answer.field == command.N_EVENT_REPORT_RQ:
                early = _take(link, number, answer, lambda one: one.transaction_uid == transaction_uid)
                report = early if early.transaction_uid == transaction_uid else report
                link.channel.sent = sent
                continue
            link.check_response(number, answer, context, command.N_ACTION_RQ, message_id)
            if answer.has_data:
                link.reader.identifier(number)
            return link.reply(answer), report


def await_report(link: Link) -> Report:
    """The next N-EVENT-REPORT on the association that asked; PeerTimeout when it does not come."""
    with link.operation(asks=False):
        number, request = link.reader.command()
        return _take(link, number, request, lambda report: True)


def await_report_of(
    link: Link, transaction_uid: str, within_s: float, listeners: Reports | None = None
) -> Report | None:
    """The report of a transaction from wherever it comes first: on `link`, which asked, or at a listener of ours that
    awaits it. None when it has not come in time.

    Where the peer ends the association, only the listener is waited at; without one that is an error. Raises
    ProtocolError where in all the time only reports of other transactions came.
    """
    until, reports, others, slice_s = perf_counter() + within_s, listeners or Reports(), 0, FIRST_SLICE_S
    while (left := until - perf_counter()) > 0:
        report = _said(link, transaction_uid, reports, may_end=listeners is not None)
        report = report or reports.glance(transaction_uid, min(left, slice_s))
        slice_s = min(2 * slice_s, LAST_SLICE_S)
        if report is not None and report.transaction_uid == transaction_uid:
            return report
        others += report is not None
    if others:
        raise ProtocolError(f"storage commitment: {others} reports came, all of another transaction than ours")
    return None


def _said(link: Link, transaction_uid: str, reports: Reports, may_end: bool) -> Report | None:
    """What the association that asked has brought by now; another's report is for who awaits it elsewhere."""
    try:
        if not link.is_open or not link.reader.has_more():
            return None
        with link.operation(asks=False):
            number, request = link.reader.command()
            return _take(link, number, request, lambda one: one.transaction_uid == transaction_uid or reports.take(one))
    except AssociationAborted:
        if not may_end:
            raise
        link.abort()
        return None


def _take(link: Link, number: int, request: Command, is_awaited: Callable[[Report], bool]) -> Report:
    """Read a report and answer it: success, or 0110 for one that nobody awaits."""
    abstract, syntax = link.agreement.accepted.get(number, ("", ""))
    if request.field != command.N_EVENT_REPORT_RQ or abstract != PUSH_MODEL:
        raise ProtocolError(f"command {request.field:04X}H came where an N-EVENT-REPORT was due")
    report = read_report(link.reader, number, request, syntax)
    status = command.SUCCESS if is_awaited(report) else PROCESSING_FAILURE
    link.send(number, command.event_report_rsp(request, status))
    return report


def read_report(reader: Reader, context: int, request: Command, syntax: str) -> Report:
    """The data set of an N-EVENT-REPORT-RQ (PS3.4 table J.3-2); event type 2 = there are failures."""
    if request.must(0x1002) not in (1, 2) or not request.has_data:
        raise ProtocolError(f"storage commitment: event type {request.number(0x1002)}, or no data set")
    found = decode_identifier(reader.identifier(context), syntax)
    try:
        committed = frozenset(_uid(one) for one in found.get("ReferencedSOPSequence") or ())
        failed = {_uid(one): int(one.FailureReason) for one in found.get("FailedSOPSequence") or ()}
        return Report(printable(str(found.TransactionUID), 64), committed, failed)
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        raise ProtocolError(f"storage commitment: the report lacks something: {printable(str(error))}") from error


def _uid(one: Dataset) -> str:
    return printable(str(one.ReferencedSOPInstanceUID), 64)


def _action(transaction_uid: str, instances: Sequence[tuple[str, str]]) -> Dataset:
    """PS3.4 table J.3-1."""
    action = Dataset()
    action.TransactionUID = transaction_uid
    items = []
    for sop_class, instance in instances:
        one = Dataset()
        one.ReferencedSOPClassUID, one.ReferencedSOPInstanceUID = sop_class, instance
        items.append(one)
    action.ReferencedSOPSequence = items
    return action
