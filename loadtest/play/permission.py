"""An archive that is not this machine's: nothing is sent without its owner's word, and never more than agreed.

The target file has the consent (rule S4), the archive itself holds the owner's marker study (rule S5), and both are
looked at before every run. The agreed rate is kept while sending, whatever the plan says.
"""

from collections.abc import Sequence
from datetime import datetime
from time import perf_counter

from gevent import sleep

from loadtest.archives.check_consent import consent
from loadtest.archives.check_result import Preflight
from loadtest.archives.target import Target
from loadtest.play.problems import PlayFailed, TrafficProblem
from loadtest.play.traffic import Operation
from loadtest.wire import WireError


def check_agreed(target: Target, operations: Sequence[Operation], now: datetime) -> None:
    """Refuse a plan that goes beyond the consent of the target file. Raises TrafficProblem with all of it."""
    agreed = target.consent
    if agreed is None:
        return
    stores = [one for one in operations if one.operation == "store"]
    last_due_s = max((one.due_s for one in operations if one.phase == "play"), default=0.0)
    wrong = agreed.excess(0.0, sum(one.bytes for one in stores) / 1e9, last_due_s / 60)
    others = sorted({one.modality for one in stores}.difference(agreed.modalities))
    wrong += [f"modalities {', '.join(others)} are not agreed to"] if others else []
    hour = now.hour + now.minute / 60
    wrong.append(agreed.refusal(now.date(), hour) or agreed.refusal(now.date(), hour + last_due_s / 3600))
    problems = [f"target '{target.name}': {one}" for one in wrong if one]
    if problems:
        raise TrafficProblem("\n".join([*problems, "nothing was sent: play less, or ask the owner again"]))


def ask_archive(target: Target) -> None:
    """Look for the owner's marker study in the archive. Raises TrafficProblem where it is not, PlayFailed unasked."""
    if target.consent is None:
        return
    try:
        found = consent(Preflight(target))
    except WireError as error:
        raise PlayFailed(
            f"archive '{target.name}' cannot be asked for its consent: {error}; nothing was sent"
        ) from None
    if not found.is_ok:
        raise TrafficProblem(f"target '{target.name}': {found.cause}; nothing was sent. {found.mend}")


class Limiter:
    """Lets so many objects a second through, evenly; all devices of an archive share it."""

    def __init__(self, per_s: float) -> None:
        self._every_s, self._next = 1 / per_s, 0.0

    def wait(self) -> float:
        """Wait for the next object's turn; returns how long it was, in seconds."""
        began = perf_counter()
        turn = max(self._next, began)
        self._next = turn + self._every_s
        while (left := turn - perf_counter()) > 0:
            sleep(left)
        return perf_counter() - began


def limiter_of(target: Target, sharing: int = 1) -> Limiter | None:
    """The limiter that the consent asks for, of `sharing` workers each its equal part; None on this machine."""
    return None if target.consent is None else Limiter(target.consent.images_per_s / sharing)
