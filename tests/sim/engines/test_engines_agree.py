"""One answer: each exam's times are equal to 1 µs in both engines, over generated scenarios."""

from dataclasses import fields
from datetime import date
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim.engines.fast import FastEngine
from sim.engines.jobs import WORLDS, Stations, jobs_of, stations_of
from sim.engines.kernels.routing import RECALLS
from sim.engines.process import run_process
from sim.engines.times import Times, join_times
from sim.world.estate import build_estate
from sim.world.exams import ExamMaker
from sim.world.load import World
from tests.sim.tiny import hours, quantity, scenario, tiny_world

FIRST = date(2006, 3, 6)
TAGS = {"up_tag", "fetch_tag", "view_tag"}  # the fast engine's own notes
MICROSECOND = 1e-6


@st.composite
def scenarios(draw: st.DrawFn) -> dict[str, Any]:
    data = scenario()
    keep = draw(st.sampled_from([["CR"], ["CR", "CT"], ["CR", "CT", "US"]]))
    data["modalities"] = {m: data["modalities"][m] for m in keep}
    data["seed"] = draw(st.integers(0, 10_000))
    cluster, archive = data["clusters"]["west"], data["archives"]["a"]
    cluster["sharing"] = draw(st.booleans())
    cluster["recall"] = draw(st.sampled_from(RECALLS if cluster["sharing"] else RECALLS[:2]))
    data["demand"] |= {"prior_other_cluster": quantity(draw(st.sampled_from([0.0, 0.15])), "share"),
                       "lookup": quantity(draw(st.sampled_from([0.0, 5.0, 4000.0])), "s")}  # fmt: skip
    cluster["exams_share"] = quantity(draw(st.sampled_from([0.0005, 0.002])), "share")
    cluster["central_store_from"] = draw(st.sampled_from([date(2004, 7, 1), date(2006, 3, 9)]))
    archive["retrieve_servers"] = quantity(draw(st.integers(1, 3)), "count")
    archive["ingest_rate"] = quantity(draw(st.sampled_from([0.05, 5.0])), "MB/s")
    archive["cache"] = quantity(draw(st.sampled_from([0.0, 3.0, 40.0])), "month")
    archive["compress"] = draw(st.booleans())
    data["network"]["interactive"] = quantity(draw(st.sampled_from([0.05, 0.9])), "share")
    data["reading"]["utilisation"] = quantity(draw(st.sampled_from([0.5, 0.95])), "share")
    data["reading"]["emergency_hours"] = draw(
        st.sampled_from([hours([0, 24], [0, 24], [0, 24]), hours([8, 20], [9, 13], [])])
    )
    return data


def both(world: World, which: str, cuts: tuple[int, ...] = ()) -> tuple[Times, Times]:
    estate = build_estate(world, "west")
    maker = ExamMaker(world, estate, world.scenario.seed, 0, FIRST)
    exams = maker.days(FIRST, date(2006, 3, 11))
    stations = stations_of(world, estate, FIRST)
    slow = run_process(exams, jobs_of(world, estate, exams, which), stations)
    return slow, windows(world, maker, stations, which, exams.exam, cuts)


def windows(
    world: World, maker: ExamMaker, stations: Stations, which: str, wanted: Any, cuts: tuple[int, ...]
) -> Times:
    """The fast engine, cut after some of the five days; rows in the order of `wanted`."""
    estate, engine, done, kept = build_estate(world, "west"), FastEngine(stations), [], None
    edges = [0, *sorted(set(cuts)), 5]
    for a, b in pairwise(edges):
        exams = maker.after(kept, date(2006, 3, 6 + a), date(2006, 3, 6 + b))
        horizon = np.inf if b == 5 else 86_400.0 * b
        times, rows = engine.window(exams, jobs_of(world, estate, exams, which), horizon)
        done.append((exams.exam[rows], times.take(rows)))
        engine.keep(np.flatnonzero(engine.open))
        kept = exams.take(np.flatnonzero(engine.open))
    ids, times = np.concatenate([ids for ids, _ in done]), join_times([times for _, times in done])
    at = np.argsort(ids)
    return times.take(at[np.searchsorted(ids[at], wanted)])


def assert_equal(a: Times, b: Times, within: float) -> None:
    for f in fields(Times):
        if f.name in TAGS:
            continue
        x, y = getattr(a, f.name), getattr(b, f.name)
        assert np.array_equal(np.isnan(x), np.isnan(y)), f.name
        assert np.nanmax(np.abs(x - y), initial=0.0) <= within, f.name


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=scenarios(), which=st.sampled_from(WORLDS), cuts=st.sets(st.integers(1, 4)))
def test_engines_agree_exam_by_exam(data: dict[str, Any], which: str, cuts: set[int]) -> None:
    with TemporaryDirectory() as folder:
        world = tiny_world(Path(folder), data=data)
        slow, fast = both(world, which, tuple(cuts))
        assert_equal(slow, fast, MICROSECOND)
        assert not np.isnan(fast.reported).any()


def test_windows_give_the_same_bits(world: World) -> None:
    estate = build_estate(world, "west")
    maker = ExamMaker(world, estate, 3, 0, FIRST)
    wanted = maker.days(FIRST, date(2006, 3, 11)).exam
    stations = stations_of(world, estate, FIRST)
    for which in WORLDS:
        whole = windows(world, maker, stations, which, wanted, ())
        for cuts in ((1,), (2, 3), (1, 2, 3, 4)):
            assert_equal(whole, windows(world, maker, stations, which, wanted, cuts), 0.0)
