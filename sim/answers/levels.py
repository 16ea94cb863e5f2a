"""What service levels come to in one replication: the measures of its exams, judged as each level says."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from sim.engines.jobs import Jobs
from sim.engines.times import Times
from sim.runs.period import Period
from sim.runs.unit import Unit, finished_exams
from sim.world.demand import daily_national, demand_shape, site_shares
from sim.world.estate import build_estate
from sim.world.exams import Exams
from sim.world.load import World
from sim.world.service_levels import QUANTILE, Level

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
HOUR_S = 3600.0
Watch = Callable[[Exams, Jobs, Times, Ints], None]
FEWEST = 20  # exams, below which an hour, a day or a period is not judged


@dataclass(frozen=True)
class Sample:
    """One replication's measured exams, one row each, and hourly use of the archives."""

    measures: dict[str, Floats]  # seconds; NaN: not this exam's business
    hour: Ints  # of arrival, from the start of the measured period
    setting: NDArray[np.str_]
    modality: NDArray[np.str_]
    supplier: NDArray[np.str_]
    use: Floats  # [2: ingest and retrieval, archive, hour], share of the servers' time
    archives: list[str]


def measures_of(e: Exams, t: Times) -> dict[str, Floats]:
    """The measures of service levels in seconds; earlier exams on film are left out."""
    digital = np.isnan(t.pull_start)
    return {
        "room_wait": t.room_start - e.arrival_s,
        "image_available": t.available - t.room_end,
        "first_view": t.viewed - (t.room_end + e.view_delay_s),
        "prior_on_screen": np.where(digital, t.prior_ready - e.arrival_s, np.nan),
        "in_cluster_store": t.ingest_end - t.room_end,
        "reading_wait": t.read_start - t.read_ready,
        "report_turnaround": t.reported - e.arrival_s,
    }


def add_busy(out: Floats, entity: NDArray[np.integer], start: Floats, end: Floats) -> None:
    """Add each job's seconds to the hours in which it was served; out float64[entity, hour], time 0 its first hour."""
    there = ~np.isnan(end)
    entity, start, end = entity[there], start[there], end[there]
    first = np.floor(start / HOUR_S).astype(np.int64)
    longest = int((np.floor(end / HOUR_S).astype(np.int64) - first).max(initial=0))
    for k in range(longest + 1):
        hour = first + k
        part = np.minimum(end, (hour + 1) * HOUR_S) - np.maximum(start, hour * HOUR_S)
        rows = (part > 0) & (hour >= 0) & (hour < out.shape[1])
        np.add.at(out, (entity[rows], hour[rows]), part[rows])


def sample(world: World, unit: Unit, sites: Bools | None = None, watch: Watch = lambda e, j, t, done: None) -> Sample:
    """Simulate one unit in its first world, and keep what levels are judged by.

    `sites`: only exams of these; `watch` sees all of them, portion by portion, with the rows that are done.
    """
    estate, period = build_estate(world, unit.cluster), unit.period
    sc, zero = world.scenario, period.warm_up_s
    busy = np.zeros((2, len(estate.archives), period.hours))
    parts = []
    for _, e, j, t, done in finished_exams(world, unit):
        for pool, start, end in ((0, t.ingest_start, t.ingest_end), (1, t.fetch_start, t.fetch_end),
                                 (1, t.view_start, t.view_end)):  # fmt: skip
            add_busy(busy[pool], j.archive[done], start[done] - zero, end[done] - zero)
        watch(e, j, t, done)
        since = e.day[done] - period.day0
        rows = done[(since >= 0) & (since < len(period.days))]
        rows = rows if sites is None else rows[sites[e.site[rows]]]
        measures = {name: x[rows] for name, x in measures_of(e, t).items()}
        parts.append((measures, e.arrival_s[rows], e.setting[rows], e.modality[rows], j.archive[rows]))
    found = {name: np.concatenate([p[0][name] for p in parts]) for name in parts[0][0]}
    arrival, setting, modality, archive = (np.concatenate([p[i] for p in parts]) for i in range(1, 5))
    servers = np.array([[sc.archives[a].ingest_servers.value for a in estate.archives],
                        [sc.archives[a].retrieve_servers.value for a in estate.archives]])  # fmt: skip
    return Sample(
        found, np.floor((arrival - zero) / HOUR_S).astype(np.int64), np.array(list(sc.settings))[setting],
        np.array(list(sc.modalities))[modality], np.array(estate.archives)[archive],
        busy / HOUR_S / servers[:, :, None], estate.archives,
    )  # fmt: skip


def _statistic(x: Floats, level: Level) -> float:
    if level.statistic == "mean":
        return float(x.mean())
    return float(np.quantile(x, QUANTILE[level.statistic], method="inverted_cdf"))


def _whom(level: Level, s: Sample) -> Bools:
    keep = ~np.isnan(s.measures[level.measure])
    for column, wanted in ((s.setting, level.setting), (s.modality, level.modality), (s.supplier, level.supplier)):
        if wanted is not None:
            keep &= column == wanted
    return keep


def _parts(x: Floats, part: Ints, level: Level) -> dict[int, float]:
    """The statistic of each hour or day that has enough exams."""
    order = np.argsort(part, kind="stable")
    names, starts = np.unique(part[order], return_index=True)
    groups = np.split(x[order], starts[1:])
    return {int(n): _statistic(g, level) for n, g in zip(names, groups, strict=True) if len(g) >= FEWEST}


def _use(level: Level, s: Sample, busiest: int) -> float:
    archives = [i for i, name in enumerate(s.archives) if level.supplier in (None, name)]
    by_hour = s.use[:, archives].max(axis=(0, 1))
    if level.when == "busiest-hour":
        return float(by_hour[busiest])
    return float(by_hour.max()) if level.when == "any-hour" else _statistic(by_hour, level)


def level_value(level: Level, s: Sample, busiest: int) -> float:
    """The level's statistic in one replication, in seconds or as a share; NaN where too few exams are concerned.

    `busiest` is the hour of the period that is judged where the level says so.
    """
    if level.measure == "archive_utilisation":
        return _use(level, s, busiest)
    keep = _whom(level, s)
    x, hour = s.measures[level.measure][keep], s.hour[keep]
    if level.over == "exams":
        x = x[hour == busiest] if level.when == "busiest-hour" else x
        return _statistic(x, level) if len(x) >= FEWEST else np.nan
    found = _parts(x, hour // (24 if level.over == "day" else 1), level)
    if level.when == "busiest-hour":
        return found.get(busiest, np.nan)
    if not found:
        return np.nan
    values = list(found.values())
    return max(values) if level.when == "any-hour" else float(np.mean(values))


def expected_hours(world: World, cluster: str) -> tuple[list[date], Floats]:
    """Days of the sizing year that lie in the plan, and the cluster's expected exams, float64[day, hour]."""
    plan = world.scenario.plan
    first, stop = date(plan.sizing_year, 4, 1), date(plan.sizing_year + 1, 4, 1)
    days = [first + timedelta(days=i) for i in range((stop - first).days)]
    days = [day for day in days if plan.start <= day <= plan.end] or [plan.end]
    return days, expected_exams(world, cluster, days)


def expected_exams(world: World, cluster: str, days: list[date]) -> Floats:
    """The cluster's expected exams, float64[day, hour]."""
    sites = build_estate(world, cluster).sites
    by_setting = np.einsum("dms,ms->ds", daily_national(world, days), site_shares(world, cluster, sites).sum(axis=0))
    hourly = demand_shape(world).hourly[:, [day.weekday() for day in days]]
    expected: Floats = np.einsum("ds,sdh->dh", by_setting, hourly)
    return expected


def busiest(world: World, cluster: str, days: int, warm_up_days: int, cool_down_days: int) -> tuple[Period, int]:
    """The run of days of the sizing year with most expected exams, and the number of its busiest hour."""
    every, hourly = expected_hours(world, cluster)
    sums = np.convolve(hourly.sum(axis=1), np.ones(days), "valid")
    at = int(sums.argmax())
    start, one = every[at], timedelta(days=1)
    period = Period(start - warm_up_days * one, start, start + days * one, start + (days + cool_down_days) * one)
    return period, int(hourly[at : at + days].reshape(-1).argmax())
