"""An experiment: every cluster in every replication, on all cores or a Dask cluster, into one run folder."""

import os
import platform
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from math import ceil
from pathlib import Path
from time import perf_counter
from typing import Any

from sim.runs.collect import Collected
from sim.runs.manifest import dump_world, scenario_hash
from sim.runs.parts import Parts, spec_key
from sim.runs.precision import CAP, FIRST, ROUND, STATISTIC, Reached, reached
from sim.runs.sections import TABLES as HISTOGRAMS
from sim.runs.spec import Spec, check_spec, in_order
from sim.runs.station_tables import hourly_table, sites_table, stations_table
from sim.runs.store import Run, RunProblem, RunWriter
from sim.runs.unit import TABLES
from sim.runs.workers import computed
from sim.world.load import World

Progress = Callable[[int, int, str], None]


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
    collected: Collected

    def to(self, aim: int) -> None:
        """Compute what is missing of so many replications."""
        units = in_order(self.world, self.spec, range(aim))
        rest = [unit for unit in units if not self.collected.has(unit)]
        done = len(units) - len(rest)
        for i, result in enumerate(computed(self.world, self.spec, rest) if rest else (), done + 1):
            self.collected.add(result)
            self.parts.keep(self.collected)
            self.progress(i, len(units), f"{result.unit.cluster}, replication {result.unit.replication}")

    def reached(self) -> Reached:
        """How precise it is by now."""
        return reached(self.collected.frame("daily"), self.spec.precision)


def _replicate(going: _Going) -> int:
    """Add replications to those that are there until there are enough; how many there are then.

    Rounds end where they end in a run that begins with none.
    """
    spec, known = going.spec, going.collected.replications
    aim = FIRST + ROUND * max(0, ceil((known - FIRST) / ROUND)) if spec.precision else max(known, spec.replications)
    going.to(aim)
    while spec.precision and aim < CAP and not going.reached().met:
        aim += ROUND
        going.to(aim)
    return aim


def _begin(world: World, spec: Spec, parts: Parts, expand: Run | None) -> Collected:
    """What is there before the first unit: of this run from before it was stopped, or of the run that is expanded."""
    stopped, known = parts.load(), 0 if expand is None else int(expand.manifest["replications"])
    if stopped is None:
        collected = Collected()
        if expand is not None:
            collected.take(expand, world, spec)
        return collected
    if not spec.precision and stopped.replications > max(known, spec.replications):
        raise RunProblem(
            f"{parts.folder} holds {stopped.replications} replications of this run, which was stopped: ask for as many "
            "at least, name another folder with --out, or remove it"
        )
    return stopped


def _check_expands(run: Run, whole: str, spec: Spec) -> None:
    """Refuse to add replications to a run of something else."""
    m = run.manifest
    for name, mine in (("scenario_hash", whole), ("version", version("filmless")), ("seed", spec.seed),
                       ("start", str(spec.start)), ("end", str(spec.end - timedelta(days=1))),
                       ("clusters", list(spec.clusters)), ("worlds", list(spec.worlds)), ("engine", spec.engine),
                       ("keep_exams", False)):  # fmt: skip
        if m.get(name) != mine:
            raise RunProblem(f"{run.folder} cannot be expanded: its {name} is {m.get(name)}, here it is {mine}")


def _write(writer: RunWriter, world: World, spec: Spec, collected: Collected, n: int) -> None:
    """All tables of a run; those that come in parts by threads of their own, for most of writing is not Python."""
    parts = {name: collected.table(name) for name in (*TABLES, "warm_up")}  # read as they are written
    parts |= {name: collected.histograms.table(world, name) for name in HISTOGRAMS}
    with ThreadPoolExecutor(2) as beside:
        jobs = [beside.submit(writer.stream, name, rows) for name, rows in parts.items()]
        writer.table("hourly", hourly_table(world, spec, collected.loads, n))
        writer.table("stations", stations_table(world, spec, collected.loads, n))
        writer.table("sites", sites_table(world, spec.clusters))
        for job in jobs:
            job.result()


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
        collected = _begin(world, spec, parts, expand)
        if spec.keep_exams:
            spec = spec.with_exams(parts.exams())
        going = _Going(world, spec, parts, progress, collected)
        n = _replicate(going)
        found = going.reached() if spec.precision else None
        _write(writer, world, spec, collected, n)
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
