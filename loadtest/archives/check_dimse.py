"""The pre-flight of the DIMSE services; each check raises WireError for what the wire refuses."""

import time
from dataclasses import replace

from pydicom.dataset import Dataset
from pydicom.uid import UID

from loadtest.archives.check_result import CheckResult, Preflight
from loadtest.archives.listening import caller_mend, listener_for
from loadtest.archives.mends import let_in, listen_mend
from loadtest.archives.probe import IMPLICIT, SOP_CLASS, SYNTAX
from loadtest.archives.target import Destination
from loadtest.wire import (
    Association,
    CountingSink,
    Reply,
    open_association,
)
from loadtest.wire.association import VERIFICATION
from loadtest.wire.query import STUDY_ROOT_FIND, STUDY_ROOT_GET, STUDY_ROOT_MOVE

INDEXED_WITHIN_S = 3.0
ARRIVES_WITHIN_S = 5.0
_DESTINATION_UNKNOWN = 0xA801


def echo(flight: Preflight) -> CheckResult:
    """C-ECHO."""
    with open_to(flight, VERIFICATION) as association:
        return judged("echo", association.echo())


def store(flight: Preflight) -> CheckResult:
    """C-STORE of one synthetic Secondary Capture object, in the syntax that is to be played."""
    with open_to(flight, SOP_CLASS) as association:
        accepted = {syntax for _, syntax in association.agreement.accepted.values()}
        wanted = flight.means.syntax
        syntax = IMPLICIT if wanted == SYNTAX and SYNTAX not in accepted else wanted
        association.context(SOP_CLASS, syntax)  # a refused context ends here, with the archive's reason
        reply = association.store(SOP_CLASS, flight.by_dimse.instance, syntax, [flight.by_dimse.encoded(syntax)])
    how = "" if syntax == wanted else ", in implicit VR little endian, for explicit is not accepted"
    how += f", in {UID(syntax).name}" if syntax not in (SYNTAX, IMPLICIT) else ""
    return judged("store", reply, f"one object is there now, of study {flight.by_dimse.study}{how}")


def find(flight: Preflight) -> CheckResult:
    """C-FIND at study level of what C-STORE has stored; an archive may need a moment to index it."""
    until = time.monotonic() + (INDEXED_WITHIN_S if "store" in flight.passed else 0.0)
    with open_to(flight, STUDY_ROOT_FIND) as association:
        found, reply = association.find(STUDY_ROOT_FIND, flight.by_dimse.at_study())
        while reply.ok and not found and time.monotonic() < until:
            time.sleep(0.1)
            found, reply = association.find(STUDY_ROOT_FIND, flight.by_dimse.at_study())
    if reply.ok and not found and "store" in flight.passed:
        return CheckResult("find", "failed", f"the study just stored is not found within {INDEXED_WITHIN_S:g} s")
    return judged("find", reply)


def find_studies(flight: Preflight, **keys: str) -> tuple[list[Dataset], Reply]:
    """C-FIND at study level by keywords, at most 1,000 answers."""
    identifier = Dataset()
    identifier.QueryRetrieveLevel, identifier.StudyInstanceUID = "STUDY", ""
    for keyword, value in keys.items():
        setattr(identifier, keyword, value)
    with open_to(flight, STUDY_ROOT_FIND) as association:
        return association.find(STUDY_ROOT_FIND, identifier, most=1_000)


def get(flight: Preflight) -> CheckResult:
    """C-GET of the object stored."""
    sink = CountingSink(instances={flight.by_dimse.instance})
    with open_to(flight, STUDY_ROOT_GET, SOP_CLASS, scp_roles=(SOP_CLASS,)) as association:
        reply = association.get(STUDY_ROOT_GET, flight.by_dimse.at_study(), sink, SOP_CLASS)
    if reply.ok and sink.objects == 0 and "store" in flight.passed:
        return CheckResult("get", "failed", "the archive reports success and sent nothing back")
    return judged("get", reply)


def move(flight: Preflight) -> CheckResult:
    """C-MOVE of the object stored, to the first of our listeners, where its arrival is what counts."""
    if not flight.target.destinations:
        return CheckResult("move", "not asked", "the target names no C-MOVE destination of ours", listen_mend())
    ours = flight.target.destinations[0]
    listener = listener_for(flight.target, ours)
    with listener:
        arrival = listener.expect(flight.by_dimse.study, {flight.by_dimse.instance})
        with open_to(flight, STUDY_ROOT_MOVE) as association:
            reply = association.move(STUDY_ROOT_MOVE, flight.by_dimse.at_study(), ours.ae_title)
        came = reply.ok and reply.completed != 0 and listener.wait(flight.by_dimse.study, 1, ARRIVES_WITHIN_S)
    return _moved(flight, ours, reply, came or arrival.objects > 0, caller_mend(listener))


def _moved(flight: Preflight, ours: Destination, reply: Reply, came: bool, caller: str) -> CheckResult:
    where = f"{ours.ae_title} at {ours.host}:{ours.port}"
    if reply.status == _DESTINATION_UNKNOWN:
        cause = f"the archive does not know, or cannot reach, the destination {where}"
        return CheckResult("move", "refused", cause, caller or let_in(flight.known(), "move"))
    if reply.ok and not came and "store" in flight.passed:
        sent = "" if reply.completed is None else f" ({reply.completed} sent)"
        cause = f"the archive reports success{sent} and nothing arrived at {where}"
        mend = caller or "Correct host and port of this AE title in the archive's list."
        return CheckResult("move", "failed", cause, mend)
    judgement = judged("move", reply)
    return judgement if judgement.is_ok else replace(judgement, mend=caller)


def judged(service: str, reply: Reply, note: str = "") -> CheckResult:
    """`ok` with a note, or `refused` with the status and its comment."""
    if reply.ok:
        return CheckResult(service, "ok", note)
    comment = f": {reply.comment}" if reply.comment else ""
    return CheckResult(service, "refused", f"the archive answers {reply.status:04X}H ({reply.category}){comment}")


def open_to(flight: Preflight, *contexts: str, scp_roles: tuple[str, ...] = (), calling_ae: str = "") -> Association:
    """An association with one context for each SOP class and plain transfer syntax, and for objects their own."""
    means = flight.means
    syntaxes = {uid: (means.syntax, SYNTAX, IMPLICIT) if uid == SOP_CLASS else (SYNTAX, IMPLICIT) for uid in contexts}
    return open_association(
        flight.target.peer(),
        calling_ae or flight.calling_ae,
        [(uid, [syntax]) for uid in contexts for syntax in dict.fromkeys(syntaxes[uid])],
        profile=means.profile,
        timeouts=means.timeouts,
        max_pdu=means.max_pdu,
        scp_roles=scp_roles,
    )
