"""Locust users: one a device. Each starts its operations when they are due, whatever the archive does.

Locust's own loop waits for an answer before it sends again, and so hides every freeze; here an operation gets a
greenlet of its own at its due time. A device's backlog is bounded: beyond it operations are dropped, and counted.
"""

from collections import deque
from collections.abc import Callable
from time import perf_counter
from typing import Any

import gevent
from locust import User, task
from locust.exception import StopUser

from loadtest.play.acts import Device, act
from loadtest.play.plan import Operation
from loadtest.play.records import OK, Record, new_record

BACKLOG = 256  # operations of one device under way at once


class Stage:
    """What the users share: the devices still to be given out, the clock's zero, and the records."""

    def __init__(self) -> None:
        self.waiting: deque[tuple[Device, list[Operation]]] = deque()
        self.records: list[Record] = []
        self.zero = float("inf")
        self.finished = 0
        self.fire: Callable[..., None] = lambda **kwargs: None


STAGE = Stage()


def report(record: Record) -> None:
    """Tell Locust, for its page; names come from a closed list."""
    STAGE.fire(
        request_type=record.operation, name=f"{record.cluster} {record.operation}",
        response_time=1000 * (record.end_s - record.due_s), response_length=record.bytes,
        exception=None if record.outcome == OK else RuntimeError(record.detail), context={},
    )  # fmt: skip


class DeviceUser(User):  # type: ignore[misc]
    """A modality or a workstation."""

    abstract = False

    def on_start(self) -> None:
        """Take a device and its operations."""
        self.device, self.operations = STAGE.waiting.popleft()
        self.under_way: set[Any] = set()

    def _do(self, operation: Operation) -> None:
        record = act(self.device, operation, new_record(operation, "play"), STAGE.zero)
        STAGE.records.append(record)
        report(record)

    @task
    def day(self) -> None:
        """The whole plan of this device."""
        for operation in self.operations:
            gevent.sleep(max(0.0, STAGE.zero + operation.due_s - perf_counter()))
            if len(self.under_way) >= BACKLOG:
                record = new_record(operation, "play")
                record.detail = f"backlog of {BACKLOG} operations: dropped"
                STAGE.records.append(record)
                continue
            job = gevent.spawn(self._do, operation)
            self.under_way.add(job)
            job.link(self.under_way.discard)
        gevent.joinall(list(self.under_way))
        STAGE.finished += 1
        raise StopUser
