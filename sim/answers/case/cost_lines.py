"""What digital costs, by line: levels, spending below 0. float64[year, draw] each.

Capital carries the optimism bias of its class, providers' yearly charges that of outsourcing; a price that is known
(`programme_paid`) carries none: a priced risk is not counted twice (G6).
"""

import numpy as np
from numpy.typing import NDArray

from sim.answers.case.activity import Activity
from sim.answers.case.options import BAU
from sim.answers.case.places import Place

Floats = NDArray[np.float64]
NOTHING: Floats = np.zeros(1)


def _capital(a: Activity, key: str, event: str) -> Floats:
    return -a.x[key] * (1 + a.x["appraisal.bias.capital"]) * a.trusts(event)


def pacs_capital(a: Activity) -> Floats:
    """A PACS of the trust's own, or what the programme leaves to the trust."""
    return _capital(a, "costs.trust_capital" if a.national else "costs.local_capital", "started")


def project_team(a: Activity) -> Floats:
    """Project manager, trainers, testing."""
    return _capital(a, "costs.team", "started")


def displays(a: Activity) -> Floats:
    """Displays and plates replaced at the end of their life."""
    return _capital(a, "costs.displays", "renewed")


def _charge(a: Activity, key: str) -> Floats:
    known = a.option == "programme_paid"
    return a.x[key] * (1.0 if known else 1 + a.x["appraisal.bias.running"])


def service(a: Activity) -> Floats:
    """The provider's yearly charge: programme only."""
    if not a.national:
        return NOTHING
    key = "costs.service_paid" if a.option == "programme_paid" else "costs.service_announced"
    return -_charge(a, key) * a.trusts("trust_live")


def store(a: Activity) -> Floats:
    """Cluster data store, from its opening: programme only; its price is locked while the market's falls."""
    if not a.national:
        return NOTHING
    edges = np.arange(len(a.size) + 1.0)
    opened = np.diff(np.maximum(edges - a.place.store_from, 0.0))[:, None]
    return -_charge(a, "costs.store") * a.trusts("trust_live") * opened


def network(a: Activity) -> Floats:
    """Share of the national network: programme only."""
    return -a.x["costs.network"] * a.trusts("trust_live") if a.national else NOTHING


def unit_links(a: Activity) -> Floats:
    """Links of Minor Injuries Units."""
    live: Floats = (a.timeline.sites[0] * a.place.miu).sum(axis=2)
    return -a.x["costs.miu_link"] * live


def support(a: Activity) -> Floats:
    """A trust's own PACS staff."""
    return -a.x["costs.support"] * a.trusts("trust_live")


def maintenance(a: Activity) -> Floats:
    """Of a PACS of the trust's own."""
    if a.national:
        return NOTHING
    return -a.x["costs.local_maintenance"] * a.x["costs.local_capital"] * a.trusts("trust_live")


def storage(a: Activity) -> Floats:
    """Local archive, bought as images come: prices fall, volumes grow. In the programme the store's charge has it."""
    if a.national:
        return NOTHING
    year = np.arange(len(a.size), dtype=np.float64)[:, None]
    price = a.x["costs.storage"] * (1 - a.x["costs.storage_fall"]) ** year
    return -price * a.x["costs.local_copies"] * a.live("gb")


def office_until(place: Place, plan_start: float, a: Activity) -> Floats:
    """Share of each year until the last trust is live, float64[year, draw]."""
    late = 1 + a.x["appraisal.bias.duration"]
    last = plan_start + (place.last_live - plan_start) * late + a.x["plan.ramp"] / 365.25
    edges = np.arange(len(a.size) + 1.0)[:, None]
    out: Floats = np.diff(np.minimum(edges, last), axis=0)
    return out


def office(a: Activity) -> Floats:
    """National programme office, by the share of the place's exams; do minimum has a smaller one."""
    if a.option in (BAU, "local"):
        return NOTHING
    part = a.x["counterfactual.minimum"] if a.option == "minimum" else np.ones(1)
    share = float(a.place.share.sum())
    return -a.x["costs.office"] * part * share * office_until(a.place, a.base["plan.start"], a)


def migration(a: Activity) -> Floats:
    """Moving the images when the providers' contracts end, in the last year: programme only."""
    if not a.national:
        return NOTHING
    last = np.zeros((len(a.size), 1))
    last[-1] = 1.0
    return -a.x["costs.migration"] * a.trusts("trust_live") * last
