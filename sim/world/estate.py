"""The estate of one cluster as arrays: sites, trusts, and how many servers each station has.

Rooms, readers, processors and clerks are sized by the scenario's rule: enough that open hours are used
to the stated share by the demand of the sizing year. Links and archives are as the scenario says.
"""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from sim.world.calendar import day_number, open_hours_a_week
from sim.world.demand import modality_codes, setting_codes, yearly_exams
from sim.world.load import World
from sim.world.tables import SiteRow, TrustRow

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
NEVER = 10**6  # a day number that no plan reaches
WEEKS = 365.25 / 7


@dataclass(frozen=True)
class Estate:
    """One cluster. Arrays are by site unless their comment says otherwise."""

    cluster: str
    sites: list[SiteRow]
    trusts: list[TrustRow]
    archives: list[str]
    trust: Ints  # index into trusts
    hub: Ints  # index of the site that reads
    archive: Ints  # index into archives
    live_day: Ints  # day number of go-live
    wan_bytes_s: Floats  # usable
    rooms: Ints  # [site, modality]
    readers: Ints  # [trust]
    processors: Ints
    clerks: Ints


def _servers(load_h: Floats, open_h: float, utilisation: float) -> Ints:
    """Servers for a yearly load in hours; none where there is no load, one at least where there is."""
    need = np.ceil(load_h / (open_h * WEEKS * utilisation))
    return np.where(load_h > 0, np.maximum(need, 1), 0).astype(np.int64)


def _live_days(world: World, trust_rows: list[TrustRow], trust: Ints) -> Ints:
    """Sites of a trust go live one after another, the first on its go-live date, the last at the ramp's end."""
    ramp, out = world.scenario.plan.ramp.value, np.full(len(trust), NEVER)
    for t, row in enumerate(trust_rows):
        members = np.flatnonzero(trust == t)
        for order, site in enumerate(members):
            if row.live is not None:
                delay = 0 if len(members) == 1 else round(ramp * order / (len(members) - 1))
                out[site] = day_number(row.live + timedelta(days=delay))
    return out.astype(np.int64)


def _at_hub(per_site: Floats, hub: Ints) -> Floats:
    """Work that sites send to the place that does it."""
    return np.bincount(hub, weights=per_site, minlength=len(per_site)).astype(np.float64)


def build_estate(world: World, cluster: str) -> Estate:
    """The estate of `cluster`; sites in the order of their table."""
    sc = world.scenario
    trusts = [row for row in world.trusts if row.cluster == cluster]
    index = {row.trust: i for i, row in enumerate(trusts)}
    sites = [row for row in world.sites if row.trust in index]
    place = {row.site: i for i, row in enumerate(sites)}
    trust = np.array([index[row.trust] for row in sites])
    hub = np.array([place[row.reads_at] for row in sites])
    archives = list(sc.clusters[cluster].archives)
    exams = yearly_exams(world, cluster, sites, sc.plan.sizing_year).sum(axis=2)
    mods = list(sc.modalities.values())
    room_h = exams * np.array([m.room.value for m in mods]) / 60
    rooms = [_servers(room_h[:, i], open_hours_a_week(m.hours), m.room_utilisation.value) for i, m in enumerate(mods)]
    read_h = np.bincount(trust, exams @ np.array([m.read.value for m in mods]) / 60, len(trusts)).astype(np.float64)
    sheet_h = exams @ np.array([m.sheets.value for m in mods]) * sc.film.process.value / 60
    pull_h = _at_hub(exams @ np.array([m.prior.value for m in mods]), hub) * sc.film.pull.value / 60
    return Estate(
        cluster, sites, trusts, archives, trust, hub,
        archive=np.array([archives.index(trusts[t].archive) for t in trust]),
        live_day=_live_days(world, trusts, trust),
        wan_bytes_s=np.array([row.wan_mbit_s for row in sites]) * 1e6 / 8 * sc.network.usable.value,
        rooms=np.stack(rooms, axis=1),
        readers=_servers(read_h, open_hours_a_week(sc.reading.hours), sc.reading.utilisation.value),
        processors=_servers(sheet_h, 7 * 24, sc.film.processor_utilisation.value),
        clerks=_servers(pull_h, open_hours_a_week(sc.film.library_hours), sc.film.clerk_utilisation.value),
    )  # fmt: skip


def names(world: World) -> tuple[list[str], list[str]]:
    """Modality and setting codes, in column-number order."""
    return modality_codes(world), setting_codes(world)
