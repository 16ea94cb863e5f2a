"""Where a prior is: by hand, and in which direction sharing, cache, back-loading and prefetch move it."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.engines.jobs import jobs_of
from sim.engines.kernels.routing import AT_CENTRE, AT_SITE, IN_LIBRARY, NO_PRIOR
from sim.engines.kernels.routing import _where_prior as where
from sim.world.estate import build_estate
from sim.world.exams import ExamMaker
from tests.sim.tiny import quantity, scenario, tiny_world

LIVE, DAY = 1000, 1100  # a hundred days after go-live, 3.3 months


@pytest.mark.parametrize(
    ("months", "here", "cache", "sharing", "back_load", "fetched", "expected"),
    [
        (np.nan, 1, 12.0, False, 0.0, False, NO_PRIOR),
        (2.0, 1, 12.0, False, 0.0, False, AT_SITE),
        (2.0, 1, 1.0, False, 0.0, False, AT_CENTRE),  # older than the cache
        (2.0, 1, 1.0, False, 0.0, True, AT_SITE),  # brought the night before
        (2.0, 0, 12.0, False, 0.0, False, IN_LIBRARY),  # of another site, and nothing is shared
        (2.0, 0, 12.0, True, 0.0, False, AT_CENTRE),
        (5.0, 1, 12.0, True, 0.0, False, IN_LIBRARY),  # 152 days ago, before go-live
        (5.0, 1, 12.0, True, 1.0, False, AT_SITE),  # loaded back 100 days before go-live: 200 days ago
        (7.0, 1, 12.0, True, 1.0, False, IN_LIBRARY),  # 213 days ago: not yet
        (7.0, 1, 6.0, True, 2.0, False, AT_CENTRE),  # loaded back 200 days: 300 days ago, and older than the cache
    ],
)
def test_by_hand(months: float, here: int, cache: float, sharing: bool, back_load: float, fetched: bool,
                 expected: int) -> None:  # fmt: skip
    assert where(months, here, True, True, DAY, LIVE, cache, sharing, back_load, fetched) == expected


def shares(tmp_path: Path, name: str, change: dict[str, Any]) -> dict[int, float]:
    """Share of the exams with a prior whose prior is in each place, half a year after go-live."""
    data = scenario()
    data["clusters"]["west"] |= {"exams_share": quantity(0.01, "share"), "sharing": False} | {
        k: v for k, v in change.items() if k not in ("cache", "booked")
    }
    data["archives"]["a"]["cache"] = quantity(change.get("cache", 3.0), "month")
    data["settings"]["op"]["booked"] = True
    trusts = [(code, code, "west", "a", "yes", "2005-09-01", "yes") for code in ("T1", "T2")]
    world = tiny_world(tmp_path / name, data=data, trusts=trusts)
    estate = build_estate(world, "west")
    exams = ExamMaker(world, estate, 1, 0, date(2006, 3, 1)).days(date(2006, 3, 1), date(2006, 3, 8))
    prior = jobs_of(world, estate, exams, "plan").prior
    known = prior[prior != NO_PRIOR]
    return {place: float((known == place).mean()) for place in (AT_SITE, AT_CENTRE, IN_LIBRARY)}


def test_each_choice_moves_priors_the_right_way(tmp_path: Path) -> None:
    base = shares(tmp_path, "base", {})
    shared = shares(tmp_path, "shared", {"sharing": True})
    assert shared[IN_LIBRARY] < base[IN_LIBRARY]
    assert shared[AT_CENTRE] > base[AT_CENTRE]
    assert shared[AT_SITE] == base[AT_SITE]
    longer = shares(tmp_path, "longer", {"cache": 24.0})
    assert longer[AT_CENTRE] < base[AT_CENTRE]
    assert longer[IN_LIBRARY] == base[IN_LIBRARY]
    loaded = shares(tmp_path, "loaded", {"back_load": quantity(3.0, "ratio")})
    assert loaded[IN_LIBRARY] < base[IN_LIBRARY]
    fetched = shares(tmp_path, "fetched", {"prefetch": True})
    assert fetched[AT_CENTRE] < base[AT_CENTRE]
    assert fetched[IN_LIBRARY] == base[IN_LIBRARY]
