"""The exam table: one row an exam, and every draw that its life needs, made when the row is made.

Contract: a scenario variant that changes a link, an archive or a rollout date changes no draw here.
"""

import math
from dataclasses import dataclass, fields
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from sim.world.calendar import DAY_S, day_number
from sim.world.columns import columns_of, empty_columns, take_rows
from sim.world.demand import daily_national, demand_shape, site_shares
from sim.world.draw import STREAMS, draw_sites, log_law
from sim.world.estate import Estate
from sim.world.load import World
from sim.world.streams import stream_key

Floats = NDArray[np.float64]

EMERGENCY, ROUTINE = 0, 1


@dataclass(frozen=True)
class Exams:
    """Columns of equal length n, sorted by site then arrival. Times in seconds from the run's time 0."""

    exam: NDArray[np.int64]  # site number * 10**8 + day number * 10**4 + order of the day
    site: NDArray[np.int32]  # index into the estate's sites
    modality: NDArray[np.int8]
    setting: NDArray[np.int8]
    priority: NDArray[np.int8]  # 0 emergency, 1 routine
    day: NDArray[np.int32]  # days since 2000-01-01
    arrival_s: Floats
    room_s: Floats
    images: NDArray[np.int32]
    bytes: NDArray[np.int64]  # uncompressed pixels
    read_s: Floats
    typing_s: Floats  # dictation, typing and signing after the reading
    patient: NDArray[np.int64]  # opaque key
    prior_months: Floats  # age of the prior that the reader wants, NaN: none
    prior_here: NDArray[np.int8]  # 1: made at the same site, 0: elsewhere in the cluster, 2: in another cluster
    view_delay_s: Floats  # from image taken until the asking doctor wants it
    view_where: NDArray[np.int8]
    view_site_u: Floats  # which other site, as a uniform
    views: NDArray[np.int32]  # later views
    view_gap_s: Floats  # between later views
    sheets: NDArray[np.int32]
    lost: NDArray[np.int8]  # 1: the film packet is not found when asked for
    repeat_u: Floats  # repeated if below the pathway's reject share
    print_u: Floats  # still printed on PACS if below the residual share
    back_s: Floats  # film: from first view until it is back for reporting
    chase_s: Floats  # film: until a missing packet turns up
    porter_s: Floats
    courier_s: Floats

    def __len__(self) -> int:
        return len(self.exam)

    def take(self, rows: NDArray[np.int64]) -> "Exams":
        """The same columns for some rows."""
        return take_rows(self, rows)


def concatenate(parts: list[Exams]) -> Exams:
    """One table of several."""
    return Exams(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Exams)))


def _modality_numbers(world: World) -> Floats:
    """float64[10, modality]: the parameters that `draw_sites` reads, in its order."""
    return np.array([
        [*log_law(m.room.value * 60, m.room_cv.value), *log_law(m.images.value, m.images_cv.value),
         *log_law(m.read.value * 60, m.read_cv.value), *log_law(m.sheets.value, m.sheets_cv.value),
         m.matrix.rows * m.matrix.columns * m.matrix.bytes_per_pixel, m.prior.value]
        for m in world.scenario.modalities.values()
    ]).T.copy()  # fmt: skip


def _setting_numbers(world: World) -> Floats:
    """float64[7, setting]."""
    return np.array([
        [s.emergency.value, s.view_delay.value * 60, s.view_trust.value, s.view_cluster.value,
         s.view_country.value, s.views.value, s.film_back.value * 3600]
        for s in world.scenario.settings.values()
    ]).T.copy()  # fmt: skip


def _typing_numbers(world: World) -> Floats:
    """float64[2, priority]: the logarithmic law of typing time."""
    reading = world.scenario.reading
    means = (reading.typing_emergency.value, reading.typing.value)
    return np.array([log_law(mean * 3600, reading.typing_cv.value) for mean in means]).T.copy()


def _common_numbers(world: World) -> Floats:
    film, demand = world.scenario.film, world.scenario.demand
    abroad = 0.0 if demand.prior_other_cluster is None else demand.prior_other_cluster.value
    return np.array([
        demand.prior_same_site.value, film.lost.value, film.chase.value * 3600, film.porter.value * 60,
        film.courier.value * 3600, 1 - abroad,
    ])  # fmt: skip


def _prior_age(world: World) -> Floats:
    """float64[row, 3]: months, cumulative share, and months a share until the next row (0 in the last)."""
    months, share = np.array([[r.months, r.share] for r in world.prior_age]).T
    slope = np.append(np.diff(months) / np.maximum(np.diff(share), 1e-12), 0.0)
    return np.stack([months, share, slope], axis=1)


class ExamMaker:
    """Makes the exams of one cluster and replication, day range by day range."""

    def __init__(self, world: World, estate: Estate, seed: int, replication: int, first: date) -> None:
        self._world, self._estate, self._first = world, estate, first
        self._hourly = demand_shape(world).hourly
        self._shares = site_shares(world, estate.cluster, estate.sites)
        self._numbers = (
            _modality_numbers(world), _setting_numbers(world), _typing_numbers(world), _common_numbers(world)
        )  # fmt: skip
        self._age = _prior_age(world)
        self._keys = np.array([
            [stream_key(seed, replication, name, estate.cluster, row.site) for name in STREAMS] for row in estate.sites
        ])  # fmt: skip
        self._sites = np.array([row.number for row in estate.sites])
        self._units = np.array([row.kind == "miu" for row in estate.sites])
        population = world.scenario.clusters[estate.cluster].population.value
        part = self._shares.sum(axis=(1, 2))
        self._people = population * part / part.sum()
        self._size = self._shares.sum(axis=0)

    def a_day(self, start: date) -> float:
        """Exams expected on a day, in the mean of the week from `start` on."""
        week = daily_national(self._world, [start + timedelta(days=i) for i in range(7)])
        return float((week * self._size).sum()) / 7

    def days(self, start: date, stop: date) -> Exams:
        """All exams that arrive from `start` up to, not including, `stop`."""
        return self.after(None, start, stop)

    def after(self, carried: Exams | None, start: date, stop: date) -> Exams:
        """The rows of `carried`, then all exams that arrive from `start` up to, not including, `stop`."""
        days = [start + timedelta(days=i) for i in range((stop - start).days)]
        national = daily_national(self._world, days)
        expected = float((national * self._size).sum())
        n = 0 if carried is None else len(carried)
        columns = empty_columns(Exams, n + int(expected + 10 * math.sqrt(expected) + 50))
        if carried is not None:
            for f in fields(Exams):
                getattr(columns, f.name)[:n] = getattr(carried, f.name)
        n = self._draw(days, national, n, columns)
        return Exams(*(getattr(columns, f.name)[:n] for f in fields(Exams)))

    def _draw(self, days: list[date], national: Floats, n: int, columns: Exams) -> int:
        first_s = (days[0] - self._first).days * DAY_S
        return int(draw_sites(
            self._sites, day_number(days[0]), first_s, days[0].weekday(), national, self._shares, self._hourly,
            self._keys, *self._numbers, self._age, self._people, self._units, n, columns_of(columns),
        ))  # fmt: skip
