"""The ledger's rows, from the plan and from what was recorded."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_

from loadtest.play.plan import Plan
from loadtest.play.traffic import Operation
from loadtest.verdict.ledger import Named, compare_names, judge, settle
from loadtest.verdict.records import NO_STATUS, ObjectRow, OperationRow, StudyRow


@dataclass(frozen=True)
class Entry:
    """A study that was to be stored: its store, what was sent of it, and its row of the ledger."""

    operation: Operation
    objects: list[ObjectRow]
    row: StudyRow
    named: list[Named] = field(default_factory=list)  # a reading each

    def take(self, found: Sequence[int | None]) -> None:
        """A reading of the archive by names (`compare_names`), into the row beside those before it."""
        answers = {one.number: one for one in self.objects}
        answered = {n for n, one in answers.items() if one.status != NO_STATUS}
        in_doubt = {n for n, one in answers.items() if one.outcome == "unknown"}
        if self.row.unknown > len(in_doubt):  # their rows were cut
            in_doubt |= set(range(self.row.planned)).difference(answers)
        acknowledged = {n for n, one in answers.items() if one.outcome == "ok"}
        if self.row.found_named is None:
            self.row.found_named = len(found)
        self.named.append(compare_names(acknowledged, answered, in_doubt | answered, found))
        judge(self.row, reduce(or_, self.named))


def entries(
    plan: Plan, prefilled: bool, operations: Iterable[OperationRow], objects: Iterable[ObjectRow]
) -> list[Entry]:
    """One for each study that was to be stored; a skipped prefill is not in the ledger."""
    rows = {(row.cluster, row.op): row for row in operations}
    sent: defaultdict[tuple[str, int], list[ObjectRow]] = defaultdict(list)
    for one in objects:
        sent[one.cluster, one.op].append(one)
    stores = [one for one in plan.stores() if prefilled or one.phase == "play"]
    return [_entry(one, rows.get((one.cluster, one.op)), sent[one.cluster, one.op]) for one in stores]


def _entry(one: Operation, row: OperationRow | None, objects: list[ObjectRow]) -> Entry:
    entry = StudyRow(one.cluster, one.supplier, one.ae_title, one.exam, one.phase, one.modality, one.objects)
    outcome = row.outcome if row is not None else "dropped"
    broken = any(sent.outcome in ("failed", "unknown") for sent in objects)
    rest = outcome if outcome in ("dropped", "refused") and not broken else "failed"
    settle(entry, objects, "unknown" if row is not None and _are_missing(row, objects) else rest)
    return Entry(one, objects, entry)


def _are_missing(row: OperationRow, objects: list[ObjectRow]) -> bool:
    """Whether the operation tells of objects sent whose rows are not there: a kill has cut them from the journal."""
    told = row.outcome in ("ok", "unknown") or row.status != NO_STATUS
    return sum(sent.outcome == "ok" for sent in objects) < row.objects or (told and not objects)
