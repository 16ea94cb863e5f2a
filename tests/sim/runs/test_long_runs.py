"""Long runs: killed and resumed, expanded, until precise enough, on a Dask cluster that loses a worker, every exam."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from distributed import LocalCluster

from sim.runs import experiment, precision
from sim.runs.collect import Collected
from sim.runs.experiment import simulate
from sim.runs.manifest import scenario_hash
from sim.runs.parts import Parts, spec_key
from sim.runs.sections import Histograms
from sim.runs.spec import PlanProblem, Spec, in_order
from sim.runs.store import Run, RunProblem, leftovers
from sim.runs.workers import work
from sim.world.load import World, load_world

SPEC = Spec(("west",), date(2006, 3, 13), date(2006, 3, 15), seed=7, replications=12, warm_up_days=7, cool_down_days=2)


@pytest.fixture(scope="module")
def run(world: World, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run(simulate(world, SPEC, tmp_path_factory.mktemp("runs") / "a"))


class Killed(Exception):
    pass


@pytest.fixture
def stopped(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run's name, where three of its units are kept, since it was stopped then."""
    monkeypatch.setattr("sim.runs.parts.SAVE_AFTER_S", 0.0)
    monkeypatch.setattr("sim.runs.parts.SAVE_SHARE", 0.0)

    def stop(done: int, total: int, text: str) -> None:
        if done == 3:
            raise Killed

    with pytest.raises(Killed):
        simulate(world, replace(SPEC, processes=1), tmp_path / "b", stop)
    return tmp_path / "b"


def test_a_run_that_was_stopped_goes_on_where_it_was(
    world: World, run: Run, stopped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[int] = []
    assert [p.name for p in leftovers(stopped.parent)] == [".units-b"]
    monkeypatch.setattr("sim.runs.workers.work", lambda w, unit: begun.append(unit.replication) or work(w, unit))
    again = Run(simulate(world, replace(SPEC, processes=1), stopped))
    assert begun == list(range(3, 12))
    assert again.results_hash == run.results_hash
    assert leftovers(stopped.parent) == []


def test_a_run_killed_before_its_sums_were_written_begins_anew(world: World, run: Run, stopped: Path) -> None:
    (stopped.parent / ".units-b" / "sums.npz").unlink()
    assert Run(simulate(world, SPEC, stopped)).results_hash == run.results_hash


def test_fewer_replications_than_a_stopped_run_has_are_refused(world: World, stopped: Path) -> None:
    with pytest.raises(RunProblem, match=r"\.units-b holds 3 replications of this run.*ask for as many at least"):
        simulate(world, replace(SPEC, replications=2), stopped)


def test_units_of_another_run_are_not_taken(world: World, tmp_path: Path) -> None:
    with Parts(tmp_path / "b", spec_key(scenario_hash(world), SPEC)) as parts:
        parts.exams()
        with pytest.raises(RunProblem, match=r"\.units-b holds units of another run of this name that was stopped"):
            simulate(world, replace(SPEC, seed=8), tmp_path / "b")


def test_histograms_weigh_the_same_however_many_replications_there_are(world: World) -> None:
    collected, held = Collected(), []
    for replication in range(30):
        collected.add(work(world, SPEC.unit("west", replication)))
        held.append(sum(counts.nbytes for counts in collected.histograms.held.values()))
    assert held[9] == held[29] > 0
    exams = sum(table["exams"].to_numpy().sum() for table in collected.table("flows"))
    counted = sum(counts[:, 0].sum() for key, counts in collected.histograms.held.items() if key[0] == "histograms")
    assert counted == exams  # everybody waited for a room, if for 0 s
    assert sum(len(data) for tables in collected.rows.values() for data in tables.values()) < 30 * 100_000


def test_counts_that_4_bytes_cannot_hold_are_kept_whole() -> None:
    histograms, much = Histograms(), np.full((1, 7, 2000), 2**30, np.int32)
    for replication in (0, 10, 20):
        histograms.add("west", replication, {("histograms", "film"): much})
    assert (histograms.held["histograms", 0, "film", "west"] == 3 * 2**30).all()


def test_expanded_is_the_same_as_made_at_once(world: World, run: Run, tmp_path: Path) -> None:
    few = Run(simulate(world, replace(SPEC, replications=11), tmp_path / "few"))  # one section holds two
    more = Run(simulate(world, SPEC, tmp_path / "more", expand=few))
    assert more.manifest["files"] == run.manifest["files"]
    with pytest.raises(RunProblem, match="cannot be expanded: its seed is 7, here it is 8"):
        simulate(world, replace(SPEC, seed=8), tmp_path / "other", expand=few)


def test_a_run_of_pooled_hours_is_expanded_too(world: World, tmp_path: Path) -> None:
    """From a Tuesday: slots are numbered from Monday on, so the first hours of the slots do not rise."""
    spec = replace(SPEC, start=date(2006, 3, 14), end=date(2006, 6, 26), replications=2)
    few = Run(simulate(world, replace(spec, replications=1), tmp_path / "few"))
    assert few.table("hourly")["hours_pooled"].max() > 1
    more = Run(simulate(world, spec, tmp_path / "more", expand=few))
    assert more.manifest["files"] == Run(simulate(world, spec, tmp_path / "whole")).manifest["files"]


def test_precision_adds_replications_until_it_stays(
    world: World, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "FIRST", 3)
    monkeypatch.setattr(experiment, "FIRST", 3)
    monkeypatch.setattr(precision, "STAYS", 2)
    monkeypatch.setattr(experiment, "ROUND", 2)
    monkeypatch.setattr(experiment, "CAP", 9)
    daily = run.table("daily")
    widths = precision.half_widths(daily)
    mine = daily[(daily["measure"] == "exam_to_report_s") & (daily["replication"] < 6)]
    mean = mine.groupby(["world", "replication"])["p95_s"].mean().unstack()
    half = 2.5705818366 * mean.std(axis=1, ddof=1) / 6**0.5  # Student's t with 5 degrees of freedom
    assert widths[5] == pytest.approx(float((half / mean.mean(axis=1)).max()))
    found = Run(simulate(world, replace(SPEC, precision=10.0), tmp_path / "p")).manifest
    assert (found["replications"], found["precision"]["met"]) == (5, True)  # 3, and for 2 more
    four = Run(simulate(world, replace(SPEC, replications=4), tmp_path / "four"))  # not where a round ends
    expanded = simulate(world, replace(SPEC, precision=10.0), tmp_path / "e", expand=four)
    assert Run(expanded).manifest["files"] == found["files"]
    capped = Run(simulate(world, replace(SPEC, precision=1e-9), tmp_path / "q")).manifest
    assert (capped["replications"], capped["precision"]["met"]) == (9, False)


def test_every_exam_is_kept_on_request(world: World, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = replace(SPEC, replications=2, keep_exams=True)
    kept = Run(simulate(world, spec, tmp_path / "k"))
    exams = pd.read_parquet(kept.folder / "exams")
    flows = kept.table("flows")
    assert len(exams) == flows["exams"].sum()
    assert set(exams["cluster"]) == {"west"}
    assert set(exams["month"]) == {"2006-03"}
    pacs = pd.read_parquet(kept.folder / "exams" / "cluster=west" / "month=2006-03" / "pacs-0.parquet")
    moments = kept.table("moments").query("world == 'pacs' and replication == 0 and measure == 'turnaround_s'")
    assert pacs["reported_s"].sum() == pytest.approx(moments["sum_s"].sum(), abs=1e-3)
    assert (np.diff(pacs["exam"]) > 0).all()
    monkeypatch.setattr("sim.runs.unit.WINDOW_EXAMS", 1)
    again = Run(simulate(world, replace(spec, processes=1), tmp_path / "w"))
    assert again.manifest["files"] == kept.manifest["files"]


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1") as found:
        yield found


def test_dask_gives_the_same_hash_and_a_killed_worker_costs_no_result(
    world: World, run: Run, cluster: LocalCluster, tmp_path: Path
) -> None:
    workers = [w.process.pid for w in cluster.workers.values()]

    def kill(done: int, total: int, text: str) -> None:
        if done == 2 and workers:
            os.kill(workers.pop(), signal.SIGKILL)

    again = Run(simulate(world, replace(SPEC, dask=cluster.scheduler_address), tmp_path / "d", kill))
    assert len(workers) == 1
    assert again.results_hash == run.results_hash


def test_no_scheduler_is_told(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.runs.workers.WAIT_S", 0.2)
    with pytest.raises(PlanProblem, match=r"--dask tcp://127\.0\.0\.1:9: no scheduler answers there"):
        simulate(world, replace(SPEC, dask="tcp://127.0.0.1:9"), tmp_path / "n")


def test_a_killed_process_leaves_no_run(world: World, tmp_path: Path) -> None:
    """By force: the command is killed while it runs, and the same command then gives the whole run."""
    smoke = Path(__file__).parents[3] / "scenarios" / "smoke.toml"
    start = "from filmless.cli import main; main()"
    command = [sys.executable, "-c", start, "simulate", str(smoke), "--from", "2006-05-01", "--to", "2006-05-05",
               "--replications", "4", "--out", str(tmp_path / "r")]  # fmt: skip
    first = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)
    while not list(tmp_path.glob(".part-*")):  # until it has begun to write
        assert first.poll() is None
        time.sleep(0.01)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    assert not (tmp_path / "r").exists()
    assert leftovers(tmp_path)
    assert subprocess.run(command, capture_output=True, timeout=120).returncode == 0
    assert Run(tmp_path / "r").manifest["replications"] == 4


def test_units_begin_so_that_two_workers_end_together() -> None:
    """England: South and North West and West Midlands are half of it; the other three are the other half."""
    world = load_world(Path(__file__).parents[3] / "scenarios" / "england-2004.toml")
    spec = replace(SPEC, clusters=tuple(world.scenario.clusters))
    share = {c: world.scenario.clusters[c].exams_share.value for c in spec.clusters}
    free = [0.0, 0.0]
    for unit in in_order(world, spec, range(1)):
        at = int(np.argmin(free))
        free[at] += share[unit.cluster]
    assert max(free) <= 0.51
