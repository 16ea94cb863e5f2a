"""Every operation's row, made once, when its end is known; Locust's page and the progress hear of it here."""

from collections.abc import Callable
from math import isnan, nan
from time import perf_counter
from typing import Any

from gevent import sleep

from loadtest.play.alarm import Alarm
from loadtest.play.services import Done, Sent
from loadtest.play.traffic import Operation
from loadtest.verdict.records import ObjectRow, OperationRow

Listener = Callable[[OperationRow], None]


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


class Recorder:
    """Rows of operations and objects, in order of their ends. `listen` is called with each operation's row."""

    def __init__(self, clock: Clock, listen: Listener = lambda row: None) -> None:
        self.clock, self._listen = clock, listen
        self.operations: list[OperationRow] = []
        self.objects: list[ObjectRow] = []

    def done(self, one: Operation, released_s: float, start_s: float, waited_s: float, done: Done) -> None:
        """An operation has ended; it was released, waited for its device, and began."""
        c = self.clock
        self.objects += [self._object(one, sent) for sent in done.sent]
        self._add(
            OperationRow(
                **_planned(one), released_s=released_s, start_s=start_s + done.blocked_s,
                first_byte_s=c.since(done.first_byte), first_object_s=c.since(done.first_object),
                end_s=c.now() if isnan(done.end) else c.since(done.end), blocked_s=waited_s + done.blocked_s,
                connect_s=done.connect_s, negotiate_s=done.negotiate_s, objects=done.objects, bytes=done.bytes,
                status=done.status, outcome=done.outcome, detail=done.detail,
            )
        )  # fmt: skip

    def dropped(self, one: Operation, why: str, released_s: float = nan) -> None:
        """An operation was never sent (rule L2)."""
        self._add(OperationRow(**_planned(one), released_s=released_s, detail=why))

    def _add(self, row: OperationRow) -> None:
        self.operations.append(row)
        self._listen(row)

    def _object(self, one: Operation, sent: Sent) -> ObjectRow:
        c = self.clock
        return ObjectRow(
            one.cluster, one.op, one.exam, sent.number, c.since(sent.start), c.since(sent.sent),
            c.since(sent.first_byte), c.since(sent.end), sent.bytes, sent.status, sent.outcome,
        )  # fmt: skip


def _planned(one: Operation) -> dict[str, Any]:
    names = ("op", "cluster", "supplier", "site", "ae_title", "operation", "purpose", "modality", "exam",
             "phase", "due_s")  # fmt: skip
    return {**{name: getattr(one, name) for name in names}, "planned_objects": one.objects}
