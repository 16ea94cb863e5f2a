"""Where the limit of a threshold comes from: its source is a row of a table that a reader can look up.

The table of sources that ships with the scenarios is known to every file; a file names one of its own, for a contract
or a standard of its house, by `sources = "FILE.csv"`, with the columns id, source, address, year, note.
"""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from loadtest.verdict.strict_file import problem_at, read_strict
from loadtest.verdict.thresholds import Threshold, Thresholds
from sim.world.problems import Problem, ScenarioErrors, nearest
from sim.world.read_tables import read_table
from sim.world.tables import SourceRow
from sim.world.toml_places import Toml, read_toml

SHIPPED = Path("scenarios") / "tables" / "sources.csv"


def read_thresholds(path: Path, clusters: Collection[str] = ()) -> Thresholds:
    """A file of thresholds, whose sources are known, and whose clusters are among `clusters` where these are given.

    Raises ScenarioErrors with every problem and its place.
    """
    found = read_strict(path, Thresholds)
    if problems := [*_strange_clusters(path, found.thresholds, clusters)]:
        raise ScenarioErrors(problems)
    check_sources(path, found.thresholds, found.sources)
    return found


def _strange_clusters(path: Path, thresholds: Mapping[str, Threshold], clusters: Collection[str]) -> Iterator[Problem]:
    for name, one in thresholds.items():
        if clusters and one.cluster is not None and one.cluster not in clusters:
            yield problem_at(
                read_toml(path), ("thresholds", name, "cluster"), f"no cluster '{one.cluster}' in this traffic",
                ", ".join(clusters), nearest(one.cluster, clusters),
            )  # fmt: skip


def shipped_table() -> Path | None:
    """The table of sources of the scenarios: from the working folder or beside the package; None where none came."""
    places = (SHIPPED, Path(__file__).resolve().parents[2] / SHIPPED)
    return next((place for place in places if place.is_file()), None)


def ids_of(table: Path) -> set[str]:
    """The ids of a table of sources. Raises ScenarioErrors with what is wrong with it."""
    return {row.id for row in read_table(table.parent, table.parent, table.name, SourceRow).rows}


def check_sources(file: Path, thresholds: Mapping[str, Threshold], own: str = "", more: Collection[str] = ()) -> None:
    """Raise ScenarioErrors for each limit whose source no table has.

    `own` is the file's own table, beside it; `more` are ids that the file itself explains. Where no table ships with
    the program and the file names none, nothing can be looked up, and nothing is refused.
    """
    shipped = shipped_table()
    tables = [table for table in (shipped, file.parent / own if own else None) if table is not None]
    if not tables:
        return
    known = set(more).union(*map(ids_of, tables))
    problems = list(_unknown(read_toml(file), thresholds, known, tables))
    if problems:
        raise ScenarioErrors(problems)


def _unknown(
    toml: Toml, thresholds: Mapping[str, Threshold], known: Collection[str], tables: Collection[Path]
) -> Iterator[Problem]:
    where = " or ".join(str(table) for table in tables)
    for name, one in thresholds.items():
        if one.limit.source not in known:
            yield problem_at(
                toml, ("thresholds", name, "limit", "source"), f"no row '{one.limit.source}' in {where}",
                "the ids there ('assumption' where there is no source); to add one: sources = \"FILE.csv\" at the top "
                "of this file, a table beside it with the columns id, source, address, year, note",
                nearest(one.limit.source, known),
            )  # fmt: skip
