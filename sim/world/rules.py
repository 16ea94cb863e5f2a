"""Rules of consistency inside the scenario file. One rule a function; each message says how to mend it."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from sim.world.draft import Draft, Finding, rule
from sim.world.models_at import field_at, limits_of
from sim.world.problems import listed, nearest
from sim.world.quantity import MONEY, Profile, Quantity, Sourced
from sim.world.toml_places import Path_

WEIGHTS = {"hourly": 24, "weekend_hourly": 24, "weekday": 7, "season": 12}
WHOLE = ("ingest_servers", "retrieve_servers", "site_servers")  # stations must have one server at least
# what something is divided by, or cannot do without
POSITIVE = (
    *WHOLE, "utilisation", "room_utilisation", "processor_utilisation", "clerk_utilisation", "usable", "interactive",
    "images", "lossless_ratio", "sheets", "room", "copies",
)  # fmt: skip


def figures(model: Any, at: Path_ = ()) -> Iterator[tuple[Path_, Sourced]]:
    """Every figure of the scenario with its key."""
    if isinstance(model, Sourced):
        yield at, model
    elif isinstance(model, BaseModel):
        for name in type(model).model_fields:
            yield from figures(getattr(model, name), (*at, name))
    elif isinstance(model, dict):
        for name, value in model.items():
            yield from figures(value, (*at, str(name)))


@rule("sources")
def figures_have_sources(d: Draft) -> Iterator[Finding]:
    """Every figure's source is a row of the sources table."""
    known = [row.id for row in d.sources]
    ids = set(known)
    for at, figure in figures(d.scenario):
        if figure.source not in ids:
            words = f"no row '{figure.source}' in {d.tables['sources'].file}: add it, or name one that is there"
            yield Finding((*at, "source"), words, "", nearest(figure.source, known))


@rule()
def clusters_in_use(d: Draft) -> Iterator[Finding]:
    """clusters_used names clusters, each once."""
    known, used = d.scenario.clusters, d.scenario.clusters_used
    for i, name in enumerate(used):
        if name not in known:
            yield Finding(("clusters_used", i), f"no cluster '{name}'", listed(known), nearest(name, known))
        elif name in used[:i]:
            yield Finding(("clusters_used", i), f"'{name}' is there twice: keep one")


@rule()
def cluster_shares(d: Draft) -> Iterator[Finding]:
    """Clusters do not do more than all exams."""
    shares = {name: c.exams_share.value for name, c in d.scenario.clusters.items()}
    if sum(shares.values()) > 1 + 1e-6:
        parts = " + ".join(f"{name} {share:g}" for name, share in shares.items())
        words = f"exams_share of all clusters together is {sum(shares.values()):.6g}, over 1: lower one ({parts})"
        yield Finding(("clusters",), words)


@rule()
def recall_is_shared(d: Draft) -> Iterator[Finding]:
    """Priors of others are recalled only where stores share, and from other clusters only after a lookup."""
    for name, cluster in d.scenario.clusters.items():
        at: Path_ = ("clusters", name, "recall")
        if cluster.recall in ("cluster", "country") and not cluster.sharing:
            yield Finding(
                at, f"recall is '{cluster.recall}' and sharing is false: set sharing = true, or recall = 'site'"
            )
        if cluster.recall == "country" and None in (d.scenario.demand.lookup, d.scenario.demand.prior_other_cluster):
            yield Finding(at, "recall is 'country': set demand.lookup and demand.prior_other_cluster")


@rule()
def cluster_archives(d: Draft) -> Iterator[Finding]:
    """Clusters name archives that there are."""
    known = d.scenario.archives
    for name, cluster in d.scenario.clusters.items():
        for i, archive in enumerate(cluster.archives):
            if archive not in known:
                at: Path_ = ("clusters", name, "archives", i)
                yield Finding(
                    at, f"no archive '{archive}': add [archives.{archive}]", listed(known), nearest(archive, known)
                )


@rule()
def money_in_own_currency(d: Draft) -> Iterator[Finding]:
    """Every price is in the scenario's currency."""
    code = d.scenario.currency
    for at, figure in figures(d.scenario):
        field = field_at(at) if isinstance(figure, Quantity) else None
        limits = limits_of(field) if field else None
        if isinstance(figure, Quantity) and limits and MONEY in limits.unit:
            want = limits.unit.replace(MONEY, code)
            if figure.unit != want:
                yield Finding((*at, "unit"), f"'{figure.unit}' is not the scenario's currency: convert it to {want}")


@rule()
def providers_are_the_clusters(d: Draft) -> Iterator[Finding]:
    """[rollout.providers] names the clusters' Local Service Providers, all of them."""
    rollout = d.scenario.rollout
    if rollout is None:
        return
    lsps = list(dict.fromkeys(c.lsp for c in d.scenario.clusters.values()))
    for name in rollout.providers:
        if name not in lsps:
            at: Path_ = ("rollout", "providers", name)
            yield Finding(at, f"no cluster has the lsp '{name}'", listed(lsps), nearest(name, lsps))
    lacking = [lsp for lsp in lsps if lsp not in rollout.providers]
    if lacking:
        yield Finding(("rollout", "providers"), f"no provider {listed(lacking)}: say when its teams begin")


@rule()
def weights(d: Draft) -> Iterator[Finding]:
    """Profiles have as many values as their day, week or year, and are not all zero."""
    for at, figure in figures(d.scenario):
        if not isinstance(figure, Profile):
            continue
        have, want = len(figure.values), WEIGHTS[str(at[-1])]
        if have != want:
            yield Finding((*at, "values"), f"{have} values: give {want}")
        if not sum(figure.values) > 0:
            yield Finding((*at, "values"), "all values are 0: nothing would ever happen; give one above 0")


@rule()
def positive(d: Draft) -> Iterator[Finding]:
    """What something is divided by is above 0, and servers are whole."""
    for at, figure in figures(d.scenario):
        if not isinstance(figure, Quantity) or at[-1] not in POSITIVE:
            continue
        if figure.value <= 0:
            yield Finding((*at, "value"), f"value is {figure.value:g}: it must be above 0")
        elif at[-1] in WHOLE and figure.value != int(figure.value):
            yield Finding((*at, "value"), f"value is {figure.value:g}: servers are counted in whole numbers")


@rule()
def links_are_shared(d: Draft) -> Iterator[Finding]:
    """Some of a WAN link is left for storing."""
    if d.scenario.network.interactive.value >= 1:
        yield Finding(
            ("network", "interactive", "value"), "all of a link is kept for retrieval: leave some for storing"
        )


@rule()
def views_elsewhere(d: Draft) -> Iterator[Finding]:
    """Views from elsewhere are not more than all views."""
    for code, s in d.scenario.settings.items():
        total = s.view_trust.value + s.view_cluster.value + s.view_country.value
        if total > 1 + 1e-9:
            words = f"view_trust + view_cluster + view_country is {total:g}, over 1: lower one"
            yield Finding(("settings", code), words)


@rule()
def priors_are_somewhere(d: Draft) -> Iterator[Finding]:
    """Priors of the same site and of other clusters are not more than all."""
    demand = d.scenario.demand
    total = demand.prior_same_site.value + (demand.prior_other_cluster.value if demand.prior_other_cluster else 0.0)
    if total > 1 + 1e-9:
        words = f"prior_same_site + prior_other_cluster is {total:g}, over 1: lower one"
        yield Finding(("demand", "prior_other_cluster"), words)


@rule()
def sizing_inside_plan(d: Draft) -> Iterator[Finding]:
    """Rooms and readers are sized for a year that the plan reaches."""
    plan = d.scenario.plan
    if not plan.start.year - 1 <= plan.sizing_year <= plan.end.year:
        words = f"{plan.sizing_year} is outside the plan, {plan.start} to {plan.end}: choose a year in it"
        yield Finding(("plan", "sizing_year"), words)


SCENARIO_RULES = (
    figures_have_sources, clusters_in_use, cluster_shares, recall_is_shared, cluster_archives, money_in_own_currency,
    providers_are_the_clusters, weights, positive, links_are_shared, views_elsewhere, priors_are_somewhere,
    sizing_inside_plan,
)  # fmt: skip
