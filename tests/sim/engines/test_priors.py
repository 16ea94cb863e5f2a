"""Where a prior is: by hand, and in which direction sharing, cache, back-loading and prefetch move it."""

from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.engines.fast import FastEngine
from sim.engines.jobs import Jobs, jobs_of, stations_of
from sim.engines.kernels.routing import AT_CENTRE, AT_SITE, IN_LIBRARY, NO_PRIOR, RECALLS
from sim.engines.kernels.routing import _where_prior as where
from sim.engines.loads import loads_of
from sim.engines.process import run_process
from sim.engines.times import Times
from sim.world.estate import build_estate
from sim.world.exams import ExamMaker, Exams
from sim.world.world import World
from tests.sim.tiny import quantity, scenario, tiny_world

LIVE, DAY = 1000, 1100  # a hundred days after go-live, 3.3 months


NONE, SITE, CLUSTER, COUNTRY = range(4)  # how far priors are recalled
NEAR, FAR = 0, 2  # made elsewhere in the cluster, in another cluster; 1 is at the site


@pytest.mark.parametrize(
    ("months", "here", "cache", "recall", "back_load", "fetched", "expected"),
    [
        (np.nan, 1, 12.0, SITE, 0.0, False, NO_PRIOR),
        (2.0, 1, 12.0, SITE, 0.0, False, AT_SITE),
        (2.0, 1, 1.0, SITE, 0.0, False, AT_CENTRE),  # older than the cache
        (2.0, 1, 1.0, SITE, 0.0, True, AT_SITE),  # brought the night before
        (2.0, 1, 12.0, NONE, 0.0, False, IN_LIBRARY),
        (2.0, NEAR, 12.0, SITE, 0.0, False, IN_LIBRARY),  # of another site, and nothing is shared
        (2.0, NEAR, 12.0, CLUSTER, 0.0, False, AT_CENTRE),
        (2.0, FAR, 12.0, CLUSTER, 0.0, False, IN_LIBRARY),
        (2.0, FAR, 12.0, COUNTRY, 0.0, False, AT_CENTRE),
        (2.0, NEAR, 12.0, COUNTRY, 0.0, False, AT_CENTRE),
        (5.0, FAR, 12.0, COUNTRY, 0.0, False, IN_LIBRARY),  # before go-live, there as here
        (5.0, 1, 12.0, CLUSTER, 0.0, False, IN_LIBRARY),  # 152 days ago, before go-live
        (5.0, 1, 12.0, CLUSTER, 1.0, False, AT_SITE),  # loaded back 100 days before go-live: 200 days ago
        (7.0, 1, 12.0, CLUSTER, 1.0, False, IN_LIBRARY),  # 213 days ago: not yet
        (7.0, 1, 6.0, CLUSTER, 2.0, False, AT_CENTRE),  # loaded back 200 days: 300 days ago, older than the cache
    ],
)
def test_by_hand(months: float, here: int, cache: float, recall: int, back_load: float, fetched: bool,
                 expected: int) -> None:  # fmt: skip
    assert where(months, here, True, True, DAY, LIVE, cache, recall, back_load, fetched) == expected


def shares(tmp_path: Path, name: str, change: dict[str, Any]) -> dict[int, float]:
    """Share of the exams with a prior whose prior is in each place, half a year after go-live."""
    data = scenario()
    data["demand"] |= {"prior_other_cluster": quantity(0.08, "share"), "lookup": quantity(5, "s")}
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


def test_the_further_priors_are_recalled_the_fewer_are_on_film(tmp_path: Path) -> None:
    """Each step moves priors out of the library and moves none that was recalled before."""
    steps = [shares(tmp_path, recall, {"sharing": True, "recall": recall}) for recall in RECALLS]
    none, site, cluster, country = steps
    assert none == {AT_SITE: 0.0, AT_CENTRE: 0.0, IN_LIBRARY: 1.0}
    assert none[IN_LIBRARY] > site[IN_LIBRARY] > cluster[IN_LIBRARY] > country[IN_LIBRARY]
    assert site[AT_SITE] == cluster[AT_SITE] == country[AT_SITE]
    assert site[AT_CENTRE] < cluster[AT_CENTRE] < country[AT_CENTRE]
    assert shares(tmp_path, "default", {"sharing": True}) == cluster
    assert shares(tmp_path, "alone", {"sharing": False}) == site


def far_world(folder: Path, lookup_s: float, recall: str = "country") -> World:
    """Everyone on PACS for years, half of the priors in another cluster."""
    data = scenario()
    data["demand"] = {"prior_same_site": quantity(0.3, "share"), "prior_other_cluster": quantity(0.5, "share"),
                      "lookup": quantity(lookup_s, "s")}  # fmt: skip
    data["clusters"]["west"] |= {"recall": recall}
    return tiny_world(folder, data=data)


FIRST = date(2006, 3, 6)


def timed(world: World, rows: Any = None) -> tuple[Exams, Jobs, Times, Times]:
    """Some of a day's exams, through both engines."""
    estate = build_estate(world, "west")
    exams = ExamMaker(world, estate, 1, 0, FIRST).days(FIRST, date(2006, 3, 7))
    exams = exams if rows is None else exams.take(rows)
    jobs, stations = jobs_of(world, estate, exams, "pacs"), stations_of(world, estate, FIRST)
    fast, _ = FastEngine(stations).window(exams, jobs, np.inf)
    return exams, jobs, run_process(exams, jobs, stations), fast


def test_a_prior_of_another_cluster_by_hand(tmp_path: Path) -> None:
    """Alone in the world: 7 s of lookup, 3 s of media latency, 10 ms an image and 5 MB/s at the archive, then the link:
    100 Mbit/s, 70 % of it usable, 30 % of that kept for retrieval.
    """
    world = far_world(tmp_path, 7.0)
    exams, jobs, _, _ = timed(world)
    far = np.flatnonzero((exams.prior_here == FAR) & (jobs.prior == AT_CENTRE) & (exams.site < 3))
    near = np.flatnonzero((exams.prior_here == NEAR) & (jobs.prior == AT_CENTRE) & (exams.site < 3))
    assert len(far) > 20
    for row, lookup_s in ((far[0], 7.0), (near[0], 0.0)):
        one, job, *both = timed(world, np.array([row]))
        size = float(job.wire_bytes[0])
        archive_s = 3 + 0.01 * one.images[0] + size / 5e6
        ready = one.arrival_s[0] + lookup_s + archive_s + size / (100e6 / 8 * 0.7 * 0.3)
        for times in both:
            assert times.fetch_start[0] == pytest.approx(one.arrival_s[0] + lookup_s, abs=1e-6)
            assert times.prior_ready[0] == pytest.approx(ready, abs=1e-6)


def test_a_longer_lookup_delays_priors_of_other_clusters_and_no_exam_is_drawn_anew(tmp_path: Path) -> None:
    quick, slow = (timed(far_world(tmp_path / str(s), s)) for s in (1.0, 600.0))
    for f in fields(Exams):
        assert np.array_equal(getattr(quick[0], f.name), getattr(slow[0], f.name), equal_nan=True), f.name
    far = (quick[0].prior_here == FAR) & (quick[1].prior == AT_CENTRE)
    assert (slow[1].prior == quick[1].prior).all()
    later = slow[3].prior_ready - quick[3].prior_ready
    assert np.median(later[far]) == pytest.approx(599, rel=0.05)
    others = ~far & (quick[1].prior == AT_CENTRE)
    assert np.median(later[others]) == 0
    assert (slow[3].read_ready - quick[3].read_ready).sum() > 0


def test_both_engines_give_the_lookup_its_load(tmp_path: Path) -> None:
    """A request counts as waiting at the archive from when it comes there, not while the lookup lasts."""
    exams, jobs, slow, fast = timed(far_world(tmp_path, 600.0))
    rows = np.arange(len(exams))
    for times in (slow, fast):
        (prior,) = [
            x for x in loads_of(exams, jobs, times, rows) if x.station == "retrieve" and x.end is times.fetch_end
        ]
        waited = (prior.start - prior.ready)[~np.isnan(prior.end)]
        assert waited.min() > -1e-6
        assert np.median(waited) < 60
