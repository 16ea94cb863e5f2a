"""SimPy resources that SimPy does not bring: a priority pool with opening hours, and a shared link.

SimPy's own PriorityResource sorts its whole queue at each request, and knows no opening hours.
"""

from collections.abc import Generator
from heapq import heappop, heappush
from typing import Any

import numpy as np
from numpy.typing import NDArray
from simpy import Environment, Event
from simpy.events import NORMAL, EventPriority

from sim.world.calendar import WEEK_S

Floats = NDArray[np.float64]
Wait = Generator[Event, Any, None]


def next_open(t: float, spans: Floats, offset_s: float) -> float:
    """First time at or after t that lies in a weekly span."""
    week = np.floor((t + offset_s) / WEEK_S) * WEEK_S
    now = t + offset_s - week
    for start, stop in spans:
        if now < stop:
            return float(t if now >= start else week + start - offset_s)
    return float(week + WEEK_S + spans[0, 0] - offset_s)


class Turn(Event):
    """Comes at this time after all else that happens now, in the order of the exams: so who is served first of those
    that are ready at once depends on their numbers, not on the way by which each came. SimPy's priorities are 0 and 1.
    """

    def __init__(self, env: Environment, exam: int = 0) -> None:
        super().__init__(env)
        self._ok, self._value = True, None
        env.schedule(self, EventPriority(NORMAL + 1 + exam))


class Pool:
    """k servers, emergencies first, each class with its own hours; non-pre-emptive; order of readiness, then exam."""

    def __init__(self, env: Environment, servers: int, emergency: Floats, routine: Floats, offset_s: float) -> None:
        self._env, self._free, self._offset = env, servers, offset_s
        self._hours = (emergency, routine)
        self._queues: tuple[list[tuple[float, int, Event]], ...] = ([], [])
        self._blocks: list[Event] = []
        self._settling = False

    def serve(self, priority: int, order: int, service_s: float, started: list[float]) -> Wait:
        """Wait for a server and use it; the start is written to `started`."""
        turn = self._env.event()
        heappush(self._queues[priority], (self._env.now, order, turn))
        self._settle()
        yield turn
        started.append(self._env.now)
        yield self._env.timeout(service_s)
        self._free += 1
        self._settle()

    def block(self, begin: float, until: float) -> Wait:
        """Take a server out, ahead of every job, from the first that is free after `begin` until `until`."""
        yield self._env.timeout(max(0.0, begin))
        turn = self._env.event()
        self._blocks.append(turn)
        self._settle()
        yield turn
        yield self._env.timeout(max(0.0, until - self._env.now))
        self._free += 1
        self._settle()

    def _settle(self) -> None:
        """Dispatch when all who come now have come: an emergency goes before who is ready at the same time."""
        if not self._settling:
            self._settling = True
            self._env.process(self._after_all())

    def _after_all(self) -> Wait:
        yield Turn(self._env)
        self._settling = False
        self._dispatch()

    def _dispatch(self) -> None:
        while self._free and self._blocks:
            self._free -= 1
            self._blocks.pop(0).succeed()
        while self._free and any(self._queues):
            opens = [next_open(self._env.now, h, self._offset) if q else np.inf
                     for q, h in zip(self._queues, self._hours, strict=True)]  # fmt: skip
            chosen = 0 if opens[0] <= opens[1] else 1
            if opens[chosen] > self._env.now:
                self._env.process(self._wake(opens[chosen]))
                return
            self._free -= 1
            heappop(self._queues[chosen])[2].succeed()

    def _wake(self, at: float) -> Wait:
        yield self._env.timeout(at - self._env.now)
        self._settle()


class Link:
    """Egalitarian processor sharing in virtual time: all transfers get an equal part of the rate.

    A transfer of w bytes that enters at virtual time V ends at virtual time V + w; V grows at rate / transfers
    and goes back to 0 when the link is idle. `pieces`: (since, bytes a second), ascending; rate 0 is an outage.
    """

    def __init__(self, env: Environment, pieces: list[tuple[float, float]]) -> None:
        self._env, self._rate, self._later = env, pieces[0][1], pieces[1:]
        self._tags: list[tuple[float, int, Event]] = []
        self._virtual, self._last, self._version = 0.0, 0.0, 0
        if self._later:
            env.process(self._change())

    def _change(self) -> Wait:
        for since, rate in self._later:
            yield self._env.timeout(max(0.0, since - self._env.now))
            self._advance()
            self._rate = rate
            self._plan()

    def send(self, order: int, work_bytes: float) -> Event:
        """An event at the end of the transfer."""
        self._advance()
        done = self._env.event()
        heappush(self._tags, (self._virtual + work_bytes, order, done))
        self._plan()
        return done

    def _advance(self) -> None:
        if self._tags:
            self._virtual += (self._env.now - self._last) * self._rate / len(self._tags)
        else:
            self._virtual = 0.0
        self._last = self._env.now

    def _plan(self) -> None:
        self._version += 1
        if self._tags and (self._rate > 0 or self._tags[0][0] <= self._virtual):
            left = max(0.0, self._tags[0][0] - self._virtual) * len(self._tags)
            self._env.process(self._end(left / self._rate if left else 0.0, self._version))

    def _end(self, left: float, version: int) -> Wait:
        yield self._env.timeout(left)
        if version == self._version:
            self._advance()
            self._virtual, _, done = heappop(self._tags)
            done.succeed()
            self._plan()
