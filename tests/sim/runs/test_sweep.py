"""Sweeps: what a file makes, resumed after a stop, one accessor over all variants, differences by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tomli_w

from sim.answers.collection import Collection
from sim.answers.intervals import student
from sim.answers.measures import Measures
from sim.runs import sweep as module
from sim.runs.store import Run, RunProblem
from sim.runs.sweep import run_sweep, spec_of
from sim.world.problems import ScenarioErrors
from sim.world.sweep import Cases, load_sweep, toml_text
from tests.sim.tiny import write_tiny

SCENARIOS = Path(__file__).parents[3] / "scenarios"
MORE: dict[str, Any] = {
    "variants": {
        "plain": {},
        "twin": {"description": "the same again"},
        "thin": {"set": {"archives.*.compress": False, "archives.*.cache.value": 0.0}},
    }
}


def write(folder: Path, **more: Any) -> Path:
    from datetime import date

    write_tiny(folder)
    (folder / "sweeps").mkdir(exist_ok=True)
    path = folder / "sweeps" / "s.toml"
    head = {"title": "t", "description": "d", "scenario": "../tiny.toml", "first_day": date(2007, 3, 5),
            "last_day": date(2007, 3, 5), "replications": 4}  # fmt: skip
    path.write_text(tomli_w.dumps({**head, **more}))
    return path


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Cases, Path]:
    folder = tmp_path_factory.mktemp("sweep")
    cases = load_sweep(write(folder, **MORE))
    run_sweep(cases, folder / "out")
    return cases, folder / "out"


def test_a_variant_against_its_twin_is_exactly_nothing(swept: tuple[Cases, Path]) -> None:
    found = Collection.open(swept[1] / "collection").differences()
    twin = found[found["variant"] == "twin"]
    assert len(twin) > 10
    assert (twin[["difference_s", "low_s", "high_s"]].to_numpy() == 0).all()


def test_a_variant_that_differs_does_so_by_its_values(swept: tuple[Cases, Path]) -> None:
    """Nothing compressed and nothing on site: a study takes longer to be stored, an earlier exam longer to come."""
    found = Collection.open(swept[1] / "collection").differences().set_index(["variant", "measure", "stat", "over"])
    for measure in ("stored_s", "prior_wait_s"):
        assert float(found.loc[("thin", measure, "mean", "exams"), "low_s"]) > 0


def test_differences_are_paired_over_replications(swept: tuple[Cases, Path]) -> None:
    a, b = (Run(swept[1] / "variants" / name).table("moments") for name in ("plain", "thin"))

    def means(rows: pd.DataFrame) -> Any:
        sums = rows[rows["measure"] == "stored_s"].groupby("replication")[["sum_s", "n"]].sum()
        return (sums["sum_s"] / sums["n"]).to_numpy()

    by_hand = student(means(b) - means(a), 0.95)
    found = Collection.open(swept[1] / "collection").differences(["stored_s"])
    row = found[(found["variant"] == "thin") & (found["stat"] == "mean")].iloc[0]
    assert (row["difference_s"], row["low_s"], row["high_s"], row["n"]) == pytest.approx(
        (by_hand.value, by_hand.low, by_hand.high, 4)
    )


@pytest.mark.parametrize(("stat", "over", "by"), [
    ("mean", "exams", ["cluster"]), ("p95", "exams", ["modality"]), ("p95", "day", []),
])  # fmt: skip
def test_a_collection_answers_as_each_of_its_runs(swept: tuple[Cases, Path], stat: Any, over: Any, by: Any) -> None:
    whole = Collection.open(swept[1] / "collection").table("stored_s", stat, over, by, "pacs")
    assert whole.index.names[0] == "variant"
    for name in ("plain", "thin"):
        one = Measures.open(swept[1] / "variants" / name).table("stored_s", stat, over, by, "pacs")
        assert np.array_equal(whole.loc[name, "value"], one["value"] if by else one["value"].iloc[0])


def test_a_stopped_sweep_goes_on(swept: tuple[Cases, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed in its second variant: the first is not made again, and the collection is the same to the bit."""
    cases, made = swept[0], list[str]()
    real = module.simulate

    def stopping(world: Any, spec: Any, out: Path, progress: Any) -> Path:
        if out.name == "twin" and "twin" not in made:
            made.append("twin")
            raise KeyboardInterrupt
        made.append(out.name)
        return real(world, spec, out, progress)

    monkeypatch.setattr(module, "simulate", stopping)
    with pytest.raises(KeyboardInterrupt):
        run_sweep(cases, tmp_path / "out")
    assert not (tmp_path / "out" / "collection").exists()
    collection = run_sweep(cases, tmp_path / "out")
    assert made == ["plain", "twin", "twin", "thin"]
    assert Run(collection).results_hash == Run(swept[1] / "collection").results_hash
    assert run_sweep(cases, tmp_path / "out") == collection  # and once more changes nothing
    assert made == ["plain", "twin", "twin", "thin"]


def test_a_folder_of_other_values_is_not_taken_for_the_sweeps(swept: tuple[Cases, Path], tmp_path: Path) -> None:
    other = load_sweep(write(tmp_path, **{**MORE, "seed": 99}))
    with pytest.raises(RunProblem, match="made from other values"):
        run_sweep(other, swept[1])


def test_grid_and_one_at_a_time(tmp_path: Path) -> None:
    cases = load_sweep(write(
        tmp_path, grid={"network.interactive.value": [0.2, 0.3], "archives.a.cache.value": [0.0, 99.0]},
        one_at_a_time={"film.lost.value": [0.05, 0.1]},
    ))  # fmt: skip
    names = [case.name for case in cases.cases]
    assert names == ["base", "interactive=0.2+cache=0.0", "interactive=0.2+cache=99.0", "interactive=0.3+cache=0.0",
                     "interactive=0.3+cache=99.0", "lost=0.05", "lost=0.1"]  # fmt: skip
    assert cases.base == "base"
    last = cases.cases[4].world.scenario
    cache = last.archives["a"].cache
    assert (last.network.interactive.value, cache.value, cache.high) == (0.3, 99, 99)
    assert len({spec_of(cases, case).seed for case in cases.cases}) == 1


@pytest.mark.parametrize(("more", "key", "words"), [
    ({"variants": {"a": {"set": {"network.lan.value": "fast"}}}}, "network.lan.value", "right type"),
    ({"variants": {"a": {"set": {"netwrk.lan.value": 3.0}}}}, "netwrk", "did you mean 'network'?"),
    ({"variants": {"a": {"scenario": "../no.toml"}}}, "variants.a.scenario", "no such scenario file"),
    ({"variants": {"a": {"scenario": "../../../etc/passwd"}}}, "variants.a.scenario", "no such scenario file"),
    ({"variants": {"a": {}}, "base": "b"}, "base", "no variant 'b'"),
    ({"variants": {"../a": {}}}, "", "variants has '../a': a name begins with a letter"),
    ({"worlds": ["pac"], "variants": {"a": {}}}, "worlds.0", "did you mean 'pacs'?"),
    ({}, "", "nothing varies"),
    ({"grid": {f"k{i}": [1, 2, 3, 4] for i in range(4)}}, "grid", "257 variants"),
])  # fmt: skip
def test_a_mistake_is_told_with_the_sweeps_line(tmp_path: Path, more: Any, key: str, words: str) -> None:
    path = write(tmp_path, **more)
    with pytest.raises(ScenarioErrors) as caught:
        load_sweep(path)
    problem = caught.value.problems[0]
    assert problem.key.startswith(key)
    assert words in str(problem), str(problem)
    assert problem.file == str(path)
    assert problem.line > 0 or not key


@pytest.mark.parametrize("value", [True, 3, 0.5, 'a"b\\c', [1, "x"], {"a": 1.5, "b": [True]}])
def test_values_are_written_as_toml(value: Any) -> None:
    import tomllib

    assert tomllib.loads(f"v = {toml_text(value)}") == {"v": value}


@pytest.mark.parametrize("path", sorted(SCENARIOS.glob("sweeps/*.toml")), ids=lambda p: p.stem)
def test_shipped_sweeps_are_whole(path: Path) -> None:
    cases = load_sweep(path)
    assert len(cases.cases) > 1
    assert cases.base in [case.name for case in cases.cases]
