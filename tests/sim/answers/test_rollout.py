"""The pace of a rollout: hand-computed small cases, directions, and draws that hang on names alone."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.answers.rollout import (
    MONTH,
    announced_days,
    completion_table,
    dated,
    live_table,
    pace_of,
    paced,
    programme,
    table_days,
    write_trusts,
)
from sim.world.calendar import day_number
from sim.world.load import load_world
from sim.world.problems import ScenarioErrors
from sim.world.tables import TrustRow
from sim.world.world import World
from tests.sim.tiny import SITES, TRUSTS, milestone, quantity, rollout, scenario, write_tiny

SCENARIOS = Path(__file__).parents[3] / "scenarios"
START = day_number(date(2005, 1, 1))


def world_of(folder: Path, trusts: Any = TRUSTS, **more: Any) -> World:
    return load_world(write_tiny(folder, {**scenario(), "rollout": rollout(**more)}, SITES, trusts))


def months(world: World, replications: int = 1) -> Any:
    return (paced(world, replications).days - START) / MONTH


def test_one_team_takes_one_trust_after_another(tmp_path: Path) -> None:
    assert months(world_of(tmp_path)).tolist() == [pytest.approx([2, 4])]


def test_a_second_team_begins_later_and_works_beside(tmp_path: Path) -> None:
    """Team one: months 0 to 2. Team two from month 1: to 3."""
    assert months(world_of(tmp_path, teams=quantity(2, "count"))).tolist() == [pytest.approx([2, 3])]


def test_a_failed_pilot_costs_its_length_and_the_months_lost(tmp_path: Path) -> None:
    sure = {**quantity(1, "share"), "low": 1.0}
    assert months(world_of(tmp_path, replaced=sure)).tolist() == [pytest.approx([15, 17])]


def test_failures_lengthen_by_the_geometric_law(tmp_path: Path) -> None:
    """Each attempt fails with one half: two attempts on average; 400 replications of two trusts."""
    found = months(world_of(tmp_path, failed=quantity(0.5, "share")), 400)[:, 0] / 2
    assert np.array_equal(found, np.rint(found))
    assert found.mean() == pytest.approx(2, abs=4 * np.sqrt(2 / 400))


@pytest.mark.parametrize(("change", "later"), [
    ({"teams": quantity(2, "count")}, False), ({"deployment": quantity(3, "month")}, True),
    ({"failed": quantity(0.4, "share")}, True), ({"team_every": quantity(9, "month")}, None),
])  # fmt: skip
def test_directions_in_every_replication(tmp_path: Path, change: dict[str, Any], later: bool | None) -> None:
    spread = {"deployment_cv": quantity(0.5, "ratio"), "failed": quantity(0.1, "share")}
    base = months(world_of(tmp_path / "a", **spread), 50)
    other = months(world_of(tmp_path / "b", **{**spread, **change}), 50)
    if later is None:
        assert np.array_equal(base, other)  # one team: when a second would come does not matter
    else:
        assert ((other >= base) if later else (other <= base)).all()
        assert (other != base).any()


def test_one_more_trust_changes_nobodys_draws(tmp_path: Path) -> None:
    spread = {"deployment_cv": quantity(0.5, "ratio"), "failed": quantity(0.2, "share")}
    more = [*TRUSTS, ("T3", "Trust three", "west", "a", "yes", "2009-01-01", "yes")]
    sites = [*SITES, ("D", 2005, "D hospital", "T3", "acute", "no", "no", "D", "CR", 1.0, 100, "yes")]
    few = world_of(tmp_path / "a", **spread)
    many = load_world(write_tiny(tmp_path / "b", {**scenario(), "rollout": rollout(**spread)}, sites, more))
    assert np.array_equal(paced(few, 20).days, paced(many, 20).days[:, :2])


def test_announced_trusts_lie_between_the_milestones(tmp_path: Path) -> None:
    """Half by the end of 2005, all by the end of 2006: the second of two on the last day."""
    world = world_of(tmp_path, milestones=[milestone(date(2005, 12, 31), 0.5), milestone(date(2006, 12, 31), 1.0)])
    assert announced_days(world).tolist() == [day_number(date(2005, 12, 31)), day_number(date(2006, 12, 31))]


def test_tables_by_hand(tmp_path: Path) -> None:
    world = world_of(tmp_path)
    pace = pace_of(world, "paced", 5)
    done = completion_table(world, pace).set_index("cluster").loc["all"]
    assert (done["median"], done["n"], done["in_time"]) == ("2005-05-03", 5, 1.0)  # 4 x 30.4375 = 121.75 days
    live = live_table(world, pace)
    whole = live[live["cluster"] == "all"].set_index("date")["median"]
    assert (whole["2005-02-28"], whole["2005-03-31"], whole["2005-05-31"]) == (0, 1, 2)


def test_dates_become_a_trusts_table(tmp_path: Path) -> None:
    world = world_of(tmp_path)
    pace = pace_of(world, "paced", 3)
    again = dated(world, pace)
    assert [row.live for row in again.trusts] == [date(2005, 3, 3), date(2005, 5, 3)]
    write_trusts(again, tmp_path / "trusts.csv")  # in place of the scenario's own
    assert [row.live for row in load_world(tmp_path / "tiny.toml").trusts] == [date(2005, 3, 3), date(2005, 5, 3)]


@pytest.mark.parametrize(("change", "key", "words"), [
    ({"providers": {"A providr": rollout()["providers"]["A provider"]}}, "rollout.providers", "did you mean"),
    ({"milestones": [milestone(date(2006, 1, 1), 0.9), milestone(date(2005, 1, 1), 1.0)]}, "rollout", "must rise"),
    ({"failed": quantity(0.95, "share")}, "rollout", "hardly any"),
    ({"mode": "pace"}, "rollout.mode", "did you mean 'paced'?"),
])  # fmt: skip
def test_a_mistake_is_told(tmp_path: Path, change: dict[str, Any], key: str, words: str) -> None:
    with pytest.raises(ScenarioErrors) as caught:
        world_of(tmp_path, **change)
    assert any(p.key.startswith(key) and words in str(p) and p.line > 0 for p in caught.value.problems), str(
        caught.value
    )


def test_england_as_announced_and_counted() -> None:
    """The announced plan meets its milestones; the table of what happened meets its counts, none after August 2006."""
    england = load_world(SCENARIOS / "england-2004.toml")
    live = announced_days(england)
    assert (live <= day_number(date(2005, 12, 31))).sum() in (101, 102)  # 80 % of 127
    assert live.max() == day_number(date(2006, 12, 31))
    happened = load_world(SCENARIOS / "england-2004-as-happened.toml")
    assert (table_days(happened) <= day_number(date(2006, 8, 4))).sum() == pytest.approx(42, abs=1)


def test_england_paced_is_no_earlier_than_its_contracts() -> None:
    england = load_world(SCENARIOS / "england-2004.toml")
    pace = paced(england, 30)
    r = england.scenario.rollout
    assert r is not None
    rows: list[TrustRow] = programme(england)
    for name, provider in r.providers.items():
        mine = [england.scenario.clusters[row.cluster].lsp == name for row in rows]
        assert pace.days[:, mine].min() > day_number(provider.start)
    assert not np.isnan(pace.days).any()
