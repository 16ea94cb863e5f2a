"""Faults and breakdowns: by hand, the same in both engines, and nothing is lost on the bad day."""

from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim.engines.banks import LinkBank, ServerBank
from sim.engines.jobs import jobs_of, stations_of
from sim.engines.outages import Blocks, Pieces, blocks
from sim.engines.process import run_process
from sim.world.estate import build_estate
from sim.world.exams import ExamMaker
from sim.world.faults import Recovery
from tests.sim.engines.test_engines_agree import FIRST, MICROSECOND, assert_equal, windows
from tests.sim.tiny import quantity, scenario, tiny_world

LAST = date(2006, 3, 11)
ALL = np.zeros(3, np.int16)


def fault(station: str, hours: list[float], capacity: list[float], sites: list[str] | None = None) -> dict[str, Any]:
    recovery = {"hours": hours, "capacity": capacity, "source": "x", "status": "assumed"}
    return {"what": "a fault", "station": station, "cluster": "west", "sites": sites or [], "recovery": recovery,
            "start": datetime(2006, 3, 7, 9, 30)}  # fmt: skip


def served(spans: list[list[tuple[float, float]]], servers: int) -> list[float]:
    start, end = np.full(3, np.nan), np.full(3, np.nan)
    bank = ServerBank(np.array([servers]), Blocks.of(spans))
    bank.serve(ALL, 0, ALL, np.array([0.0, 4.0, 5.0]), np.full(3, 3.0), np.arange(3), start, end, np.inf)
    return start.tolist()


def test_a_server_that_is_out_by_hand() -> None:
    """Jobs of 3 s at 0, 4 and 5 s. One server, out from 2 to 10: the first is finished, the others wait until 10."""
    assert served([[(2.0, 10.0)]], 1) == [0.0, 10.0, 13.0]
    assert served([[(2.0, 10.0)]], 2) == [0.0, 4.0, 7.0]  # one of two is out
    assert served([[(2.0, 10.0), (2.0, 10.0)]], 2) == [0.0, 10.0, 10.0]
    assert served([[(1.0, 2.5)]], 1) == [0.0, 4.0, 7.0]  # over before the server was free
    assert served([[]], 1) == [0.0, 4.0, 7.0]


def test_a_link_that_is_down_by_hand() -> None:
    """One transfer of 10 bytes at 1 byte a second from 0, no capacity from 4 to 9 and half from then on: until 21."""
    link = LinkBank(np.ones(1), Pieces(np.array([-np.inf, 4.0, 9.0]), np.array([1.0, 0.0, 0.5]), np.array([0, 3])))
    tag, end = np.full(1, np.nan), np.full(1, np.nan)
    link.send(ALL[:1], 0, ALL[:1], np.zeros(1), np.full(1, 10.0), np.arange(1), tag, end, np.inf)
    assert end.tolist() == [21.0]


CURVES = st.sampled_from([([0.0, 5.0], [0.0, 1.0]), ([0.0, 3.0, 20.0], [0.0, 0.62, 1.0]), ([0.0, 8.0], [0.4, 1.0])])


@st.composite
def bad_days(draw: st.DrawFn) -> dict[str, Any]:
    data = scenario()
    data["seed"] = draw(st.integers(0, 10_000))
    data["clusters"]["west"]["exams_share"] = quantity(draw(st.sampled_from([0.0005, 0.002])), "share")
    data["clusters"]["west"]["sharing"] = draw(st.booleans())
    data["archives"]["a"]["retrieve_servers"] = quantity(draw(st.integers(1, 3)), "count")
    stations = draw(st.sets(st.sampled_from(["link", "archive", "store"]), min_size=1))
    data["faults"] = {s: fault(s, *draw(CURVES)) for s in sorted(stations)}
    if draw(st.booleans()):
        data["breakdowns"] = {"rooms": {"station": draw(st.sampled_from(["room", "archive"])),
                                        "rate": quantity(300, "events/yr"), "repair": quantity(2, "h"),
                                        "spread": quantity(0.8, "ratio")}}  # fmt: skip
    return data


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=bad_days(), which=st.sampled_from(["pacs", "plan"]), cuts=st.sets(st.integers(1, 4)))
def test_engines_agree_on_a_bad_day(data: dict[str, Any], which: str, cuts: set[int]) -> None:
    with TemporaryDirectory() as folder:
        world = tiny_world(Path(folder), data=data)
        estate = build_estate(world, "west")
        maker = ExamMaker(world, estate, world.scenario.seed, 0, FIRST)
        exams = maker.days(FIRST, LAST)
        stations = stations_of(world, estate, FIRST, LAST, world.scenario.seed, 0)
        slow = run_process(exams, jobs_of(world, estate, exams, which), stations)
        fast = windows(world, maker, stations, which, exams.exam, tuple(cuts))
        assert_equal(slow, fast, MICROSECOND)
        assert not np.isnan(fast.reported).any()


def test_who_is_ready_at_once_goes_by_the_exam(tmp_path: Path) -> None:
    """What queued up at all links while they were down arrives in part at the very same time, by other ways."""
    ties = 0
    for seed in range(350, 356):
        data = scenario()
        data["seed"], data["clusters"]["west"]["exams_share"] = seed, quantity(0.0005, "share")
        data["faults"] = {"link": fault("link", [0.0, 5.0], [0.0, 1.0])}
        world = tiny_world(tmp_path / str(seed), data=data)
        estate = build_estate(world, "west")
        maker = ExamMaker(world, estate, seed, 0, FIRST)
        exams, stations = maker.days(FIRST, LAST), stations_of(world, estate, FIRST, LAST, seed, 0)
        slow = run_process(exams, jobs_of(world, estate, exams, "pacs"), stations)
        assert_equal(slow, windows(world, maker, stations, "pacs", exams.exam, ()), MICROSECOND)
        came = np.sort(slow.up_end[~np.isnan(slow.up_end)])
        ties += int((np.diff(came) == 0).sum())
    assert ties > 10


@pytest.mark.parametrize("station", ["link", "archive", "store"])
def test_nothing_is_lost_on_the_bad_day(tmp_path: Path, station: str) -> None:
    """At every hour: exams in = reported + waiting, bytes sent = stored + queued; and in the end all are reported."""
    data = scenario()
    data["clusters"]["west"]["exams_share"] = quantity(0.002, "share")
    well = _stored(tmp_path / "well", data)
    data["faults"] = {"bad": fault(station, [0.0, 6.0, 30.0], [0.0, 0.5, 1.0])}
    bad = _stored(tmp_path / "bad", data)
    assert bad["ingest_end"].sum() > well["ingest_end"].sum()
    for found in (well, bad):
        for hour in np.arange(0, 200) * 3600.0:
            sent, stored = (found["bytes"][found[name] <= hour].sum() for name in ("room_end", "ingest_end"))
            queued = found["bytes"][(found["room_end"] <= hour) & (found["ingest_end"] > hour)].sum()
            assert sent == pytest.approx(stored + queued)
        assert found["bytes"][np.isfinite(found["ingest_end"])].sum() == found["bytes"].sum()
    during = (bad["room_end"] > 1.5 * 86_400) & (bad["room_end"] < 1.6 * 86_400)
    assert (bad["ingest_end"] - bad["room_end"])[during].mean() > (well["ingest_end"] - well["room_end"])[during].mean()


def _stored(folder: Path, data: dict[str, Any]) -> dict[str, np.ndarray[Any, Any]]:
    world = tiny_world(folder, data=data)
    estate = build_estate(world, "west")
    maker = ExamMaker(world, estate, 3, 0, FIRST)
    exams = maker.days(FIRST, LAST)
    jobs = jobs_of(world, estate, exams, "pacs")
    times = windows(world, maker, stations_of(world, estate, FIRST), "pacs", exams.exam, (1, 2))
    assert not np.isnan(times.reported).any()
    return {"room_end": times.room_end, "ingest_end": times.ingest_end, "bytes": jobs.wire_bytes}


def test_breakdowns_have_their_rate_and_one_server_more_changes_nobody_elses(tmp_path: Path) -> None:
    data = scenario()
    data["breakdowns"] = {"r": {"station": "room", "rate": quantity(12, "events/yr"), "repair": quantity(2, "h"),
                                "spread": quantity(0.5, "ratio")}}  # fmt: skip
    world = tiny_world(tmp_path, data=data)
    estate = build_estate(world, "west")
    servers = estate.rooms.reshape(-1)
    found = blocks(world, estate, "room", servers, date(2005, 1, 1), date(2014, 12, 31), 1, 0)
    expected = servers.sum() * 12 * 10
    assert len(found.begin) == pytest.approx(expected, abs=4 * expected**0.5)
    hours = (found.until - found.begin) / 3600
    assert np.median(hours) == pytest.approx(2.0, rel=0.1)
    more = servers.copy()
    more[0] += 1
    other = blocks(world, estate, "room", more, date(2005, 1, 1), date(2014, 12, 31), 1, 0)
    assert other.at(1) == found.at(1)


def test_a_later_beginning_of_the_run_changes_no_breakdown(tmp_path: Path) -> None:
    data = scenario()
    data["breakdowns"] = {"r": {"station": "store", "rate": quantity(50, "events/yr"), "repair": quantity(2, "h"),
                                "spread": quantity(0.5, "ratio")}}  # fmt: skip
    world = tiny_world(tmp_path, data=data)
    estate = build_estate(world, "west")
    servers = np.full(len(estate.sites), 2)
    early = blocks(world, estate, "store", servers, date(2006, 1, 1), date(2006, 12, 31), 1, 0)
    late = blocks(world, estate, "store", servers, date(2006, 1, 11), date(2006, 12, 31), 1, 0)
    shifted = early.begin - 10 * 86_400
    assert np.allclose(np.sort(late.begin), np.sort(shifted[shifted >= 0]))


@pytest.mark.parametrize(
    ("hours", "capacity", "words"),
    [
        ([0.0, 2.0, 3.0], [0.0, 1.0], "hours has 3 steps and capacity 2"),
        ([1.0, 2.0], [0.0, 1.0], "hours must begin with 0 and ascend"),
        ([0.0, 2.0], [0.0, 0.9], "the last capacity must be 1"),
    ],
)
def test_a_recovery_that_is_none_is_told(hours: list[float], capacity: list[float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Recovery(hours=hours, capacity=capacity, source="x", status="assumed")
