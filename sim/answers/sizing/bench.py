"""Designs put to the test: the same seeds and replications for all, on all cores, no replication twice."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray

from sim.answers.intervals import Interval, student
from sim.answers.levels import level_value, sample
from sim.answers.sizing.design import Catalogue, Design, SizingProblem
from sim.runs.period import Period
from sim.runs.unit import Unit
from sim.world.load import World
from sim.world.service_levels import Level

Floats = NDArray[np.float64]
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Trial:
    """What every design is tried on."""

    levels: dict[str, Level]
    period: Period
    busiest_hour: int
    seed: int

    def ratios(self, world: World, cluster: str, replication: int) -> Floats:
        """Each level's statistic over its limit in one replication; up to 1 is met.

        Raises:
            SizingProblem: a level that concerns too few exams to be judged.
        """
        unit = Unit(cluster, replication, self.seed, "fast", ("pacs",), self.period)
        found = sample(world, unit)
        values = [level_value(level, found, self.busiest_hour) / level.limit_value for level in self.levels.values()]
        for name, value in zip(self.levels, values, strict=True):
            if np.isnan(value):
                raise SizingProblem(f"level '{name}' concerns too few exams of {cluster} to be judged in replication "
                                    f"{replication}: widen the level, or try more days with --days")  # fmt: skip
        return np.array(values)


_catalogue: Catalogue | None = None  # of this worker process


def _begin(catalogue: Catalogue) -> None:
    global _catalogue
    _catalogue = catalogue


def _try(trial: Trial, design: Design, replication: int) -> Floats:
    assert _catalogue is not None
    return trial.ratios(_catalogue.world_of(design), _catalogue.cluster, replication)


class Bench:
    """Ratios of levels over limits by design and replication; `open` one to use it."""

    def __init__(self, catalogue: Catalogue, trial: Trial, pool: ProcessPoolExecutor, workers: int,
                 progress: Progress) -> None:  # fmt: skip
        self.catalogue, self.trial, self._pool, self.workers, self._progress = catalogue, trial, pool, workers, progress
        self._known: dict[tuple[int, Design], dict[int, Floats]] = {}
        self.simulated, self.stage = 0, (0, 1)  # of how many judgements

    @classmethod
    @contextmanager
    def open(cls, catalogue: Catalogue, trial: Trial, workers: int = 0,
             progress: Progress = lambda done, total, text: None) -> Iterator["Bench"]:  # fmt: skip
        """With its pool of processes (0: one a core)."""
        n = workers or os.cpu_count() or 1
        with ProcessPoolExecutor(n, get_context("fork"), _begin, (catalogue,)) as pool:
            yield cls(catalogue, trial, pool, n, progress)

    def ratios(self, design: Design, replications: range, seed: int | None = None) -> Floats:
        """float64[replication, level] of these replications; those not yet known are simulated."""
        seed = self.trial.seed if seed is None else seed
        known, trial = self._known.setdefault((seed, design), {}), replace(self.trial, seed=seed)
        jobs: dict[Future[Floats], int] = {
            self._pool.submit(_try, trial, design, r): r for r in replications if r not in known
        }
        for job in as_completed(jobs):
            known[jobs[job]] = job.result()
            self.simulated += 1
            self._progress(*self.stage, f"{self.simulated:,} replications")
        return np.array([known[r] for r in replications])

    def all_known(self, design: Design) -> Floats:
        """What is known of a design from replication 0 on."""
        known = self._known.get((self.trial.seed, design), {})
        n = next((r for r in range(len(known) + 1) if r not in known), 0)
        return np.array([known[r] for r in range(n)])

    def designs(self) -> list[Design]:
        """All designs tried with the search's own seed."""
        return [design for seed, design in self._known if seed == self.trial.seed]


def worst(ratios: Floats) -> Floats:
    """The worst level's ratio in each replication."""
    found: Floats = ratios.max(axis=1)
    return found


def paired(a: Floats, b: Floats, ci: float) -> Interval:
    """b less a over the replications that both have, by a paired t."""
    n = min(len(a), len(b))
    return student(b[:n] - a[:n], ci)
