"""On time: each device's operations are released when they are due, whatever the archive does.

A device has a bounded number of operations under way. What is due while all are busy waits in the device's backlog,
which is bounded too; what does not fit, or still waits when the play ends, is dropped and counted (rule L2). Waiting
for the device is told apart from the generator's own lateness (rule L3).
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gevent import Greenlet, GreenletExit, get_hub
from gevent.hub import Waiter
from gevent.pool import Group

from loadtest.play.recorder import Clock, Recorder
from loadtest.play.services import Done
from loadtest.play.traffic import Operation
from loadtest.wire import WireError

BACKLOG_FULL = "the device's backlog is full: the archive, or this machine, is too slow for the plan"
STILL_WAITING = "still waiting for its device when the play ended"
NEVER_RELEASED = "not yet due when the play was stopped"


@dataclass(frozen=True, slots=True)
class Ticket:
    """An operation that was released."""

    operation: Operation
    released_s: float
    waited: bool


class Device:
    """One AE title of the plan, and what it has to do; `at_once` operations are under way at most."""

    def __init__(
        self,
        operations: Sequence[Operation],
        carry_out: Callable[[Operation, Done], None],
        clock: Clock,
        recorder: Recorder,
        at_once: int,
        most_waiting: int,
        defect: Callable[[Greenlet], None],
    ) -> None:
        """`operations` in order of due time; `carry_out` fills a Done and raises WireError.

        `defect` is called with a greenlet that raised anything else: a fault of ours, which must end the play.
        """
        self._plan = deque(operations)
        self._carry_out, self._clock, self._recorder = carry_out, clock, recorder
        self._at_once, self._most_waiting, self._defect = at_once, most_waiting, defect
        self._backlog: deque[Ticket] = deque()
        self._busy = 0
        self._under_way: dict[int, Ticket] = {}
        self._idle: list[Waiter] = []
        self.workers = Group()

    def play(self) -> None:
        """Release each operation when it is due; if the greenlet is ended before, the rest is dropped."""
        try:
            while self._plan:
                self._clock.sleep_until(self._plan[0].due_s)
                self._release(self._plan.popleft())
        finally:
            self._drop_plan()

    def _drop_plan(self) -> None:
        while self._plan:
            self._recorder.dropped(self._plan.popleft(), NEVER_RELEASED)

    def _release(self, one: Operation) -> None:
        now = self._clock.now()
        if self._busy < self._at_once:
            self._start(Ticket(one, now, waited=False))
        elif len(self._backlog) < self._most_waiting:
            self._backlog.append(Ticket(one, now, waited=True))
        else:
            self._recorder.dropped(one, BACKLOG_FULL, now)

    def _start(self, ticket: Ticket) -> None:
        """By a greenlet that has nothing to do, or a new one, which costs 22 us where waking one costs 3."""
        self._busy += 1
        self._under_way[ticket.operation.op] = ticket
        if self._idle:
            get_hub().loop.run_callback(self._idle.pop().switch, ticket)
            return
        worker = Greenlet(self._work, ticket)
        worker.link_exception(self._defect)
        self.workers.start(worker)

    def _work(self, ticket: Ticket) -> None:
        """Carry out one operation, then whatever has waited meanwhile, then wait for the next."""
        while True:
            try:
                self._one(ticket)
                while self._backlog:
                    ticket = self._backlog.popleft()
                    self._under_way[ticket.operation.op] = ticket
                    self._one(ticket)
            finally:
                self._busy -= 1
            self._idle.append(Waiter())
            ticket = self._idle[-1].get()

    def _one(self, ticket: Ticket) -> None:
        start_s, done = self._clock.now(), Done()
        waited_s = start_s - ticket.released_s if ticket.waited else 0.0
        self._recorder.begun(ticket.operation, done)
        try:
            self._carry_out(ticket.operation, done)
        except (WireError, GreenletExit) as error:
            done.error(error)
            done.end = float("nan")  # it ended now, not with its last good object
            if isinstance(error, GreenletExit):
                raise
        finally:
            del self._under_way[ticket.operation.op]
            self._recorder.done(ticket.operation, ticket.released_s, start_s, waited_s, done)

    def outstanding(self) -> int:
        """Operations under way or waiting."""
        return self._busy + len(self._backlog)

    def end(self) -> None:
        """Drop what is not yet due and what waits, end what is under way, and wait until it has been recorded."""
        self._drop_plan()  # of a user that was stopped before it began
        waiting = list(self._backlog)
        self._backlog.clear()
        self.workers.kill()
        waiting += self._under_way.values()  # a worker that was ended before its first step has begun nothing
        self._under_way.clear()
        for ticket in waiting:
            self._recorder.dropped(ticket.operation, STILL_WAITING, ticket.released_s)
