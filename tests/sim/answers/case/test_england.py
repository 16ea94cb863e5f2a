"""England's case from one simulated day: the sign is open, no class is hidden in another, all trusts are there."""

from datetime import date
from pathlib import Path

import pytest

from sim.answers.case import Case, build_case
from sim.runs.experiment import simulate
from sim.runs.spec import Spec
from sim.runs.store import Run
from sim.world.load import load_world

SCENARIO = Path(__file__).parents[4] / "scenarios" / "england-2004.toml"


@pytest.fixture(scope="module")
def england(tmp_path_factory: pytest.TempPathFactory) -> Case:
    world = load_world(SCENARIO)
    spec = Spec(
        tuple(world.scenario.clusters), date(2007, 3, 6), date(2007, 3, 7), 7, 1, warm_up_days=0, cool_down_days=0
    )
    return build_case(Run(simulate(world, spec, tmp_path_factory.mktemp("england") / "run")), 300)


@pytest.mark.parametrize("option", ["programme", "programme_paid"])
def test_the_base_range_can_show_a_loss_and_a_gain(england: Case, option: str) -> None:
    """Published hospitals lie on both sides: so does the interval."""
    rows = england.summary[england.summary["option"] == option].set_index("measure")
    assert rows.loc["npv", "low"] < 0 < rows.loc["npv", "high"]
    assert 0.05 < rows.loc["npv", "chance_above_zero"] < 0.95
    assert rows.loc["net_cash", "low"] < 0


def test_one_replication_says_nothing_of_the_simulation(england: Case) -> None:
    assert england.draws.variance["simulation"].isna().all()


def test_all_trusts_and_years_are_there(england: Case) -> None:
    assert england.lines["trust"].nunique() == 172
    assert england.lines["year"].unique().tolist() == list(range(2004, 2014))
    assert england.lines.groupby("cluster", observed=True)["trust"].nunique().sum() == 172


def test_no_benefit_is_counted_without_a_word_on_how_sure_it_is(england: Case) -> None:
    """N8, N10: every row has an owner, a baseline or a state that says it is not counted."""
    register = england.register
    assert (register.loc[register["baseline"] == "", "state"] != "counted").all()
    assert (register["owner"].str.len() > 0).all()
    assert set(england.inputs["source"]) <= set(england.world.sources)
