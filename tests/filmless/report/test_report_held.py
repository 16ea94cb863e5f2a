"""Thresholds, the play over time, parts of the response and the knee, as the report shows them."""

from pathlib import Path

import pandas as pd
import pytest

from filmless.report import answers, beside, fill, held, played
from filmless.report.figures import Figure
from filmless.report.front_page import measured_table
from filmless.report.knee import Limits, knee
from filmless.report.measured import Measured
from filmless.report.simulated import Simulated
from sim.runs.store import RunProblem
from tests.filmless.report.conftest import Runs
from tests.filmless.report.fake_run import HELD_BEFORE, load_run


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


@pytest.mark.parametrize("make", [
    played.over_time, played.responses_over_time, played.where_time_went, answers.nines, fill.latency_by_fill,
    beside.simulated_over_measured,
])  # fmt: skip
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


def test_the_knee_has_exams_a_year_above_where_steps_agree_on_them(sim: Simulated, runs: Runs) -> None:
    found = knee(sim, Limits(runs.limits))
    found.canvas.draw_without_rendering()
    (above,) = found.canvas.axes[0].child_axes
    low, high = found.canvas.axes[0].get_xlim()
    assert above.get_xlim() == pytest.approx((0.25 * low, 0.25 * high))
    assert list(found.data["exams a year"]) == sorted(found.data["exams a year"])
    assert "Exams a year" in found.band


@pytest.mark.parametrize("told", ["not at all", "not alike"])
def test_the_knee_has_no_second_axis_where_exams_a_year_are_not_told_alike(
    sim: Simulated, runs: Runs, told: str
) -> None:
    limits = Limits(runs.limits)
    steps = limits.runs[0].table("steps")
    other = steps.drop(columns="exams_a_year") if told == "not at all" else steps.assign(exams_a_year=[1.0, 2, 3, 4, 9])
    limits.steps = lambda: other.assign(search="s")  # type: ignore[method-assign]
    found = knee(sim, limits)
    assert found.canvas.axes[0].child_axes == []
    assert "exams a year" not in found.data


def test_fill_counts_what_was_there_and_what_came_before_the_clock(measured: Measured) -> None:
    rows = fill.stored(measured)
    south = rows[rows["cluster"] == "south"].sort_values("held")
    whole = measured.runs[0].table("objects").query("cluster == 'south' and outcome == 'ok'")
    before = int((whole["op"] >= 10_000).sum())  # of the prefill: they are counted, and not measured
    assert before > 0
    assert south["held"].min() == HELD_BEFORE + before
    assert south["held"].max() == HELD_BEFORE + len(whole) - 1
    assert len(south) == len(whole) - before
    assert south["gb"].max() == pytest.approx((len(whole) - 1) * 524_288 / 1e9)
    data = fill.by_fill(measured)
    assert data.groupby("cluster")["n"].sum()["south"] == len(south)
    assert (data["low"] <= data["p50"]).all()
    assert data["p95"].notna().all()


def test_fill_finds_an_archive_that_slows_down(sim: Simulated, tmp_path: Path) -> None:
    """Each image takes 1 ms more for each hundred held."""
    measured = Measured([load_run(tmp_path / "slow", ("south",))])
    rows = measured.runs[0].table("objects")
    held = rows.sort_values("end_s").reset_index(drop=True)
    held["start_s"] = held["end_s"] - 0.1 - 1e-5 * held.index
    measured.runs[0].table = lambda name: held if name == "objects" else None  # type: ignore[method-assign, assignment]
    data = fill.by_fill(measured)
    slope = (data["p50"].iloc[-1] - data["p50"].iloc[0]) / (data["to"].iloc[-1] - data["to"].iloc[0])
    assert slope == pytest.approx(1e-5, rel=0.02)
    assert fill.latency_by_fill(sim, measured).to_html()


def test_simulated_lies_over_measured_of_the_same_window(sim: Simulated, measured: Measured) -> None:
    data = beside.pairs(measured)
    south = data[(data["cluster"] == "south") & (data["kind"] == "store")]
    assert set(zip(south["how"], south["line"], strict=True)) == {
        ("measured", "store"), ("simulated", "store"), ("simulated", "taken to stored"),
    }  # fmt: skip
    took = measured.answered().query("cluster == 'south' and kind == 'store'").eval("end_s - due_s")
    ours = south[south["how"] == "measured"]
    assert ours["n"].unique() == [len(took)]
    assert ours.loc[ours["q"].round(2) == 0.5, "seconds"].item() == pytest.approx(took.median())
    theirs = south[(south["line"] == "store") & (south["how"] == "simulated")]
    assert theirs.loc[theirs["q"].round(2) == 0.5, "seconds"].item() == pytest.approx(0.5)


def test_a_play_at_another_speed_is_not_laid_over_the_simulation(tmp_path: Path) -> None:
    assert not beside.told(Measured([load_run(tmp_path / "fast", ("south",), speed=10.0)]))
    assert beside.told(Measured([load_run(tmp_path / "real", ("south",))]))


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
