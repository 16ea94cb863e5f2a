"""The archive's own work on a request: by a known service law where there is one, and slower while a fault is open."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from threading import Semaphore
from time import perf_counter, sleep

from loadtest.archives.embedded.law import Law, draw

SWITCH_S = 0.0005  # threads that wake must not wait for Python's usual 5 ms
SPIN_S = 0.0004  # the last part is spent awake: a sleeper wakes late by some tens of microseconds


class Desk:
    """Where every request is served, whichever association it came over.

    At `capacity` c between 0 and 1 each service takes 1/c as long: as much is done as by that share of the servers.
    At 0 the doors are shut (`faults.py`), and what is under way goes on as when all is well: nobody hears of it.
    """

    def __init__(self, law: Law | None = None) -> None:
        self.capacity = 1.0
        self._law, self._number = law, count()
        if law is not None:
            sys.setswitchinterval(SWITCH_S)
            self._free = Semaphore(law.servers)

    def serve(self, size: int, held: int) -> None:
        """Storing: wait for one of the law's servers, then hold it as long as the law says; without a law, nothing."""
        if self._law is None:
            return
        with self._free:
            well_s = self._law.seconds(draw(next(self._number)), size, held)
            _until(perf_counter() + well_s / (self.capacity or 1.0))

    @contextmanager
    def work(self) -> Iterator[None]:
        """Work that takes what it takes, and longer at less capacity."""
        began = perf_counter()
        yield
        now = perf_counter()
        if 0 < self.capacity < 1:
            _until(now + (now - began) * (1 / self.capacity - 1))


def _until(time: float) -> None:
    while (left := time - perf_counter()) > 0:
        sleep(max(left - SPIN_S, 0.0))
