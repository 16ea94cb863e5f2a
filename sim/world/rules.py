"""Rules of consistency between parts of a scenario. One rule a function; each message says how to mend it."""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

from pydantic import BaseModel

from sim.world.problems import nearest
from sim.world.quantity import Sourced
from sim.world.world import World

Finding = tuple[str, str, str]  # key (dotted, or table: row), message, nearest
Rule = Callable[[World], Iterator[Finding]]


def _sourced(model: Any, at: str = "") -> Iterator[tuple[str, Sourced]]:
    """Every figure of the scenario with its key."""
    if isinstance(model, Sourced):
        yield at, model
    if isinstance(model, BaseModel):
        for name in type(model).model_fields:
            yield from _sourced(getattr(model, name), f"{at}.{name}" if at else name)
    elif isinstance(model, dict):
        for name, value in model.items():
            yield from _sourced(value, f"{at}.{name}")


def sources_exist(w: World) -> Iterator[Finding]:
    """Every source is a row of the sources table."""
    for key, figure in _sourced(w.scenario):
        if figure.source not in w.sources:
            near = nearest(figure.source, w.sources)
            message = f"no source '{figure.source}' in {w.scenario.tables.sources}: add a row with that id"
            yield f"{key}.source", message, near


def rows_have_sources(w: World) -> Iterator[Finding]:
    """So is every source of a table's row."""
    for table in ("trusts", "sites", "volumes", "mix", "prior_age"):
        for number, row in enumerate(getattr(w, table), 1):
            if row.source not in w.sources:
                yield f"tables.{table}", f"row {number}: no source '{row.source}'", nearest(row.source, w.sources)


def clusters_used(w: World) -> Iterator[Finding]:
    """clusters_used names clusters."""
    for name in w.scenario.clusters_used:
        if name not in w.scenario.clusters:
            yield "clusters_used", f"no cluster '{name}'", nearest(name, w.scenario.clusters)


def shares(w: World) -> Iterator[Finding]:
    """Clusters do not do more than all exams."""
    total = sum(c.exams_share.value for c in w.scenario.clusters.values())
    if total > 1 + 1e-6:
        yield "clusters", f"the clusters' exams_share add up to {total:.4f}, over 1: lower one", ""


def archives(w: World) -> Iterator[Finding]:
    """Clusters and trusts name archives that there are."""
    for name, cluster in w.scenario.clusters.items():
        for archive in cluster.archives:
            if archive not in w.scenario.archives:
                yield f"clusters.{name}.archives", f"no archive '{archive}'", nearest(archive, w.scenario.archives)
    for row in w.trusts:
        if row.archive not in w.scenario.clusters[row.cluster].archives:
            yield "tables.trusts", f"trust {row.trust}: archive '{row.archive}' is none of its cluster's", ""


def reading_places(w: World) -> Iterator[Finding]:
    """reads_at is a site of the same trust."""
    trust = {row.site: row.trust for row in w.sites}
    for row in w.sites:
        if trust.get(row.reads_at) != row.trust:
            message = f"site {row.site}: reads_at '{row.reads_at}' is no site of its trust"
            yield "tables.sites", message, nearest(row.reads_at, trust)


def unique_sites(w: World) -> Iterator[Finding]:
    """Codes and numbers of sites are unique: exam ids hang on them."""
    for name in ("site", "number"):
        for value, times in Counter(getattr(row, name) for row in w.sites).items():
            if times > 1:
                yield "tables.sites", f"{name} {value} occurs {times} times", ""


def site_modalities(w: World) -> Iterator[Finding]:
    """Sites name modalities that there are."""
    for row in w.sites:
        for code in row.modalities.split():
            if code not in w.scenario.modalities:
                yield "tables.sites", f"site {row.site}: no modality '{code}'", nearest(code, w.scenario.modalities)


def mixes(w: World) -> Iterator[Finding]:
    """The settings' shares of a modality add up to 1."""
    for modality in w.scenario.modalities:
        total = sum(row.share for row in w.mix if row.modality == modality)
        if abs(total - 1) > 1e-6:
            yield "tables.mix", f"the shares of {modality} add up to {total:.4f}, not 1", ""


def volumes(w: World) -> Iterator[Finding]:
    """Each modality has a volume."""
    known = {row.modality for row in w.volumes}
    for modality in w.scenario.modalities:
        if modality not in known:
            yield "tables.volumes", f"no row for {modality}", ""


def profiles(w: World) -> Iterator[Finding]:
    """Profiles have as many values as their day, week or year."""
    for code, s in w.scenario.settings.items():
        for name, n in (("hourly", 24), ("weekend_hourly", 24), ("weekday", 7)):
            yield from _length(f"settings.{code}.{name}", len(getattr(s, name).values), n)
    for modality, m in w.scenario.modalities.items():
        yield from _length(f"modalities.{modality}.season", len(m.season.values), 12)


def _length(key: str, have: int, want: int) -> Iterator[Finding]:
    if have != want:
        yield f"{key}.values", f"{have} values, not {want}", ""


def prior_age(w: World) -> Iterator[Finding]:
    """The ages of priors ascend from 0 to 1."""
    rows = w.prior_age
    ascending = all(a.months < b.months and a.share <= b.share for a, b in pairwise(rows))
    if len(rows) < 2 or not ascending or rows[0].share != 0 or rows[-1].share != 1:
        yield "tables.prior_age", "months must ascend, and share from 0 in the first row to 1 in the last", ""


def trusts_have_clusters(w: World) -> Iterator[Finding]:
    """There is something to simulate."""
    for cluster in w.scenario.clusters_used or w.scenario.clusters:
        if not any(row.cluster == cluster for row in w.trusts):
            yield "tables.trusts", f"cluster '{cluster}' has no trust", ""


RULES: tuple[Rule, ...] = (
    clusters_used, shares, profiles, mixes, volumes, prior_age, unique_sites, site_modalities,
    sources_exist, rows_have_sources, reading_places, trusts_have_clusters, archives,
)  # fmt: skip
