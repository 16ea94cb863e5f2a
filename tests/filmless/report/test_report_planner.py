"""The planner's chapter: numbers by hand, tiles that do not overlap, and what the planner's own runs add."""

from datetime import date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tomli_w

from filmless.bad_day_commands import print_bad_day
from filmless.failures import BadInput
from filmless.report import bad_day, planner, plans
from filmless.report.simulated import Simulated
from sim.runs.experiment import simulate
from sim.runs.spec import Spec
from sim.runs.store import Run, RunWriter
from tests.filmless.report.conftest import Runs
from tests.sim.tiny import scenario, tiny_world

pytestmark = pytest.mark.xdist_group("report-page")
SHAS = {"south": 7, "london": 5, "east": 5, "northeast": 5, "northwest": 6}  # sha_... of the facts: 28 in all


@pytest.fixture(scope="module")
def sim(runs: Runs) -> Simulated:
    return Simulated(runs.simulated)


def test_tiles_are_the_health_authorities_without_overlap() -> None:
    rows = planner.tile_rows("England")
    assert rows.groupby("cluster").size().to_dict() == SHAS
    assert not rows.duplicated(["row", "column"]).any()
    assert not rows.duplicated("region").any()
    assert planner.tile_rows("Sundholm (invented)").empty


@pytest.mark.parametrize("cluster", sorted(SHAS))
def test_each_cluster_is_one_piece(cluster: str) -> None:
    rows = planner.tile_rows("England")
    left = set(map(tuple, rows[rows["cluster"] == cluster][["row", "column"]].to_numpy().tolist()))
    at = [left.pop()]
    while at:
        r, c = at.pop()
        near = {(r + 1, c), (r - 1, c), (r, c + 1), (r, c - 1)} & left
        left -= near
        at += near
    assert not left


def test_rooms_in_use_by_hand(sim: Simulated) -> None:
    """One site's busiest hour of a weekday: its rooms' seconds over all its rooms' seconds."""
    found = planner.room_use(sim)
    row = found.iloc[int(found["mean"].to_numpy().argmax())]
    hourly = sim.run.table("hourly")
    mine = hourly[(hourly["world"] == "pacs") & (hourly["station"] == "room")
                  & hourly["entity"].astype(str).str.startswith(f"{row['site']} ")]  # fmt: skip
    rooms = mine.drop_duplicates("entity")["servers"].sum()
    at = mine[(mine["hour"].dt.hour == row["clock"]) & (mine["hour"].dt.day_of_week < 5)]
    days = at.groupby("hour")["busy_s"].sum()
    assert row["mean"] == pytest.approx(100 * days.mean() / 3600 / rooms)
    assert 0 < row["mean"] <= 100.0 + 1e-6


def test_stores_grow_at_the_centre_and_level_off_on_site(sim: Simulated) -> None:
    data = planner.stored_by_year(sim)
    for (_, tier), part in data.groupby(["cluster", "tier"]):
        kept = part.sort_values("year")["value"].to_numpy()
        assert (np.diff(kept) > 0).all() or tier == "site"
    last = data[data["year"] == data["year"].max()].pivot(index="cluster", columns="tier", values="value")
    assert (last["site"] < last["central"] / 3).all()  # a year's images of ten


@pytest.mark.parametrize("draw", [planner.heat_map, planner.stores, planner.trusts_live, planner.tile_map])
def test_figures_pass_the_door(sim: Simulated, draw: object) -> None:
    assert callable(draw)
    assert "<svg" in draw(sim).to_html()


def test_a_sentence_for_the_front_page(sim: Simulated) -> None:
    words = planner.live_sentence(sim)
    assert "5 to 95 %" in words
    assert "200 simulated rollouts" in words
    assert "31 March 2007" in words


# --- the planner's own runs -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plans") / "size"
    cost = {"cost": 9e6, "cost_low": 5e6, "cost_high": 2e7}
    level = {"level": "copy", "unit": "min", "n": 10}
    tried = [(9e6, 4.0, True), (1.2e7, 2.0, True), (1.3e7, 3.0, False)]
    with RunWriter(folder) as writer:
        writer.table("frontier", pd.DataFrame([
            {**level, "link_acute": 10.0, "cost": c, "cost_low": c / 2, "cost_high": 2 * c, "value": v, "low": v - 1,
             "high": v + 1, "met": 10, "efficient": e} for c, v, e in tried]))  # fmt: skip
        writer.table("levels", pd.DataFrame([{**level, "words": "a level", "value": 4.0, "low": 3.0, "high": 5.0,
                                              "met": 10, "status": "assumed"}]))  # fmt: skip
        writer.table("marginal", pd.DataFrame([{
            "part": "link_acute", "step": "smaller", "to": 2.0, "met": 3, "n": 10, "level": "copy",
            **{k.replace("cost", "cost_change"): -v for k, v in cost.items()}, "level_change": 9.0,
            "level_change_low": 8.0, "level_change_high": 10.0, "level_unit": "min"}]))  # fmt: skip
        writer.close({
            "kind": "sizing", "clusters": ["london"], "currency": "GBP", "verdict": "PASS", "start": "2007-05-07",
            "seed": 1, "scenario_hash": "abc", "design": {"link_acute": "10 Mbit/s"}, "binding_level": "copy",
            "cost_a_year": {"value": 9e6, "low": 5e6, "high": 2e7}, "fresh_seeds": {"met": 49, "n": 50},
            "levels": {"title": "levels", "levels": {"copy": {"measure": "in_cluster_store", "statistic": "p95",
                                                              "limit": {"value": 15.0}}}},
        })  # fmt: skip
    return folder


def test_a_size_search_is_told_with_its_frontier(sim: Simulated, sized: Path) -> None:
    (run,) = plans.plan_runs([sized], "sizing")
    words = plans.size_sentence(sim, run)
    assert "London" in words
    assert "£9.00 million a year (range of the unit prices: £5.00 million to £20.0 million)" in words
    assert "49 of 50" in words
    figure = plans.frontier(sim, run)
    assert figure.data["efficient"].tolist() == ["yes", "yes", "no"]
    assert "<svg" in figure.to_html()
    table = plans.design_table(sim, run)
    assert table["all levels met in"].tolist() == ["3 of 10"]
    assert table["cost (GBP a year)"].tolist() == [-9e6]


def test_none_in_range_is_told(sim: Simulated, sized: Path) -> None:
    run = Run(sized)
    run.manifest |= {"verdict": "FAIL", "levels_missed_by_the_largest": {"copy": 4}}
    assert plans.size_sentence(sim, run).endswith("the largest one misses copy.")


def test_only_runs_of_the_kind_are_taken(sized: Path) -> None:
    assert plans.plan_runs([sized], "sweep") == []
    assert plans.plan_runs([], "sizing") == []


# --- the bad day ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    """The tiny cluster's archive is out from ten o'clock until four in the afternoon."""
    data = scenario()
    recovery = {"hours": [0.0, 6.0], "capacity": [0.0, 1.0], "source": "x", "status": "assumed"}
    data["faults"] = {"out": {"what": "the archive is out", "station": "archive", "cluster": "west",
                              "start": datetime(2007, 3, 6, 10), "recovery": recovery}}  # fmt: skip
    folder = tmp_path_factory.mktemp("bad")
    world = tiny_world(folder, data=data)
    spec = Spec(("west",), date(2007, 3, 5), date(2007, 3, 8), 3, replications=3, warm_up_days=1, cool_down_days=1)
    return Simulated(simulate(world, spec, folder / "run"))


def test_the_backlog_grows_while_the_archive_is_out_and_is_caught_up(bad: Simulated) -> None:
    assert bad_day.has_bad_day(bad)
    waiting = bad_day.backlog(bad).set_index("hour")["waiting"]
    out = waiting[pd.Timestamp(2007, 3, 6, 11) : pd.Timestamp(2007, 3, 6, 16)]
    assert (np.diff(out) >= 0).all()
    assert out.iloc[-1] > 10 * waiting[: pd.Timestamp(2007, 3, 6, 10)].max()
    row = bad_day.worst(bad).iloc[0]
    assert row["at"] == "06 March 2007 16:00"
    assert row["caught up by"].startswith("06 March 2007")
    assert "<svg" in bad_day.figure(bad).to_html()


def test_a_day_like_any_other_has_none(sim: Simulated) -> None:
    assert not bad_day.has_bad_day(sim)


def test_service_levels_around_the_fault_stand_beside_it(bad: Simulated, tmp_path: Path) -> None:
    sla = tmp_path / "sla.toml"
    limit = {"value": 15.0, "unit": "min", "source": "x", "status": "assumed", "low": 5.0, "high": 60.0}
    level = {"measure": "in_cluster_store", "statistic": "p95", "over": "exams", "limit": limit}
    sla.write_text(tomli_w.dumps({"title": "copies", "description": "d", "levels": {"copy": level}}))
    print_bad_day(bad.run.folder, sla, tmp_path / "days", json_=True)
    (run,) = plans.plan_runs([tmp_path / "days", bad.run.folder], "bad-day")
    table = bad_day.levels_table(bad, run).set_index("when")
    during, before = table.loc["from the fault until all capacity is back"], table.loc["before the fault"]
    assert (before["met in"], during["met in"], during["n"]) == (3, 0, 3)
    assert during["difference, lower end"] > 60
    assert during["interval"] == "Student t over 3 replications"
    assert len(bad_day.backlog_table(bad, run)) == 4
    (words,) = bad_day.sentences(bad, run)
    assert "studies wait at most, caught up 6" in words
    assert words.endswith("means of 3 replications.")
    with pytest.raises(BadInput, match="is no simulation run: name one of a scenario with"):
        print_bad_day(tmp_path / "days", sla, None, json_=True)
