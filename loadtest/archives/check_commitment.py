"""The pre-flight of storage commitment (PS3.4 annex J): asked for, and its report waited for.

The report may come on the same association or on one that the archive opens to the AE title that asked; so we ask in
the name of our first C-MOVE listener, and listen there.
"""

from contextlib import ExitStack

from pydicom.uid import generate_uid

from loadtest.archives.check_dimse import judged, open_to
from loadtest.archives.check_result import CheckResult, Preflight
from loadtest.archives.listening import caller_mend, listener_for
from loadtest.archives.mends import let_in
from loadtest.archives.probe import SOP_CLASS
from loadtest.wire import StoreListener
from loadtest.wire.commitment import PUSH_MODEL, Report

REPORT_WITHIN_S = 5.0


def commitment(flight: Preflight) -> CheckResult:
    """N-ACTION for the object stored, and the N-EVENT-REPORT that says whether the archive keeps it."""
    ours = flight.target.destinations[:1]
    with open_to(flight, PUSH_MODEL, calling_ae=ours[0].ae_title if ours else "") as association, ExitStack() as stack:
        association.context(PUSH_MODEL)  # a refused context ends here, before anything listens
        listener = stack.enter_context(listener_for(flight.target, ours[0])) if ours else None
        transaction = str(generate_uid(prefix=None))
        reports = listener.reports if listener else None
        if reports is not None:
            reports.expect(transaction)
        reply, report = association.request_commitment(transaction, [(SOP_CLASS, flight.by_dimse.instance)])
        if not reply.ok:
            return judged("commitment", reply)
        report = report or association.await_report_of(transaction, REPORT_WITHIN_S, reports)
        return _outcome(flight, report, listener)


def _outcome(flight: Preflight, report: Report | None, listener: StoreListener | None) -> CheckResult:
    if report is None:
        cause = f"the request was taken, and no report came within {REPORT_WITHIN_S:g} s"
        mend = caller_mend(listener) if listener else ""
        return CheckResult("commitment", "failed", cause, mend or let_in(flight.known(), "commitment"))
    if flight.by_dimse.instance in report.committed:
        return CheckResult("commitment", "ok", "the archive commits to the object stored")
    reason = report.failed.get(flight.by_dimse.instance)
    cause = "the archive does not commit to the object stored" + (f": reason {reason:04X}H" if reason else "")
    return CheckResult("commitment", "failed", cause)
