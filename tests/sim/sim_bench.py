"""The simulation's part of `make bench`: both engines on one table, peers on a tandem, England, cluster-years, Dask."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
import psutil
import simpy

from sim.engines.banks import ServerBank
from sim.engines.fast import FastEngine
from sim.engines.jobs import jobs_of, stations_of
from sim.engines.process import run_process
from sim.runs.experiment import simulate
from sim.runs.spec import Spec
from sim.runs.store import Run
from sim.world.estate import build_estate
from sim.world.exams import ExamMaker
from sim.world.load import World, load_world

SCENARIOS = Path(__file__).parents[2] / "scenarios"
FIRST = date(2007, 3, 5)
CUSTOMERS = 20_000
AVERAGE = "east"  # 19.7 % of the exams: 6.6 million a year


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
    print(f"engines, {len(exams):,} exams, median of {repeats} pairs, one core: SimPy {slow:,.0f} exams/s, "
          f"fast {fast:,.0f} exams/s, ratio {median(b / a for a, b in rates):,.0f}")  # fmt: skip


# --- a tandem of two M/M/1 queues, which all can run ------------------------------------------------------------------


def _tandem_fast() -> None:
    rng = np.random.default_rng(1)
    ready, none = np.cumsum(rng.exponential(1.0, CUSTOMERS)), np.zeros(CUSTOMERS, np.int16)
    for _ in range(2):
        start, end = np.full((2, CUSTOMERS), np.nan)
        bank, service = ServerBank(np.array([1])), rng.exponential(0.7, CUSTOMERS)
        bank.serve(none, 0, none, ready, service, np.arange(CUSTOMERS), start, end, np.inf)
        ready = end


def _tandem_simpy() -> None:
    rng, env = np.random.default_rng(1), simpy.Environment()
    servers = [simpy.Resource(env, 1) for _ in range(2)]

    def customer() -> Iterator[simpy.Event]:
        for server in servers:
            with server.request() as turn:
                yield turn
                yield env.timeout(rng.exponential(0.7))

    def arrivals() -> Iterator[simpy.Event]:
        for _ in range(CUSTOMERS):
            yield env.timeout(rng.exponential(1.0))
            env.process(customer())

    env.process(arrivals())
    env.run()


def _tandem_ciw() -> None:
    import ciw

    exponential = ciw.dists.Exponential
    network = ciw.create_network(
        arrival_distributions=[exponential(1.0), None], service_distributions=[exponential(1 / 0.7)] * 2,
        routing=[[0.0, 1.0], [0.0, 0.0]], number_of_servers=[1, 1],
    )  # fmt: skip
    ciw.seed(1)
    ciw.Simulation(network).simulate_until_max_customers(CUSTOMERS)


def _tandem_salabim() -> None:
    import salabim as sim

    sim.yieldless(False)
    env = sim.Environment(trace=False, random_seed=1)
    servers = [sim.Resource(env=env) for _ in range(2)]

    class Customer(sim.Component):  # type: ignore[misc, name-defined]
        def process(self) -> Iterator[object]:
            for server in servers:
                yield self.request(server)
                yield self.hold(sim.Exponential(0.7).sample())
                self.release()

    class Arrivals(sim.Component):  # type: ignore[misc, name-defined]
        def process(self) -> Iterator[object]:
            for _ in range(CUSTOMERS):
                yield self.hold(sim.Exponential(1.0).sample())
                Customer()

    Arrivals()
    env.run()


def peers() -> None:
    """Customers a second through the tandem; peers that are not installed are named (`pip install -e '.[peers]'`)."""
    runs: dict[str, Callable[[], None]] = {
        "ours": _tandem_fast, "SimPy": _tandem_simpy, "Ciw": _tandem_ciw, "salabim": _tandem_salabim,
    }  # fmt: skip
    _tandem_fast()
    rates: dict[str, float] = {}
    for name, run in runs.items():
        begun = perf_counter()
        try:
            run()
        except ImportError:
            print(f"tandem: {name} is not installed (pip install -e '.[peers]')")
            continue
        rates[name] = CUSTOMERS / (perf_counter() - begun)
    print(f"tandem of two M/M/1 queues, {CUSTOMERS:,} customers with their draws, one core: " + ", ".join(
        f"{name} {rate:,.0f}/s (ours is {rates['ours'] / rate:,.0f} times as fast)" if name != "ours"
        else f"ours {rate:,.0f}/s" for name, rate in rates.items()))  # fmt: skip


# --- long runs --------------------------------------------------------------------------------------------------------


@contextmanager
def peak_memory() -> Iterator[list[float]]:
    """Peak of the memory of this process and its children in bytes, shared pages counted once.

    Looked at once a second: to count shared pages five times a second made a run 4 to 10 % longer.
    """
    me, peak, over = psutil.Process(), [0.0], threading.Event()

    def watch() -> None:
        while not over.wait(1.0):
            with suppress(psutil.Error):  # a process ended while it was looked at
                peak[0] = max(peak[0], sum(p.memory_full_info().pss for p in (me, *me.children(recursive=True))))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    yield peak
    over.set()
    thread.join()


def _timed(world: World, spec: Spec, what: str) -> str:
    """Run and tell; the hash of the results."""
    with TemporaryDirectory() as folder, peak_memory() as peak:
        begun = perf_counter()
        run = Run(simulate(world, spec, Path(folder) / "run"))
        wall = perf_counter() - begun
        exams = run.table("flows", ["exams"])["exams"].sum()
    print(f"{what}: {exams / 1e6:,.1f} M exams in {wall:.1f} s wall ({exams / wall / 1e6:.2f} M exams/s), "
          f"peak {peak[0] / 1e9:.2f} GB, {spec.replications} replication(s)", flush=True)  # fmt: skip
    return run.results_hash


def england() -> None:
    """England's three years, every exam, as planned, all cores."""
    world = load_world(SCENARIOS / "england-2004.toml")
    spec = Spec(tuple(world.scenario.clusters), date(2004, 7, 1), date(2007, 7, 1), 1, 1, worlds=("plan",))
    _timed(world, spec, "England, July 2004 to June 2007")


def cluster_years(replications: int = 100) -> None:
    """An average cluster's year, once and a hundred times."""
    world = load_world(SCENARIOS / "england-2004.toml")
    for n in (1, replications):
        spec = Spec((AVERAGE,), date(2005, 4, 1), date(2006, 4, 1), 1, n, worlds=("plan",))
        _timed(world, spec, f"a cluster-year ({AVERAGE})")


def dask(replications: int = 4) -> None:
    """The same work on two Dask workers of this machine and on its own processes: time and hash."""
    from distributed import LocalCluster

    world = load_world(SCENARIOS / "england-2004.toml")
    spec = Spec((AVERAGE,), date(2005, 4, 1), date(2005, 7, 1), 1, replications, worlds=("plan",))
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1") as cluster:
        remote = Spec(**{**spec.__dict__, "dask": cluster.scheduler_address})
        _timed(world, remote, "a quarter on two Dask workers, first time")
        there = _timed(world, remote, "a quarter on two Dask workers")
    here = _timed(world, spec, "the same on this machine's processes")
    print(f"hashes: {'same' if here == there else 'DIFFERENT'}")


def main() -> None:
    """All of it."""
    print(f"load {os.getloadavg()[0]:.1f}")
    for part in (engines, peers, england, cluster_years, dask):
        part()


if __name__ == "__main__":
    main()
