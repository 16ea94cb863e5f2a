"""The whole case of a small run: what adds up, what is nothing, what stands apart."""

import numpy as np
import pytest

from sim.answers.case import Case
from sim.answers.case.draws import CLASSES
from sim.answers.case.options import BAU, NAMES


def test_business_as_usual_against_itself_is_nothing_to_the_penny(case: Case) -> None:
    """G1, G2, N2."""
    usual = case.lines[case.lines["option"] == BAU]
    assert len(usual) > 0
    assert (usual["amount_p"] == 0).all()
    assert (usual["level_gbp"] == usual["bau_level_gbp"]).all()
    assert (case.draws.net[BAU] == 0).all()


@pytest.mark.parametrize("option", NAMES)
def test_trusts_are_clusters_are_the_nation_to_the_penny(case: Case, option: str) -> None:
    rows = case.lines[case.lines["option"] == option]
    nation = int(rows["amount_p"].sum())
    for by in (["cluster"], ["trust"], ["year"], ["line"], ["cluster", "year", "line"], ["trust", "year", "line"]):
        assert int(rows.groupby(by, observed=True)["amount_p"].sum().sum()) == nation
        assert round(float(rows.groupby(by, observed=True)["amount_gbp"].sum().sum()), 2) == nation / 100


@pytest.mark.parametrize("option", NAMES)
def test_the_summary_is_the_lines_discounted(case: Case, option: str) -> None:
    """G7: the net present value is the plain discounted sum of every line; each class by itself too."""
    rows = case.lines[case.lines["option"] == option]
    worth = rows["amount_gbp"] * case.factors[rows["year"].to_numpy() - case.first_year]
    mine = case.summary[case.summary["option"] == option].set_index("measure")["value"]
    assert mine["npv"] == pytest.approx(worth.sum(), abs=len(rows) * 0.005)
    for kind in CLASSES:
        name = "pv_" + kind.replace(" ", "_").replace("-", "_")
        assert mine[name] == pytest.approx(worth[rows["class"] == kind].sum(), abs=len(rows) * 0.005)


def test_every_figure_has_its_interval_and_n(case: Case) -> None:
    found = case.summary[case.summary["measure"] != "payback_year"].dropna(subset=["value"])
    assert (found["n"] == 400).all()
    assert (found["low"] <= found["high"]).all()
    assert found["chance_above_zero"].between(0, 1).all()
    assert case.summary["definition"].str.len().min() > 10


def test_both_parts_of_the_variance_are_stated(case: Case) -> None:
    parts = case.draws.variance.set_index("option")
    assert np.allclose(parts["simulation"] + parts["inputs"], parts["variance"])
    assert parts.loc["programme", "simulation"] > 0


def test_the_same_run_gives_the_same_case(run, case: Case) -> None:
    from sim.answers.case import build_case

    again = build_case(run, draws=400)
    assert again.lines.equals(case.lines)
    assert again.summary.equals(case.summary)
    assert again.draws.net.equals(case.draws.net)
