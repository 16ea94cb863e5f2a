"""The least that a report may be made of: one cluster, one replication, three operations. Every figure still stands."""

from collections.abc import Callable
from pathlib import Path

import pytest

from filmless.report import answers, beside, fill, hourly, latency, savings, storage
from filmless.report.figures import Figure
from filmless.report.front_page import headlines
from filmless.report.front_table import lines, rows_of
from filmless.report.measured import Measured
from filmless.report.simulated import Simulated
from tests.filmless.report.conftest import once
from tests.filmless.report.fake_run import load_run, simulated_run

FIGURES: dict[str, Callable[[Simulated, Measured], Figure]] = {
    "report times": lambda s, m: latency.report_times(s),
    "by modality": lambda s, m: latency.by_modality(s),
    "distribution": lambda s, m: latency.distribution(s, "first_view_s"),
    "by supplier": lambda s, m: latency.by_supplier(s),
    "side by side": answers.side_by_side,
    "answers": answers.answers,
    "nines": answers.nines,
    "fill": fill.latency_by_fill,
    "beside": beside.simulated_over_measured,
    "tiers": lambda s, m: storage.by_tier(s),
    "modalities": lambda s, m: storage.by_modality(s),
    "archives": lambda s, m: hourly.hourly(s, hourly.ARCHIVES),
    "links": lambda s, m: hourly.hourly(s, hourly.LINKS),
    "classes": lambda s, m: savings.by_class(s, s.case),
    "trusts": lambda s, m: savings.trusts(s, s.case),
}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Simulated, Measured]:
    def make(folder: Path) -> None:
        simulated_run(folder / "simulated", 1, ["northwest"])
        load_run(folder / "played", ["northwest"], most=3)

    folder = once(tmp_path_factory, "report-small", make)
    return Simulated(folder / "simulated"), Measured([folder / "played"])


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.filterwarnings("error")
def test_every_figure_stands_on_little(small: tuple[Simulated, Measured], name: str):
    figure = FIGURES[name](*small)
    assert figure.to_html()
    assert "nan" not in f"{figure.title} {figure.alt} {figure.subtitle}".lower().split()
    assert "[x]" not in figure.title


@pytest.mark.filterwarnings("error")
def test_side_by_side_stands_without_a_measured_run(small: tuple[Simulated, Measured]):
    figure = answers.side_by_side(small[0], Measured([]))
    assert figure.how == "simulated"
    assert figure.to_html()


def test_one_replication_has_no_interval_and_says_so(small: tuple[Simulated, Measured]):
    sim, measured = small
    assert sim.band().startswith("No interval is shown: 1 replication")
    table = {line.label: line.cells[0] for line in lines(rows_of(sim, measured))}
    assert table["Exam to report on film, median, simulated"][1] == "no interval"
    assert any("no interval" in h.interval for h in headlines(sim, rows_of(sim, measured)))


def test_a_few_operations_show_their_slowest(small: tuple[Simulated, Measured]):
    table = {line.label: line.cells[0] for line in lines(rows_of(*small))}
    text, ends = table["Store a study, 95th percentile, measured"]
    assert text.endswith(" [m]")
    assert ends.startswith("slowest of ")


def test_places_of_a_part_are_named(small: tuple[Simulated, Measured]):
    assert small[0].place == "England (North West and West Midlands)"


def test_classes_are_never_added(small: tuple[Simulated, Measured]):
    sim = small[0]
    figure = savings.by_class(sim, sim.case)
    data = figure.data.groupby("class", observed=True)["value (GBP)"].sum()
    table = sim.case.summary.set_index(["option", "measure"])["value"]
    for kind in ("cash-releasing", "non-cash-releasing", "societal", "dis-benefit"):
        assert data[kind] == pytest.approx(table["programme", "pv_" + kind.replace("-", "_")], abs=20_000)
    assert "Cash-releasing" in figure.title
    cash = savings.trust_rows(sim, sim.case)["value"].sum()
    assert cash == pytest.approx(table["programme", "pv_cash_releasing"], rel=1e-6)
