"""The same names give the same hashes: whatever the processes, the order, or the engine's windows."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from sim.runs.experiment import simulate
from sim.runs.manifest import dump_world, scenario_hash, world_of
from sim.runs.period import Period
from sim.runs.spec import PlanProblem, Spec
from sim.runs.store import Run
from sim.world.load import World

SPEC = Spec(("west",), date(2006, 3, 13), date(2006, 3, 15), seed=7, replications=3, warm_up_days=7, cool_down_days=2)


@pytest.fixture(scope="module")
def run(world: World, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run(simulate(world, SPEC, tmp_path_factory.mktemp("runs") / "a"))


def test_one_process_gives_the_same_hash_as_two(world: World, run: Run, tmp_path: Path) -> None:
    again = Run(simulate(world, replace(SPEC, processes=1), tmp_path / "b"))
    assert again.results_hash == run.results_hash


def test_the_engines_windows_do_not_matter(
    world: World, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sim.runs.unit.WINDOW_EXAMS", 1)
    again = Run(simulate(world, replace(SPEC, processes=1), tmp_path / "w"))
    assert again.results_hash == run.results_hash


def test_a_manifest_makes_its_scenario_again(world: World, run: Run) -> None:
    again = world_of(run.manifest["scenario"], Path("tiny.toml"))
    assert dump_world(again) == dump_world(world)
    assert scenario_hash(again) == run.manifest["scenario_hash"]


def test_both_engines_tally_the_same(world: World, run: Run, tmp_path: Path) -> None:
    other = Run(simulate(world, replace(SPEC, engine="simpy"), tmp_path / "c"))
    for name in ("histograms", "flows", "storage", "daily"):
        assert other.table(name).equals(run.table(name)), name
    assert np.allclose(other.table("moments")["sum_s"], run.table("moments")["sum_s"], atol=1e-3)


def test_nothing_of_clock_or_machine_is_in_the_tables(run: Run) -> None:
    for name in run.manifest["files"]:
        columns = set(run.table(name.removesuffix(".parquet")).columns)
        assert not columns & {"wall_s", "machine", "host", "created"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"start": date(2004, 6, 30)}, "2004-07-01 to 2014-12-31"),
        ({"end": date(2015, 2, 1)}, "2004-07-01 to 2014-12-31"),
        ({"end": date(2006, 3, 13)}, "in order"),
        ({"clusters": ("north",)}, "uses west"),
    ],
)
def test_outside_the_plan(world: World, tmp_path: Path, change: dict[str, object], words: str) -> None:
    with pytest.raises(PlanProblem, match=words):
        simulate(world, replace(SPEC, **change), tmp_path / "d")  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_hours_are_kept_one_by_one_or_pooled_by_quarter() -> None:
    short = Period(date(2006, 1, 1), date(2006, 1, 2), date(2006, 1, 9), date(2006, 1, 9))
    slot, starts, pooled = short.slots()
    assert len(starts) == len(slot) == 168
    assert set(pooled) == {1}
    year = Period(date(2006, 1, 2), date(2006, 1, 2), date(2007, 1, 1), date(2007, 1, 1))
    slot, starts, pooled = year.slots()
    assert len(starts) == 4 * 168
    assert pooled.sum() == len(slot) == 364 * 24
