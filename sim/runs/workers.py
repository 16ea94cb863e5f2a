"""Where units are computed: in this process, in processes of this machine, or on a Dask cluster."""

import ctypes
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context

from sim.runs.packed import pack
from sim.runs.spec import PlanProblem, Spec
from sim.runs.unit import Unit, UnitResult, run_unit
from sim.runs.warm_up import Witness, couplings, watched
from sim.world.load import World

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # malloc.h
WAIT_S = 10  # for a Dask scheduler to answer
TRIES = 4  # of a unit whose worker died
_inherited: list[World] = []  # of a process that was forked: its parent's


def keep_memory() -> None:
    """Let this process keep freed memory for its next window instead of giving it back (glibc; elsewhere: nothing).

    A window's columns are some 100 MB; fetched afresh page by page they cost more time than what is computed in them.
    """
    tune = getattr(ctypes.CDLL(None), "mallopt", None)
    if tune is not None:
        tune(_MMAP_THRESHOLD, 1 << 30)
        tune(_TRIM_THRESHOLD, (1 << 31) - 1)


def work(world: World, unit: Unit) -> UnitResult:
    """A unit; the first of a cluster proves its warm-up too."""
    if unit.replication:
        return run_unit(world, unit)
    witness = Witness(unit.period, unit.worlds)
    result = run_unit(world, unit, witness.see)
    if unit.engine != "fast":
        witness = watched(world, unit, unit.period.first)
    result.tables["warm_up"] = pack(couplings(world, unit, witness))
    return result


def computed(world: World, spec: Spec, units: list[Unit]) -> Iterator[UnitResult]:
    """Results in order of completion; who reads them sorts them, so the order does not matter.

    Raises:
        PlanProblem: the Dask scheduler does not answer.
    """
    if spec.dask:
        return _dask(world, spec.dask, units)
    workers = min(len(units), spec.processes or os.cpu_count() or 1)
    return _processes(world, units, workers) if workers > 1 else (work(world, unit) for unit in units)


def _begin(world: World) -> None:
    """In a new process, which has the world already: units need not bring a copy each."""
    keep_memory()
    _inherited.append(world)


def _work(unit: Unit) -> UnitResult:
    return work(_inherited[-1], unit)


def _processes(world: World, units: list[Unit], workers: int) -> Iterator[UnitResult]:
    with ProcessPoolExecutor(workers, get_context("fork"), _begin, (world,)) as pool:
        jobs = [pool.submit(_work, unit) for unit in units]
        try:
            for job in as_completed(jobs):
                jobs.remove(job)  # and with it its tables
                yield job.result()
        finally:  # whoever stops reading does not wait for what nobody will read
            for job in jobs:
                job.cancel()


def _dask(world: World, address: str, units: list[Unit]) -> Iterator[UnitResult]:
    """On the workers of a scheduler that somebody else started; a unit whose worker died goes to another one."""
    from distributed import Client
    from distributed import as_completed as completed

    try:
        client = Client(address, timeout=WAIT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise PlanProblem(
            f"--dask {address}: no scheduler answers there ({error}): start one with `dask scheduler`, and workers "
            "with `dask worker ADDRESS`, in this same version of filmless"
        ) from None
    with client:
        everywhere = client.scatter(world, broadcast=True, hash=False)
        jobs = client.map(lambda unit, w: work(w, unit), units, w=everywhere, retries=TRIES, pure=False)
        for job in completed(jobs, loop=client.loop):
            yield job.result()
            job.release()
