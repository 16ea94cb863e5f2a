"""Thresholds, the play over time, parts of the response and the knee, as the report shows them."""

from pathlib import Path

import pandas as pd
import pytest

from filmless.report import answers, held, played
from filmless.report.figures import Figure
from filmless.report.front_page import measured_table
from filmless.report.knee import Limits, knee
from filmless.report.measured import Measured
from filmless.report.simulated import Simulated
from sim.runs.store import RunProblem
from tests.filmless.report.conftest import Runs
from tests.filmless.report.fake_run import load_run


@pytest.fixture(scope="module")
def sim(runs: Runs) -> Simulated:
    return Simulated(runs.simulated)


@pytest.fixture(scope="module")
def measured(runs: Runs) -> Measured:
    return Measured(runs.loads)


def test_every_threshold_stands_with_value_interval_n_and_what_decides(measured: Measured) -> None:
    table = held.lines(measured)
    assert list(table["verdict"]) == ["PASS", "INVALID"]
    assert table["measured"][0] == "0.900 s"
    assert table["95 % interval"][0] == "0.700 to 1.10 s"
    assert table["measured"][1] == "[x]"
    assert table["what decides"][1] == "not shown: 500 operations, 1000 needed"
    assert {"n", "scale", "source of the limit"} <= set(table.columns)


def test_limits_of_response_percentiles_are_marked(measured: Measured) -> None:
    assert held.limits_of(measured) == [("store", 0.95, 2.0, "PASS"), ("retrieve", 0.99, 5.0, "INVALID")]


def test_stalls_stand_with_figures_without_them(sim: Simulated, measured: Measured) -> None:
    (stall,) = held.stalls(sim, measured).to_dict("records")
    assert (stall["lasted (s)"], stall["operations held up"]) == (2.5, 17)
    both = held.with_and_without(sim, measured)
    assert {"p95 (s)", "p95 without stalls (s)", "n", "n without stalls"} <= set(both.columns)
    assert len(both) == 5


def test_bins_add_up_to_the_play(measured: Measured) -> None:
    data = played.binned(measured)
    seconds = data["to_s"] - data["from_s"]
    rows = measured.operations
    last = rows["due_s"].max()
    assert (data["planned"] * seconds).sum() == pytest.approx(len(rows[rows["due_s"] < last]), abs=5)
    assert (data["dropped"] == 0).all()
    assert (data["low"].dropna() <= data["p50"].dropna()).all()


def test_parts_add_up_to_the_response(measured: Measured) -> None:
    ok = measured.answered().dropna(subset=["first_byte_s"])
    whole = ok.assign(took=ok["end_s"] - ok["due_s"]).groupby(["cluster", "kind"])["took"].mean()
    found = played.parts(measured).set_index(["cluster", "kind"])["response"]
    assert found.sort_index().to_numpy() == pytest.approx(whole.sort_index().to_numpy())


@pytest.mark.parametrize("make", [played.over_time, played.responses_over_time, played.where_time_went, answers.nines])
def test_figures_pass_the_one_door(sim: Simulated, measured: Measured, make: object) -> None:
    assert callable(make)
    found = make(sim, measured)
    assert isinstance(found, Figure)
    assert 'role="img"' in found.to_html()


def test_faults_that_were_played_are_named_beside_the_play(sim: Simulated, tmp_path: Path) -> None:
    one = {"name": "out", "what": "the archive is <out>", "cluster": "south", "from_s": 20.0, "to_s": 30.0, "met": 9,
           "bad": 7, "outcome": "played"}  # fmt: skip
    there = {**one, "what": "another", "outcome": "not played: no traffic of that cluster"}
    measured = Measured([load_run(tmp_path / "a", sim.clusters, faults=[one, there])])
    for make in (played.over_time, played.responses_over_time):
        found = make(sim, measured)
        told = "the archive is <out> (south, 20.0 to 30.0 s, 7 of 9 operations ended badly)."
        assert found.band.endswith(f"Hatched: faults that were played: {told}")
        assert "<out>" not in found.to_html()


def test_the_knee_names_both_sides(sim: Simulated, runs: Runs) -> None:
    found = knee(sim, Limits(runs.limits))
    assert found.title == "The thresholds break between 12.0 and 14.1 operations a second"
    assert list(found.data["asked (1/s)"]) == sorted(found.data["asked (1/s)"])
    assert "the knee lies between" in found.alt
    assert found.to_html()


def test_a_load_run_is_no_limit_search(runs: Runs) -> None:
    with pytest.raises(RunProblem, match="a limit search is needed"):
        Limits(runs.loads)


def test_a_run_without_thresholds_has_no_lines() -> None:
    assert held.lines(Measured([])).empty
    assert isinstance(held.lines(Measured([])), pd.DataFrame)


def test_l11_a_report_of_five_runs_shows_five_and_takes_all_of_them(tmp_path: Path) -> None:
    """No run is chosen: each stands in the tables, and a percentile of five runs is their mean, with Student's t."""
    folders = [load_run(tmp_path / f"played-{n}", ["south"], seed=n) for n in range(5)]
    measured = Measured(folders)
    assert len(measured_table(measured)) == 5
    assert set(held.lines(measured)["run"]) == {f"played-{n}" for n in range(5)}
    five = measured.table("p95", ["cluster", "kind"])
    (store,) = five[five["kind"] == "store"].to_dict("records")
    each = [Measured([f]).table("p95", ["cluster", "kind"]) for f in folders]
    alone = [float(t.loc[t["kind"] == "store", "value"].iloc[0]) for t in each]
    assert store["value"] == pytest.approx(sum(alone) / 5)
    assert min(alone) < store["value"] < max(alone)
    assert "Student t over 5 load runs" in store["method"]
