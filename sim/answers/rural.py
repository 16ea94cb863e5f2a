"""Units on thin links: when a remote reader has the picture and an opinion, the journeys that spares, and the link that
is too small.

Of each variant of a sweep, the exams of units without readers (kind "miu") on PACS.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.answers.intervals import sectioned, sections, student
from sim.answers.sizing.design import SizingProblem
from sim.runs.sweep import spec_of
from sim.runs.unit import Unit, finished_exams
from sim.world.demand import yearly_exams
from sim.world.estate import build_estate
from sim.world.sweep import Case, Cases
from sim.world.world import World

Floats = NDArray[np.float64]
HOUR_S = 3600.0


@dataclass(frozen=True)
class Limits:
    """What a unit needs, in minutes: the picture with the reader, and an opinion while the patient is still there."""

    image_min: float = 15.0
    opinion_min: float = 60.0


@dataclass(frozen=True)
class Seen:
    """One replication's exams of units: seconds from the end of the exam, and the busiest hour of any unit's link."""

    image_s: Floats
    opinion_s: Floats
    link_use: float  # share of what the link can send in that hour; above 1: a queue grows


def seen(world: World, unit: Unit) -> Seen:
    """Simulate one cluster and replication, and keep the units' exams."""
    estate, period = build_estate(world, unit.cluster), unit.period
    units = np.array([row.kind == "miu" for row in estate.sites])
    can = estate.wan_bytes_s * (1 - world.scenario.network.interactive.value) * HOUR_S
    sent, parts = np.zeros((len(units), period.hours)), []
    for _, e, j, t, done in finished_exams(world, unit):
        rows = done[units[e.site[done]]]
        hour = np.floor((t.store_end[rows] - period.warm_up_s) / HOUR_S).astype(np.int64)
        inside = (hour >= 0) & (hour < period.hours)
        np.add.at(sent, (e.site[rows][inside], hour[inside]), j.wire_bytes[rows][inside])
        since = e.day[rows] - period.day0
        rows = rows[(since >= 0) & (since < len(period.days))]
        parts.append((t.available[rows] - t.room_end[rows], t.read_end[rows] - t.room_end[rows]))
    image, opinion = (np.concatenate([p[i] for p in parts]) for i in (0, 1))
    return Seen(image, opinion, float((sent / can[:, None])[units].max(initial=0.0)))


def _quantile(parts: list[Floats], q: float) -> tuple[float, float, float]:
    """Over exams, with its interval by sectioning."""

    def at(some: list[Floats]) -> float:
        return float(np.quantile(np.concatenate(some), q, method="inverted_cdf"))

    by_section = np.array([at([parts[i] for i in s]) for s in sections(len(parts))])
    i = sectioned(at(parts), by_section, len(parts), 0.95)
    return i.value, i.low, i.high


def row_of(case: Case, cluster: str, found: list[Seen], limits: Limits) -> dict[str, object]:
    """One line of the table: a variant of a cluster."""
    n = len(found)
    image, late = (_quantile([s.image_s for s in found], q) for q in (0.5, 0.95))
    opinion = _quantile([s.opinion_s for s in found], 0.5)
    in_time = student(np.array([(s.opinion_s <= 60 * limits.opinion_min).mean() for s in found]), 0.95)
    use = student(np.array([s.link_use for s in found]), 0.95)
    estate, sc = build_estate(case.world, cluster), case.world.scenario
    exams = yearly_exams(case.world, cluster, estate.sites, sc.plan.sizing_year)
    yearly = float(sum(exams[i].sum() for i, row in enumerate(estate.sites) if row.kind == "miu"))
    spared, journey = yearly * in_time.value, sc.effects.miu_journey
    ends = [journey.value if end is None else end for end in (journey.low, journey.high)]
    rates = sorted({row.wan_mbit_s for row in estate.sites if row.kind == "miu"})
    return {
        "variant": case.name, "cluster": cluster, "link_mbit_s": rates[0] if len(rates) == 1 else float("nan"),
        "lossless_ratio": sc.modalities["CR"].lossless_ratio.value if "CR" in sc.modalities else float("nan"),
        "image_p50_s": image[0], "image_p50_low_s": image[1], "image_p50_high_s": image[2],
        "image_p95_s": late[0], "image_p95_low_s": late[1], "image_p95_high_s": late[2],
        "opinion_p50_s": opinion[0], "opinion_p50_low_s": opinion[1], "opinion_p50_high_s": opinion[2],
        "opinion_in_time": in_time.value, "opinion_in_time_low": in_time.low, "opinion_in_time_high": in_time.high,
        "link_use": use.value, "link_use_low": use.low, "link_use_high": use.high,
        "journeys_avoided": spared * journey.value, "journeys_avoided_low": spared * ends[0],
        "journeys_avoided_high": spared * ends[1], "exams": int(sum(len(s.image_s) for s in found)), "n": n,
        "works": "yes" if late[2] <= 60 * limits.image_min and use.high < 1 else "no",
    }  # fmt: skip


def _units(cases: Cases) -> Iterator[tuple[Case, str, list[Unit]]]:
    for case in cases.cases:
        spec = spec_of(cases, case)
        for cluster in spec.clusters:
            if not any(row.kind == "miu" for row in build_estate(case.world, cluster).sites):
                raise SizingProblem(f"cluster {cluster} has no site of kind 'miu': name others in the sweep's clusters")
            yield case, cluster, [Unit(cluster, r, spec.seed, "fast", ("pacs",), spec.period)
                                  for r in range(spec.replications)]  # fmt: skip


def rural_table(cases: Cases, limits: Limits, progress: Callable[[int, int, str], None] = lambda d, n, t: None,
                processes: int = 0) -> pd.DataFrame:  # fmt: skip
    """One row a variant and cluster.

    Raises:
        SizingProblem: a cluster without units.
    """
    wanted, rows = list(_units(cases)), []
    with ProcessPoolExecutor(processes or os.cpu_count() or 1, get_context("fork")) as pool:
        jobs = [[pool.submit(seen, case.world, unit) for unit in units] for case, _, units in wanted]
        for number, ((case, cluster, _), some) in enumerate(zip(wanted, jobs, strict=True)):
            rows.append(row_of(case, cluster, [job.result() for job in some], limits))
            progress(number + 1, len(wanted), case.name)
    return pd.DataFrame(rows)


def smallest_links(table: pd.DataFrame) -> pd.DataFrame:
    """The smallest link that works for each cluster and quality, of those tried; NaN: none of them."""
    rows = []
    for (cluster, ratio), part in table.groupby(["cluster", "lossless_ratio"], sort=False):
        ordered = part.sort_values("link_mbit_s", ascending=False)
        works = (ordered["works"] == "yes").to_numpy()
        last = int(np.argmin(works)) if not works.all() else len(works)  # from the largest down to the first that fails
        rates = ordered["link_mbit_s"].to_numpy()
        rows.append({
            "cluster": cluster, "lossless_ratio": ratio, "smallest_mbit_s": rates[last - 1] if last else float("nan"),
            "fails_at_mbit_s": rates[last] if last < len(rates) else float("nan"),
        })  # fmt: skip
    return pd.DataFrame(rows)
