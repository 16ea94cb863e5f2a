"""The unit of work: one cluster in one replication, in each world asked for; it depends on its names alone."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.engines.fast import FastEngine
from sim.engines.jobs import Jobs, Stations, jobs_of, stations_of
from sim.engines.loads import loads_of, servers_of
from sim.engines.process import run_process
from sim.engines.times import Times
from sim.runs.keep import Keeper
from sim.runs.packed import pack
from sim.runs.period import Period
from sim.runs.records import Tally
from sim.world.estate import Estate, build_estate
from sim.world.exams import ExamMaker, Exams
from sim.world.load import World

WINDOW_EXAMS = 560_000  # more take more memory; with fewer, those that are carried on take more time
BREAKDOWN_DAYS = 30  # after the last arrival, while work is left
TABLES = ("moments", "hours", "daily", "flows", "storage")  # by replication
Portion = tuple[str, Exams, Jobs, Times, NDArray[np.int64]]  # world, exams in hand, and the rows of those done


@dataclass(frozen=True)
class Unit:
    """What to simulate."""

    cluster: str
    replication: int
    seed: int
    engine: str
    worlds: tuple[str, ...]
    period: Period
    exams_folder: str = ""  # keep each exam's timeline there; "": do not


@dataclass
class UnitResult:
    """What is added up to a run's tables."""

    unit: Unit
    tables: dict[str, bytes] = field(default_factory=dict)  # of this replication, packed
    histograms: dict[tuple[str, str], NDArray[np.int32]] = field(default_factory=dict)  # by table and world
    loads: dict[tuple[str, str], tuple[NDArray[np.int64], ...]] = field(default_factory=dict)  # by world and station


def _windows(first: date, last: date, exams_a_day: float) -> list[tuple[date, date]]:
    days = max(1, int(WINDOW_EXAMS / max(exams_a_day, 1.0)))
    starts = [first + timedelta(days=d) for d in range(0, (last - first).days, days)]
    return list(zip(starts, [*starts[1:], last], strict=True))


def _stations(world: World, estate: Estate, unit: Unit) -> Stations:
    """With the breakdowns of the unit's seed and replication, until a month after the last arrival."""
    last = unit.period.last + timedelta(days=BREAKDOWN_DAYS)
    return stations_of(world, estate, unit.period.first, last, unit.seed, unit.replication)


def _fast(world: World, estate: Estate, unit: Unit, maker: ExamMaker, begin: date) -> Iterator[Portion]:
    """All worlds side by side, window by window, so that exams are drawn once; those open in any world are kept."""
    stations = _stations(world, estate, unit)
    engines = {which: FastEngine(stations) for which in unit.worlds}
    kept: Exams | None = None
    for start, stop in _windows(begin, unit.period.last, maker.a_day(begin)):
        exams = maker.after(kept, start, stop)
        horizon = np.inf if stop == unit.period.last else (stop - unit.period.first).days * 86_400.0
        for which, engine in engines.items():
            jobs = jobs_of(world, estate, exams, which)
            yield (which, exams, jobs, *engine.window(exams, jobs, horizon))
        open_ = np.flatnonzero(np.logical_or.reduce([engine.open for engine in engines.values()]))
        for engine in engines.values():
            engine.keep(open_)
        kept = exams.take(open_)
        del exams, jobs  # see `run_unit`


def _process(world: World, estate: Estate, unit: Unit, maker: ExamMaker, begin: date) -> Iterator[Portion]:
    exams = maker.days(begin, unit.period.last)
    stations = _stations(world, estate, unit)
    for which in unit.worlds:
        jobs = jobs_of(world, estate, exams, which)
        yield which, exams, jobs, run_process(exams, jobs, stations), np.arange(len(exams))


def finished_exams(world: World, unit: Unit, begin: date | None = None) -> Iterator[Portion]:
    """Exams from the day `begin` (default: the period's first) on, with their jobs and times, portion by portion.

    Each exam is among the done of one portion.
    """
    estate = build_estate(world, unit.cluster)
    maker = ExamMaker(world, estate, unit.seed, unit.replication, unit.period.first)
    run = _process if unit.engine == "simpy" else _fast
    return run(world, estate, unit, maker, begin or unit.period.first)


def _keepers(world: World, estate: Estate, unit: Unit) -> dict[str, Keeper]:
    if not unit.exams_folder:
        return {}
    folder = Path(unit.exams_folder)
    return {w: Keeper(world, estate, unit.period, folder, f"{w}-{unit.replication}") for w in unit.worlds}


def run_unit(world: World, unit: Unit, watch: Callable[[Portion], None] = lambda portion: None) -> UnitResult:
    """Simulate and tally one unit; `watch` sees each portion."""
    estate, period = build_estate(world, unit.cluster), unit.period
    tallies = {which: Tally(world, estate, period, which) for which in unit.worlds}
    servers = servers_of(stations_of(world, estate, period.first))
    keepers = _keepers(world, estate, unit)
    for portion in finished_exams(world, unit):
        watch(portion)
        which, exams, jobs, times, done = portion
        tallies[which].add(exams, jobs, times, done)
        if keepers:
            keepers[which].add(exams, jobs, times, done, exams.day[np.isnan(times.reported) | np.isnan(times.viewed)])
        for load in loads_of(exams, jobs, times, done):
            tallies[which].add_load(load, servers[load.station])
        del portion, exams, jobs, times, done, load  # so that the next window takes memory that is still at hand
    for keeper in keepers.values():
        keeper.close()
    result = UnitResult(unit, {name: _packed(name, tallies, unit.replication) for name in TABLES})
    for which, tally in tallies.items():
        result.histograms.update({(name, which): counts for name, counts in tally.histograms().items()})
        result.loads.update({(which, station): use for station, use in tally.loads().items()})
    return result


def _packed(name: str, tallies: dict[str, Tally], replication: int) -> bytes:
    return pack(pd.concat([getattr(tally, name)(replication) for tally in tallies.values()], ignore_index=True))
