"""Dealing a plan to workers by a hash, so that neither number nor order of the workers decides what is sent.

A device stays whole: its associations, its order and its backlog are the same whoever plays it. C-MOVE needs one of
our listeners, so devices that use it go to the workers for which the archive knows a destination of ours.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from hashlib import blake2b

from loadtest.play.config import JobConfig
from loadtest.play.plan import Plan
from loadtest.play.recorder import planned_row
from loadtest.play.traffic import Operation
from loadtest.verdict.records import NO_STATUS, ObjectRow, OperationRow

LOST = "its worker was lost before it was due"
IN_DOUBT = "its worker was lost: it may have been sent"


def worker_of(name: str, of: int) -> int:
    """The worker of a device, from 0, by its name alone."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "little") % of


def share_of(plan: Plan, jobs: Sequence[JobConfig], worker: int, of: int) -> Plan:
    """What one of `of` workers is to play. Prefill is not dealt: it is stored before the workers begin."""
    play = []
    for (job, ae_title), operations in plan.by_device().items():
        moves = any(one.operation == "move" for one in operations)
        among = min(of, max(1, len(jobs[job].target.destinations))) if moves else of
        if worker_of(f"{operations[0].cluster}\x1f{ae_title}", among) == worker:
            play += operations
    play.sort(key=lambda one: (one.due_s, one.job, one.op))
    return Plan([], play, plan.names)


class Heard:
    """What has been recorded: operations by cluster and number, and the objects of each."""

    def __init__(self, operations: Iterable[OperationRow], objects: Iterable[ObjectRow]) -> None:
        self.operations = {(row.cluster, row.op) for row in operations}
        self.objects: dict[tuple[str, int], list[ObjectRow]] = {}
        for row in objects:
            self.objects.setdefault((row.cluster, row.op), []).append(row)


def rows_of_lost(share: Iterable[Operation], heard: Heard, lost_s: float) -> tuple[list[OperationRow], list[ObjectRow]]:
    """Rows of a lost worker's operations that were not heard of, `lost_s` after the play's zero.

    What was not yet due is dropped (rule F7). What was due may have been sent: it is unknown, its time censored, and
    the final read tells what has arrived (rules F2, F3); objects that were heard of stay what they are.
    """
    operations, objects = [], []
    for one in share:
        if (one.cluster, one.op) in heard.operations:
            continue
        known = heard.objects.get((one.cluster, one.op), [])
        if one.due_s >= lost_s and not known:
            operations.append(planned_row(one, detail=LOST))
            continue
        operations.append(_under_way(one, known, lost_s))
        if one.operation == "store":
            others = set(range(one.objects)).difference(row.number for row in known)
            objects += [_in_doubt(one, number, lost_s) for number in sorted(others)]
    return operations, objects


def _under_way(one: Operation, known: Sequence[ObjectRow], lost_s: float) -> OperationRow:
    """It began when it was due, for all that is known; of a store, the objects that were answered are known too."""
    stored = [row for row in known if row.outcome == "ok" and one.operation == "store"]
    return replace(
        planned_row(one, one.due_s, IN_DOUBT), start_s=one.due_s, end_s=max([lost_s, *(row.end_s for row in known)]),
        objects=len(stored), bytes=sum(row.bytes for row in stored), outcome="unknown",
    )  # fmt: skip


def _in_doubt(one: Operation, number: int, lost_s: float) -> ObjectRow:
    nan = float("nan")
    return ObjectRow(one.cluster, one.op, one.exam, number, one.due_s, nan, nan, lost_s, 0, NO_STATUS, "unknown")
