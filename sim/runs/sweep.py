"""A sweep is run: each variant is a run folder of its own, so that a killed sweep goes on where it stopped."""

from collections.abc import Callable
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from sim.runs.experiment import simulate
from sim.runs.manifest import scenario_hash
from sim.runs.spec import Spec
from sim.runs.store import Run, RunProblem, RunWriter
from sim.world.sweep import Case, Cases

Progress = Callable[[int, int, str], None]
COLLECTION, VARIANTS = "collection", "variants"


def spec_of(cases: Cases, case: Case) -> Spec:
    """What to simulate of a variant: the same seed, days and replications for all."""
    s, sc = cases.sweep, case.world.scenario
    clusters = tuple(s.clusters or sc.clusters_used or sc.clusters)
    seed = cases.cases[0].world.scenario.seed if s.seed is None else s.seed
    return Spec(clusters, s.first_day, s.last_day + timedelta(days=1), seed, s.replications, worlds=tuple(s.worlds))


def _is_this(run: Run, case: Case, spec: Spec) -> bool:
    m = run.manifest
    mine = (scenario_hash(case.world), spec.seed, str(spec.start), spec.replications, list(spec.clusters),
            list(spec.worlds), version("filmless"))  # fmt: skip
    return mine == (m["scenario_hash"], m["seed"], m["start"], m["replications"], m["clusters"], m["worlds"],
                    m["version"])  # fmt: skip


def run_sweep(cases: Cases, out: Path, progress: Progress = lambda done, total, text: None) -> Path:
    """Simulate every variant that is not there yet, then write the collection; returns the collection's folder.

    Raises:
        RunProblem: a variant's folder was made from something else, or the collection is there already.
        PlanProblem: dates or clusters that a scenario does not cover.
    """
    runs = []
    for number, case in enumerate(cases.cases):
        spec, folder = spec_of(cases, case), out / VARIANTS / case.name
        if not folder.exists():

            def report(done: int, total: int, text: str, number: int = number, name: str = case.name) -> None:
                progress(number * max(total, 1) + done, len(cases.cases) * max(total, 1), f"{name}: {text}")

            simulate(case.world, spec, folder, report)
        elif not _is_this(Run(folder), case, spec):
            raise RunProblem(f"{folder} was made from other values than the sweep's: name another folder with --out, "
                             "or remove it")  # fmt: skip
        runs.append(Run(folder))
    return _collect(cases, runs, out / COLLECTION)


def _collect(cases: Cases, runs: list[Run], out: Path) -> Path:
    """All tables with the variant as first column."""
    names = [case.name for case in cases.cases]
    made = {name: run.results_hash for name, run in zip(names, runs, strict=True)}
    if out.exists() and Run(out).manifest.get("variants") == made:
        return out
    with RunWriter(out) as writer:
        for file in runs[0].manifest["files"]:
            table = file.removesuffix(".parquet")
            parts = [run.table(table) for run in runs]
            for name, part in zip(names, parts, strict=True):
                part.insert(0, "variant", name)
            writer.table(table, pd.concat(parts, ignore_index=True))
        first = runs[0].manifest
        sets = {case.name: {"scenario": case.scenario.name, "set": list(case.sets), "links": case.links,
                            "description": case.description} for case in cases.cases}  # fmt: skip
        return writer.close({
            "kind": "sweep", "title": cases.sweep.title, "version": version("filmless"), "base": cases.base,
            "variants": made, "cases": sets, **{k: first[k] for k in ("seed", "start", "end", "clusters",
            "replications", "worlds", "engine", "warm_up_days", "cool_down_days", "machine")},
        })  # fmt: skip
