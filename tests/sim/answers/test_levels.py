"""Service levels: each statistic by hand, each mistake in a file told with its place."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w

from sim.answers.levels import FEWEST, Sample, add_busy, busiest, expected_hours, level_value
from sim.world.load import load_world
from sim.world.problems import ScenarioErrors
from sim.world.service_levels import Level, load_levels
from sim.world.world import World
from tests.sim.tiny import quantity, tiny_world

SCENARIOS = Path(__file__).parents[3] / "scenarios"


def level(**more: Any) -> Level:
    given = {"measure": "in_cluster_store", "statistic": "p95", "over": "exams", "limit": quantity(1.0, "min"), **more}
    return Level.model_validate(given)


def of(values: list[float], hours: list[int], **more: Any) -> Sample:
    n = len(values)
    columns = {"setting": ["ae"] * n, "modality": ["CR"] * n, "supplier": ["a"] * n, **more}
    named = {k: np.array(v) for k, v in columns.items()}
    use = np.zeros((2, 1, 48))
    return Sample({"in_cluster_store": np.array(values, float)}, np.array(hours), **named, use=use, archives=["a"])


# 100 exams of 1 to 100 s: 1 to 40 in hour 0, 41 to 100 in hour 30 (the second day)
HUNDRED = of([float(x) for x in range(1, 101)], [0] * 40 + [30] * 60)


@pytest.mark.parametrize(("asked", "value"), [
    ({}, 95.0),  # rank 95 of 100
    ({"statistic": "mean"}, 50.5),
    ({"statistic": "p50", "when": "busiest-hour"}, 70.0),  # rank 30 of the 60 from 41 on
    ({"over": "day"}, (38 + 97) / 2),  # ranks 38 of 40 and 57 of 60
    ({"over": "hour"}, (38 + 97) / 2),
    ({"over": "hour", "when": "any-hour"}, 97.0),
    ({"over": "hour", "when": "busiest-hour"}, 97.0),
    ({"modality": "CT"}, np.nan),
    ({"setting": "ae", "supplier": "a"}, 95.0),
])  # fmt: skip
def test_each_kind_by_hand(asked: dict[str, Any], value: float) -> None:
    assert level_value(level(**asked), HUNDRED, 30) == pytest.approx(value, nan_ok=True)


def test_too_few_exams_are_not_judged() -> None:
    few = of([1.0] * (FEWEST - 1) + [50.0] * FEWEST, [0] * (FEWEST - 1) + [1] * FEWEST)
    assert level_value(level(over="hour", statistic="mean"), few, 0) == 50.0
    assert np.isnan(level_value(level(over="hour", when="busiest-hour"), few, 0))


def test_exams_without_the_measure_are_nobodys() -> None:
    half = of([1.0] * 30 + [np.nan] * 30, [0] * 60)
    assert level_value(level(statistic="mean"), half, 0) == 1.0


def test_busy_seconds_fall_into_their_hours() -> None:
    out = np.zeros((2, 3))
    add_busy(out, np.array([0, 0, 1, 1, 1]), np.array([10.0, 3590.0, -50.0, 3000.0, 0.0]),
             np.array([70.0, 3610.0, 50.0, 11_000.0, np.nan]))  # fmt: skip
    assert out.tolist() == [[70.0, 10.0, 0.0], [650.0, 3600.0, 3600.0]]


def test_utilisation_looks_at_the_fuller_pool() -> None:
    use = np.zeros((2, 1, 3))
    use[0, 0], use[1, 0] = [0.2, 0.5, 0.1], [0.1, 0.3, 0.6]
    s = of([], [])
    s = Sample(s.measures, s.hour, s.setting, s.modality, s.supplier, use, ["a"])
    asked = {"measure": "archive_utilisation", "over": "hour", "limit": quantity(0.7, "share"), "statistic": "mean"}
    assert level_value(level(**asked, when="any-hour"), s, 0) == 0.6
    assert level_value(level(**asked, when="busiest-hour"), s, 1) == 0.5
    assert level_value(level(**asked), s, 0) == pytest.approx((0.2 + 0.5 + 0.6) / 3)


def test_the_busiest_days_are_those_with_most_expected_exams(tmp_path: Path) -> None:
    world = tiny_world(tmp_path)
    days, hourly = expected_hours(world, "west")
    one, hour = busiest(world, "west", 1, 7, 2)
    assert hourly[days.index(one.start)].sum() == pytest.approx(hourly.sum(axis=1).max())
    assert hourly[days.index(one.start), hour] == hourly[days.index(one.start)].max()
    week, _ = busiest(world, "west", 7, 7, 2)
    assert (week.end - week.start).days == 7
    assert (week.start - week.first).days == 7
    assert (week.last - week.end).days == 2


# --- files ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def england() -> World:
    return load_world(SCENARIOS / "england-2004.toml")


def broken(folder: Path, **change: Any) -> Path:
    data = {"title": "t", "description": "d", "levels": {"copy": {
        "measure": "in_cluster_store", "statistic": "p95", "over": "hour", "limit": quantity(15, "min"), **change,
    }}}  # fmt: skip
    path = folder / "levels.toml"
    path.write_text(tomli_w.dumps(data))
    return path


@pytest.mark.parametrize(("change", "key", "words"), [
    ({"measure": "stored"}, "levels.copy.measure", "allowed: 'room_wait'"),
    ({"statistics": "p95"}, "levels.copy.statistics", "did you mean 'statistic'?"),
    ({"over": "day", "when": "any-hour"}, "levels.copy", 'set over = "hour"'),
    ({"over": "day", "when": "busiest-hour"}, "levels.copy", "no whole day"),
    ({"limit": quantity(15, "GB")}, "levels.copy", "unit s or min or h or day"),
    ({"limit": {**quantity(15, "min"), "value": 0.0, "low": 0.0}}, "levels.copy", "must be above 0"),
    ({"measure": "archive_utilisation", "setting": "ae", "limit": quantity(0.7, "share")}, "levels.copy", "setting"),
    ({"cluster": "wst"}, "levels.copy.cluster", "did you mean 'west'?"),
    ({"supplier": "b"}, "levels.copy.supplier", "has no supplier 'b'; allowed: a"),
    ({"limit": {**quantity(15, "min"), "source": "y"}}, "levels.copy.limit.source", "no source 'y'"),
    ({"limit": {"value": 15.0, "unit": "min", "source": "x", "status": "assumed"}}, "levels.copy.limit", "range"),
])  # fmt: skip
def test_a_mistake_is_told_with_its_place(tmp_path: Path, world: World, change: Any, key: str, words: str) -> None:
    path = broken(tmp_path, **change)
    with pytest.raises(ScenarioErrors) as caught:
        load_levels(path, world)
    mine = [p for p in caught.value.problems if p.key.startswith(key) and words in str(p)]
    assert mine, [str(p) for p in caught.value.problems]
    assert mine[0].file == str(path)
    assert mine[0].line > 0


@pytest.mark.parametrize("path", sorted(SCENARIOS.glob("sla/planning-*.toml")), ids=lambda p: p.stem)
def test_shipped_levels_are_whole_and_sourced(path: Path, england: World) -> None:
    found = load_levels(path, england)
    for name, one in found.levels.items():
        assert one.limit.source in england.sources, name
        assert one.limit.is_assumption == (one.limit.status != "verified"), name
