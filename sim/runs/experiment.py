"""An experiment: every cluster in every replication, on all cores or a Dask cluster, into one run folder."""

import os
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Any

import pandas as pd

from sim.runs.collect import Collected, hourly_table, sites_table, stations_table
from sim.runs.manifest import dump_world, scenario_hash
from sim.runs.parts import Parts, spec_key
from sim.runs.precision import CAP, FIRST, ROUND, STATISTIC, reached
from sim.runs.spec import Spec, check_spec, in_order
from sim.runs.store import Run, RunProblem, RunWriter
from sim.runs.unit import Unit, UnitResult
from sim.runs.workers import computed
from sim.world.load import World

Progress = Callable[[int, int, str], None]
SAVE_AFTER_S = 10.0  # a run killed earlier has lost no more than that


def machine() -> dict[str, Any]:
    """What the run was made on; in the manifest, never in results."""
    names = ("numpy", "numba", "scipy", "simpy", "pandas", "pyarrow")
    return {
        "python": platform.python_version(), "system": platform.platform(), "cores": os.cpu_count(),
        "versions": {name: version(name) for name in names},
    }  # fmt: skip


@dataclass
class _Going:
    """A run under way."""

    world: World
    spec: Spec
    parts: Parts
    progress: Progress
    begun: float
    done: int = 0

    def results(self, units: list[Unit], total: int) -> Iterator[UnitResult]:
        """Of the units: those known from before a kill, then the others as they are computed."""
        known = [result for unit in units if (result := self.parts.load(unit))]
        names = {(r.unit.cluster, r.unit.replication) for r in known}
        rest = [unit for unit in units if (unit.cluster, unit.replication) not in names]
        for result in known:
            yield self._tell(result, total)
        for result in computed(self.world, self.spec, rest) if rest else ():
            if perf_counter() - self.begun > SAVE_AFTER_S or self.spec.keep_exams:
                self.parts.save(result)
            yield self._tell(result, total)

    def _tell(self, result: UnitResult, total: int) -> UnitResult:
        self.done += 1
        self.progress(self.done, total, f"{result.unit.cluster}, replication {result.unit.replication}")
        return result


def _replicate(going: _Going, collected: Collected, n: int) -> int:
    """Add to n replications until there are enough; how many there are then."""
    spec, each = going.spec, len(going.spec.clusters)
    aim = max(n, FIRST) if spec.precision else spec.replications
    while n < aim:
        units = in_order(going.world, spec, range(n, aim))
        for result in going.results(units, aim * each):
            collected.add(result)
        n = aim
        if spec.precision and n < CAP and not reached(pd.concat(collected.tables["daily"]), spec.precision).met:
            aim = n + ROUND
    return n


def _check_expands(run: Run, whole: str, spec: Spec) -> None:
    """Refuse to add replications to a run of something else."""
    m = run.manifest
    for name, mine in (("scenario_hash", whole), ("version", version("filmless")), ("seed", spec.seed),
                       ("start", str(spec.start)), ("end", str(spec.end - timedelta(days=1))),
                       ("clusters", list(spec.clusters)), ("worlds", list(spec.worlds)), ("engine", spec.engine),
                       ("keep_exams", False)):  # fmt: skip
        if m.get(name) != mine:
            raise RunProblem(f"{run.folder} cannot be expanded: its {name} is {m.get(name)}, here it is {mine}")


def simulate(world: World, spec: Spec, out: Path, progress: Progress = lambda done, total, text: None,
             expand: Run | None = None) -> Path:  # fmt: skip
    """Run the experiment and write its folder.

    A run of this name that was killed goes on where it was. `expand`: take over the replications of this run.

    Raises:
        PlanProblem: dates or clusters that the scenario does not cover, or no Dask scheduler.
        RunProblem: the folder exists already, units of another run of this name are left, or `expand` is another run.
    """
    check_spec(world, spec)
    begun, whole = perf_counter(), scenario_hash(world)
    if expand is not None:
        _check_expands(expand, whole, spec)
    progress(0, max(FIRST, spec.replications) * len(spec.clusters), "simulating")
    with RunWriter(out) as writer, Parts(out, spec_key(whole, spec)) as parts:
        collected = Collected()
        if spec.keep_exams:
            spec = spec.with_exams(parts.exams())
        known = 0 if expand is None else collected.take(expand, world, spec)
        n = _replicate(_Going(world, spec, parts, progress, begun), collected, known)
        found = reached(pd.concat(collected.tables["daily"]), spec.precision) if spec.precision else None
        for name in list(collected.tables):
            writer.table(name, collected.whole(name))
        writer.table("hourly", hourly_table(world, spec, collected.loads, n))
        writer.table("stations", stations_table(world, spec, collected.loads, n))
        writer.table("sites", sites_table(world, spec.clusters))
        if spec.keep_exams:
            writer.take(parts.exams())
        precision = found and {
            "statistic": STATISTIC, "asked": spec.precision, "reached": round(found.half_width, 6), "met": found.met,
        }  # fmt: skip
        return writer.close({
            "kind": "simulation", "title": world.scenario.title, "version": version("filmless"),
            "scenario_file": world.path.name, "scenario_hash": whole, "seed": spec.seed,
            "start": spec.start, "end": spec.end - timedelta(days=1), "clusters": spec.clusters,
            "replications": n, "worlds": spec.worlds, "engine": spec.engine,
            "warm_up_days": spec.warm_up_days, "cool_down_days": spec.cool_down_days,
            "keep_exams": spec.keep_exams, "precision": precision,
            "wall_s": round(perf_counter() - begun, 3), "machine": machine(),
            "scenario": dump_world(world),
        })  # fmt: skip
