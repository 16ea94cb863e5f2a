"""The ledger: what became of every object that was to be stored, and whether the archive's own word agrees.

A study's objects end in exactly one of stored, refused, failed, unknown, dropped (rule F1). The final read of the
archive then tells lost, recovered and phantom objects (rule F2; the words are Jepsen's).
"""

from collections import Counter
from collections.abc import Collection, Sequence

from loadtest.verdict.records import NO_STATUS, STATES, ObjectRow, StudyRow

# The state of a study is that of its worst object, in this order.
_WORST_FIRST = ("unknown", "failed", "refused", "dropped", "stored")
WITNESSES = ("found_again", "committed", "retrieved", "equal")
MOST_NAMED = 20  # numbers in one list
AGREES, NOT_ASKED = "as answered", "not asked"


def settle(entry: StudyRow, objects: Sequence[ObjectRow], rest: str) -> None:
    """Fill a study's counts from its objects' outcomes.

    `rest` is the state of those that were never handed to an association: dropped when the study was never begun,
    refused when the association or its context was, failed when an earlier object of the study broke it.
    """
    found = Counter("stored" if one.outcome == "ok" else one.outcome for one in objects)
    found[rest] += entry.planned - found.total()
    for state in STATES:
        setattr(entry, state, found[state])
    entry.answered = sum(one.status != NO_STATUS for one in objects)
    entry.sent = entry.answered + sum(one.outcome == "unknown" and one.status == NO_STATUS for one in objects)
    entry.state = next(state for state in _WORST_FIRST if found[state])


def judge(entry: StudyRow) -> None:
    """Fill `finding`: what the archive holds against what it answered."""
    words = [_compare(entry, count) for count in (entry.found_cfind, entry.found_qido) if count is not None]
    told = [word for word in dict.fromkeys(words) if word != AGREES]
    entry.finding = "; ".join(told) or (AGREES if words else NOT_ASKED)


def _compare(entry: StudyRow, found: int) -> str:
    if found < entry.stored:
        return f"lost {entry.stored - found}"
    if found == entry.stored:
        return AGREES
    if found <= entry.stored + entry.unknown:
        return f"recovered {found - entry.stored}"
    if found <= entry.sent:
        return f"kept though refused {found - entry.stored - entry.unknown}"
    return f"phantom {found - entry.sent}"


def name_objects(acknowledged: Collection[int], answered: Collection[int], found: Sequence[int | None]) -> str:
    """Which objects of a study are lost, recovered, kept though refused, duplicate or phantom, by their numbers.

    `acknowledged` and `answered` are numbers of ours; `found` are the numbers in the archive's answers, None for an
    object that is none of the study's.
    """
    ours = [number for number in found if number is not None]
    kinds = {
        "lost": sorted(set(acknowledged).difference(ours)),
        "recovered": sorted(set(ours).difference(answered)),
        "kept though refused": sorted(set(ours).intersection(answered).difference(acknowledged)),
        "duplicate": sorted(number for number, times in Counter(ours).items() if times > 1),
    }
    words = [f"{kind}: {_listed(numbers)}" for kind, numbers in kinds.items() if numbers]
    strangers = len(found) - len(ours)
    return "; ".join(words + ([f"phantom: {strangers} objects"] if strangers else []))


def _listed(numbers: Sequence[int]) -> str:
    more = f" and {len(numbers) - MOST_NAMED} more" if len(numbers) > MOST_NAMED else ""
    return ", ".join(map(str, numbers[:MOST_NAMED])) + more


def exceptions(ledger: Sequence[StudyRow]) -> list[StudyRow]:
    """Every study that is not simply stored and found whole."""
    return [one for one in ledger if one.state != "stored" or one.finding not in (AGREES, NOT_ASKED)]


def totals(ledger: Sequence[StudyRow]) -> dict[str, int]:
    """Objects in each state, planned, sent and lost."""
    found = {name: sum(getattr(one, name) for one in ledger) for name in ("planned", "sent", "answered", *STATES)}
    return {"studies": len(ledger), **found, "lost": sum(map(lost, ledger)), **witnessed(ledger)}


def witnessed(ledger: Sequence[StudyRow]) -> dict[str, int]:
    """Objects that more than a count speaks for: asked of, committed, retrieved and equal, and found after a kill."""
    asked = {name: [one for one in ledger if getattr(one, name) is not None] for name in WITNESSES}
    found = {name: sum(getattr(one, name) for one in some) for name, some in asked.items() if some}
    if asked["committed"]:
        found["not_committed"] = sum(one.stored for one in asked["committed"]) - found["committed"]
    if asked["retrieved"]:
        found["altered"] = found["retrieved"] - found["equal"]
        found["not_retrieved"] = sum(one.stored for one in asked["retrieved"]) - found["retrieved"]
    return found


def lost(entry: StudyRow) -> int:
    """Objects acknowledged and not found, by whichever service finds fewest, at whatever time."""
    counts = (entry.found_cfind, entry.found_qido, entry.found_again)
    found = [count for count in counts if count is not None]
    return max(entry.stored - min(found), 0) if found else 0
