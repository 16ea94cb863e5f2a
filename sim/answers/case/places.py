"""Where the case is made: the sites and trusts of a cluster (or of one trust) with their simulated units by year.

Units are per exam from the run's film and PACS worlds (the same exams in both), times the year's expected exams of
each site, modality and setting. So a year that was not simulated has the units of the days that were.
"""

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from sim.answers.case.rates import rates_of, waits_of
from sim.runs.store import Run
from sim.world.demand import modality_codes, setting_codes, yearly_exams
from sim.world.estate import build_estate
from sim.world.financial_year import financial_year
from sim.world.world import World

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
BY_MODALITY = ("sheets", "repeats_film", "repeats_pacs")
SUMS = (
    "exams", "exams_ip", "exams_miu", "packets", "pulls", "porter_film", "porter_pacs", "courier_film", "courier_pacs",
    "lost", "lost_op", "views", "read_h", "room_h", "gb", "wait_film", "wait_pacs",
)  # fmt: skip
DAYS = 365.25


class CaseProblem(ValueError):
    """A run of which no savings case can be made: says why, and what to do."""


@dataclass(frozen=True)
class Place:
    """Sites of one cluster, sorted by trust. Years count from the start of the first financial year appraised."""

    cluster: str
    trusts: list[str]
    names: tuple[str, ...]  # of the units
    programme: NDArray[np.bool_]  # [trust]
    live: Floats  # [trust] go-live of the plan, years
    trust: Ints  # [site] index into trusts
    order: Floats  # [site] 0: live with the trust, 1: at the end of its ramp
    miu: Floats  # [site] 1 where it is a Minor Injuries Unit
    processors: Floats  # [site]
    units: Floats  # [replication, unit, site, year]
    larger: Floats  # [trust] share of the programme's exams in trusts larger than this one
    share: Floats  # [trust] of what is paid for the whole programme
    store_from: float  # years
    last_live: float  # years, of the whole programme

    def unit(self, name: str) -> int:
        """Column of a unit."""
        return self.names.index(name)

    def part(self, trusts: Ints) -> "Place":
        """Only these trusts."""
        sites = np.flatnonzero(np.isin(self.trust, trusts))
        new = np.searchsorted(trusts, self.trust[sites])
        return replace(
            self, trusts=[self.trusts[t] for t in trusts], programme=self.programme[trusts], live=self.live[trusts],
            trust=new, order=self.order[sites], miu=self.miu[sites], processors=self.processors[sites],
            units=self.units[:, :, sites], larger=self.larger[trusts], share=self.share[trusts],
        )  # fmt: skip


def unit_names(mods: list[str]) -> tuple[str, ...]:
    """Names of all units, those by modality first."""
    return (*(f"{name}:{m}" for name in BY_MODALITY for m in mods), *SUMS)


def _modality_units(film: dict[str, Floats], pacs: dict[str, Floats], exams: Floats) -> list[Floats]:
    """Sheets but for repeats (N5), repeats on film, repeats digital; by modality, [replication, site, year]."""
    kinds = (film["sheets"] - film["repeats"], film["repeats"], pacs["repeats"])
    return [np.einsum("rs,nsy->rny", kind[:, m], exams[:, m]) for kind in kinds for m in range(exams.shape[1])]


def _sum_units(world: World, film: dict[str, Floats], pacs: dict[str, Floats], exams: Floats) -> list[Floats]:
    mods, sets = list(world.scenario.modalities.values()), setting_codes(world)
    ones = np.ones_like(film["lost"])
    minutes = [np.array([getattr(m, k).value for m in mods])[:, None] / 60 for k in ("read", "room")]
    lossless = np.array([m.lossless_ratio.value for m in mods])[:, None]

    def only(code: str) -> Floats:
        return np.array([float(s == code) for s in sets])

    rates = {
        "exams": ones, "exams_ip": ones * only("ip"), "exams_miu": ones * only("miu"), "packets": film["packets"],
        "pulls": film["pulls"], "porter_film": film["porter_trips"], "porter_pacs": pacs["porter_trips"],
        "courier_film": film["courier_trips"], "courier_pacs": pacs["courier_trips"], "lost": film["lost"],
        "lost_op": film["lost"] * (only("op") + only("gp")), "views": film["view_requests"],
        "read_h": ones * minutes[0], "room_h": ones * minutes[1], "gb": pacs["bytes"] / lossless / 1e9,
        "wait_film": film["wait"], "wait_pacs": pacs["wait"],
    }  # fmt: skip
    return [np.einsum("rms,nmsy->rny", rates[name], exams) for name in SUMS]


def years_between(first: int, day: date) -> float:
    """Years from 1 April of `first` to a day."""
    return (day - date(first, 4, 1)).days / DAYS


def _orders(trust: Ints) -> Floats:
    out = np.zeros(len(trust))
    for t in np.unique(trust):
        members = np.flatnonzero(trust == t)
        out[members] = np.linspace(0, 1, len(members)) if len(members) > 1 else 0.0
    return out


def _rates(run: Run, cluster: str, which: str, mods: list[str], sets: list[str]) -> dict[str, Floats]:
    flows, moments = (run.table(name) for name in ("flows", "moments"))
    replications = int(run.manifest["replications"])
    out = rates_of(flows[flows["cluster"] == cluster], which, replications, mods, sets)
    out["wait"] = waits_of(moments[moments["cluster"] == cluster], which, replications, mods, sets)
    return out


def _place(world: World, run: Run, cluster: str, first: int, years: int) -> Place:
    mods, sets, estate = modality_codes(world), setting_codes(world), build_estate(world, cluster)
    by_trust = np.argsort(estate.trust, kind="stable")
    sites = [estate.sites[i] for i in by_trust]
    exams = np.stack([yearly_exams(world, cluster, sites, first + y) for y in range(years)], axis=-1)
    film, pacs = (_rates(run, cluster, which, mods, sets) for which in ("film", "pacs"))
    units = np.stack([*_modality_units(film, pacs, exams), *_sum_units(world, film, pacs, exams)], axis=1)
    rows = estate.trusts
    return Place(
        cluster, [r.trust for r in rows], unit_names(mods),
        programme=np.array([r.programme == "yes" for r in rows]),
        live=np.array([np.inf if r.live is None else years_between(first, r.live) for r in rows]),
        trust=estate.trust[by_trust], order=_orders(estate.trust[by_trust]),
        miu=np.array([float(s.kind == "miu") for s in sites]),
        processors=estate.processors[by_trust].astype(np.float64), units=units, larger=np.zeros(len(rows)),
        share=np.zeros(len(rows)),
        store_from=years_between(first, world.scenario.clusters[cluster].central_store_from), last_live=0.0,
    )  # fmt: skip


def _with_national(world: World, places: list[Place]) -> list[Place]:
    """What a trust is in the whole programme: its share, and the exams of those larger."""
    size = [np.bincount(p.trust, p.units[0, p.unit("exams"), :, 0]) * p.programme for p in places]
    every = np.concatenate(size)
    whole = max(every.sum(), 1e-9)
    part = sum(world.scenario.clusters[p.cluster].exams_share.value for p in places)
    first = financial_year(world.scenario.plan.start)
    dates = [years_between(first, t.live) for t in world.trusts if t.programme == "yes" and t.live is not None]
    last = max(dates, default=0.0)
    return [
        replace(p, share=part * own / whole, last_live=last,
                larger=np.array([every[every > s].sum() / whole for s in own]))
        for p, own in zip(places, size, strict=True)
    ]  # fmt: skip


def places_of(run: Run, world: World) -> list[Place]:
    """One place a cluster of the run.

    Raises:
        CaseProblem: the run lacks the film or the PACS world.
    """
    missing = {"film", "pacs"} - set(run.manifest["worlds"])
    if missing:
        raise CaseProblem(
            f"the run has no {' or '.join(sorted(missing))} world: simulate with --world film --world pacs"
        )
    first, years = financial_year(world.scenario.plan.start), int(world.scenario.appraisal.years.value)
    return _with_national(world, [_place(world, run, c, first, years) for c in run.manifest["clusters"]])
