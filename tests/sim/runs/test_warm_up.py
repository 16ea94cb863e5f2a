"""Coupling: two runs that begin on different days become one, and it is told when they do not."""

from datetime import date
from pathlib import Path

from sim.runs.period import Period
from sim.runs.unit import Unit
from sim.runs.warm_up import couplings
from sim.world.load import World
from tests.sim.tiny import quantity, scenario, tiny_world


def unit(first: date) -> Unit:
    start = date(2006, 3, 20)
    return Unit("west", 0, 7, "fast", ("film", "pacs"), Period(first, start, date(2006, 3, 22), date(2006, 3, 24)))


def test_runs_become_one(world: World) -> None:
    found = couplings(world, unit(date(2006, 2, 27)))
    assert found["proved"].all()
    assert (found["differ"] > 0).any()
    assert (found["coupled_after_days"] < 21).all()


def test_a_station_that_never_empties_is_told(tmp_path: Path) -> None:
    data = scenario()
    data["reading"]["utilisation"] = quantity(1.0, "share")  # no reader is free over the measured days
    for modality in data["modalities"].values():
        modality["read_cv"] = quantity(3.0, "ratio")
    data["plan"]["sizing_year"] = 2004
    found = couplings(tiny_world(tmp_path, data=data), unit(date(2006, 3, 18)))
    assert not found["proved"].all()
