"""What has gone live by a day, and how many exams it has seen since: dates, demand and growth, for any day of the plan.

Exams are the expected ones of `sim.world.demand`. Everything is kept by financial year, archive and modality, so that
a volume, a growth rate or an image's size may move without working out the rollout anew.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sim.answers.outcomes.inputs import Levels
from sim.world.calendar import date_of, day_number
from sim.world.demand import day_weights, demand_shape, modality_codes, national_volume, setting_codes, site_shares
from sim.world.estate import Estate, build_estate
from sim.world.financial_year import financial_year
from sim.world.load import World
from sim.world.quantity import ASSUMPTIONS

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Sites:
    """The sites of one cluster as arrays by site: go-live day, programme or not, unit or hospital, share of exams."""

    estate: Estate
    live_day: Floats
    programme: Bools
    miu: Bools
    share: Floats  # [site, modality, setting] of the national volume

    @classmethod
    def of(cls, world: World, cluster: str, stretch: float) -> "Sites":
        """As planned; dates that nobody has reported come later by the share `stretch` of their time from the start."""
        estate = build_estate(world, cluster)
        rows = [estate.trusts[t] for t in estate.trust]
        assumed = np.array([row.status in ASSUMPTIONS for row in rows])
        begun = _begun(world)
        late = np.where(assumed & (estate.live_day > begun), (estate.live_day - begun) * stretch, 0.0)
        return cls(
            estate, (estate.live_day + np.round(late)).astype(np.float64),
            np.array([row.programme == "yes" for row in rows]),
            np.array([site.kind == "miu" for site in estate.sites]),
            site_shares(world, cluster, estate.sites),
        )  # fmt: skip


def _begun(world: World) -> int:
    """From when on delays are counted: the last go-live that was reported, or the plan's start."""
    reported = [row.live for row in world.trusts if row.live and row.status not in ASSUMPTIONS]
    return day_number(max([world.scenario.plan.start, *reported]))


class Rollout:
    """The chosen clusters on one day."""

    def __init__(self, world: World, clusters: tuple[str, ...], day: date, stretch: float = 0.0) -> None:
        self.world, self.clusters, self.day = world, clusters, day
        self.sites = [Sites.of(world, c, stretch) for c in clusters]
        self.modalities, self.settings = modality_codes(world), setting_codes(world)
        last = financial_year(day)
        self.years = list(range(min(financial_year(world.scenario.plan.start), last), last + 1))

    def late(self, stretch: float) -> "Rollout":
        """The same day, with the plan's own dates later."""
        return self if stretch == 0 else Rollout(self.world, self.clusters, self.day, stretch)

    # --- trusts --------------------------------------------------------------------------------------

    def trusts_live(self, programme: bool = True) -> int:
        """Trusts whose first hospital is live; of the programme, or those that had a PACS of their own."""
        live = 0
        for s in self.sites:
            first = np.full(len(s.estate.trusts), np.inf)
            np.minimum.at(first, s.estate.trust, s.live_day)
            kind = np.array([(row.programme == "yes") == programme for row in s.estate.trusts])
            live += int(np.sum(kind & (first <= day_number(self.day))))
        return live

    def live_share(self, programme_only: bool = False) -> Floats:
        """Share of a day's national exams that sites on PACS do, float64[modality, setting]."""
        today = day_number(self.day)
        parts = [(s.live_day <= today) & (s.programme | (not programme_only)) for s in self.sites]
        return sum_of(s.share[on].sum(axis=0) for s, on in zip(self.sites, parts, strict=True))

    def whole_share(self) -> Floats:
        """Share of a day's national exams that all sites do, float64[modality, setting]."""
        return sum_of(s.share.sum(axis=0) for s in self.sites)

    # --- exams ---------------------------------------------------------------------------------------

    @cached_property
    def volumes(self) -> Floats:
        """National exams, float64[year, modality]."""
        rows = [[national_volume(self.world, m, y) for m in self.modalities] for y in self.years]
        return np.array(rows, dtype=np.float64)

    @cached_property
    def beyond(self) -> Floats:
        """Years that a modality has grown beyond its last known volume, float64[year, modality]."""
        last = {m: max((r.year for r in self.world.volumes if r.modality == m), default=0) for m in self.modalities}
        rows = [[max(0, y - last[m]) for m in self.modalities] for y in self.years]
        return np.array(rows, dtype=np.float64)

    def national(self, levels: Levels) -> Floats:
        """National exams with volumes and growth at their levels, float64[year, modality]."""
        factor = np.array([levels.get(f"volumes.{m}", 1.0) for m in self.modalities])
        mods = {str(m): x for m, x in self.world.scenario.modalities.items()}
        base = np.array([mods[m].growth.value for m in self.modalities])
        new = np.array([levels.get(f"modalities.{m}.growth", b) for m, b in zip(self.modalities, base, strict=True)])
        grown: Floats = ((100 + new) / (100 + base)) ** self.beyond
        out: Floats = self.volumes * factor * grown
        return out

    @cached_property
    def _upto(self) -> Floats:
        """Share of a financial year's exams before each day from the plan's start, [day, year, modality, setting]."""
        start, n_years = self.world.scenario.plan.start, len(self.years)
        days = [start + timedelta(days=i) for i in range(max(0, (self.day - start).days + 1))]
        shape = demand_shape(self.world)
        weights = day_weights(shape, days) if days else np.zeros((0, len(self.modalities), len(self.settings)))
        out = np.zeros((len(days) + 1, n_years, *weights.shape[1:]))
        for i, year in enumerate(self.years):
            whole = [
                date(year, 4, 1) + timedelta(days=d) for d in range((date(year + 1, 4, 1) - date(year, 4, 1)).days)
            ]
            inside = np.array([financial_year(d) == year for d in days], dtype=bool)
            norm = day_weights(shape, whole).sum(axis=0)
            out[1:, i] = np.cumsum(weights * inside[:, None, None], axis=0) / norm
        return out

    def seen(self, since: date | None = None, programme_only: bool = False) -> dict[str, Floats]:
        """Share of each year's national exams done on PACS until the end of the day, by archive.

        Arrays are float64[year, modality, setting]. Counted from the plan's start, or from `since` when that is later.
        """
        start, end = day_number(self.world.scenario.plan.start), len(self._upto) - 1
        least = max(0, day_number(since) - start) if since else 0
        out: dict[str, Floats] = {}
        for s in self.sites:
            begin = np.clip(np.maximum(s.live_day - start, least), 0, end).astype(np.int64)
            done = (self._upto[end] - self._upto[begin]) * s.share[:, None]
            done[~(s.programme | (not programme_only))] = 0.0
            for a, name in enumerate(s.estate.archives):
                part = done[s.estate.archive == a].sum(axis=0)
                out[name] = out.get(name, 0.0) + part
        return out

    def archives(self) -> Iterator[str]:
        """Profiles in use."""
        yield from dict.fromkeys(name for s in self.sites for name in s.estate.archives)

    def months_live(self, s: Sites) -> Floats:
        """Months that each site has been on PACS on the day; 0 before."""
        out: Floats = np.maximum(0.0, day_number(self.day) - s.live_day) / 30.4375
        return out


def sum_of(parts: Iterator[Floats]) -> Floats:
    """Sum of arrays of one shape."""
    out: Floats = np.sum(np.stack(list(parts)), axis=0)
    return out


def months_before(day: date, months: float) -> date:
    """A day so many months of mean length earlier."""
    return date_of(day_number(day) - round(months * 30.4375))
