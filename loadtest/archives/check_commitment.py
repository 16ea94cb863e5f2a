"""The pre-flight of storage commitment (PS3.4 annex J): asked for, and its report waited for.

The report may come on the same association or on one that the archive opens to the AE title that asked; so we ask in
the name of our first C-MOVE listener and listen there. pynetdicom serves here: nothing is timed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, Queue

from pydicom.dataset import Dataset
from pydicom.uid import UID, generate_uid
from pynetdicom import AE, evt

from loadtest.archives.check_result import CheckResult, Preflight
from loadtest.archives.mends import let_in
from loadtest.archives.probe import SOP_CLASS
from loadtest.archives.target import Destination

PUSH_MODEL = "1.2.840.10008.1.20.1"
WELL_KNOWN_INSTANCE = "1.2.840.10008.1.20.1.1"
REPORT_WITHIN_S = 5.0
_ALL_COMMITTED = 1  # event type; 2: there are failures (PS3.4 J.3.3.1)


def commitment(flight: Preflight) -> CheckResult:
    """N-ACTION for the object stored, and the N-EVENT-REPORT that says whether it is safe."""
    reports: Queue[tuple[int, str]] = Queue()
    handlers: list[evt.EventHandlerType] = [(evt.EVT_N_EVENT_REPORT, _report, [reports])]
    entity = AE(flight.target.destinations[0].ae_title if flight.target.destinations else flight.calling_ae)
    entity.add_requested_context(PUSH_MODEL)
    entity.acse_timeout = entity.dimse_timeout = entity.connection_timeout = flight.timeouts.response_s
    peer = flight.target.peer()
    with _listening(entity, flight.target.destinations, handlers):
        association = entity.associate(peer.host, peer.port, ae_title=peer.ae_title, evt_handlers=handlers)
        if not association.is_established:
            return _closed(bool(association.rejected_contexts))
        request = _request(flight)
        status, _ = association.send_n_action(request, 1, UID(PUSH_MODEL), UID(WELL_KNOWN_INSTANCE))
        try:
            return _outcome(flight, status, str(request.TransactionUID), reports)
        finally:
            association.release()


@contextmanager
def _listening(entity: AE, ours: list[Destination], handlers: list[evt.EventHandlerType]) -> Iterator[None]:
    """Our listener's port for as long as the question lasts; without one only the same association can answer."""
    if not ours:
        yield
        return
    entity.add_supported_context(PUSH_MODEL, scu_role=True, scp_role=True)
    server = entity.start_server((ours[0].host, ours[0].port), block=False, evt_handlers=handlers)
    try:
        yield
    finally:
        if server is not None:
            server.shutdown()


def _request(flight: Preflight) -> Dataset:
    item, request = Dataset(), Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = UID(SOP_CLASS), UID(flight.by_dimse.instance)
    request.TransactionUID = generate_uid(prefix=None)
    request.ReferencedSOPSequence = [item]
    return request


def _report(event: evt.Event, reports: "Queue[tuple[int, str]]") -> tuple[int, None]:
    information = event.event_information
    reports.put((int(event.event_type or 0), str(information.get("TransactionUID", ""))))
    return 0x0000, None


def _closed(context_refused: bool) -> CheckResult:
    if context_refused:
        return CheckResult("commitment", "not offered", "the archive does not accept the Storage Commitment Push Model")
    return CheckResult("commitment", "refused", "the archive gives no association for it")


def _outcome(flight: Preflight, status: Dataset, transaction: str, reports: "Queue[tuple[int, str]]") -> CheckResult:
    if "Status" not in status:
        cause = "the archive cut the association off, or did not answer the request"
        return CheckResult("commitment", "refused", cause, let_in(flight.known(), "commitment"))
    if status.Status != 0x0000:
        return CheckResult("commitment", "refused", f"the archive answers {status.Status:04X}H")
    try:
        kind, about = reports.get(timeout=REPORT_WITHIN_S)
    except Empty:
        cause = f"the request was taken, and no report came within {REPORT_WITHIN_S:g} s"
        return CheckResult(
            "commitment", "failed", cause, "Enter our AE title with host and port in the archive's list."
        )
    if about != transaction:
        return CheckResult("commitment", "failed", "the report is about another transaction than ours")
    if kind == _ALL_COMMITTED:
        return CheckResult("commitment", "ok", "the archive commits to the object stored")
    return CheckResult("commitment", "failed", "the archive does not commit to the object stored")
