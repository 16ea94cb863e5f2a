"""More witnesses than the counts: storage commitment, and objects retrieved and compared byte by byte.

Objects are compared as they come over C-GET: the same bytes, or, where the archive writes sequences and lengths its own
way, the same value in every element that was sent. Pixels are compared, never decoded (rule Z6).
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from functools import partial
from hashlib import blake2b, sha256

from gevent.pool import Pool
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from loadtest.archives.listening import listener_for
from loadtest.play.archive import Archive
from loadtest.play.entries import Entry
from loadtest.play.patience import Patience
from loadtest.play.services import words
from loadtest.play.studies import identifier, study_of
from loadtest.play.tell import Progress
from loadtest.play.troubles import Troubles
from loadtest.wire import Reply, StoreListener, WireError, open_association
from loadtest.wire.commitment import MOST_PER_TRANSACTION, PUSH_MODEL, Report, Reports
from loadtest.wire.dimse import IDENTIFIER_CAP
from loadtest.wire.errors import ProtocolError
from loadtest.wire.identifier import decode_identifier
from loadtest.wire.query import STUDY_ROOT_GET

REPORT_WITHIN_S = 30.0
AT_ONCE = 2
PLAIN = ("1.2.840.10008.1.2.1", "1.2.840.10008.1.2")
_NO_COMMITMENT = "{}: storage commitment of a study"
_NOT_RETRIEVED = "{}: a study could not be retrieved to be compared"


def is_sampled(study_uid: str, share: float) -> bool:
    """Whether a study is of the stated share, by a hash of its UID: the same studies in every run."""
    return int.from_bytes(blake2b(study_uid.encode(), digest_size=8).digest(), "big") < share * 2**64


def compare(archives: Sequence[Archive], studies: Sequence[Entry], share: float) -> list[str]:
    """Retrieve a share of the studies, and fill `retrieved` and `equal`. Returns what could not be done, as lines."""
    troubles = Troubles()
    some = [
        one for one in studies
        if one.row.stored and is_sampled(archives[one.operation.job].factory.study_uid(one.operation.exam), share)
    ]  # fmt: skip
    patience = Patience(len(some))
    _all(archives, some, "compare", _NOT_RETRIEVED, _compare, troubles, patience)
    return troubles.lines() + patience.lines([one.cluster for one in archives])


def commit(archives: Sequence[Archive], studies: Sequence[Entry]) -> list[str]:
    """Ask for commitment of every acknowledged object, and fill `committed`. Returns what could not be done."""
    troubles, patience = Troubles(), Patience(len(studies))
    for job, archive in enumerate(archives):
        ours = [one for one in studies if one.operation.job == job and one.row.stored]
        with ExitStack() as stack:
            try:
                listener = stack.enter_context(_listener(archive))
            except OSError as error:
                troubles.tell(_NO_COMMITMENT.format(archive.cluster), f"cannot listen for it: {error.strerror}")
                continue
            _all(archives, ours, "commit", _NO_COMMITMENT, partial(_commit, listener), troubles, patience)
    return troubles.lines() + patience.lines([one.cluster for one in archives])


def _all(
    archives: Sequence[Archive], studies: Sequence[Entry], phase: str, trouble: str,
    do: Callable[[Archive, Entry], str], troubles: Troubles, patience: Patience,
) -> None:  # fmt: skip
    progress = Progress(phase, len(studies))

    def one(entry: Entry) -> None:
        archive = archives[entry.operation.job]
        what, study = trouble.format(archive.cluster), archive.factory.study_uid(entry.operation.exam)
        if not patience.ends(entry):
            with troubles.caught(what, study), patience.heard(entry):
                if why := do(archive, entry):
                    troubles.tell(what, why)
        progress.step()

    Pool(AT_ONCE * max(len(archives), 1)).map(one, studies)


def _compare(archive: Archive, entry: Entry) -> str:
    acknowledged = {one.number for one in entry.objects if one.outcome == "ok"}
    sink = ComparingSink(archive, entry)
    proposal = [(STUDY_ROOT_GET, PLAIN), (sink.sop_class, [str(archive.factory.transfer_syntax)])]
    with open_association(archive.target.peer(), "FILMLESS_LEDGER", proposal, scp_roles=[sink.sop_class]) as link:
        reply = link.get(STUDY_ROOT_GET, identifier(archive.factory, entry.operation), sink, sink.sop_class)
    if not reply.ok:
        return words(reply)  # a refusal to send says nothing of what is there
    entry.row.retrieved, entry.row.equal = len(sink.found & acknowledged), len(sink.equal & acknowledged)
    return ""


class ComparingSink:
    """Takes the objects of one study one after another, and compares each with the one that was sent."""

    def __init__(self, archive: Archive, entry: Entry) -> None:
        self._factory, self._study = archive.factory, study_of(entry.operation)
        exam, planned = entry.operation.exam, entry.row.planned
        self._numbers = {self._factory.instance_uid(exam, number): number for number in range(planned)}
        self.sop_class = self._factory.sop_class(entry.operation.modality)
        self.found: set[int] = set()
        self.equal: set[int] = set()

    def begin(self, sop_class: str, sop_instance: str, transfer_syntax: str) -> None:
        """See loadtest.wire.Sink."""
        self._number, self._got = self._numbers.get(sop_instance), bytearray()
        self._sent = b"" if self._number is None else self._factory.encode(self._study, self._number)

    def write(self, fragment: memoryview) -> None:
        """See loadtest.wire.Sink; an object much longer than ours is not kept (rule Z5)."""
        if len(self._got) + len(fragment) > len(self._sent) + IDENTIFIER_CAP:
            raise ProtocolError(f"an object comes back with over {len(self._got)} bytes; sent were {len(self._sent)}")
        self._got += fragment

    def end(self) -> int:
        """See loadtest.wire.Sink."""
        if self._number is None:
            return 0x0124  # none of the study's
        self.found.add(self._number)
        same = sha256(self._got).digest() == sha256(self._sent).digest()
        cut = self._factory.prepare(self._study.modality).pixel_data_at
        if same or _same_values(self._sent, bytes(self._got), cut, str(self._factory.transfer_syntax)):
            self.equal.add(self._number)
        return 0


def _same_values(sent: bytes, got: bytes, cut: int, syntax: str) -> bool:
    """Whether every element that was sent came back with its value; Pixel Data, from `cut` on, as the very bytes.

    What cannot be read is not the same.
    """
    if not got.endswith(sent[cut:]):
        return False
    ours, theirs = sent[:cut], got[: len(got) - (len(sent) - cut)]
    sent_elements = decode_identifier(ours, syntax)
    try:
        return _holds(decode_identifier(theirs, syntax), sent_elements)
    except ProtocolError:
        return False


def _holds(theirs: Dataset, ours: Dataset) -> bool:
    return all(element.tag in theirs and theirs[element.tag] == element for element in ours)


def _listener(archive: Archive) -> AbstractContextManager[StoreListener | None]:
    """Where the archive may report: the play's own listener, or one for the time, where it knows one of ours."""
    if archive.listener is not None or not archive.target.destinations:
        return nullcontext(archive.listener)
    return listener_for(archive.target, archive.target.destinations[0])


def _commit(listener: StoreListener | None, archive: Archive, entry: Entry) -> str:
    """Ask for the study's acknowledged objects, as many in one transaction as its report has room for."""
    factory, exam = archive.factory, entry.operation.exam
    sop_class = factory.sop_class(entry.operation.modality)
    asked = [(sop_class, factory.instance_uid(exam, one.number)) for one in entry.objects if one.outcome == "ok"]
    committed = 0
    for first in range(0, len(asked), MOST_PER_TRANSACTION):
        some = asked[first : first + MOST_PER_TRANSACTION]
        reply, report = _transaction(listener, archive, some)
        if not reply.ok:
            return words(reply)
        if report is None:
            return f"no report came within {REPORT_WITHIN_S:g} s"
        committed += len(report.committed.intersection(uid for _, uid in some))
    entry.row.committed = committed
    return ""


def _transaction(
    listener: StoreListener | None, archive: Archive, asked: Sequence[tuple[str, str]]
) -> tuple[Reply, Report | None]:
    """One N-ACTION, and its report from the same association or from our listener (PS3.4 J.3.3 allows both)."""
    uid, reports = str(generate_uid(prefix=None)), listener.reports if listener else Reports()
    calling = listener.ae_title if listener else "FILMLESS_LEDGER"
    with (
        reports.awaiting(uid),
        open_association(archive.target.peer(), calling, [(PUSH_MODEL, PLAIN)]) as link,
    ):
        reply, report = link.request_commitment(uid, asked)
        if reply.ok and report is None:
            report = link.await_report_of(uid, REPORT_WITHIN_S, listener.reports if listener else None)
        with suppress(WireError):  # what was to be learnt is known
            link.release()
        return reply, report
