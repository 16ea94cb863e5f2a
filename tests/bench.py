"""`make bench`: speeds as ratios of paired runs on this machine, with the machine stated."""

import os
import platform
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np

from sim.engines.fast import FastEngine
from sim.engines.jobs import jobs_of, stations_of
from sim.engines.process import run_process
from sim.runs.experiment import simulate
from sim.runs.spec import Spec
from sim.world.estate import build_estate
from sim.world.exams import ExamMaker
from sim.world.load import load_world
from tests import rehearsal
from tests.loadtest.play import play_bench
from tests.loadtest.wire import wire_bench

SCENARIOS = Path(__file__).parent.parent / "scenarios"
FIRST = date(2007, 3, 5)


def engines(repeats: int = 3) -> None:
    """Both engines on one table, in turn, one core."""
    world = load_world(SCENARIOS / "smoke.toml")
    estate = build_estate(world, "london")
    exams = ExamMaker(world, estate, 1, 0, FIRST).days(FIRST, FIRST + timedelta(days=28))
    jobs, stations = jobs_of(world, estate, exams, "pacs"), stations_of(world, estate, FIRST)
    FastEngine(stations).window(exams, jobs, np.inf)  # compiled before the clock starts
    rates: list[tuple[float, float]] = []
    for _ in range(repeats):
        begun = perf_counter()
        run_process(exams, jobs, stations)
        slow = len(exams) / (perf_counter() - begun)
        begun = perf_counter()
        FastEngine(stations).window(exams, jobs, np.inf)
        rates.append((slow, len(exams) / (perf_counter() - begun)))
    slow, fast = median(r[0] for r in rates), median(r[1] for r in rates)
    print(f"engines, {len(exams):,} exams, median of {repeats} pairs: SimPy {slow:,.0f} exams/s, "
          f"fast {fast:,.0f} exams/s, ratio {median(b / a for a, b in rates):,.0f}")  # fmt: skip


def england() -> None:
    """England's year with draws and tallies, as planned, all cores."""
    world = load_world(SCENARIOS / "england-2004.toml")
    spec = Spec(tuple(world.scenario.clusters), date(2005, 4, 1), date(2006, 4, 1), 1, 1, worlds=("plan",))
    with TemporaryDirectory() as folder:
        begun = perf_counter()
        simulate(world, spec, Path(folder) / "year")
        print(f"England 2005/06, 33.0 M exams, one replication: {perf_counter() - begun:.1f} s wall")


def main() -> None:
    """All of it."""
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()}")
    engines()
    england()
    print(wire_bench.measure())
    play_bench.main()
    rehearsal.main(["--minutes", "10"])  # the machine's own England, last: it takes twenty minutes and more


if __name__ == "__main__":
    main()
