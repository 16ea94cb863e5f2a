"""The exam table: complete, reproducible, and blind to whatever is not its own."""

from dataclasses import fields
from datetime import date
from pathlib import Path

import numpy as np

from sim.world.demand import daily_national, modality_codes, national_volume, site_shares
from sim.world.draw import log_law, lognormal, poisson
from sim.world.estate import build_estate
from sim.world.exams import ExamMaker, Exams
from sim.world.load import World
from tests.sim.tiny import SITES, quantity, scenario, tiny_world

FIRST = date(2006, 3, 6)


def exams(world: World, start: date = FIRST, stop: date = date(2006, 3, 20), replication: int = 0) -> Exams:
    estate = build_estate(world, "west")
    return ExamMaker(world, estate, world.scenario.seed, replication, FIRST).days(start, stop)


def same(a: Exams, b: Exams, but: tuple[str, ...] = ()) -> bool:
    names = [f.name for f in fields(Exams) if f.name not in but]
    return all(np.array_equal(getattr(a, n), getattr(b, n), equal_nan=n.endswith("months")) for n in names)


def test_one_more_hospital_leaves_the_draws_of_all_others(tmp_path: Path) -> None:
    """A new hospital of another trust, weighed so that the others keep their demand, changes none of their exams."""
    data = scenario()
    before = exams(tiny_world(tmp_path / "a", data=data))
    weights = sum(row[9] for row in SITES if row[4] == "acute")
    # the newcomer takes only plain images for general practice; A&E and inpatients of the others stay as they were
    more = [*SITES[:2], ("N", 1999, "New", "T2", "miu", "no", "no", "C", "CR", 0.1, 2, "yes"), *SITES[2:]]
    after = exams(tiny_world(tmp_path / "b", data=data, sites=more))
    assert weights
    for number in (2001, 2002, 2003):
        a, b = (x.take(np.flatnonzero(x.exam // 10**8 == number)) for x in (before, after))
        assert len(a) > 100
        assert same(a, b, but=("site",))


def test_a_changed_design_changes_no_draw(tmp_path: Path) -> None:
    data = scenario()
    before = exams(tiny_world(tmp_path / "a", data=data))
    data["network"]["interactive"] = quantity(0.7, "share")
    data["archives"]["a"]["cache"] = quantity(1, "month")
    data["plan"]["ramp"] = quantity(5, "day")
    trusts = [("T1", "Trust one", "west", "a", "yes", "2009-01-01", "yes"), ("T2", "T", "west", "a", "yes", "", "yes")]
    assert same(before, exams(tiny_world(tmp_path / "b", data=data, trusts=trusts)))


def test_windows_do_not_matter(world: World) -> None:
    whole = exams(world)
    parts = [exams(world, date(2006, 3, a), date(2006, 3, b)) for a, b in ((6, 7), (7, 15), (15, 20))]
    order = np.argsort(whole.exam, kind="stable")
    ids = np.concatenate([p.exam for p in parts])
    for f in fields(Exams):
        joined = np.concatenate([getattr(p, f.name) for p in parts])[np.argsort(ids, kind="stable")]
        assert np.array_equal(getattr(whole, f.name)[order], joined, equal_nan=joined.dtype.kind == "f"), f.name


def test_replications_differ(world: World) -> None:
    assert not np.array_equal(exams(world).arrival_s, exams(world, replication=1).arrival_s)


def test_ids_are_unique_and_readable(world: World) -> None:
    e = exams(world)
    assert len(np.unique(e.exam)) == len(e)
    assert np.array_equal(e.exam // 10_000 % 10_000, e.day)


def test_expected_exams_of_a_year_are_the_volumes(world: World) -> None:
    """Week and season only move exams inside the financial year."""
    days = [date.fromordinal(date(2005, 4, 1).toordinal() + i) for i in range(365)]
    estate = build_estate(world, "west")
    national = daily_national(world, days)
    expected = np.einsum("dms,ims->m", national, site_shares(world, "west", estate.sites))
    share = world.scenario.clusters["west"].exams_share.value
    volumes = [national_volume(world, m, 2005) * share for m in modality_codes(world)]
    assert np.allclose(expected, volumes, rtol=1e-9)


def test_growth_beyond_the_table(world: World) -> None:
    assert national_volume(world, "CR", 2007) == national_volume(world, "CR", 2005) * 1.02**2
    assert national_volume(world, "CR", 2003) == national_volume(world, "CR", 2005)


def test_drawn_exams_are_as_many_as_expected(world: World) -> None:
    """Poisson: within 4 standard deviations (error rate 6e-5)."""
    e, estate = exams(world), build_estate(world, "west")
    days = [date.fromordinal(FIRST.toordinal() + i) for i in range(14)]
    expected = np.einsum("dms,ims->", daily_national(world, days), site_shares(world, "west", estate.sites))
    assert abs(len(e) - expected) < 4 * np.sqrt(expected)


def test_means_are_those_of_the_scenario(world: World) -> None:
    """Within 4 standard errors of the sample."""
    e = exams(world, FIRST, date(2006, 5, 1))
    for m, modality in enumerate(world.scenario.modalities.values()):
        rows = e.modality == m
        for drawn, mean in ((e.room_s, modality.room.value * 60), (e.read_s, modality.read.value * 60)):
            x = drawn[rows]
            assert abs(x.mean() - mean) < 4 * x.std() / np.sqrt(len(x))
        assert abs((~np.isnan(e.prior_months[rows])).mean() - 0.6) < 4 * np.sqrt(0.24 / rows.sum())
    months = e.prior_months[~np.isnan(e.prior_months)]
    assert abs((months < 3).mean() - 0.562) < 4 * np.sqrt(0.25 / len(months))


def test_lognormal_and_poisson_have_their_moments() -> None:
    z = np.linspace(-6, 6, 20_001)
    weight = np.exp(-(z**2) / 2)
    x = np.array([lognormal(*log_law(10.0, 0.5), float(v)) for v in z])
    assert abs(np.average(x, weights=weight) - 10) < 1e-3
    u = (np.arange(100_000) + 0.5) / 100_000
    assert abs(np.mean([poisson(1.5, float(v)) for v in u]) - 1.5) < 1e-3
