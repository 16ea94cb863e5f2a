"""The ledger: what became of every object that was to be stored, and whether the archive's own word agrees.

A study's objects end in exactly one of stored, refused, failed, unknown, dropped (rule F1). The final read of the
archive then tells lost, recovered and phantom objects (rule F2; the words are Jepsen's).
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import pyarrow as pa

from loadtest.verdict.records import FOUND, NO_STATUS, STATES, ObjectRow, StudyRow, to_table

# The state of a study is that of its worst object, in this order.
_WORST_FIRST = ("unknown", "failed", "refused", "dropped", "stored")
WITNESSES = ("found_again", "committed", "retrieved", "equal")
KINDS = {kind: kind for kind in FOUND} | {"kept": "kept though refused"}  # in words
AGREES, NOT_ASKED = "as answered", "not asked"


@dataclass(frozen=True)
class Named:
    """Which objects of a study are lost, recovered, kept though refused, duplicate or phantom, by their numbers.

    `strangers` are objects in the study whose UIDs are none that it could have; a peer's own words are not kept.
    """

    lost: frozenset[int] = frozenset()
    recovered: frozenset[int] = frozenset()
    kept: frozenset[int] = frozenset()
    phantom: frozenset[int] = frozenset()
    duplicate: frozenset[int] = frozenset()
    strangers: int = 0

    def counts(self) -> dict[str, int]:
        """Objects of each kind, of those kinds that there are."""
        found = {kind: len(getattr(self, kind)) for kind in KINDS}
        found["phantom"] += self.strangers
        return {kind: n for kind, n in found.items() if n}

    def words(self) -> str:
        """Every number, in ranges."""
        return "; ".join(f"{KINDS[kind]}: {self._which(kind)}" for kind in self.counts())

    def _which(self, kind: str) -> str:
        strangers = [f"{self.strangers} objects"] if kind == "phantom" and self.strangers else []
        return " and ".join([*filter(None, [_ranges(getattr(self, kind))]), *strangers])

    def __or__(self, other: "Named") -> "Named":
        """Of two readings: what either of them found."""
        both = {kind: getattr(self, kind) | getattr(other, kind) for kind in KINDS}
        return Named(**both, strangers=max(self.strangers, other.strangers))


def compare_names(
    acknowledged: Collection[int], answered: Collection[int], sent: Collection[int], found: Sequence[int | None]
) -> Named:
    """A reading of the archive by names; all are numbers of ours, in `found` None for an object that is none of them.

    `sent` left this machine whole, and perhaps without an answer.
    """
    times = Counter(number for number in found if number is not None)
    ours = frozenset(times)
    return Named(
        lost=frozenset(acknowledged) - ours,
        recovered=ours.intersection(sent).difference(answered),
        kept=ours.intersection(answered).difference(acknowledged),
        phantom=ours.difference(sent, answered),
        duplicate=frozenset(number for number, n in times.items() if n > 1),
        strangers=len(found) - times.total(),
    )


def _ranges(numbers: Iterable[int]) -> str:
    """0-3, 7."""
    runs = [[n for _, n in run] for _, run in groupby(enumerate(sorted(numbers)), lambda one: one[1] - one[0])]
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)


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


def judge(entry: StudyRow, named: Named | None = None) -> None:
    """Fill `finding` and its counts: what the archive holds against what it answered.

    By names where it was asked for them, for equal counts can hide that one is lost and another there instead; a
    count that is not that of the names is told as well.
    """
    counts = [count for count in (entry.found_cfind, entry.found_qido) if count is not None]
    told = [] if named is None else list(named.counts().items())
    told += [_compare(entry, count) for count in counts if named is None or count != entry.found_named]
    told = [(kind, n) for kind, n in told if n]
    for kind in KINDS:
        setattr(entry, kind, max((n for one, n in told if one == kind), default=0))
    words = dict.fromkeys(f"{KINDS[kind]} {n}" for kind, n in told)
    entry.finding = "; ".join(words) or (AGREES if counts or named else NOT_ASKED)
    entry.named = named.words() if named else ""


def _compare(entry: StudyRow, found: int) -> tuple[str, int]:
    """What a count alone tells, and of how many objects."""
    if found < entry.stored:
        return "lost", entry.stored - found
    if found <= entry.stored + entry.unknown:
        return "recovered", found - entry.stored
    if found <= entry.sent:
        return "kept", found - entry.stored - entry.unknown
    return "phantom", found - entry.sent


def exceptions(ledger: Iterable[StudyRow]) -> list[StudyRow]:
    """Every study that is not simply stored and found whole, by every witness that was asked."""
    return [one for one in ledger if happened(one)]


def happened(entry: StudyRow) -> str:
    """What is not as it should be with a study, in words; "" where nothing is."""
    ends = [f"{getattr(entry, state)} {state}" for state in STATES if getattr(entry, state)]
    told = [] if entry.state == "stored" else [f"of {entry.planned} objects: {', '.join(ends) or entry.state}"]
    if entry.finding not in (AGREES, NOT_ASKED):
        told.append(f"{entry.finding} ({entry.named})" if entry.named else entry.finding)
    shown = {"found_again": "found after the kill", "committed": "committed to", "retrieved": "come back"}
    told += [f"{seen} of {entry.stored} acknowledged are {words}" for name, words in shown.items()
             if (seen := getattr(entry, name)) is not None and seen < entry.stored]  # fmt: skip
    if entry.retrieved is not None and entry.equal is not None and entry.equal < entry.retrieved:
        told.append(f"{entry.retrieved - entry.equal} come back altered")
    return "; ".join(told)


def ledger_table(rows: Sequence[StudyRow]) -> pa.Table:
    """The ledger with what happened to each study, "" where it is stored and found whole."""
    return to_table(StudyRow, rows).append_column("happened", pa.array(map(happened, rows), pa.string()))


def unbalanced(ledger: Sequence[StudyRow]) -> list[str]:
    """What the archive holds and no reading of the plan explains: the ledger does not say what it was that answered."""
    words = {"phantom": "are found that were never sent", "duplicate": "are told more than once"}
    found = {kind: sum(getattr(one, kind) for one in ledger) for kind in words}
    return [f"{n} objects of the plan's studies {words[kind]} ({kind})" for kind, n in found.items() if n]


def totals(ledger: Sequence[StudyRow]) -> dict[str, int]:
    """Objects in each state, planned, sent, and of each kind that the final read has found."""
    found = {name: sum(getattr(one, name) for one in ledger) for name in ("planned", "sent", "answered", *STATES)}
    read = {"lost": sum(map(lost, ledger)), **{k: sum(getattr(one, k) for one in ledger) for k in KINDS if k != "lost"}}
    return {"studies": len(ledger), **found, **read, **witnessed(ledger)}


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
    """Objects acknowledged and not found: by name, or by whichever service finds fewest, at whatever time."""
    counts = (entry.found_cfind, entry.found_qido, entry.found_again)
    found = [count for count in counts if count is not None]
    return max(entry.lost, entry.stored - min(found, default=entry.stored))
