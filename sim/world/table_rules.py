"""Rules of consistency between rows of tables, and between tables and the scenario file. One rule a function."""

from collections.abc import Callable, Hashable, Iterator
from itertools import pairwise
from typing import Any

from sim.world.draft import Cell, Draft, Finding, rule
from sim.world.problems import listed, nearest
from sim.world.tables import MixRow, VolumeRow
from sim.world.toml_places import Path_
from sim.world.world import offers

PLACES = {"miu": "a Minor Injuries Unit", "ae": "a hospital with ae = yes"}
TABLES_WITH_SOURCES = ("trusts", "sites", "volumes", "mix", "prior_age")


def _unknown(at: Cell, what: str, name: str, known: list[str], mend: str) -> Finding:
    return Finding(at, f"no {what} '{name}': {mend}", listed(known), nearest(name, known))


@rule("sources", *TABLES_WITH_SOURCES)
def rows_have_sources(d: Draft) -> Iterator[Finding]:
    """Every row's source is a row of the sources table."""
    known = [row.id for row in d.sources]
    ids = set(known)
    for table in TABLES_WITH_SOURCES:
        for i, row in enumerate(d.tables[table].rows):
            if row.source not in ids:
                words = f"no row '{row.source}' in {d.tables['sources'].file}: add it, or name one that is there"
                yield Finding(Cell(table, i, "source"), words, "", nearest(row.source, known))


def _twice(d: Draft, table: str, column: str, key: Callable[[Any], Hashable], words: str) -> Iterator[Finding]:
    first: dict[Hashable, int] = {}
    for i, row in enumerate(d.tables[table].rows):
        if key(row) in first:
            yield Finding(
                Cell(table, i, column), f"{words}: line {d.tables[table].lines[first[key(row)]]} has it already"
            )
        first.setdefault(key(row), i)


@rule("sources", "trusts")
def ids_are_unique(d: Draft) -> Iterator[Finding]:
    """One row a source, one row a trust."""
    yield from _twice(d, "sources", "id", lambda r: r.id, "a source has one row")
    yield from _twice(d, "trusts", "trust", lambda r: r.trust, "a trust has one row")


@rule("sites")
def sites_are_unique(d: Draft) -> Iterator[Finding]:
    """Codes and numbers of sites are unique: exam ids and draws hang on them."""
    yield from _twice(d, "sites", "site", lambda r: r.site, "a site has one row")
    yield from _twice(d, "sites", "number", lambda r: r.number, "a number is one site's, for ever")


@rule("volumes", "mix")
def rows_are_unique(d: Draft) -> Iterator[Finding]:
    """One row a modality and year, one row a modality and setting."""
    yield from _twice(d, "volumes", "year", lambda r: (r.modality, r.year), "a modality has one row a year")
    yield from _twice(d, "mix", "setting", lambda r: (r.modality, r.setting), "a modality has one row a setting")


@rule("trusts")
def trusts_have_clusters(d: Draft) -> Iterator[Finding]:
    """A trust names a cluster, and each cluster in use has one."""
    known = list(d.scenario.clusters)
    for i, row in enumerate(d.trusts):
        if row.cluster not in known:
            yield _unknown(Cell("trusts", i, "cluster"), "cluster", row.cluster, known, "name one of the scenario's")
    for cluster in d.used:
        if cluster in known and not any(row.cluster == cluster for row in d.trusts):
            words = f"cluster '{cluster}' is in use and has no trust here: add one, or leave it out of clusters_used"
            yield Finding(("tables", "trusts"), words)


@rule("trusts")
def trusts_have_archives(d: Draft) -> Iterator[Finding]:
    """A trust's archive is one of its cluster's."""
    for i, row in enumerate(d.trusts):
        cluster = d.scenario.clusters.get(row.cluster)
        if cluster and row.archive not in cluster.archives:
            known = cluster.archives
            words = (
                f"'{row.archive}' is none of the archives of cluster '{row.cluster}': name one of them, or add it there"
            )
            yield Finding(Cell("trusts", i, "archive"), words, listed(known), nearest(row.archive, known))


@rule("trusts")
def programme_has_dates(d: Draft) -> Iterator[Finding]:
    """Dates are of the time of PACS; nobody went live before there was one."""
    for i, row in enumerate(d.trusts):
        if row.live and not 1980 <= row.live.year <= 2100:
            yield Finding(Cell("trusts", i, "live"), f"{row.live} is not believable: give a year from 1980 to 2100")


@rule("trusts")
def destroyed_equipment_was_to_be_used(d: Draft) -> Iterator[Finding]:
    """[golive_destroyed] names programme trusts that have a go-live, each once, and a delay."""
    planned = [row.trust for row in d.trusts if row.programme == "yes" and row.live is not None]
    known = {row.trust for row in d.trusts}
    for name, one in d.scenario.golive_destroyed.items():
        for i, trust in enumerate(one.trusts):
            at: Path_ = ("golive_destroyed", name, "trusts", i)
            if trust not in planned:
                words = (
                    "is not of the programme, or never goes live" if trust in known else "is not in the trusts table"
                )
                yield Finding(at, f"trust '{trust}' {words}: name one that is to go live", "", nearest(trust, planned))
            elif trust in one.trusts[:i]:
                yield Finding(at, f"trust '{trust}' is there twice: keep one")
        if one.delay.value <= 0:
            yield Finding(("golive_destroyed", name, "delay", "value"), "no delay: give one above 0, or leave it out")


@rule("trusts", "sites")
def sites_have_trusts(d: Draft) -> Iterator[Finding]:
    """A site names a trust, and each trust in use has one."""
    known = [row.trust for row in d.trusts]
    trusts, with_sites = set(known), {row.trust for row in d.sites}
    for i, row in enumerate(d.sites):
        if row.trust not in trusts:
            yield _unknown(Cell("sites", i, "trust"), "trust", row.trust, known, "name one of the trusts table")
    for i, trust in enumerate(d.trusts):
        if trust.trust not in with_sites and trust.cluster in d.used:
            yield Finding(Cell("trusts", i, "trust"), f"trust '{trust.trust}' has no site: add one to the sites table")


@rule("trusts", "sites")
def reading_places(d: Draft) -> Iterator[Finding]:
    """reads_at is a site of the same trust that reads for itself."""
    rows, trusts = {row.site: row for row in d.sites}, {row.trust for row in d.trusts}
    for i, row in enumerate(d.sites):
        hub = rows.get(row.reads_at)
        if row.trust not in trusts or (hub and hub.trust == row.trust and hub.reads_at == hub.site):
            continue  # an unknown trust is told by another rule
        at, own = Cell("sites", i, "reads_at"), [s.site for s in d.sites if s.trust == row.trust]
        if hub is None:
            yield _unknown(at, "site", row.reads_at, own, "name one of the same trust")
        elif hub.trust != row.trust:
            yield Finding(
                at, f"'{row.reads_at}' is a site of trust '{hub.trust}': name one of the same trust", listed(own)
            )
        else:
            yield Finding(at, f"'{hub.site}' has its own exams read at '{hub.reads_at}': name that one", hub.reads_at)


@rule("sites")
def site_modalities(d: Draft) -> Iterator[Finding]:
    """A site's modalities are the scenario's, at least one, each once."""
    known = [str(code) for code in d.scenario.modalities]
    for i, row in enumerate(d.sites):
        codes, at = row.modalities.split(), Cell("sites", i, "modalities")
        if not codes:
            yield Finding(at, "no modality: name one at least, with spaces between", listed(known))
        for n, code in enumerate(codes):
            if code not in known:
                yield _unknown(at, "modality", code, known, "name the scenario's, with spaces between")
            elif code in codes[:n]:
                yield Finding(at, f"'{code}' is there twice: keep one")


@rule("mix")
def mix_adds_up(d: Draft) -> Iterator[Finding]:
    """The settings' shares of a modality add up to 1."""
    settings = {str(code) for code in d.scenario.settings}
    for modality in d.scenario.modalities:
        rows = [(i, row) for i, row in enumerate(d.mix) if row.modality == modality]
        total = sum(row.share for _, row in rows)
        if not rows:
            yield Finding(("tables", "mix"), f"no row for {modality}: say which settings ask for it")
        elif abs(total - 1) > 1e-6:
            words = f"the shares of {modality} add up to {total:.6g}: make them 1"
            yield Finding(Cell("mix", rows[-1][0], "share"), words)
        for i, row in rows:
            if row.share and row.setting not in settings:
                yield _unknown(
                    Cell("mix", i, "setting"), "setting", row.setting, sorted(settings), "its exams would be lost"
                )


@rule("volumes")
def volumes_are_known(d: Draft) -> Iterator[Finding]:
    """Each modality has a volume."""
    known = {row.modality for row in d.volumes}
    for modality in d.scenario.modalities:
        if modality not in known:
            yield Finding(("tables", "volumes"), f"no row for {modality}: give its exams of one year at least")


def _range(table: str, column: str, i: int, row: VolumeRow | MixRow) -> Iterator[Finding]:
    value, at = getattr(row, column), Cell(table, i, column)
    if (row.low is None) != (row.high is None):
        yield Finding(at, "half a range: give low and high, or neither")
    low, high = value if row.low is None else row.low, value if row.high is None else row.high
    if not low <= value <= high:
        yield Finding(
            at, f"{value:g} lies outside its range {low:g} to {high:g}: widen the range, or change the figure"
        )


@rule("volumes", "mix")
def figures_lie_in_their_ranges(d: Draft) -> Iterator[Finding]:
    """The range of a volume or share has two ends, and the figure in it."""
    for i, row in enumerate(d.volumes):
        yield from _range("volumes", "exams", i, row)
    for i, share in enumerate(d.mix):
        yield from _range("mix", "share", i, share)


@rule("prior_age")
def prior_ages_ascend(d: Draft) -> Iterator[Finding]:
    """The ages of priors ascend, and their shares from 0 to 1."""
    rows = d.prior_age
    if len(rows) < 2:
        yield Finding(
            ("tables", "prior_age"), "needs two rows at least: months 0 with share 0, and the last with share 1"
        )
        return
    if rows[0].share != 0 or rows[-1].share != 1:
        wrong = 0 if rows[0].share != 0 else len(rows) - 1
        yield Finding(Cell("prior_age", wrong, "share"), "share is 0 in the first row and 1 in the last")
    for i, (a, b) in enumerate(pairwise(rows), 1):
        if a.months >= b.months or a.share > b.share:
            column = "months" if a.months >= b.months else "share"
            yield Finding(Cell("prior_age", i, column), f"{column} must ascend from row to row")


@rule("trusts", "sites", "mix", "volumes")
def exams_have_places(d: Draft) -> Iterator[Finding]:
    """What is asked for in a cluster can be done at one of its sites: else these exams would vanish."""
    cluster_of = {row.trust: row.cluster for row in d.trusts}
    lost = any(site.trust not in cluster_of for site in d.sites)
    if lost or not set(cluster_of.values()) <= set(d.scenario.clusters):
        return  # a site that stands nowhere yet may be the one; other rules tell of it
    asked = [(m.modality, m.setting) for m in d.mix if m.share > 0 and m.modality in d.scenario.modalities]
    for cluster in d.used:
        sites = [site for site in d.sites if cluster_of.get(site.trust) == cluster]
        offered = {pair for site in sites for pair in set(asked) if offers(site, *pair)}
        for modality, setting in asked if sites else ():
            if (modality, setting) not in offered:
                place = PLACES.get(setting, "a hospital")
                words = f"cluster '{cluster}' has no place for {modality} of setting {setting}: give it to {place}"
                yield Finding(("tables", "sites"), words)


TABLE_RULES = (
    rows_have_sources, ids_are_unique, sites_are_unique, rows_are_unique, trusts_have_clusters, trusts_have_archives,
    programme_has_dates, destroyed_equipment_was_to_be_used, sites_have_trusts, reading_places, site_modalities,
    mix_adds_up, volumes_are_known, figures_lie_in_their_ranges, prior_ages_ascend, exams_have_places,
)  # fmt: skip
