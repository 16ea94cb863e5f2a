"""What is kept of a simulated exam: tallies by kind, day, hour and month, never the exam itself.

One `Tally` holds one cluster in one world of one replication; the windows of a run add to it. Sums are of whole
microseconds and bytes, so that they do not depend on where the windows are cut.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.answers.buckets import N_BUCKETS
from sim.engines.jobs import IN_LIBRARY, VIEW_COURIER, Jobs
from sim.engines.kernels.busy import add_use
from sim.engines.times import Load, Times
from sim.runs.period import Period
from sim.runs.tallies import MICRO, add_exams, add_rows
from sim.world.estate import Estate
from sim.world.exams import Exams
from sim.world.load import World

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
MEASURES = (
    "room_wait_s",
    "time_to_image_s",
    "stored_s",
    "exam_to_report_s",
    "turnaround_s",
    "first_view_s",
    "prior_wait_s",
)
FLOWS = (
    "exams",
    "images",
    "bytes",
    "sheets",
    "packets",
    "pulls",
    "porter_trips",
    "courier_trips",
    "lost",
    "repeats",
    "view_requests",
    "pacs_exams",
)
TIERS = ("site", "central")


def measured(exams: Exams, times: Times) -> Floats:
    """The measures of each exam in seconds, float64[measure, n]; NaN where the pathway has none."""
    return np.stack([
        times.room_start - exams.arrival_s,
        times.available - exams.arrival_s,
        times.ingest_end - times.room_end,
        times.reported - times.room_end,
        times.reported - exams.arrival_s,
        times.viewed - times.room_end,
        times.prior_ready - exams.arrival_s,
    ])  # fmt: skip


def flow_columns(world: World, exams: Exams, jobs: Jobs) -> Floats:
    """What each exam moved, float64[flow, n], in the order of `FLOWS`."""
    mods, film = world.scenario.modalities.values(), ~jobs.pacs
    reject_film = np.array([m.reject_film.value for m in mods])[exams.modality]
    reject_digital = np.array([m.reject_digital.value for m in mods])[exams.modality]
    repeat = exams.repeat_u < np.where(film, reject_film, reject_digital)
    printed = film | (exams.print_u < world.scenario.film.residual_print.value)
    pulled = jobs.prior == IN_LIBRARY
    one = np.ones(len(exams))
    # a repeat spoils one sheet
    sheets = printed * (exams.sheets + repeat)
    courier = (pulled & (exams.prior_here == 0)) | (film & jobs.miu) | (jobs.view == VIEW_COURIER)
    return np.stack([
        one, exams.images * one, exams.bytes * one, sheets, film * one, pulled * one,
        film * one + pulled + (film & jobs.film_first), courier * one, (film & (exams.lost == 1)) * one,
        repeat * one, exams.views + one, jobs.pacs * one,
    ])  # fmt: skip


class Tally:
    """Counts of one cluster, world and replication."""

    def __init__(self, world: World, estate: Estate, period: Period, which: str) -> None:
        self._world, self._estate, self._period, self.which = world, estate, period, which
        self._mods, self._sets = list(world.scenario.modalities), list(world.scenario.settings)
        kinds, sites, days = len(self._mods) * len(self._sets), len(estate.sites), len(period.days)
        self._months, self._month_of_day = period.months()
        self._slot, self._slot_start, self._slot_hours = period.slots()
        shape = (len(MEASURES), N_BUCKETS)
        self._buckets, self._daily = np.zeros((kinds, *shape), np.int32), np.zeros((days, *shape), np.int32)
        self._counts = np.zeros((sites * kinds, len(MEASURES)), np.int64)
        self._sums = np.zeros((sites * kinds, len(MEASURES)), np.int64)
        self._flows = np.zeros((sites * kinds * len(self._months), len(FLOWS)))
        self._stored = np.zeros((len(estate.archives) * len(TIERS) * len(self._mods) * days, 2))
        self._loads: dict[str, Ints] = {}

    def add(self, exams: Exams, jobs: Jobs, times: Times, done: Ints) -> None:
        """The rows `done`; exams outside the measured period are left out."""
        since = exams.day[done] - self._period.day0
        rows = done[(since >= 0) & (since < len(self._period.days))]
        if len(rows) == 0:
            return
        if len(rows) < len(exams):
            exams, jobs, times = exams.take(rows), jobs.take(rows), times.take(rows)
        kind = exams.modality.astype(np.int64) * len(self._sets) + exams.setting
        cell = exams.site * len(self._mods) * len(self._sets) + kind
        day = exams.day.astype(np.int64) - self._period.day0
        add_exams(measured(exams, times), kind, cell, day, self._buckets, self._counts, self._sums, self._daily)
        month = cell * len(self._months) + self._month_of_day[day]
        add_rows(month, flow_columns(self._world, exams, jobs), self._flows)
        self._add_stored(exams, jobs, day)

    def _add_stored(self, exams: Exams, jobs: Jobs, day: Ints) -> None:
        columns = np.stack([exams.images.astype(np.float64), np.rint(jobs.wire_bytes)])
        for tier, rows in enumerate((jobs.pacs, jobs.central)):
            at = np.flatnonzero(rows)
            key = ((jobs.archive[at] * len(TIERS) + tier) * len(self._mods) + exams.modality[at]) * len(
                self._period.days
            ) + day[at]
            add_rows(key, columns[:, at], self._stored)

    def add_load(self, load: Load, entities: int) -> None:
        """Jobs of a station with so many entities, for its hourly use."""
        if load.station not in self._loads:
            self._loads[load.station] = np.zeros((3, entities, len(self._slot_start)), np.int64)
        out, work = self._loads[load.station], load.work if len(load.work) else np.zeros(len(load.ready))
        add_use(load.entity, load.ready, load.start, load.end, work, self._period.warm_up_s, self._slot, out)

    # --- as tables -------------------------------------------------------------------------------

    def _labels(self, replication: int, n: int) -> dict[str, Any]:
        return {
            "replication": np.full(n, replication, np.int32),
            "world": np.full(n, self.which),
            "cluster": np.full(n, self._estate.cluster),
        }

    def _kind_labels(self, kind: Ints) -> dict[str, Any]:
        n_sets = len(self._sets)
        return {"modality": np.array(self._mods)[kind // n_sets], "setting": np.array(self._sets)[kind % n_sets]}

    def histograms(self, replication: int) -> pd.DataFrame:
        """Counts by kind, measure and bucket; empty buckets left out."""
        kind, measure, bucket = np.nonzero(self._buckets)
        return pd.DataFrame({
            **self._labels(replication, len(kind)), **self._kind_labels(kind),
            "measure": np.array(MEASURES)[measure], "bucket": bucket.astype(np.int16),
            "count": self._buckets[kind, measure, bucket],
        })  # fmt: skip

    def _site_labels(self, cell: Ints) -> dict[str, Any]:
        kinds = len(self._mods) * len(self._sets)
        codes = np.array([row.site for row in self._estate.sites])
        return {"site": codes[cell // kinds], **self._kind_labels(cell % kinds)}

    def moments(self, replication: int) -> pd.DataFrame:
        """Number and sum of each measure by site and kind."""
        cell, measure = np.nonzero(self._counts)
        return pd.DataFrame({
            **self._labels(replication, len(cell)), **self._site_labels(cell), "measure": np.array(MEASURES)[measure],
            "n": self._counts[cell, measure], "sum_s": self._sums[cell, measure] / MICRO,
        })  # fmt: skip

    def daily(self, replication: int) -> pd.DataFrame:
        """Number and percentiles over the exams of each day, from its histogram."""
        from sim.answers.buckets import quantiles

        day, measure = np.nonzero(self._daily.sum(axis=2))
        counts = self._daily[day, measure]
        marks = quantiles(counts, (0.5, 0.95, 0.99))
        return pd.DataFrame({
            **self._labels(replication, len(day)), "measure": np.array(MEASURES)[measure],
            "day": pd.to_datetime([self._period.days[d] for d in day]), "n": counts.sum(axis=1),
            "p50_s": marks[:, 0], "p95_s": marks[:, 1], "p99_s": marks[:, 2],
        })  # fmt: skip

    def flows(self, replication: int) -> pd.DataFrame:
        """What moved, by site, kind and month."""
        key = np.flatnonzero(self._flows[:, 0])
        cell, month = key // len(self._months), key % len(self._months)
        columns = {name: self._flows[key, i] for i, name in enumerate(FLOWS)}
        return pd.DataFrame({
            **self._labels(replication, len(key)), **self._site_labels(cell),
            "month": np.array(self._months)[month], **columns,
        })  # fmt: skip

    def storage(self, replication: int) -> pd.DataFrame:
        """Objects and bytes added, by archive, tier, modality and day."""
        days, n_mods = len(self._period.days), len(self._mods)
        key = np.flatnonzero(self._stored[:, 0])
        rest, day = key // days, key % days
        rest, modality = rest // n_mods, rest % n_mods
        return pd.DataFrame({
            **self._labels(replication, len(key)), "supplier": np.array(self._estate.archives)[rest // len(TIERS)],
            "tier": np.array(TIERS)[rest % len(TIERS)], "modality": np.array(self._mods)[modality],
            "day": pd.to_datetime([self._period.days[d] for d in day]),
            "objects": self._stored[key, 0], "bytes": self._stored[key, 1],
        })  # fmt: skip

    def loads(self) -> dict[str, Ints]:
        """Hourly use, int64[3, entity, slot]: arrivals, server microseconds, bytes."""
        return self._loads
