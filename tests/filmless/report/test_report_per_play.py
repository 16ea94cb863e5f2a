"""The latency chapter shows each play by itself as soon as a cluster has several; else clusters, as ever."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from filmless.report import answers, beside, fill, held, played
from filmless.report.figures import Figure
from filmless.report.measured import Measured, percentile
from filmless.report.panels import panels
from filmless.report.per_play import heads, panels_of
from filmless.report.simulated import Simulated
from filmless.report.words import short_duration
from tests.filmless.report.conftest import Runs, once
from tests.filmless.report.fake_run import load_run

FIGURES: list[Callable[[Simulated, Measured], Figure]] = [
    answers.answers, answers.nines, answers.side_by_side, beside.simulated_over_measured, played.over_time,
    played.responses_over_time, played.where_time_went, fill.latency_by_fill,
]  # fmt: skip
NAMES = ["first", "fast", "a $ and a $"]  # run folders of South; two dollars are no formula


@pytest.fixture(scope="module")
def sim(runs: Runs) -> Simulated:
    return Simulated(runs.simulated)


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """Three plays of South, of another archive, at another speed and without a stall; the first of London too."""

    def make(folder: Path) -> None:
        load_run(folder / NAMES[0], ["south", "london"])
        load_run(folder / NAMES[1], ["south"], seed=5, targets={"south": {"software": "Orthanc 1.12"}}, stalls=[],
                 figures=[])  # fmt: skip
        load_run(folder / NAMES[2], ["south"], seed=9, most=300)

    folder = once(tmp_path_factory, "report-several-plays", make)
    return Measured([folder / name for name in NAMES])


def titles(figure: Figure) -> list[str]:
    return [axis.get_title(loc="left").replace("\n", " ") for axis in figure.canvas.axes]


def title_of(sim: Simulated, cluster: str) -> str:
    makers = sim.suppliers[sim.suppliers["cluster"] == cluster].sort_values("trusts", ascending=False)["supplier"]
    return f"{sim.cluster_name(cluster)} ({', '.join(sim.supplier_name(str(one)) for one in makers)})"


@pytest.mark.parametrize("make", FIGURES)
@pytest.mark.filterwarnings("error")
def test_each_play_has_a_panel_and_rows_of_its_own(
    sim: Simulated, several: Measured, make: Callable[[Simulated, Measured], Figure]
) -> None:
    figure = make(sim, several)
    assert titles(figure)[:4] == [*(f"Southern (GE) {name}" for name in NAMES), "London (Philips) first"]
    assert len(titles(figure)) == len(NAMES) + 4, "the clusters without a play keep their panels"
    assert "one panel a play" in figure.alt
    told = figure.data[figure.data["play"] != "simulated"]
    assert set(zip(told["cluster"], told["play"], strict=True)) == {
        *(("Southern", name) for name in NAMES), ("London", "first"),
    }  # fmt: skip
    assert list(figure.data.columns).index("play") < figure.row_heads
    assert "a $ and a $" in figure.to_html()


@pytest.mark.parametrize("make", FIGURES)
def test_one_play_a_cluster_is_shown_by_cluster(
    sim: Simulated, runs: Runs, make: Callable[[Simulated, Measured], Figure]
) -> None:
    figure = make(sim, Measured(runs.loads))
    assert titles(figure) == [title_of(sim, c) for c in sim.clusters]
    assert "one panel a cluster" in figure.alt
    assert "play" not in figure.data


def test_plays_of_different_clusters_in_runs_of_their_own_are_shown_by_cluster(sim: Simulated, tmp_path: Path) -> None:
    measured = Measured([load_run(tmp_path / c, [c]) for c in ("south", "london")])
    assert [one.cluster for one in panels_of(sim, measured)] == sim.clusters
    assert heads(panels_of(sim, measured)) == 0


def test_a_play_s_percentiles_are_those_of_its_own_operations(sim: Simulated, several: Measured) -> None:
    table = answers.answers(sim, several).data.query("cluster == 'Southern'")
    for number, name in enumerate(NAMES):
        rows = several.answered()
        own = rows.query(f"run == {number} and cluster == 'south' and kind == 'store'")
        took = (own["end_s"] - own["due_s"]).to_numpy()
        found = table[(table["play"] == name) & (table["operation"] == "store") & (table["statistic"] == "median")]
        assert found[["value (seconds)", "n"]].to_numpy().tolist() == [[percentile(took, 0.5).value, len(took)]]


def test_a_curve_holds_its_own_play_and_its_own_stall(sim: Simulated, several: Measured) -> None:
    figure = answers.nines(sim, several)
    for number, axis in enumerate(figure.canvas.axes[: len(NAMES)]):
        rows = several.operations.query(f"run == {number} and cluster == 'south' and outcome == 'ok'")
        slowest = (rows["end_s"] - rows["due_s"]).max()
        assert max(np.max(line.get_ydata()) for line in axis.lines if line.get_marker() == ".") == slowest
        assert any("longest stall" in text.get_text() for text in axis.texts) is (number != 1)


def test_the_message_about_storing_is_of_the_slowest_play(sim: Simulated, several: Measured) -> None:
    table = answers.answers(sim, several).data
    stores = table[(table["operation"] == "store") & (table["statistic"] == "95th percentile")]
    slowest = short_duration(stores["value (seconds)"].max())
    assert answers.answers(sim, several).title == f"The slowest play stored 95 % of studies within {slowest}"


def test_tables_beside_the_figures_tell_plays_apart(sim: Simulated, several: Measured, runs: Runs) -> None:
    for table in (answers.objects(sim, several), answers.by_part(sim, several, "modality")):
        assert set(table["play"]) == set(NAMES)
        assert set(table.loc[table["cluster"] == "London", "play"]) == {"first"}
    assert list(held.stalls(sim, several)["play"]) == [NAMES[0], NAMES[2]]
    assert set(held.with_and_without(sim, several)["play"]) == {NAMES[0], NAMES[2]}
    one = Measured(runs.loads)
    for table in (answers.objects(sim, one), answers.by_part(sim, one, "modality"), held.stalls(sim, one),
                  held.with_and_without(sim, one)):  # fmt: skip
        assert "play" not in table


def test_a_run_alone_is_what_is_read_of_it_alone(several: Measured) -> None:
    for number, run in enumerate(several.runs):
        alone, read = several.alone(number), Measured([run.folder])
        assert alone.table("p95", ["cluster", "kind"]).equals(read.table("p95", ["cluster", "kind"]))
        assert alone.objects().equals(read.objects())
        assert len(alone.ledger) == len(read.ledger)
    assert len(several.runs) == len(NAMES), "and the whole is as it was"


def test_panels_stand_in_rows_with_the_marks_of_each_column_at_its_foot() -> None:
    canvas, axes = panels([str(n) for n in range(7)], 2.0, across=5)
    assert len(axes) == len(canvas.axes) == 7
    assert canvas.get_figheight() == 4.0
    assert [axis.xaxis.get_tick_params()["labelbottom"] for axis in axes] == [False] * 2 + [True] * 5
