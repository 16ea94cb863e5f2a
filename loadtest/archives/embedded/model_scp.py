"""Mode model: the null sink with a known service law before each answer, so that a measurement can be checked.

Storage waits for one of the law's servers, in order of arrival, and holds it for the law's time. Nothing is kept.
"""

import sys
from itertools import count
from threading import Semaphore
from time import perf_counter, sleep

from loadtest.archives.embedded.archive import Archive
from loadtest.archives.embedded.law import Law, draw
from loadtest.archives.embedded.null_scp import NullPeer
from loadtest.wire import command
from loadtest.wire.channel import Channel
from loadtest.wire.command import Command

SWITCH_S = 0.0005  # threads that wake must not wait for Python's usual 5 ms
SPIN_S = 0.0004  # the last part is spent awake: a sleeper wakes late by some tens of microseconds


class Desk:
    """The servers of one archive; all its associations share it."""

    def __init__(self, law: Law) -> None:
        sys.setswitchinterval(SWITCH_S)
        self._law, self._free, self._number = law, Semaphore(law.servers), count()

    def serve(self, size: int, held: int) -> None:
        """Wait for a server, then take as long as the law says."""
        with self._free:
            until = perf_counter() + self._law.seconds(draw(next(self._number)), size, held)
            while (left := until - perf_counter()) > 0:
                sleep(max(left - SPIN_S, 0.0))


class ModelPeer(NullPeer):
    """One association of a model archive."""

    def __init__(self, channel: Channel, archive: Archive, desk: Desk) -> None:
        super().__init__(channel, archive)
        self._desk = desk

    def _store(self, context: int, request: Command) -> None:
        size = self._reader.data(context, len)
        self._desk.serve(size, int(self._archive.statistics()["instances"] or 0))
        self._archive.swallow(size)

    def _answer(self, context: int, request: Command) -> None:
        if request.field == command.C_STORE_RQ:
            self._store(context, request)
            self._succeed(context, request)
        else:
            super()._answer(context, request)
