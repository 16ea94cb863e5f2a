"""The options (G1), and when each trust goes live in each of them.

business as usual   trusts that have PACS keep it; others buy one for themselves along the adoption curve (G2)
do minimum          the largest trusts are helped to buy their own on the programme's dates; others as usual
programme           every programme trust on its announced date, at the price as announced, with optimism bias
programme as paid   the same with the contracts as signed later; a known price carries no bias on it
local               every trust buys its own on the same dates: no providers, no cluster stores

Business as usual is an expectation over the curve, not one drawn future: `COHORTS` equal parts of each trust adopt
one after another. That is exact for all that is linear, keeps trusts independent of each other (one more trust changes
nobody's curve), and leaves no sampling noise in the comparison. Whole posts are expectations too: posts of a whole
trust, times the chance that it has gone over.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.answers.case.exposure import Habits, after, exposures, happens
from sim.answers.case.inputs import Values
from sim.answers.case.places import Place

Floats = NDArray[np.float64]
COHORTS = 12
BAU = "bau"
NAMES = {
    BAU: "Business as usual", "minimum": "Do minimum: the largest trusts, local PACS",
    "programme": "Programme, price as announced", "programme_paid": "Programme, price as paid",
    "local": "Local PACS for all, no cluster stores",
}  # fmt: skip
DECISIONS = ("minimum", "programme", "local")  # what there is to choose from beside business as usual
NATIONAL = ("programme", "programme_paid")


@dataclass(frozen=True)
class Timeline:
    """An option's course in one place. Sites' arrays [kind, year, draw, site]; trusts' [year, draw, trust]."""

    sites: Floats
    trust_live: Floats  # share of the year
    contracts_ended: Floats
    posts_gone: Floats
    space_free: Floats
    started: Floats  # share of the trust that goes live in the year
    renewed: Floats  # replacements of displays that fall in the year


def edges_of(years: int) -> Floats:
    """Edges of the financial years, in years from the first one."""
    return np.arange(years + 1, dtype=np.float64)


def habits(x: Values, ages: tuple[Floats, Floats]) -> Habits:
    """Habits of each draw."""
    return Habits(
        x["film.residual_print"][:, None], x["effects.print_first"][:, None], x["effects.parallel"][:, None] / 12,
        x["effects.dip_months"][:, None] / 12, ages,
    )  # fmt: skip


def planned(place: Place, plan_start: float, x: Values) -> Floats:
    """Go-live of each trust, float64[draw, trust]: as announced, later by the optimism bias on duration."""
    late = 1 + x["appraisal.bias.duration"][:, None]
    dates: Floats = plan_start + (place.live[None, :] - plan_start) * late
    return np.where(place.programme, dates, place.live[None, :])


def adopted(plan_start: float, x: Values) -> Floats:
    """Years in which the parts of a trust adopt by themselves, float64[cohort, draw]; infinite: never.

    Logistic growth of the share of all trusts with PACS, of those that had none at the start.
    """
    begun, ceiling = x["counterfactual.start_share"], x["counterfactual.ceiling"]
    u = ((np.arange(COHORTS) + 0.5) / COHORTS)[:, None]
    share = begun + u * (1 - begun)  # of all trusts, when this part's turn comes
    never = share >= ceiling
    of_ceiling = np.where(never, 0.5, share / np.maximum(ceiling, 1e-9))
    start = np.clip(begun / np.maximum(ceiling, 1e-9), 1e-9, 1 - 1e-9)
    grown = np.log(of_ceiling / (1 - of_ceiling)) - np.log(start / (1 - start))
    rate = np.maximum(x["counterfactual.rate"], 1e-9)
    return np.where(never, np.inf, plan_start + np.maximum(grown, 0.0) / rate)


def _last(place: Place) -> Floats:
    """Order of each trust's last site."""
    out = np.zeros(len(place.trusts))
    np.maximum.at(out, place.trust, place.order)
    return out


def _moments(edges: Floats, start: Floats, last: Floats, x: Values, h: Habits) -> list[Floats]:
    """Trust-wide arrays of a Timeline, for go-lives [draw, column]."""
    whole = start + x["plan.ramp"][:, None] / 365.25 * last
    filmless = whole + h.parallel
    lags = [x[f"effects.{name}_lag"][:, None] / 12 for name in ("contract", "post", "space")]
    life = np.maximum(x["costs.display_life"][:, None], 1.0)
    times = int(np.ceil(edges[-1]))
    renewed = sum((happens(edges, start + k * life) for k in range(1, times + 1)), np.zeros(1))
    renewed = np.where(np.isfinite(start), renewed, 0.0)
    return [after(edges, start), *(after(edges, filmless + lag) for lag in lags), happens(edges, start), renewed]


def _timeline(place: Place, edges: Floats, start: Floats, x: Values, h: Habits) -> Timeline:
    """Every trust at its own moment: start float64[draw, trust]."""
    ramp = x["plan.ramp"][:, None] / 365.25 * place.order
    sites = exposures(edges, start[:, place.trust] + ramp, h)
    return Timeline(sites, *_moments(edges, start, _last(place), x, h))


def _usual(place: Place, edges: Floats, plan_start: float, x: Values, h: Habits) -> Timeline:
    """The mean over cohorts; trusts that had PACS before have it all along."""
    orders, at = np.unique(np.concatenate([place.order, [0.0, 1.0]]), return_inverse=True)
    site_at, last = at[: len(place.order)], _last(place)
    ramp = x["plan.ramp"][:, None] / 365.25 * orders
    sites, parts = [], []
    for start in adopted(plan_start, x):
        sites.append(exposures(edges, start[:, None] + ramp, h))
        parts.append(_moments(edges, np.broadcast_to(start[:, None], (len(start), 2)), np.array([0.0, 1.0]), x, h))
    at_site = np.mean(sites, axis=0)[..., site_at]
    trusts = [np.mean([p[i] for p in parts], axis=0)[..., last.astype(np.int64)] for i in range(len(parts[0]))]
    return Timeline(at_site, *trusts)


def _either(place: Place, chosen: NDArray[np.bool_], a: Timeline, b: Timeline) -> Timeline:
    """Chosen trusts [draw, trust] as in a, others as in b."""
    at_site = chosen[:, place.trust]
    return Timeline(np.where(at_site, a.sites, b.sites), *(
        np.where(chosen, getattr(a, n), getattr(b, n))
        for n in ("trust_live", "contracts_ended", "posts_gone", "space_free", "started", "renewed")
    ))  # fmt: skip


def timelines(
    place: Place, years: int, plan_start: float, x: Values, ages: tuple[Floats, Floats]
) -> dict[str, Timeline]:
    """The course of every option in a place; x has one value a draw."""
    edges, h = edges_of(years), habits(x, ages)
    plan = _timeline(place, edges, planned(place, plan_start, x), x, h)
    draws = len(x["plan.ramp"])
    own = np.broadcast_to(~place.programme, (draws, len(place.trusts)))
    before = _timeline(place, edges, np.broadcast_to(place.live, (draws, len(place.trusts))), x, h)
    usual = _either(place, own, before, _usual(place, edges, plan_start, x, h))
    helped = place.larger[None, :] < x["counterfactual.minimum"][:, None]
    return {
        BAU: usual, "minimum": _either(place, helped & place.programme, plan, usual), "programme": plan,
        "programme_paid": plan, "local": plan,
    }  # fmt: skip
