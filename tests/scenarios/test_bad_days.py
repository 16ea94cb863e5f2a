"""The bad days that ship: each is checked, hits its station, and all its exams are reported in the end."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from sim.engines.jobs import stations_of
from sim.world.estate import build_estate
from sim.world.load import load_world

SCENARIOS = Path(__file__).parents[2] / "scenarios"
MONDAY = date(2007, 3, 5)


@pytest.mark.parametrize(
    ("name", "cluster", "station", "hours"),
    [
        ("bad-day-centre", "northwest", "ingest", 96.0),
        ("bad-day-local", "south", "store", 26.0),
        ("bad-day-slow", "london", "retrieve", 24.0),
    ],
)
def test_servers_are_out_as_the_scenario_says(name: str, cluster: str, station: str, hours: float) -> None:
    world = load_world(SCENARIOS / f"{name}.toml")
    found = stations_of(world, build_estate(world, cluster), MONDAY).blocks[station]
    assert len(found.begin) > 0
    assert (found.until - found.begin).max() / 3600 == pytest.approx(hours)
    elsewhere = "east"
    assert len(stations_of(world, build_estate(world, elsewhere), MONDAY).blocks[station].begin) == 0


def test_links_are_down_for_twelve_hours() -> None:
    world = load_world(SCENARIOS / "bad-day-link.toml")
    pieces = stations_of(world, build_estate(world, "south"), MONDAY).up_pieces
    assert [rate > 0 for _, rate in pieces.at(0)] == [True, False, True]
    assert np.diff([since for since, _ in pieces.at(0)])[1] == 12 * 3600
    assert len(pieces.at(5)) == 1
