"""What is kept of a simulated exam: tallies by kind, day, hour and month, never the exam itself.

One `Tally` holds one cluster in one world of one replication; the windows of a run add to it. Sums are of whole
microseconds and bytes, so that they do not depend on where the windows are cut.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.answers.buckets import N_BUCKETS, quantiles
from sim.engines.jobs import Jobs
from sim.engines.kernels.busy import add_use
from sim.engines.times import Load, Times
from sim.runs.period import Period
from sim.runs.tallies import FLOWS, MEASURES, MICRO, TIERS, add_exams
from sim.world.estate import Estate
from sim.world.exams import Exams
from sim.world.load import World

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


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
        self._by_site = np.zeros((sites, *shape), np.int32)
        self._moments = np.zeros((2, sites * kinds, len(MEASURES) + 1), np.int64)
        self._hours = np.zeros((2, len(self._slot_start), len(MEASURES) + 1), np.int64)
        self._flows = np.zeros((sites * kinds * len(self._months), len(FLOWS)), np.int64)
        self._stored = np.zeros((len(estate.archives), len(TIERS), len(self._mods), days, 2), np.int64)
        mods = world.scenario.modalities.values()
        self._rejects = np.array([[m.reject_film.value for m in mods], [m.reject_digital.value for m in mods]])
        self._pooled = bool((self._slot_hours > 1).any())
        self._loads: dict[str, tuple[Ints, Ints, Ints]] = {}

    def add(self, e: Exams, j: Jobs, t: Times, rows: Ints) -> None:
        """The rows given; exams outside the measured period are left out."""
        add_exams(
            rows, (e.site, e.modality, e.setting, e.day, e.images, e.bytes, e.prior_here, e.views, e.sheets, e.lost,
                   e.repeat_u, e.print_u),
            (j.route, j.prior, j.view, j.archive, j.wire_bytes),
            (e.arrival_s, t.room_start, t.room_end, t.available, t.ingest_end, t.reported, t.viewed, t.prior_ready),
            (self._period.day0, self._period.warm_up_s, self._month_of_day, self._slot),
            (len(self._mods), len(self._sets), len(self._months)), self._rejects,
            self._world.scenario.film.residual_print.value,
            (self._buckets, self._by_site, self._daily, self._moments, self._hours, self._flows, self._stored),
        )  # fmt: skip

    def add_load(self, load: Load, servers: NDArray[Any]) -> None:
        """Jobs of a station with these servers (of a link: bytes a second), for its hourly use and its theory."""
        if load.station not in self._loads:
            self._loads[load.station] = (
                np.zeros((3, len(servers), len(self._slot_start)), np.int64), np.zeros((len(servers), 5), np.int64),
                np.zeros((len(servers), 0 if self._pooled else self._period.hours + 1), np.int64),
            )  # fmt: skip
        rate = servers.astype(np.float64) if load.station.startswith("wan") else np.zeros(0)
        add_use(load.rows, load.entity, load.ready, load.start, load.end, load.work, rate, self._period.warm_up_s,
                self._slot, *self._loads[load.station])  # fmt: skip

    # --- as tables -------------------------------------------------------------------------------

    def _labels(self, replication: int, n: int) -> dict[str, Any]:
        zero = np.zeros(n, np.int8)
        return {
            "replication": np.full(n, replication, np.int32),
            "world": _names([self.which], zero),
            "cluster": _names([self._estate.cluster], zero),
        }

    def _kind_labels(self, kind: Ints) -> dict[str, Any]:
        n_sets = len(self._sets)
        return {"modality": _names(self._mods, kind // n_sets), "setting": _names(self._sets, kind % n_sets)}

    def histograms(self) -> dict[str, NDArray[np.int32]]:
        """By table counts int32[group, measure, bucket]: kinds (modality, setting) in the one, sites in the other."""
        return {"histograms": self._buckets, "site_histograms": self._by_site}

    def hours(self, replication: int) -> pd.DataFrame:
        """Number and sum of each measure by hour of arrival."""
        n = _numbers(self._hours)
        slot, measure = np.nonzero(n)
        return pd.DataFrame({
            **self._labels(replication, len(slot)), "measure": _names(MEASURES, measure),
            "hour": moments(self._slot_start)[slot], "hours_pooled": self._slot_hours[slot],
            "n": n[slot, measure], "sum_s": self._hours[1, slot, measure] / MICRO,
        })  # fmt: skip

    def _site_labels(self, cell: Ints) -> dict[str, Any]:
        kinds = len(self._mods) * len(self._sets)
        codes = [row.site for row in self._estate.sites]
        return {"site": _names(codes, cell // kinds), **self._kind_labels(cell % kinds)}

    def moments(self, replication: int) -> pd.DataFrame:
        """Number and sum of each measure by site and kind."""
        n = _numbers(self._moments)
        cell, measure = np.nonzero(n)
        return pd.DataFrame({
            **self._labels(replication, len(cell)), **self._site_labels(cell), "measure": _names(MEASURES, measure),
            "n": n[cell, measure], "sum_s": self._moments[1, cell, measure] / MICRO,
        })  # fmt: skip

    def daily(self, replication: int) -> pd.DataFrame:
        """Number and percentiles over the exams of each day, from its histogram."""
        day, measure = np.nonzero(self._daily.any(axis=2))
        counts = self._daily[day, measure]
        marks = quantiles(counts, (0.5, 0.95, 0.99))
        return pd.DataFrame({
            **self._labels(replication, len(day)), "measure": _names(MEASURES, measure),
            "day": moments(self._period.days)[day], "n": counts.sum(axis=1),
            "p50_s": marks[:, 0], "p95_s": marks[:, 1], "p99_s": marks[:, 2],
        })  # fmt: skip

    def flows(self, replication: int) -> pd.DataFrame:
        """What moved, by site, kind and month."""
        key = np.flatnonzero(self._flows[:, 0])
        cell, month = key // len(self._months), key % len(self._months)
        columns = {name: self._flows[key, i].astype(np.float64) for i, name in enumerate(FLOWS)}
        return pd.DataFrame({
            **self._labels(replication, len(key)), **self._site_labels(cell),
            "month": _names(self._months, month), **columns,
        })  # fmt: skip

    def storage(self, replication: int) -> pd.DataFrame:
        """Objects and bytes added, by archive, tier, modality and day."""
        archive, tier, modality, day = np.nonzero(self._stored[..., 0])
        kept = self._stored[archive, tier, modality, day].astype(np.float64)
        return pd.DataFrame({
            **self._labels(replication, len(day)), "supplier": _names(self._estate.archives, archive),
            "tier": _names(TIERS, tier), "modality": _names(self._mods, modality),
            "day": moments(self._period.days)[day], "objects": kept[:, 0], "bytes": kept[:, 1],
        })  # fmt: skip

    def loads(self) -> dict[str, tuple[Ints, Ints, Ints]]:
        """By station use int64[3, entity, slot], sums int64[entity, 5], turns int64[entity, hour + 1], as `add_use`."""
        return self._loads


def _numbers(tally: Ints) -> Ints:
    """How many exams have each measure, int64[.., measure]: all less those that lack it, as `add_exams` counts."""
    return tally[0, :, -1:] - tally[0, :, :-1]


def moments(times: Sequence[date]) -> pd.DatetimeIndex:
    """Dates or times as a column is kept: in microseconds, as it comes back from a file."""
    return pd.DatetimeIndex(pd.to_datetime(list(times)).as_unit("us"))


def _names(of: Sequence[str], code: NDArray[Any]) -> pd.api.extensions.ExtensionArray:
    """A column of names by their numbers."""
    return pd.array(list(of), dtype="str")[code]
