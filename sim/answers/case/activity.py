"""What an option does in a place: units by year in each state, summed over its sites; whole posts and clerks' hours."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.answers.case.exposure import KINDS
from sim.answers.case.inputs import Values
from sim.answers.case.options import NATIONAL, Timeline
from sim.answers.case.places import Place

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Activity:
    """One option in one place. Every figure is float64[year, draw], summed over the place."""

    place: Place
    option: str
    x: Values
    timeline: Timeline
    _sums: Floats  # [kind, year, draw, unit]
    _totals: Floats  # [year, unit]
    size: Floats  # [year, draw, trust]: costs of the trust over those of the typical trust
    replication: int
    base: dict[str, float]  # figures that were simulated, by key

    @property
    def national(self) -> bool:
        """Is it bought by the programme? Trusts that had PACS before keep theirs in every option."""
        return self.option in NATIONAL and bool(self.place.programme.all())

    @property
    def mods(self) -> list[str]:
        """Codes of the modalities."""
        return [name.partition(":")[2] for name in self.place.names if name.startswith("sheets:")]

    def all(self, unit: str) -> Floats:
        """Units a year if all were on film, or all digital."""
        out: Floats = self._totals[:, [self.place.unit(unit)]] * self.x["appraisal.demand"]
        return out

    def in_state(self, unit: str, kind: str) -> Floats:
        """Units a year that are live, printed, asking for old film, or in the dip after go-live."""
        out: Floats = self._sums[KINDS.index(kind), :, :, self.place.unit(unit)] * self.x["appraisal.demand"]
        return out

    def live(self, unit: str) -> Floats:
        """Units a year at sites that are live."""
        return self.in_state(unit, "live")

    def on_film(self, unit: str) -> Floats:
        """Units a year at sites that are not live."""
        return self.all(unit) - self.live(unit)

    def parallel(self, unit: str) -> Floats:
        """Units a year that are printed beyond the residual share: parallel running."""
        return np.maximum(self.in_state(unit, "printed") - self.x["film.residual_print"] * self.live(unit), 0.0)

    def trusts(self, name: str, sized: bool = True) -> Floats:
        """A trust-wide array of the timeline, summed over trusts, weighted by their size where a cost grows with it."""
        values = getattr(self.timeline, name)
        out: Floats = (values * self.size if sized else values).sum(axis=2)
        return out

    def scaled(self, key: str) -> Floats:
        """An input over the figure that was simulated; 0 where that was 0."""
        base = self.base[key]
        out: Floats = self.x[key] / base if base else np.zeros_like(self.x[key])
        return out

    def exams(self) -> Floats:
        """Exams a year of each trust, float64[year, draw, trust]."""
        return trust_exams(self)[:, None, :] * self.x["appraisal.demand"][:, None]


def activity(place: Place, option: str, x: Values, timeline: Timeline, replication: int,
             base: dict[str, float]) -> Activity:  # fmt: skip
    """The activity of an option for all draws of one replication."""
    by_year = place.units[replication].transpose(2, 1, 0)  # [year, site, unit]
    sums = np.matmul(timeline.sites, by_year[None])
    exams = _by_trust(place, by_year[..., place.unit("exams")])
    return Activity(place, option, x, timeline, sums, by_year.sum(axis=1), _sizes(exams, x), replication, base)


def trust_exams(a: Activity) -> Floats:
    """Exams a year as simulated, float64[year, trust]."""
    return _by_trust(a.place, a.place.units[a.replication, a.place.unit("exams")].T)


def _sizes(exams: Floats, x: Values) -> Floats:
    """Cost of each trust over that of the typical one: a fixed part, and a part that grows with its exams."""
    fixed = x["costs.fixed"][:, None]
    out: Floats = fixed + (1 - fixed) * exams[:, None, :] / x["costs.typical_trust"][:, None]
    return out


def whole_posts(a: Activity) -> Floats:
    """Posts gone, float64[year, draw, trust]: whole ones or none in each trust (N7)."""
    each = a.exams() / 1e5 * (a.x["prices.library_staff"] * a.x["prices.library_released"])[:, None]
    out: Floats = np.floor(each + 1e-9) * a.timeline.posts_gone
    return out


def _by_trust(place: Place, by_site: Floats) -> Floats:
    starts = np.searchsorted(place.trust, np.arange(len(place.trusts)))
    out: Floats = np.add.reduceat(by_site, starts, axis=-1)
    return out


def clerk_hours(a: Activity) -> Floats:
    """Hours of clerks on film that are paid for, or that left with a post: float64[year, draw].

    The hours that a withdrawn post takes with it are not freed a second time (N4): they count as if still spent.
    """
    x, place = a.x, a.place
    demand = x["appraisal.demand"][:, None]
    pulls, packets, missing = (place.units[a.replication, place.unit(n)].T[:, None, :]
                               for n in ("pulls", "packets", "lost"))  # fmt: skip
    pull, filing = (x[k][:, None] * demand / 60 for k in ("film.pull", "film.filing"))
    search = a.scaled("film.lost")[:, None] * x["effects.search"][:, None] * demand / 60
    film = pulls * pull + packets * filing + missing * search
    live, printed, old, _ = a.timeline.sites
    parallel = np.maximum(printed - x["film.residual_print"][:, None] * live, 0.0)
    now = film * (1 - live) + pulls * (old * pull) + packets * (parallel * filing)
    before, after = _by_trust(place, film), _by_trust(place, now)
    gone = np.minimum(x["effects.hours_post"][:, None] * whole_posts(a), np.maximum(before - after, 0.0))
    out: Floats = (after + gone).sum(axis=2)
    return out
