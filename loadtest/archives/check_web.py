"""The pre-flight of DICOMweb: STOW-RS, QIDO-RS, WADO-RS."""

import time

from loadtest.archives.check_dimse import INDEXED_WITHIN_S
from loadtest.archives.check_result import CheckResult, Preflight
from loadtest.archives.web_door import open_web
from loadtest.wire import DicomWeb, WebReply

_CREDENTIALS = "Set FILMLESS_WEB_TOKEN, or FILMLESS_WEB_USER and FILMLESS_WEB_PASSWORD, in the environment."
_ROOT = "Correct base_url in the target file, or switch DICOMweb on in the archive (Orthanc: load its DICOMweb plugin)."


def stow(flight: Preflight) -> CheckResult:
    """STOW-RS of one synthetic object, another than C-STORE's."""
    with _open(flight) as web:
        reply = web.stow([flight.by_web.file(flight.means.syntax)])
    if reply.unknown and 200 <= reply.status < 300:
        cause = f"HTTP {reply.status}, and the answer does not name the object as stored, nor as failed"
        return CheckResult("stow", "failed", cause)
    note = f"one object is there now, of study {flight.by_web.study}"
    reasons = ", ".join(f"{reason:04X}H" for reason in reply.reasons)
    return judged("stow", reply, note, f" failure reason {reasons}" if reasons else "")


def qido(flight: Preflight) -> CheckResult:
    """QIDO-RS of the study stored; an archive may need a moment to index it."""
    until = time.monotonic() + (INDEXED_WITHIN_S if "stow" in flight.passed else 0.0)
    with _open(flight) as web:
        found, reply = web.qido("studies", {"StudyInstanceUID": flight.by_web.study})
        while reply.ok and not found and time.monotonic() < until:
            time.sleep(0.1)
            found, reply = web.qido("studies", {"StudyInstanceUID": flight.by_web.study})
    if reply.ok and not found and "stow" in flight.passed:
        return CheckResult("qido", "failed", f"the study just stored is not found within {INDEXED_WITHIN_S:g} s")
    return judged("qido", reply)


def wado(flight: Preflight) -> CheckResult:
    """WADO-RS of the study stored."""
    if "stow" not in flight.passed:
        return CheckResult("wado", "not asked", "STOW-RS has stored nothing to retrieve")
    with _open(flight) as web:
        reply = web.wado_study(flight.by_web.study)
    if reply.ok and reply.objects != 1:
        return CheckResult("wado", "failed", f"HTTP {reply.status} with {reply.objects} objects, not 1")
    return judged("wado", reply)


def _open(flight: Preflight) -> DicomWeb:
    return open_web(flight.target, flight.means.timeouts, flight.means.profile)


def judged(service: str, reply: WebReply, note: str = "", more: str = "") -> CheckResult:
    """`ok` with a note, or `refused` with the HTTP status and what mends it."""
    if reply.ok:
        return CheckResult(service, "ok", note)
    mends = {401: _CREDENTIALS, 403: _CREDENTIALS, 404: _ROOT, 405: _ROOT}
    cause = f"the archive answers HTTP {reply.status}{more}" + (f": {reply.detail}" if reply.detail else "")
    return CheckResult(service, "refused", cause, mends.get(reply.status, ""))
