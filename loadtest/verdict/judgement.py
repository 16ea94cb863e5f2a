"""The word over a play: PASS, FAIL or INVALID, with every reason. No threshold on latency is judged here.

An object that was acknowledged and is not there is FAIL whatever else is said (rule L9). Otherwise a measurement that
cannot be trusted is INVALID; then operations that the archive refused or failed are FAIL. One that it left unanswered
is neither done nor failed (rule F3): alone it makes INVALID.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loadtest.verdict.health import INVALID
from loadtest.verdict.ledger import lost, totals
from loadtest.verdict.records import StudyRow

PASS, FAIL = "PASS", "FAIL"
_BROKEN_WORD = {
    "altered": "objects came back as others than were sent",
    "not_retrieved": "objects were acknowledged and do not come back",
    "not_committed": "objects were acknowledged, and the archive does not commit to them",
}


@dataclass(frozen=True)
class Held:
    """What an archive says that it holds, before and after; None where it does not tell."""

    cluster: str
    before: int | None
    after: int | None

    @property
    def more(self) -> int | None:
        """Objects that came during the play."""
        return None if self.before is None or self.after is None else self.after - self.before


def compare_held(held: Held, ledger: Sequence[StudyRow]) -> str:
    """The archive's own count against the ledger: agrees, differs or not told; unanswered objects may be there."""
    if held.more is None:
        return "not told"
    found = totals([row for row in ledger if row.cluster == held.cluster])
    return "agrees" if found["stored"] <= held.more <= found["stored"] + found["unknown"] else "differs"


def verdict_of(
    measurement: str, why: Sequence[str], outcomes: dict[str, int], ledger: Sequence[StudyRow], held: Sequence[Held]
) -> tuple[str, list[str]]:
    """The verdict and its reasons, the gravest first; `outcomes` are operations by outcome."""
    losses = losses_of(ledger, held)
    broken, unanswered = ended_badly(outcomes)
    word = FAIL if broken else INVALID if unanswered else PASS
    word = FAIL if losses else INVALID if measurement == INVALID else word
    return word, [*losses, *why, *broken, *unanswered]


def ended_badly(outcomes: Mapping[str, int], of: int = 0) -> tuple[list[str], list[str]]:
    """What was refused or failed, and what took no answer, in words: each at most one line; `of` so many, 0: of all."""
    n, unknown = of or sum(outcomes.values()), outcomes.get("unknown", 0)
    bad = {name: outcomes[name] for name in ("refused", "failed") if outcomes.get(name, 0)}
    broken = [f"{sum(bad.values())} of {n} operations did not end well: {_listed(bad)}"] if bad else []
    told = f"{unknown} of {n} operations took no answer: whether they were done is unknown, so that nothing is decided"
    return broken, [told] if unknown else []


def losses_of(ledger: Sequence[StudyRow], held: Sequence[Held]) -> list[str]:
    """What was acknowledged and is not there: FAIL, whatever else is said."""
    missing = sum(map(lost, ledger))
    found = [f"{missing} objects were acknowledged and are not found"] if missing else []
    seen = totals(ledger)
    found += [f"{seen[name]} {words}" for name, words in _BROKEN_WORD.items() if seen.get(name)]
    for one in held:
        if compare_held(one, ledger) == "differs":
            stored = totals([row for row in ledger if row.cluster == one.cluster])["stored"]
            found.append(f"{one.cluster}: the archive counts {one.more} objects more, acknowledged were {stored}")
    return found


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{n} {name}" for name, n in counts.items())
