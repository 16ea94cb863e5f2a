"""The generator watches itself: is what was measured the archive's time, or this process's?"""

import os
from contextlib import suppress
from time import perf_counter, process_time, time

from gevent import Greenlet, sleep, spawn

from loadtest.verdict.health import Samples

LOOP_EVERY_S = 0.01
ROUND_ROBIN = "before others (SCHED_RR 1)"


class Watch:
    """Samples the event loop's delay, the process's CPU and the wall clock while the play runs."""

    def __init__(self, wakes_by: str = "") -> None:
        self.samples = Samples(wakes_by=wakes_by)
        self._greenlet: Greenlet | None = None

    def start(self, first: bool) -> None:
        """Begin; `first` asks the system to run this process as soon as it is ready to.

        Archives on the same machine otherwise keep the core for tens of milliseconds after an operation was due
        (p99 of a sleeper's lateness: 6 ms as any process and at nice -10, 0.07 ms so). The generator uses a few
        per cent of a core, and Linux leaves the others 5 % of each second whatever it does.
        """
        if first:
            with suppress(OSError, AttributeError):  # only root may, or who has CAP_SYS_NICE; only Linux has it
                os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
                self.samples.scheduling = ROUND_ROBIN
        self._began = perf_counter(), process_time(), time()
        self._greenlet = spawn(self._sample)

    def _sample(self) -> None:
        while True:
            due = perf_counter() + LOOP_EVERY_S
            sleep(LOOP_EVERY_S)
            self.samples.loop_delay_s.append(max(perf_counter() - due, 0.0))

    def stop(self) -> None:
        """End; CPU share and clock step are of the time since `start`."""
        if self._greenlet is None:
            return
        self._greenlet.kill()
        now = perf_counter(), process_time(), time()
        if self.samples.scheduling == ROUND_ROBIN:
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        wall, cpu, clock = (after - before for after, before in zip(now, self._began, strict=True))
        self.samples.wall_s, self.samples.cpu_share = wall, cpu / wall
        self.samples.clock_step_s = clock - wall
