"""When trusts go live: as announced, as in the trusts table, or paced by teams that take time, fail and change makers.

A paced replication: each provider's teams begin one after another and take its trusts in the order of the plan. A
deployment takes a lognormal time, and again as long as it fails. With some chance the first maker fails its pilot: then
every deployment begins only when the pilot's length and the months lost are over. Draws are keyed by trust and provider
(stream "rollout"), so one more trust changes nobody's times, and more teams see the same deployments. Where a trust's
new equipment is destroyed ([golive_destroyed]) its team goes on to the next one, and it follows later.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.answers.intervals import student
from sim.world.calendar import EPOCH, date_of, day_number
from sim.world.draw import log_law
from sim.world.faults import delay_days
from sim.world.load import World
from sim.world.pace import Rollout
from sim.world.quantity import Quantity
from sim.world.streams import stream_key
from sim.world.tables import TrustRow

Floats = NDArray[np.float64]
MONTH = 30.4375  # days
ATTEMPTS = 50  # of one deployment; at nine failures in ten, one in 200 trusts would need more
BAND = (0.05, 0.5, 0.95)


class RolloutProblem(ValueError):
    """A scenario that says too little about its rollout."""


@dataclass(frozen=True)
class Pace:
    """Go-live days of the programme's trusts, float64[replication, trust] as day numbers."""

    trusts: list[TrustRow]
    days: Floats


def programme(world: World) -> list[TrustRow]:
    """The programme's trusts in the order of the plan."""
    found = [row for row in world.trusts if row.programme == "yes"]
    return sorted(found, key=lambda row: (_planned(world, row), row.trust))


def _planned(world: World, row: TrustRow) -> date:
    """The go-live of the plan; a trust whose equipment is destroyed keeps its place in the order."""
    if row.live is None:
        return date.max
    return row.live - timedelta(days=delay_days(world.scenario.golive_destroyed.values(), row.trust))


def rollout_of(world: World) -> Rollout:
    """The scenario's [rollout] section."""
    if world.scenario.rollout is None:
        raise RolloutProblem(f"{world.path} has no [rollout] section: say there how fast trusts go live")
    return world.scenario.rollout


def announced_days(world: World) -> Floats:
    """Trusts evenly between the milestones, in the order of the plan; float64[trust]."""
    r, n = rollout_of(world), len(programme(world))
    at = [day_number(world.scenario.plan.start), *(day_number(m.by) for m in r.milestones)]
    share = [0.0, *(m.share for m in r.milestones)]
    rank = (np.arange(n) + 1) / max(n, 1)
    return np.where(rank <= share[-1] + 1e-12, np.interp(rank, share, at), np.nan)


def table_days(world: World) -> Floats:
    """The trusts table's dates; NaN: never."""
    return np.array([np.nan if row.live is None else day_number(row.live) for row in programme(world)], np.float64)


def _uniform_in(q: Quantity, u: float) -> float:
    low, high = (q.value if end is None else end for end in (q.low, q.high))
    return low + u * (high - low)


def _generator(seed: int, replication: int, of: str, who: str) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=stream_key(seed, replication, "rollout", of, who)))


def deployment_days(r: Rollout, seed: int, replication: int, trust: TrustRow) -> float:
    """One trust's deployment with its failures, in days."""
    draws, total = _generator(seed, replication, "trust", trust.trust), 0.0
    mean, spread = log_law(r.deployment.value * MONTH, r.deployment_cv.value)
    for _ in range(ATTEMPTS):
        total += float(np.exp(mean + spread * draws.standard_normal()))
        if draws.random() >= r.failed.value:
            return total
    return total


def first_day(r: Rollout, seed: int, replication: int, provider: str) -> float:
    """The day number from which a provider's teams deploy for good."""
    draws, start = _generator(seed, replication, "provider", provider), float(day_number(r.providers[provider].start))
    fails, lost = draws.random() < r.replaced.value, _uniform_in(r.months_lost, draws.random())
    return start + (r.pilot.value + lost) * MONTH if fails else start


def _deploy(r: Rollout, seed: int, replication: int, provider: str, trusts: Sequence[TrustRow]) -> list[float]:
    """Go-live days of a provider's trusts: the next free team takes the next trust."""
    p, begin = r.providers[provider], first_day(r, seed, replication, provider)
    free = [begin + i * p.team_every.value * MONTH for i in range(int(p.teams.value))]
    out = []
    for trust in trusts:
        day = heapq.heappop(free) + deployment_days(r, seed, replication, trust)
        out.append(day)
        heapq.heappush(free, day)
    return out


def paced(world: World, replications: int, seed: int | None = None) -> Pace:
    """The rollout simulated so many times."""
    r, rows = rollout_of(world), programme(world)
    lsp = [world.scenario.clusters[row.cluster].lsp for row in rows]
    days = np.full((replications, len(rows)), np.nan)
    for provider in dict.fromkeys(lsp):
        at = [i for i, name in enumerate(lsp) if name == provider]
        for k in range(replications):
            days[k, at] = _deploy(r, world.scenario.seed if seed is None else seed, k, provider, [rows[i] for i in at])
    return Pace(rows, days + [delay_days(world.scenario.golive_destroyed.values(), row.trust) for row in rows])


def pace_of(world: World, mode: str, replications: int = 200, seed: int | None = None) -> Pace:
    """Go-live days in one of the modes; announced and table have one replication."""
    if mode == "paced":
        return paced(world, replications, seed)
    days = announced_days(world) if mode == "announced" else table_days(world)
    return Pace(programme(world), days[None])


def _who(pace: Pace) -> list[tuple[str, NDArray[np.bool_]]]:
    cluster = np.array([row.cluster for row in pace.trusts])
    return [("all", np.ones(len(cluster), bool)), *((c, cluster == c) for c in dict.fromkeys(cluster.tolist()))]


def live_table(world: World, pace: Pace) -> pd.DataFrame:
    """Trusts live at each month's end, by cluster and all: mean and the 5, 50 and 95 % of the replications."""
    plan, ends = world.scenario.plan, list[date]()
    day = plan.start.replace(day=1)
    last = min(float(np.nanmax(pace.days)) + MONTH, float(day_number(plan.end) + 366 * 5))
    while day_number(day) <= last:
        day = (day.replace(day=28) + timedelta(days=4)).replace(day=1)
        ends.append(day - timedelta(days=1))
    numbers, parts = np.array([day_number(d) for d in ends]), []
    for name, mine in _who(pace):
        live = (pace.days[:, mine, None] <= numbers).sum(axis=1)
        low, middle, high = np.quantile(live, BAND, axis=0, method="inverted_cdf")
        parts.append(pd.DataFrame({
            "cluster": name, "date": pd.to_datetime(ends), "trusts": int(mine.sum()), "mean": live.mean(axis=0),
            "low": low, "median": middle, "high": high, "n": len(live),
        }))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def completion_table(world: World, pace: Pace) -> pd.DataFrame:
    """When the last trust goes live: median and 90 % band of the replications, mean with its interval, lateness."""
    deadline, rows = day_number(rollout_of(world).deadline), []
    for name, mine in _who(pace):
        done = pace.days[:, mine].max(axis=1)
        low, middle, high = np.quantile(done, BAND, method="inverted_cdf") if not np.isnan(done).any() else [np.nan] * 3
        mean = student(done, 0.95)
        rows.append({
            "cluster": name, "trusts": int(mine.sum()), "median": _iso(middle), "low": _iso(low), "high": _iso(high),
            "mean": _iso(mean.value), "mean_low": _iso(mean.low), "mean_high": _iso(mean.high), "n": len(done),
            "in_time": float((done <= deadline).mean()), "months_late": float((middle - deadline) / MONTH),
        })  # fmt: skip
    return pd.DataFrame(rows)


def _iso(day: float) -> str:
    return "" if np.isnan(day) else date_of(round(day)).isoformat()


def dated(world: World, pace: Pace, replication: int | None = None) -> World:
    """The world with these go-live dates in its trusts table: of one replication, or each trust's median."""
    days = np.nanmedian(pace.days, axis=0) if replication is None else pace.days[replication]
    at = {row.trust: EPOCH + timedelta(days=round(float(d))) for row, d in zip(pace.trusts, days, strict=True)
          if not np.isnan(d)}  # fmt: skip
    rows = [row.model_copy(update={"live": at[row.trust]}) if row.trust in at else row for row in world.trusts]
    return replace(world, trusts=rows)


def write_trusts(world: World, path: Path) -> None:
    """A trusts table for a scenario's [tables]; go-lives that are simulated are assumptions."""
    rows = [row.model_dump(mode="json") | ({"status": "assumed"} if row.programme == "yes" else {})
            for row in world.trusts]  # fmt: skip
    columns = ["trust", "name", "cluster", "archive", "programme", "live", "invented", "source", "status"]
    table = pd.DataFrame(rows)[columns]
    table.to_csv(path, index=False)
