"""The simulated run as the report reads it: the same numbers as the accessor, paired differences, clean names."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from filmless.report.assumption_log import log
from filmless.report.assumptions import statuses
from filmless.report.simulated import KeptRun, Simulated
from filmless.report.storage import summed, yearly_bytes
from filmless.report.words import change, clean, duration, period, ranged
from sim.answers.measures import Measures
from sim.runs.store import Run, RunProblem, RunWriter
from sim.world.quantity import ASSUMPTIONS
from tests.filmless.report.conftest import Runs


@pytest.fixture(scope="module")
def sim(runs: Runs) -> Simulated:
    return Simulated(runs.simulated)


def test_the_kept_run_holds_what_the_run_holds(runs: Runs):
    kept, plain = KeptRun(runs.simulated).table("moments"), Run(runs.simulated).table("moments")
    for column in plain.columns:
        assert (kept[column].astype(str) == plain[column].astype(str)).all()


def test_one_accessor_gives_the_same_numbers(runs: Runs, sim: Simulated):
    ours = sim.table("exam_to_report_s", "p95", ["cluster", "world"]).set_index(["cluster", "world"])
    theirs = Measures.open(runs.simulated).table("exam_to_report_s", "p95", by=["cluster", "world"])
    for r in theirs.itertuples():
        assert ours.loc[(r.cluster, r.world), ["value", "low", "high"]].tolist() == [r.value, r.low, r.high]


def test_clusters_come_in_the_scenarios_order(sim: Simulated):
    found = sim.table("time_to_image_s", "p50", ["cluster"], "pacs")["cluster"]
    assert list(found) == list(sim.world.scenario.clusters)


@pytest.mark.parametrize("stat", ["p50", "p95"])
def test_a_difference_is_that_of_the_two_percentiles(sim: Simulated, stat):
    found = sim.difference("exam_to_report_s", stat, cluster="london")
    both = sim.table("exam_to_report_s", stat, ["cluster", "world"]).set_index(["cluster", "world"])["value"]
    assert found.value == pytest.approx(both["london", "film"] - both["london", "pacs"])
    assert found.low <= found.value <= found.high


def test_the_mean_difference_is_paired(sim: Simulated):
    found = sim.difference("exam_to_report_s", "mean", cluster="london")
    means = sim.table("exam_to_report_s", "mean", ["cluster", "world"]).set_index(["cluster", "world"])
    a, b = means.loc[("london", "film")], means.loc[("london", "pacs")]
    assert found.value == pytest.approx(a["value"] - b["value"], rel=1e-3)
    assert found.high - found.low < (a["high"] - a["low"]) + (b["high"] - b["low"])


def test_curves_rise_to_one(sim: Simulated):
    curve = sim.curve("time_to_image_s", world="pacs", cluster="south")
    assert (np.diff(curve.share) >= 0).all()
    assert curve.share[-1] == pytest.approx(1)
    assert len(curve.share) <= 200
    median = float(np.interp(0.5, curve.share, curve.seconds))
    assert median == pytest.approx(sim.table("time_to_image_s", "p50", ["cluster"], "pacs")["value"][0], rel=0.1)


def test_bytes_of_modalities_add_up_to_clusters(sim: Simulated):
    parts, whole = summed(sim, ["cluster", "tier", "modality"]), summed(sim, ["cluster", "tier"])
    added = parts.groupby(["cluster", "tier"])["value"].sum()
    for r in whole.itertuples():
        assert added[r.cluster, r.tier] == pytest.approx(r.value)
    assert set(yearly_bytes(sim)["tier"]) == {"site", "central"}


def test_every_assumption_is_listed_with_its_range(sim: Simulated):
    table, counts = log(sim, None), statuses(sim)
    table = table[~table["note"].str.startswith("table ")]
    in_scenario = counts[(counts["where"] == "scenario") & counts["status"].isin(ASSUMPTIONS)]["figures"].sum()
    assert len(table) == in_scenario > 100
    plain = table[table["value"] != "stated as a whole in the scenario"]
    assert plain["low"].notna().mean() > 0.9
    assert "prices.sheet" in set(table["id"])
    assert counts[counts["where"] == "table sites"]["figures"].sum() == len(sim.world.sites)


def _copy(run: Path, to: Path, **changes: object) -> Path:
    shutil.copytree(run, to)
    manifest = json.loads((to / "manifest.json").read_text())
    (to / "manifest.json").write_text(json.dumps({**manifest, **changes}))
    return to


def test_a_table_that_was_changed_is_refused(runs: Runs, tmp_path: Path):
    folder = _copy(runs.simulated, tmp_path / "changed")
    pd.DataFrame({"a": [1]}).to_parquet(folder / "flows.parquet")
    with pytest.raises(RunProblem, match=r"flows.parquet is missing or not what the manifest says"):
        Simulated(folder).run.check()


def test_files_outside_the_run_are_refused(runs: Runs, tmp_path: Path):
    folder = _copy(runs.simulated, tmp_path / "outside", files={"../secret.parquet": "0"})
    with pytest.raises(RunProblem, match=r"secret.parquet is missing or not"):
        Simulated(folder).run.check()


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"kind": "load"}, "a simulation run is needed"), ({"scenario": {"scenario": {}}}, "cannot be read")],
)
def test_a_manifest_that_is_not_one_is_refused(runs: Runs, tmp_path: Path, changes: dict[str, object], words: str):
    with pytest.raises(RunProblem, match=words):
        Simulated(_copy(runs.simulated, tmp_path / "bad", **changes)).place  # noqa: B018


def test_a_manifest_that_lacks_something_is_refused(tmp_path: Path):
    with RunWriter(tmp_path / "run") as writer:
        folder = writer.close({"kind": "simulation", "clusters": []})
    with pytest.raises(RunProblem, match="its manifest lacks worlds, replications"):
        Simulated(folder)


def test_names_that_differ_only_unseen_are_one_name(tmp_path: Path):
    with RunWriter(tmp_path / "run") as writer:
        writer.table("sites", pd.DataFrame({"name": ["a", "a\x1b", "b\u202e"], "n": [1, 2, 3]}))
        folder = writer.close({"kind": "simulation"})
    assert list(KeptRun(folder).table("sites")["name"]) == ["a", "a", "b"]


def test_words():
    assert clean("a\x00b\u202ec\n") == "a b c"
    assert period("2007-03-05", "2007-03-09") == "5 to 9 March 2007"
    assert period("2007-03-05", "2007-03-05") == "5 March 2007"
    assert period("2006-12-31", "2007-01-02") == "31 December 2006 to 2 January 2007"
    assert duration(233101.07) == "2.70 days"
    assert duration(0.064) == "64.0 milliseconds"
    assert ranged(78.96, 79.05) == "78.96 to 79.05"
    assert ranged(float("nan"), 1) == "no interval"
    assert change(42120, 41400, 42840) == ("11.7 hours shorter", "11.5 to 11.9 hours")
    assert change(-42120, -42840, -41400) == ("11.7 hours longer", "11.5 to 11.9 hours")
    assert change(10, -5, 25)[0] == "not clearly different"
