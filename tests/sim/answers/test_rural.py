"""Units on thin links: a picture's time by hand, directions, and where a link stops working."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sim.answers.rural import Limits, rural_table, seen, smallest_links
from sim.runs.period import Period
from sim.runs.unit import Unit
from sim.world.sweep import Case, Cases, Sweep, with_links
from sim.world.world import World
from tests.sim.tiny import SITES, quantity, scenario, tiny_world

DAY = date(2007, 3, 5)
PERIOD = Period(DAY - timedelta(days=2), DAY, DAY + timedelta(days=5), DAY + timedelta(days=7))
UNIT = Unit("west", 0, 5, "fast", ("pacs",), PERIOD)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Nothing compressed, every image of the same size, and a unit busy enough to be counted."""
    data: dict[str, Any] = scenario()
    data["archives"]["a"]["compress"] = False
    data["modalities"]["CR"]["images_cv"] = quantity(0, "ratio")
    data["modalities"]["CR"]["images"] = quantity(2, "count")
    sites = [(*row[:9], 1.0, *row[10:]) if row[0] == "M" else row for row in SITES]
    return tiny_world(tmp_path_factory.mktemp("rural"), data=data, sites=sites)


def test_an_undisturbed_picture_takes_its_bytes_over_the_link(world: World) -> None:
    """2 images of 1760 x 2140 x 2 bytes, 70 % of 2 Mbit/s usable, of which 70 % for sending; a store before it."""
    found = seen(with_links(world, {"miu": 2.0}), UNIT)
    size = 2 * 1760 * 2140 * 2
    link, store = size * 8 / (2e6 * 0.7 * 0.7), 2 * 0.020 + size * 8 / (1000e6 * 0.7)
    assert found.image_s.min() == pytest.approx(link + store, rel=1e-9)
    assert (found.opinion_s > found.image_s).all()


def test_a_thinner_link_is_later_for_every_picture(world: World) -> None:
    fast, slow = (seen(with_links(world, {"miu": rate}), UNIT) for rate in (2.0, 0.5))
    assert (np.sort(slow.image_s) > np.sort(fast.image_s)).all()
    assert slow.link_use == pytest.approx(4 * fast.link_use, rel=0.5)  # the same bytes; the hour may be another


def cases(world: World, rates: list[float]) -> Cases:
    sweep = Sweep(title="t", description="d", scenario="x", clusters=["west"], first_day=DAY, last_day=DAY,
                  replications=3, seed=5, grid={"links.miu": list(rates)})  # fmt: skip
    made = [Case(f"miu={r}", "", world.path, (), with_links(world, {"miu": r}), {"miu": r}) for r in rates]
    return Cases(sweep, made, made[0].name)


def test_the_table_names_the_link_that_stops_working(world: World) -> None:
    table = rural_table(cases(world, [10.0, 1.0, 0.01]), Limits(image_min=15), processes=2)
    assert table["works"].tolist() == ["yes", "yes", "no"]
    assert (np.diff(table["image_p95_s"]) > 0).all()
    assert (np.diff(table["journeys_avoided"]) <= 0).all()
    assert (table["image_p95_low_s"] <= table["image_p95_s"]).all()
    least = smallest_links(table).iloc[0]
    assert (least["smallest_mbit_s"], least["fails_at_mbit_s"]) == (1.0, 0.01)


@pytest.mark.parametrize(("works", "smallest", "fails"), [
    (["yes", "yes", "no"], 1.0, 0.5), (["yes", "yes", "yes"], 0.5, np.nan), (["no", "no", "no"], np.nan, 2.0),
    (["yes", "no", "yes"], 2.0, 1.0),  # a link below one that fails is not trusted
])  # fmt: skip
def test_smallest_links_by_hand(works: list[str], smallest: float, fails: float) -> None:
    table = pd.DataFrame({"cluster": "w", "lossless_ratio": 1.0, "link_mbit_s": [2.0, 1.0, 0.5], "works": works})
    row = smallest_links(table).iloc[0]
    assert row["smallest_mbit_s"] == pytest.approx(smallest, nan_ok=True)
    assert row["fails_at_mbit_s"] == pytest.approx(fails, nan_ok=True)


def test_links_of_other_kinds_stay(world: World) -> None:
    changed = with_links(world, {"miu": 0.5})
    assert {row.wan_mbit_s for row in changed.sites if row.kind == "acute"} == {100.0}
    assert {row.wan_mbit_s for row in changed.sites if row.kind == "miu"} == {0.5}
    assert replace(changed, sites=world.sites) == world
