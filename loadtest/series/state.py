"""The target's own state while it is played against (rule L12): memory, open files, bytes written, when it is local.

A slope is reported: an archive that keeps something of each association ends one day, and a minute shows it. One that
is killed and started again is another process: it is watched on, and the slope is that of its longest life.
"""

import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from time import perf_counter
from types import TracebackType
from typing import Any, Self

import numpy as np
import psutil
from scipy import stats

from loadtest.archives.process import ours

EVERY_S = 0.5
FEWEST = 10  # samples, below which no slope is given
NAMES = {"resident_bytes": "bytes/h", "open_files": "files/h", "written_bytes": "bytes/h"}


@dataclass
class TargetState:
    """Samples one process and its children by a thread, from entering to leaving the block.

    `pid` is the process's at first; `lives` are the numbers of the samples with which another one takes its place.
    """

    cluster: str
    pid: int
    every_s: float = EVERY_S
    samples: list[tuple[float, int, int, int]] = field(default_factory=list)
    lives: list[int] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        began, seen = perf_counter(), self.pid
        while not self._stop.is_set():
            archive = ours(self.pid)
            now = archive.pid if archive else self.pid
            with suppress(psutil.Error):  # it has ended: what was seen until then stays
                sample = perf_counter() - began, *_look(psutil.Process(now))
                if not sample[1]:
                    raise psutil.ZombieProcess(now)  # killed, and not yet replaced
                if now != seen:
                    self.lives.append(len(self.samples))
                    seen = now
                self.samples.append(sample)
            self._stop.wait(self.every_s)

    def summary(self) -> dict[str, Any]:
        """Each figure's first and last value, most, and slope an hour with its 95 % interval and n."""
        return {"cluster": self.cluster, "pid": self.pid, "restarts": len(self.lives),
                **summary_of(self.samples, self.lives)}  # fmt: skip


def _look(process: psutil.Process) -> tuple[int, int, int]:
    memory = files = written = 0
    for one in (process, *process.children(recursive=True)):
        with suppress(psutil.Error):
            memory += one.memory_info().rss
            files += one.num_fds()
            written += one.io_counters().write_bytes
    return memory, files, written


def summary_of(samples: Sequence[tuple[float, int, int, int]], lives: Sequence[int] = ()) -> dict[str, Any]:
    """The same of samples (seconds, resident bytes, open files, bytes written); at `lives` other processes begin."""
    if not samples:
        return dict.fromkeys(NAMES) | {"n": 0}
    data = np.array(samples, dtype=np.float64)
    one = max(np.split(data, list(lives)), key=len)
    return {"n": len(data)} | {
        name: {"first": data[0, i], "last": data[-1, i], "most": data[:, i].max(),
               "slope": _slope(one[:, 0], one[:, i]), "unit": unit}
        for i, (name, unit) in enumerate(NAMES.items(), 1)
    }  # fmt: skip


def _slope(t_s: "np.ndarray[Any, Any]", x: "np.ndarray[Any, Any]") -> dict[str, float] | None:
    """Theil-Sen an hour: a single garbage collection does not make it."""
    if len(t_s) < FEWEST:
        return None
    found = stats.theilslopes(x, t_s / 3600, 0.95)
    return {"value": float(found.slope), "low": float(found.low_slope), "high": float(found.high_slope)}
