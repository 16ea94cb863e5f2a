"""An experiment: every cluster in every replication, on all cores, into one run folder."""

import ctypes
import os
import platform
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from typing import Any

import pandas as pd

from sim.engines.jobs import stations_of
from sim.engines.loads import servers_of
from sim.runs.manifest import dump_world, scenario_hash
from sim.runs.period import Period
from sim.runs.store import RunWriter
from sim.runs.unit import Unit, UnitResult, run_unit
from sim.world.estate import build_estate
from sim.world.load import World

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # malloc.h
Progress = Callable[[int, int, str], None]
WARM_UP_DAYS = 14
COOL_DOWN_DAYS = 7


@dataclass(frozen=True)
class Spec:
    """What to simulate, of which scenario."""

    clusters: tuple[str, ...]
    start: date
    end: date  # exclusive
    seed: int
    replications: int = 10
    engine: str = "fast"
    worlds: tuple[str, ...] = ("film", "pacs")
    warm_up_days: int = WARM_UP_DAYS
    cool_down_days: int = COOL_DOWN_DAYS
    processes: int = 0  # 0: one a core

    @property
    def period(self) -> Period:
        """Measured and warm-up days."""
        before, after = timedelta(days=self.warm_up_days), timedelta(days=self.cool_down_days)
        return Period(self.start - before, self.start, self.end, self.end + after)

    def units(self) -> list[Unit]:
        """Largest first would need the sizes; by replication then cluster is good enough."""
        return [Unit(c, r, self.seed, self.engine, self.worlds, self.period)
                for r in range(self.replications) for c in self.clusters]  # fmt: skip


class PlanProblem(ValueError):
    """Dates or clusters that the scenario does not know."""


def check_spec(world: World, spec: Spec) -> None:
    """Refuse what the scenario's plan does not cover."""
    plan, known = world.scenario.plan, world.scenario.clusters_used or list(world.scenario.clusters)
    if not plan.start <= spec.start < spec.end <= plan.end + timedelta(days=1):
        raise PlanProblem(
            f"the dates {spec.start} to {spec.end - timedelta(days=1)} must lie in the scenario's plan, "
            f"{plan.start} to {plan.end}, and be in order: change --from and --to, or [plan] in the scenario"
        )
    for cluster in spec.clusters:
        if cluster not in known:
            raise PlanProblem(f"there is no cluster '{cluster}'; the scenario uses {', '.join(known)}")


def keep_memory() -> None:
    """Let this process keep freed memory for its next window instead of giving it back (glibc; elsewhere: nothing).

    A window's columns are some 100 MB; fetched afresh page by page they cost more time than what is computed in them.
    """
    tune = getattr(ctypes.CDLL(None), "mallopt", None)
    if tune is not None:
        tune(_MMAP_THRESHOLD, 1 << 30)
        tune(_TRIM_THRESHOLD, (1 << 31) - 1)


def _results(world: World, spec: Spec, progress: Progress) -> Iterator[UnitResult]:
    """Units in order of completion; the tables are sorted afterwards, so the order does not matter."""
    units = spec.units()
    workers = min(len(units), spec.processes or os.cpu_count() or 1)
    progress(0, len(units), "simulating")
    if workers == 1:
        for done, unit in enumerate(units, 1):
            yield run_unit(world, unit)
            progress(done, len(units), f"{unit.cluster}, replication {unit.replication}")
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("fork"), initializer=keep_memory) as pool:
        jobs = [pool.submit(run_unit, world, unit) for unit in units]
        for done, job in enumerate(as_completed(jobs), 1):
            result = job.result()
            progress(done, len(units), f"{result.unit.cluster}, replication {result.unit.replication}")
            yield result


def sites_table(world: World, clusters: tuple[str, ...]) -> pd.DataFrame:
    """Who is who: one row a site."""
    trusts = {row.trust: row for row in world.trusts}
    rows = []
    for site in world.sites:
        trust = trusts[site.trust]
        if trust.cluster not in clusters:
            continue
        cluster = world.scenario.clusters[trust.cluster]
        rows.append({
            "site": site.site, "number": site.number, "name": site.name, "trust": trust.trust,
            "trust_name": trust.name, "cluster": trust.cluster, "cluster_name": cluster.name, "lsp": cluster.lsp,
            "supplier": trust.archive, "kind": site.kind, "rural": site.rural, "programme": trust.programme,
            "live": trust.live.isoformat() if trust.live else "", "invented": site.invented,
        })  # fmt: skip
    return pd.DataFrame(rows)


def _entities(world: World, cluster: str, station: str) -> list[str]:
    estate = build_estate(world, cluster)
    sites = [row.site for row in estate.sites]
    if station == "room":
        return [f"{s} {m}" for s in sites for m in world.scenario.modalities]
    if station == "reading":
        return [row.trust for row in estate.trusts]
    return list(estate.archives) if station in ("ingest", "retrieve") else sites


def hourly_table(world: World, spec: Spec, results: list[UnitResult]) -> pd.DataFrame:
    """Hourly use, mean over replications; hours of a long run are pooled by hour of the week and quarter."""
    sums: dict[tuple[str, str, str], Any] = {}
    for r in sorted(results, key=lambda r: (r.unit.cluster, r.unit.replication)):
        for (which, station), (use, *_) in r.loads.items():
            key = (r.unit.cluster, which, station)
            sums[key] = use if key not in sums else sums[key] + use
    _, starts, pooled = spec.period.slots()
    frames = []
    for (cluster, which, station), use in sorted(sums.items()):
        servers = servers_of(stations_of(world, build_estate(world, cluster), spec.period.first))[station]
        entity, slot = (use[0] + use[1]).nonzero()
        names = pd.array(_entities(world, cluster, station), dtype="str")
        frames.append(pd.DataFrame({
            "world": which, "cluster": cluster, "station": station, "entity": names[entity],
            "hour": pd.to_datetime(starts)[slot], "hours_pooled": pooled[slot],
            "arrivals": use[0, entity, slot] / spec.replications,
            "busy_s": use[1, entity, slot] / 1e6 / spec.replications,
            "work_bytes": use[2, entity, slot] / spec.replications, "servers": servers[entity].astype(float),
        }))  # fmt: skip
    return pd.concat(frames, ignore_index=True)


def _sorted(name: str, frames: list[pd.DataFrame]) -> pd.DataFrame:
    keys = ["replication", "world", "cluster"]
    whole = pd.concat(frames, ignore_index=True)
    return whole.sort_values(keys, kind="stable", ignore_index=True)


def machine() -> dict[str, Any]:
    """What the run was made on; in the manifest, never in results."""
    names = ("numpy", "numba", "scipy", "simpy", "pandas", "pyarrow")
    return {
        "python": platform.python_version(), "system": platform.platform(), "cores": os.cpu_count(),
        "versions": {name: version(name) for name in names},
    }  # fmt: skip


def simulate(world: World, spec: Spec, out: Path, progress: Progress = lambda done, total, text: None) -> Path:
    """Run the experiment and write its folder.

    Raises:
        PlanProblem: dates or clusters that the scenario does not cover.
        RunProblem: the folder exists already.
    """
    check_spec(world, spec)
    begun = perf_counter()
    with RunWriter(out) as writer:
        results = list(_results(world, spec, progress))
        tables: dict[str, list[pd.DataFrame]] = {}
        for r in sorted(results, key=lambda r: (r.unit.replication, r.unit.cluster)):
            for name, frames in r.tables.items():
                tables.setdefault(name, []).extend(frames)
        for name, frames in tables.items():
            writer.table(name, _sorted(name, frames))
        writer.table("hourly", hourly_table(world, spec, results))
        writer.table("sites", sites_table(world, spec.clusters))
        return writer.close({
            "kind": "simulation", "title": world.scenario.title, "version": version("filmless"),
            "scenario_file": world.path.name, "scenario_hash": scenario_hash(world), "seed": spec.seed,
            "start": spec.start, "end": spec.end - timedelta(days=1), "clusters": spec.clusters,
            "replications": spec.replications, "worlds": spec.worlds, "engine": spec.engine,
            "warm_up_days": spec.warm_up_days, "cool_down_days": spec.cool_down_days,
            "wall_s": round(perf_counter() - begun, 3), "machine": machine(),
            "scenario": dump_world(world),
        })  # fmt: skip
