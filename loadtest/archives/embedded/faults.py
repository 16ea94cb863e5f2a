"""Faults that are played: how much of the archive works and when, as a line of JSON on standard input tells.

`{"zero": 12.5, "steps": [[3.0, 0.0], [6.0, 1.0]]}`: 3 s after that perf_counter time (which the processes of a machine
share) the archive is lost, 3 s later it is back. Capacity 0: both doors are shut and every connection is cut, as when a
data centre is lost; what was stored is there afterwards. In between: the archive is slow (`desk.py`). A later line
takes the place of an earlier one; without steps all is well again at once. Each change is told on standard output.
"""

import json
from collections import deque
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from time import perf_counter

from loadtest.archives.embedded.desk import Desk
from loadtest.archives.embedded.service import Service

Open = Callable[[int], Service]


class Doors:
    """The archive's ports: shut and opened again at the same numbers."""

    def __init__(self, openers: Sequence[Open], ports: Sequence[int]) -> None:
        """Open them all. Raises OSError when a port is taken."""
        self._openers, self.ports = list(openers), list(ports)
        self._services: list[Service] = []
        self.open()
        self.ports = [one.port for one in self._services]

    def cut(self) -> None:
        """Shut the doors and cut every connection without a word."""
        while self._services:
            self._services.pop(0).cut()

    def open(self) -> None:
        """Open what is shut. Raises OSError when a port is taken; then none is open."""
        for at in range(len(self._services), len(self.ports)):
            try:
                self._services.append(self._openers[at](self.ports[at]))
            except OSError:
                self.close()
                raise

    def close(self) -> None:
        """The orderly end."""
        while self._services:
            self._services.pop().stop()


class Faults:
    """Plays a plan on the archive's doors and desk; `hear` from any thread, `keep` from the main one."""

    def __init__(self, doors: Doors, desk: Desk) -> None:
        self._doors, self._desk = doors, desk
        self._heard: SimpleQueue[str] = SimpleQueue()
        self._steps: deque[tuple[float, float]] = deque()

    def hear(self, line: str) -> None:
        """A line of standard input."""
        self._heard.put(line)

    def keep(self, most_s: float) -> float:
        """Make what is due; returns how long nothing more will be, at most `most_s`."""
        while not self._heard.empty():
            plan = json.loads(self._heard.get())
            self._steps = deque((plan["zero"] + at, capacity) for at, capacity in plan["steps"])
            if not self._steps:
                self._make(1.0, mended=True)
        while self._steps and self._steps[0][0] <= perf_counter():
            self._make(self._steps.popleft()[1])
        return min(most_s, max(0.0, self._steps[0][0] - perf_counter())) if self._steps else most_s

    def _make(self, capacity: float, mended: bool = False) -> None:
        """One change, by the plan or because it is over; told with the times at which it was begun and done."""
        began = perf_counter()
        self._desk.capacity = capacity
        if capacity:
            self._doors.open()
        else:
            self._doors.cut()
        said = {"capacity": capacity, "from": began, "by": perf_counter(), "mended": mended}
        print(json.dumps(said), flush=True)
