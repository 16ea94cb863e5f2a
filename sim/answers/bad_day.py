"""Service levels before, during and after a fault, what waited at most, and when it was caught up.

A run's replications are drawn and computed again from its manifest, with the scenario's faults and without them: the
same exams, so that the difference is the fault's and not the hour's. An exam belongs to the phase in which it was asked
for. Backlog: studies made and not yet in the cluster's archive; caught up: after the largest backlog, no more of them
than at most before the fault. Means over replications by Student's t, differences by a paired t (credibility rule A5).
"""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from multiprocessing import get_context
from os import cpu_count
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.answers.intervals import Interval, student
from sim.answers.levels import Sample, expected_exams, level_value, sample
from sim.engines.jobs import Jobs
from sim.engines.times import Times
from sim.runs.period import Period
from sim.runs.spec import PlanProblem
from sim.runs.unit import Unit
from sim.world.estate import build_estate
from sim.world.exams import Exams
from sim.world.load import World
from sim.world.service_levels import SECONDS, Level, ServiceLevels, levels_of

Floats = NDArray[np.float64]
Progress = Callable[[int, int, str], None]
PHASES = ("before", "during", "catching up", "afterwards")
WORDS = {
    "before": "before the fault", "during": "from the fault until all capacity is back",
    "catching up": "from then until the backlog is caught up", "afterwards": "from then to the end of the run",
}  # fmt: skip
CAUGHT_UP, PEAK, USUAL, LATE, WHOLE = range(5)
BACKLOG = ("caught up", "largest backlog", "most before the fault", "of it, after all capacity was back",
           "time from the fault until caught up")  # fmt: skip


@dataclass(frozen=True)
class Question:
    """A cluster's fault in a run: seconds from the first measured hour; `sites` are hit, None: all."""

    cluster: str
    names: list[str]
    begin_s: float
    back_s: float
    sites: list[str] | None
    levels: dict[str, Level]
    period: Period
    seed: int
    which: str


def questions(world: World, levels: ServiceLevels, period: Period, clusters: list[str], seed: int,
              which: str) -> list[Question]:  # fmt: skip
    """One for each cluster of a run in which a fault begins. Raises PlanProblem where there is none."""
    start, found = datetime(period.start.year, period.start.month, period.start.day), []
    for cluster in clusters:
        mine = {n: f for n, f in world.scenario.faults.items() if f.cluster == cluster
                and period.start <= f.start.date() < period.end}  # fmt: skip
        if mine:
            begins = [(f.start - start).total_seconds() for f in mine.values()]
            backs = [b + 3600 * f.recovery.hours[-1] for b, f in zip(begins, mine.values(), strict=True)]
            hit = sorted({site for f in mine.values() for site in f.sites})
            everywhere = any(not f.sites for f in mine.values())
            found.append(Question(cluster, list(mine), min(begins), max(backs), None if everywhere else hit,
                                  levels_of(levels, cluster), period, seed, which))  # fmt: skip
    if not found:
        raise PlanProblem(
            f"no fault of the scenario begins in {', '.join(clusters)} from {period.start} to "
            f"{period.end - timedelta(days=1)}: simulate a scenario with [faults] over its days, such as "
            "scenarios/bad-day-centre.toml"
        )
    return found


def catch_up(made: Floats, kept: Floats, begin: float, until: float) -> tuple[float, float, float]:
    """(most before, largest backlog, time when caught up) of studies made and kept at these times.

    Caught up: the first moment after the largest backlog at which no more wait than at most before `begin`; NaN where
    that is not before `until`, and `begin` where never more waited.
    """
    at = np.concatenate([made, kept])
    order = np.lexsort((np.repeat([1, -1], len(made)), at))  # at the same moment, what is kept goes first
    at, waiting = at[order], np.cumsum(np.repeat([1, -1], len(made))[order])
    early, late = waiting[(at >= 0) & (at < begin)], (at >= begin) & (at < until)
    usual, then, when = float(early.max(initial=0)), waiting[late], at[late]
    if len(then) == 0 or then.max() <= usual:
        return usual, float(then.max(initial=0)), begin
    top = int(then.argmax())
    clear = np.flatnonzero(then[top:] <= usual)
    return usual, float(then[top]), float(when[top + clear[0]]) if len(clear) else float("nan")


class _Backlog:
    """Gathers when studies were made and kept, in seconds of the measured period."""

    def __init__(self, zero: float, sites: NDArray[np.bool_]) -> None:
        self._zero, self._sites = zero, sites
        self._made: list[Floats] = []
        self._kept: list[Floats] = []

    def __call__(self, e: Exams, j: Jobs, t: Times, done: NDArray[np.int64]) -> None:
        rows = done[j.central[done] & self._sites[e.site[done]]]
        self._made.append(t.room_end[rows] - self._zero)
        self._kept.append(t.ingest_end[rows] - self._zero)

    def caught_up(self, q: Question) -> tuple[float, float, float]:
        """See `catch_up`."""
        made, kept = np.concatenate(self._made), np.concatenate(self._kept)
        return catch_up(made, kept, q.begin_s, 3600.0 * q.period.hours)


def phases(q: Question, caught_up_s: float) -> list[tuple[int, int]]:
    """Hours [from, to) of each phase; a phase of no hour has none."""
    hours = q.period.hours
    begin = int(np.clip(q.begin_s // 3600, 0, hours))
    back = int(np.clip(np.ceil(q.back_s / 3600), begin, hours))
    clear = hours if np.isnan(caught_up_s) else int(np.clip(np.ceil(caught_up_s / 3600), back, hours))
    return [(0, begin), (begin, back), (back, clear), (clear, hours)]


def cut(s: Sample, a: int, b: int) -> Sample:
    """The exams asked for in the hours [a, b), which count from a."""
    keep = (s.hour >= a) & (s.hour < b)
    return Sample({n: x[keep] for n, x in s.measures.items()}, s.hour[keep] - a, s.setting[keep], s.modality[keep],
                  s.supplier[keep], s.use[:, :, a:b], s.archives)  # fmt: skip


def _values(q: Question, s: Sample, hours: list[tuple[int, int]], expected: Floats) -> Floats:
    """float64[phase, level]; NaN where a phase is too short for a level."""
    out = np.full((len(hours), len(q.levels)), np.nan)
    for p, (a, b) in enumerate(hours):
        if b > a:
            part, busy = cut(s, a, b), int(expected[a:b].argmax())
            out[p] = [level_value(level, part, busy) for level in q.levels.values()]
    return out


def one(world: World, q: Question, replication: int) -> tuple[Floats, Floats]:
    """float64[with and without the fault, phase, level] and float64[backlog figure] of one replication."""
    unit = Unit(q.cluster, replication, q.seed, "fast", (q.which,), q.period)
    rows = build_estate(world, q.cluster).sites
    hit = np.array([q.sites is None or row.site in q.sites for row in rows])
    backlog = _Backlog(q.period.warm_up_s, hit)
    bad = sample(world, unit, hit, backlog)
    well = sample(replace(world, scenario=world.scenario.model_copy(update={"faults": {}})), unit, hit)
    usual, peak, clear = backlog.caught_up(q)
    hours = phases(q, clear)
    expected = expected_exams(world, q.cluster, q.period.days).reshape(-1)
    late_h = max(clear - q.back_s, 0.0) / 3600 if np.isfinite(clear) else np.nan
    figures = np.array([np.isfinite(clear), peak, usual, late_h, (clear - q.begin_s) / 3600])
    return np.stack([_values(q, s, hours, expected) for s in (bad, well)]), figures


_world: World | None = None  # of this worker process


def _begin(world: World) -> None:
    global _world
    _world = world


def _try(q: Question, replication: int) -> tuple[Floats, Floats]:
    assert _world is not None
    return one(_world, q, replication)


def answer(world: World, asked: list[Question], replications: int, progress: Progress) -> dict[str, pd.DataFrame]:
    """Tables `levels` and `backlog` of all replications, on all cores."""
    total, found = replications * len(asked), dict[tuple[int, int], tuple[Floats, Floats]]()
    with ProcessPoolExecutor(cpu_count() or 1, get_context("fork"), _begin, (world,)) as pool:
        jobs = {pool.submit(_try, q, r): (i, r) for i, q in enumerate(asked) for r in range(replications)}
        for job in as_completed(jobs):
            found[jobs[job]] = job.result()
            progress(len(found), total, asked[jobs[job][0]].cluster)
    levels, backlogs = [], []
    for i, q in enumerate(asked):
        each = [found[i, r] for r in range(replications)]
        levels += _level_rows(q, np.array([values for values, _ in each]))
        backlogs += _backlog_rows(q, np.array([figures for _, figures in each]))
    return {"levels": pd.DataFrame(levels), "backlog": pd.DataFrame(backlogs)}


def _interval(values: Floats, ci: float = 0.95) -> Interval:
    found = student(values, ci)
    return replace(found, method="no interval: one replication") if found.n == 1 else found


def _level_rows(q: Question, values: Floats) -> list[dict[str, Any]]:
    """`values`: float64[replication, with and without, phase, level]."""
    rows = []
    for p, phase in enumerate(PHASES):
        for k, (name, level) in enumerate(q.levels.items()):
            unit, scale = level.limit.unit, SECONDS.get(level.limit.unit, 1.0)
            bad, well = values[:, 0, p, k] / scale, values[:, 1, p, k] / scale
            i, more, known = _interval(bad), _interval(bad - well), bad[~np.isnan(bad)]
            rows.append({
                "cluster": q.cluster, "phase": phase, "level": name, "words": level.words(), "unit": unit,
                "limit": level.limit.value, "status": level.limit.status, "value": i.value, "low": i.low,
                "high": i.high, "n": i.n, "met": int((known <= level.limit.value).sum()), "method": i.method,
                "without": float(well[~np.isnan(well)].mean()) if (~np.isnan(well)).any() else np.nan,
                "more": more.value, "more_low": more.low, "more_high": more.high,
            })  # fmt: skip
    return rows


def _backlog_rows(q: Question, figures: Floats) -> list[dict[str, Any]]:
    """`figures`: float64[replication, backlog figure]."""
    caught, rows = int(figures[:, CAUGHT_UP].sum()), []
    for k in (USUAL, PEAK, WHOLE, LATE):
        i = _interval(figures[:, k])
        rows.append({
            "cluster": q.cluster, "faults": ", ".join(q.names), "figure": BACKLOG[k],
            "unit": "h" if k in (LATE, WHOLE) else "studies", "value": i.value, "low": i.low, "high": i.high,
            "n": i.n, "caught_up": caught, "replications": len(figures), "method": i.method,
        })  # fmt: skip
    return rows


def period_of(manifest: dict[str, Any]) -> Period:
    """The period of a run, from its manifest."""
    start, end = date.fromisoformat(manifest["start"]), date.fromisoformat(manifest["end"]) + timedelta(days=1)
    before, after = (timedelta(days=manifest[name]) for name in ("warm_up_days", "cool_down_days"))
    return Period(start - before, start, end, end + after)
