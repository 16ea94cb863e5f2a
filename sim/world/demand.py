"""Demand: how many exams of each kind each site is asked for, hour by hour.

National volumes by financial year are shared out to clusters, settings and sites; the shape of week
and season only moves exams inside the year, so that every year adds up to its volume.
Bank holidays are ordinary days.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from sim.world.financial_year import financial_year
from sim.world.load import World
from sim.world.quantity import Profile
from sim.world.tables import SiteRow
from sim.world.world import offers

Floats = NDArray[np.float64]


def modality_codes(world: World) -> list[str]:
    """Modalities of the scenario in the order that their column numbers mean."""
    return list(world.scenario.modalities)


def setting_codes(world: World) -> list[str]:
    """Settings of the scenario in the order that their column numbers mean."""
    return list(world.scenario.settings)


def national_volume(world: World, modality: str, year: int) -> float:
    """National exams of a modality in the financial year that starts in `year`.

    Inside the volumes table it is the table's row; before it the first row; beyond it grows from the last one.
    """
    rows = {row.year: row.exams for row in world.volumes if row.modality == modality}
    if not rows:
        return 0.0
    known = min(max(year, min(rows)), max(rows))
    while known not in rows:
        known -= 1
    growth = {str(m): x.growth.value / 100 for m, x in world.scenario.modalities.items()}[modality]
    return float(rows[known] * (1 + growth) ** max(0, year - known))


def site_shares(world: World, cluster: str, sites: list[SiteRow]) -> Floats:
    """Share of the national volume of each modality, float64[site, modality, setting]."""
    mods, sets = modality_codes(world), setting_codes(world)
    mix: dict[tuple[str, str], float] = {(row.modality, row.setting): row.share for row in world.mix}
    part = world.scenario.clusters[cluster].exams_share.value
    out = np.zeros((len(sites), len(mods), len(sets)))
    for m, modality in enumerate(mods):
        for s, setting in enumerate(sets):
            weights = np.array([site.weight * offers(site, modality, setting) for site in sites])
            total = weights.sum()
            if total > 0:
                out[:, m, s] = part * mix.get((modality, setting), 0.0) * weights / total
    return out


@dataclass(frozen=True)
class Shape:
    """How a year's exams spread over its days and hours."""

    hourly: Floats  # [setting, weekday 0-6, hour]: shares of the day
    weekday: Floats  # [setting, weekday 0-6]
    season: Floats  # [modality, month 0-11]


def _unit(profile: Profile) -> Floats:
    values = np.array(profile.values, dtype=np.float64)
    unit: Floats = values / values.sum()
    return unit


def demand_shape(world: World) -> Shape:
    """The scenario's profiles, normalised."""
    sets = world.scenario.settings.values()
    hourly = np.array([[_unit(s.hourly)] * 5 + [_unit(s.weekend_hourly)] * 2 for s in sets])
    season = np.array([_unit(m.season) for m in world.scenario.modalities.values()])
    return Shape(hourly, np.array([_unit(s.weekday) for s in sets]), season)


def _year_days(year: int) -> list[date]:
    first, stop = date(year, 4, 1), date(year + 1, 4, 1)
    return [first + timedelta(days=i) for i in range((stop - first).days)]


def day_weights(shape: Shape, days: list[date]) -> Floats:
    """Each day's weight before normalisation, float64[day, modality, setting]."""
    weekday = np.array([day.weekday() for day in days])
    month = np.array([day.month - 1 for day in days])
    season: Floats = shape.season[:, month].T[:, :, None]
    return season * shape.weekday[:, weekday].T[:, None, :]


def daily_national(world: World, days: list[date]) -> Floats:
    """Expected national exams of each day if a setting had the whole of a modality, float64[day, modality, setting]."""
    shape, out = demand_shape(world), []
    weights = day_weights(shape, days)
    norms: dict[int, Floats] = {}
    for i, day in enumerate(days):
        year = financial_year(day)
        if year not in norms:
            volume = np.array([national_volume(world, m, year) for m in modality_codes(world)])
            norms[year] = volume[:, None] / day_weights(shape, _year_days(year)).sum(axis=0)
        out.append(weights[i] * norms[year])
    return np.array(out)


def yearly_exams(world: World, cluster: str, sites: list[SiteRow], year: int) -> Floats:
    """Expected exams of a financial year, float64[site, modality, setting]."""
    volume = np.array([national_volume(world, m, year) for m in modality_codes(world)])
    exams: Floats = site_shares(world, cluster, sites) * volume[None, :, None]
    return exams
