"""Equipment destroyed before its first use: its trust goes live later, on film until then, and nothing else moves."""

from dataclasses import fields
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from filmless.scenario_commands import goes_wrong
from sim.answers.rollout import MONTH, paced, programme, table_days
from sim.runs.experiment import simulate
from sim.runs.manifest import dump_world, world_of
from sim.runs.spec import Spec
from sim.runs.store import Run
from sim.world.calendar import day_number
from sim.world.estate import build_estate
from sim.world.exams import ExamMaker
from sim.world.faults import delay_days
from sim.world.load import load_world
from sim.world.world import World
from tests.sim.tiny import quantity, rollout, scenario, tiny_world

SCENARIOS = Path(__file__).parents[3] / "scenarios"
FIRST, END = date(2006, 4, 10), date(2006, 4, 15)  # T1 live since 8 March, T2's hospital since 1 April


def destroyed(months: float = 2.0) -> dict[str, Any]:
    return {"fire": {"what": "all burnt", "trusts": ["T2"], "delay": quantity(months, "month")}}


def worlds(folder: Path) -> tuple[World, World]:
    """T2's equipment is there, and is destroyed."""
    well = tiny_world(folder / "well")
    return well, tiny_world(folder / "bad", data={**scenario(), "golive_destroyed": destroyed()})


def test_the_go_live_by_hand(tmp_path: Path) -> None:
    """2 months are 60.875 days, so 61: 1 April becomes 1 June, and the unit follows 60 days later as it would have."""
    well, bad = worlds(tmp_path)
    assert [row.live for row in bad.trusts] == [date(2006, 3, 8), date(2006, 6, 1)]
    before, after = (build_estate(w, "west").live_day for w in (well, bad))
    assert (after - before).tolist() == [0, 0, 61, 61]
    assert after[2] == day_number(date(2006, 6, 1))
    assert after[3] == day_number(date(2006, 6, 1) + timedelta(days=60))


def test_two_losses_add_up_and_a_kept_run_postpones_once(tmp_path: Path) -> None:
    twice = destroyed() | {"water": destroyed(1.0)["fire"]}
    world = tiny_world(tmp_path, data={**scenario(), "golive_destroyed": twice})
    assert delay_days(world.scenario.golive_destroyed.values(), "T2") == 91
    again = world_of(dump_world(world), world.path)
    assert [row.live for row in again.trusts] == [row.live for row in world.trusts]
    assert world.trusts[1].live == date(2006, 4, 1) + timedelta(days=91)


def test_not_one_draw_changes(tmp_path: Path) -> None:
    well, bad = (ExamMaker(w, build_estate(w, "west"), 7, 0, FIRST).days(FIRST, END) for w in worlds(tmp_path))
    assert len(well) > 100
    for one in fields(well):
        assert np.array_equal(getattr(well, one.name), getattr(bad, one.name), equal_nan=True), one.name


def test_film_goes_up_at_that_trust_alone_and_is_conserved(tmp_path: Path) -> None:
    """Every exam is on film or on PACS; the hospital that waits prints all of its exams, the others what they did."""
    found = []
    for name, world in zip(("well", "bad"), worlds(tmp_path), strict=True):
        spec = Spec(("west",), FIRST, END, 7, 2, worlds=("plan", "film"), warm_up_days=7, cool_down_days=2)
        flows = Run(simulate(world, spec, tmp_path / "runs" / name)).table("flows")
        found.append(flows.groupby(["world", "site"])[["exams", "sheets", "packets", "pacs_exams"]].sum())
    well, bad = found
    pd.testing.assert_frame_equal(well.loc["film"], bad.loc["film"])
    for site in "AB":
        assert well.loc["plan", site].tolist() == bad.loc["plan", site].tolist(), site
    assert (bad["exams"] == well["exams"]).all()
    assert bad.loc["plan", "C"]["sheets"] > 5 * well.loc["plan", "C"]["sheets"]
    assert bad.loc["plan", "C"]["sheets"] == bad.loc["film", "C"]["sheets"]
    assert (well.loc["plan", "C"]["pacs_exams"], bad.loc["plan", "C"]["pacs_exams"]) == (
        well.loc["plan", "C"]["exams"], 0,
    )  # fmt: skip
    for flows in found:
        assert (flows["packets"] + flows["pacs_exams"] == flows["exams"]).all()  # a packet for each exam on film


def test_the_rollouts_pace_keeps_the_order_and_comes_later(tmp_path: Path) -> None:
    """T1's equipment is lost for 6 months: its team goes on, T2 is deployed when it would have been."""
    lost = {"fire": {"what": "all burnt", "trusts": ["T1"], "delay": quantity(6, "month")}}
    data = {**scenario(), "rollout": rollout()}
    well = tiny_world(tmp_path / "well", data=data)
    bad = tiny_world(tmp_path / "bad", data={**data, "golive_destroyed": lost})
    assert [row.trust for row in programme(bad)] == ["T1", "T2"]
    assert (paced(bad, 1).days - paced(well, 1).days).tolist() == [[pytest.approx(6 * MONTH, abs=0.5), 0.0]]
    assert (table_days(bad) - table_days(well)).tolist() == [183.0, 0.0]


def test_the_shipped_one(tmp_path: Path) -> None:
    world = load_world(SCENARIOS / "bad-day-golive.toml")
    assert {row.trust: row.live for row in world.trusts}["NE14"] == date(2007, 6, 26)
    (line,) = goes_wrong(world)
    assert "NE14 goes live on 2007-06-26, 6 months later than planned, and stays on film until then" in line
