"""Coupling: two runs that begin on different days become one, and it is told when they do not."""

from dataclasses import replace
from datetime import date
from pathlib import Path

from pandas.testing import assert_frame_equal

from sim.runs.packed import unpack
from sim.runs.period import Period
from sim.runs.unit import Unit
from sim.runs.warm_up import couplings, watched
from sim.runs.workers import work
from sim.world.load import World
from tests.sim.tiny import quantity, scenario, tiny_world

START = date(2006, 3, 20)


def unit(first: date) -> Unit:
    return Unit("west", 0, 7, "fast", ("film", "pacs"), Period(first, START, date(2006, 3, 22), date(2006, 3, 24)))


def test_runs_become_one(world: World) -> None:
    one = unit(date(2006, 2, 27))
    found = couplings(world, one, watched(world, one, one.period.first))
    assert found["proved"].all()
    assert (found["differ"] > 0).any()
    assert (found["coupled_after_days"] < 21).all()


def test_the_run_itself_is_the_later_of_the_two(world: World) -> None:
    """Watched while it goes on to its end, a run shows what one shows that stops after the first measured day."""
    one = replace(
        unit(date(2006, 2, 27)), period=Period(date(2006, 2, 27), START, date(2006, 4, 10), date(2006, 4, 17))
    )
    witness = watched(world, one, one.period.first)
    found = unpack(work(world, one).tables["warm_up"]).to_pandas()
    assert_frame_equal(found, couplings(world, one, witness))
    slow = work(world, replace(one, engine="simpy", period=unit(date(2006, 2, 27)).period))
    assert all(unpack(slow.tables["warm_up"])["proved"].to_pylist())


def test_a_station_that_never_empties_is_told(tmp_path: Path) -> None:
    data = scenario()
    data["reading"]["utilisation"] = quantity(1.0, "share")  # no reader is free over the measured days
    for modality in data["modalities"].values():
        modality["read_cv"] = quantity(3.0, "ratio")
    data["plan"]["sizing_year"] = 2004
    busy, one = tiny_world(tmp_path, data=data), unit(date(2006, 3, 18))
    found = couplings(busy, one, watched(busy, one, one.period.first))
    assert not found["proved"].all()
