"""The pre-flight: each service tried once, and for each that fails who refused, why, and what mends it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from time import perf_counter

from loadtest.archives import check_commitment, check_consent, check_dimse, check_web
from loadtest.archives.check_result import CheckResult, Means, Outcome, Preflight
from loadtest.archives.mends import mend
from loadtest.archives.target import Target
from loadtest.wire import ConnectFailed, ContextRefused, PeerTimeout, WireError

Check = Callable[[Preflight], CheckResult]
DIMSE: dict[str, Check] = {
    "echo": check_dimse.echo,
    "store": check_dimse.store,
    "find": check_dimse.find,
    "get": check_dimse.get,
    "move": check_dimse.move,
    "commitment": check_commitment.commitment,
}
WEB: dict[str, Check] = {"stow": check_web.stow, "qido": check_web.qido, "wado": check_web.wado}


def preflight(target: Target, calling_ae: str = "FILMLESS", means: Means | None = None) -> list[CheckResult]:
    """Try every service of `target`; leaves up to two small synthetic objects there, which the results name.

    A target that is not this machine is asked for its consent first, and for nothing else when that is missing.
    `calling_ae` is the AE title that asks, `means` how it connects. Raises nothing that an archive can cause.
    """
    flight = Preflight(target, calling_ae, means or Means())
    return list(_all(flight))


def _all(flight: Preflight) -> Iterator[CheckResult]:
    if flight.target.allow_remote:
        consent = _tried(flight, "consent", check_consent.consent)
        yield consent
        if not consent.is_ok:
            yield from (CheckResult(name, "not asked", "without consent nothing is sent") for name in (*DIMSE, *WEB))
            return
    yield from _door(flight, DIMSE)
    if flight.target.base_url:
        yield from _door(flight, WEB)
    else:
        yield from (CheckResult(name, "not asked", "the target has no base_url (no DICOMweb)") for name in WEB)


def _door(flight: Preflight, checks: dict[str, Check]) -> Iterator[CheckResult]:
    """The checks of one door; when nobody opens it, the rest is not asked."""
    names = list(checks)
    for number, name in enumerate(names):
        result = _tried(flight, name, checks[name])
        yield result
        if result.cause.startswith("no connection"):
            yield from (CheckResult(rest, "not asked", "no connection") for rest in names[number + 1 :])
            return


def _tried(flight: Preflight, name: str, check: Check) -> CheckResult:
    began = perf_counter()
    try:
        result = check(flight)
    except WireError as error:
        result = _from_error(flight, name, error)
    except ValueError as error:  # our own credentials or TLS files; the words name the variable only
        result = CheckResult(name, "not asked", str(error))
    except OSError as error:  # our own listener's port
        result = CheckResult(name, "not asked", f"we cannot listen for it: {error.strerror or error}")
    if result.is_ok:
        flight.passed.add(name)
    return replace(result, seconds=perf_counter() - began)


def _from_error(flight: Preflight, name: str, error: WireError) -> CheckResult:
    """Outcome, cause and mend of what the wire raised."""
    outcome: Outcome
    if isinstance(error, ContextRefused):
        outcome = "not offered"
    elif isinstance(error, (ConnectFailed, PeerTimeout)):
        outcome = "failed"
    else:
        outcome = "refused"
    words = mend(error, name, flight.known(), "echo" in flight.passed and name in DIMSE)
    return CheckResult(name, outcome, str(error), words)
