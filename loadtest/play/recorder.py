"""Every operation's row, made once, when its end is known; Locust's page and the progress hear of it here."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import isnan, nan
from time import perf_counter
from typing import Any

from gevent import sleep

from loadtest.play.alarm import Alarm
from loadtest.play.journal import Rows
from loadtest.play.services import Done, Sent
from loadtest.play.traffic import Operation
from loadtest.verdict.records import ObjectRow, OperationRow

Listener = Callable[[OperationRow], None]
FEW = 100  # rows that are written in half a millisecond


class Clock:
    """Seconds since the play's zero, on the monotonic clock (rule L13). Zero lies ahead until the play begins."""

    def __init__(self, alarm: Alarm | None = None) -> None:
        """`alarm` wakes who sleeps; without one the event loop's own timers do."""
        self.zero = perf_counter()
        self._alarm = alarm

    def begin(self, in_s: float) -> None:
        """Let zero be so many seconds from now."""
        self.zero = perf_counter() + in_s

    def now(self) -> float:
        """Seconds since zero."""
        return perf_counter() - self.zero

    def since(self, time: float) -> float:
        """A perf_counter time as seconds since zero; NaN stays NaN."""
        return time - self.zero

    def sleep_until(self, due_s: float) -> None:
        """Sleep until a time is reached; one that has passed costs nothing, not even a switch."""
        if self._alarm is not None:
            self._alarm.sleep_until(self.zero + due_s)
        while (left := due_s - self.now()) > 0:
            sleep(left)


@dataclass
class _UnderWay:
    """An operation that has begun, and how many of its objects have been taken."""

    operation: Operation
    done: Done
    taken: int = 0


class Recorder:
    """Rows of operations, in order of their ends, and of objects. `listen` is called with each operation's row.

    Objects of an operation that goes on are taken whenever rows are drained: they come before its own row (rule C8).
    """

    def __init__(self, clock: Clock, listen: Listener = lambda row: None) -> None:
        self.clock, self._listen = clock, listen
        self.operations: list[OperationRow] = []
        self.objects: list[ObjectRow] = []
        self._under_way: dict[tuple[str, int], _UnderWay] = {}
        self._drained = 0, 0

    def begun(self, one: Operation, done: Done) -> None:
        """An operation has begun; what `done` gets on the way is recorded on the way."""
        self._under_way[one.cluster, one.op] = _UnderWay(one, done)

    def done(self, one: Operation, released_s: float, start_s: float, waited_s: float, done: Done) -> None:
        """An operation has ended; it was released, waited for its device, and began."""
        c = self.clock
        self._take_sent(self._under_way.pop((one.cluster, one.op), _UnderWay(one, done)))
        self._add(
            planned_row(
                one, released_s, done.detail, start_s=start_s + done.blocked_s, first_byte_s=c.since(done.first_byte),
                first_object_s=c.since(done.first_object), end_s=c.now() if isnan(done.end) else c.since(done.end),
                blocked_s=waited_s + done.blocked_s, connect_s=done.connect_s, negotiate_s=done.negotiate_s,
                objects=done.objects, bytes=done.bytes, status=done.status, outcome=done.outcome,
            )
        )  # fmt: skip

    def dropped(self, one: Operation, why: str, released_s: float = nan) -> None:
        """An operation was never sent (rule L2)."""
        self._add(planned_row(one, released_s, why))

    def take(self, operations: Sequence[OperationRow], objects: Sequence[ObjectRow]) -> None:
        """Rows that were made elsewhere, by this clock."""
        self.objects += objects
        for row in operations:
            self._add(row)

    def drain(self) -> Rows:
        """What has been recorded since the last call; all of it stays here too."""
        return next(self.parts(sys.maxsize))

    def parts(self, most: int = FEW) -> Iterator[Rows]:
        """The same a few rows at a time, at least once: an object comes with its operation's row or before it.

        Whoever takes 1,000 rows at once keeps every operation waiting meanwhile that is due.
        """
        for part in self._under_way.values():
            self._take_sent(part)
        ends = len(self.operations), len(self.objects)
        while True:
            first, last = self._drained, min(self._drained[1] + most, ends[1])
            self._drained = min(first[0] + most, ends[0]) if last == ends[1] else first[0], last
            yield self.operations[first[0] : self._drained[0]], self.objects[first[1] : last]
            if self._drained == ends:
                return

    def _add(self, row: OperationRow) -> None:
        self.operations.append(row)
        self._listen(row)

    def _take_sent(self, part: _UnderWay) -> None:
        new = part.done.sent[part.taken :]
        part.taken += len(new)
        self.objects += [self._object(part.operation, sent) for sent in new]

    def _object(self, one: Operation, sent: Sent) -> ObjectRow:
        c = self.clock
        return ObjectRow(
            one.cluster, one.op, one.exam, sent.number, c.since(sent.start), c.since(sent.sent),
            c.since(sent.first_byte), c.since(sent.end), sent.bytes, sent.status, sent.outcome, sent.kind,
            c.since(sent.first_object),
        )  # fmt: skip


def planned_row(one: Operation, released_s: float = nan, detail: str = "", **came: Any) -> OperationRow:
    """An operation's row with what came of it, by the columns' names; as long as nothing has: dropped."""
    return OperationRow(
        one.op, one.cluster, one.supplier, one.site, one.ae_title, one.operation, one.purpose, one.modality, one.exam,
        one.phase, one.due_s, released_s, planned_objects=one.objects, detail=detail, **came,
    )  # fmt: skip
