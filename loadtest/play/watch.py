"""The generator watches itself: is what was measured the archive's time, or this process's?"""

from time import perf_counter, process_time, time

from gevent import Greenlet, sleep, spawn

from loadtest.verdict.health import Health, Samples

LOOP_EVERY_S = 0.01


class Watch:
    """Samples the event loop's delay, the process's CPU and the wall clock while the play runs."""

    def __init__(self) -> None:
        self.samples = Samples()
        self._greenlet: Greenlet | None = None

    def start(self) -> None:
        """Begin."""
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
        wall, cpu, clock = (
            now - then for now, then in zip((perf_counter(), process_time(), time()), self._began, strict=True)
        )
        self.samples.wall_s, self.samples.cpu_share = wall, cpu / wall
        self.samples.clock_step_s = clock - wall


__all__ = ["Health", "Watch"]
