"""The savings chapter: figures pass their door, and their numbers are the case's."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from filmless.report import appraisal, case_tables, rollout_tiles, savings
from filmless.report.kept_case import case_of, keep_case
from filmless.report.simulated import Simulated
from filmless.report.tables import problems
from filmless.report.words import money, money_within
from sim.answers.case import Case, build_case
from sim.answers.case.catalogue import BENEFITS, COSTS
from sim.answers.case.options import NAMES
from sim.runs.store import Run
from tests.sim.tiny import tiny_world


@pytest.fixture(scope="module")
def sim(tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    from datetime import date

    from sim.runs.experiment import Spec, simulate

    folder = tmp_path_factory.mktemp("case")
    spec = Spec(("west",), date(2006, 3, 13), date(2006, 3, 15), 7, 3, warm_up_days=2, cool_down_days=1, processes=1)
    return Simulated(simulate(tiny_world(folder / "scenario"), spec, folder / "run"))


@pytest.fixture(scope="module")
def case(sim: Simulated) -> Case:
    return build_case(Run(sim.run.folder), 200)


@pytest.mark.parametrize("draw", [appraisal.waterfall, appraisal.fan, appraisal.tornado])
def test_figures_of_the_economic_case_pass_the_door(sim: Simulated, case: Case, draw) -> None:
    figure = draw(sim, case)
    assert f'id="fig-{figure.key}"' in figure.to_html()
    assert figure.how == "estimated"


def test_the_rollout_passes_the_door(sim: Simulated) -> None:
    assert "Tiles, one a trust" in rollout_tiles.rollout(sim).to_html()


def test_waterfall_ends_at_the_net_present_value(case: Case) -> None:
    steps = appraisal.steps(case)
    classes, net = steps.iloc[:-1], steps.iloc[-1]
    assert net["value"] == pytest.approx(appraisal.measure(case, "npv")["value"], abs=1)
    assert classes["value"].sum() == pytest.approx(net["value"], abs=1)
    assert np.allclose(classes["begin"].to_numpy()[1:], np.cumsum(classes["value"])[:-1])
    assert list(classes["class"]) == [*BENEFITS, *COSTS]


def test_the_fan_ends_at_the_draws_of_the_net_present_value(case: Case) -> None:
    data = appraisal.cumulative(case)
    last = data[data["year"] == data["year"].max()].set_index("what")
    net = case.draws.net["programme"]
    assert last.loc["net", "value"] == pytest.approx(net.median(), rel=1e-6)
    assert last.loc["net", "chance"] == pytest.approx((net > 0).mean())
    assert (data["low"] <= data["q25"]).all()
    assert (data["q75"] <= data["high"]).all()


def test_the_tornado_names_status_and_switching_value(case: Case) -> None:
    bars = appraisal.bars(case)
    assert bars["swing_gbp"].is_monotonic_decreasing
    assert set(bars["status"]) <= {"assumed", "verified"}
    assert bars["inside_range"].notna().all()


def test_a_tornado_of_few_draws_says_so_and_no_share(sim: Simulated, case: Case) -> None:
    few = replace(case.sensitivity, interaction=float("nan"), advice="too few draws to tell")
    shown = appraisal.tornado(sim, replace_sensitivity(case, few))
    assert "nan" not in shown.band
    assert "too few draws" in shown.band


def replace_sensitivity(case: Case, found: object) -> Case:
    other = replace(case)
    other.__dict__["sensitivity"] = found
    return other


def test_a_loss_has_its_sign_before_the_currency() -> None:
    assert money_within(3.49e5, -4.36e8, 6.49e8, "GBP") == "about £0"
    assert money_within(2.583e7, 2.4e7, 2.8e7, "GBP") == "£25.8 million"
    assert money_within(-1.23456e8, -3e8, 1e8, "GBP") == "-£120 million"
    assert money_within(5.0, 5.0, 5.0, "GBP") == "£5.00"
    assert (money(-4.26e8, "GBP"), money(4.38e5, "GBP")) == ("-£426 million", "£438 thousand")


def test_every_trust_has_one_tile_and_none_overlap(sim: Simulated) -> None:
    data = rollout_tiles.tiles(sim)
    for _, part in data.groupby(["cluster", "day"]):
        assert sorted(part["order"]) == list(range(len(part)))
    days = rollout_tiles.moments(sim)
    assert set(data["trust"]) == {t.trust for t in sim.world.trusts}
    counts = rollout_tiles.counts(data)
    assert counts[counts["day"] == days[-1]]["not"].sum() == 0
    live = counts.groupby("day")["live"].sum()
    assert live.is_monotonic_increasing


TABLES = [
    "gainers",
    "lines_by_cluster",
    "by_group",
    "rural_units",
    "dis_benefits",
    "cash_by_line",
    "cash_by_year",
    "to_come",
]


@pytest.mark.parametrize("name", TABLES)
def test_tables_can_be_shown(sim: Simulated, case: Case, name: str) -> None:
    table = getattr(case_tables, name)(sim, case)
    assert problems(table) == []


@pytest.mark.parametrize("name", ["not_in_money", "monitoring", "evidence"])
def test_tables_of_the_case_can_be_shown(case: Case, name: str) -> None:
    assert problems(getattr(case_tables, name)(case)) == []


def test_the_financial_case_is_reconciled_line_by_line(sim: Simulated, case: Case) -> None:
    rows = case.financial[case.financial["option"] == "programme"]
    whole = rows["economic_gbp"] + rows["left_out_gbp"] + rows["vat_gbp"]
    assert np.allclose(whole, rows["financial_gbp"])
    assert len(case_tables.cash_by_line(sim, case)) == len(rows)


def test_what_is_to_come_is_split_at_the_reports_year(sim: Simulated, case: Case) -> None:
    table = case_tables.to_come(sim, case)
    share = next(c for c in table.columns if "still to come from" in c)
    assert "2005/06" in share  # March 2006
    both = table.filter(like="before").sum().iloc[0] + table[f"still to come ({case.currency})"].sum()
    assert both == pytest.approx(appraisal.measure(case, "npv")["value"], abs=1e4)  # whole thousands


def test_who_measures_is_said_for_every_benefit(case: Case) -> None:
    table = case_tables.monitoring(case)
    assert len(table) == len(case.register)
    assert table["who"].str.len().gt(0).all()
    assert table["baseline"].str.len().gt(0).all()


def test_the_five_cases_are_the_chapters_headings() -> None:
    import json

    text = (Path(__file__).parents[3] / "notebooks" / "savings.ipynb").read_text()
    heads = [line for c in json.loads(text)["cells"] if c["cell_type"] == "markdown" for line in c["source"]
             if line.startswith("## ")]  # fmt: skip
    found = [h[3:].split(" case")[0].lower() for h in heads if " case" in h]
    assert found == ["strategic", "economic", "commercial", "financial", "management"]


def test_a_kept_case_is_the_case(sim: Simulated, case: Case, tmp_path: Path) -> None:
    sim.__dict__["case"] = case
    path = keep_case(sim, tmp_path / "case")
    pd.testing.assert_frame_equal(case_of(sim, str(path)).summary, case.summary)
    assert case_of(sim, "") is case


def test_options_and_lines_are_all_in_the_tables(sim: Simulated, case: Case) -> None:
    sim.__dict__["case"] = case
    assert set(savings.summary(case)["option"]) == set(NAMES.values())
    assert len(savings.lines(sim, case)) == case.lines["line"].nunique()
    assert replace(appraisal.fan(sim, case), key="x").key == "x"
