"""Savings: a hand-computed case, directions, and sums that agree to the penny."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from sim.answers.savings import COMPONENTS, savings_table, summed
from sim.runs.experiment import Spec, simulate
from sim.runs.store import Run
from sim.world.demand import yearly_exams
from sim.world.estate import build_estate
from sim.world.load import World
from tests.sim.tiny import quantity, scenario, tiny_world

SPEC = Spec(("west",), date(2006, 3, 13), date(2006, 3, 17), 7, 3, warm_up_days=7, cool_down_days=2)


@pytest.fixture(scope="module")
def run(world: World, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run(simulate(world, SPEC, tmp_path_factory.mktemp("runs") / "a"))


def test_packets_by_hand(world: World, run: Run) -> None:
    """On film each exam makes one packet, on PACS none: the saving is yearly exams times 30p."""
    table = savings_table(run, world)
    exams = yearly_exams(world, "west", build_estate(world, "west").sites, 2005).sum()  # March 2006
    assert table.loc[table["component"] == "packets", "value_gbp"].sum() == pytest.approx(0.3 * exams)


def test_trusts_add_up_to_the_cluster(world: World, run: Run) -> None:
    table = savings_table(run, world)
    cluster = summed(table, ["cluster"])["value_gbp"].iloc[0]
    trusts = summed(table, ["trust"])["value_gbp"].sum()
    assert round(cluster, 2) == round(trusts, 2) == round(table["value_gbp"].sum(), 2)


def test_dearer_film_saves_more(run: Run, tmp_path: Path) -> None:
    data = scenario()
    data["prices"]["sheet"] = quantity(3.0, "GBP")
    dear = savings_table(run, tiny_world(tmp_path, data=data))
    cheap = savings_table(run, tiny_world(tmp_path / "b"))
    film = dear["component"] == "film"
    assert np.allclose(dear.loc[film, "value_gbp"], 2 * cheap.loc[film, "value_gbp"])
    assert np.allclose(dear.loc[~film, "value_gbp"], cheap.loc[~film, "value_gbp"])


def test_posts_go_whole_or_not_at_all(run: Run, tmp_path: Path) -> None:
    data = scenario()
    data["prices"]["library_released"] = quantity(0.01, "share")
    table = savings_table(run, tiny_world(tmp_path, data=data))
    assert (table.loc[table["component"] == "library posts", "value_gbp"] == 0).all()


def test_a_trust_that_had_pacs_is_left_out(world: World, run: Run, tmp_path: Path) -> None:
    trusts = [("T1", "Trust one", "west", "a", "no", "2003-01-01", "yes"), ("T2", "T", "west", "a", "yes", "", "yes")]
    table = savings_table(run, tiny_world(tmp_path, trusts=trusts))
    assert set(table["trust"]) == {"T2"}


def test_cash_and_time_are_apart_and_sources_are_there(world: World, run: Run) -> None:
    table = savings_table(run, world)
    assert set(table["class"]) == {c.kind for c in COMPONENTS} == {"cash-releasing", "non-cash-releasing"}
    assert table["source"].str.contains("assumed").all()
    assert (table["low_gbp"] <= table["value_gbp"]).all()
    assert (table["value_gbp"] <= table["high_gbp"]).all()


def test_both_worlds_are_needed(world: World, run: Run) -> None:
    run.manifest["worlds"] = ["pacs"]
    with pytest.raises(ValueError, match="no film world"):
        savings_table(run, world)
    run.manifest["worlds"] = ["film", "pacs"]
