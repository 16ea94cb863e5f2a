"""A scenario with its tables before they are known to fit together, and what a rule says of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from sim.world.read_tables import Table
from sim.world.scenario import Scenario
from sim.world.tables import MixRow, PriorAgeRow, SiteRow, SourceRow, TrustRow, VolumeRow
from sim.world.toml_places import Path_


class Cell(NamedTuple):
    """A cell of a table: row from 0."""

    table: str
    row: int
    column: str


class Finding(NamedTuple):
    """What a rule found: a key of the scenario or a cell, and a message that says how to mend it."""

    at: Path_ | Cell
    message: str
    allowed: str = ""
    nearest: str = ""


@dataclass(frozen=True)
class Draft:
    """The scenario, and those of its tables that could be read."""

    scenario: Scenario
    tables: dict[str, Table[Any]]

    @property
    def used(self) -> list[str]:
        """Codes of the clusters in use."""
        return self.scenario.clusters_used or list(self.scenario.clusters)

    @property
    def trusts(self) -> list[TrustRow]:
        """Rows of the trusts table, of all clusters."""
        return self.tables["trusts"].rows

    @property
    def sites(self) -> list[SiteRow]:
        """Rows of the sites table, of all clusters."""
        return self.tables["sites"].rows

    @property
    def volumes(self) -> list[VolumeRow]:
        """Rows of the volumes table."""
        return self.tables["volumes"].rows

    @property
    def mix(self) -> list[MixRow]:
        """Rows of the mix table."""
        return self.tables["mix"].rows

    @property
    def prior_age(self) -> list[PriorAgeRow]:
        """Rows of the table of priors' ages."""
        return self.tables["prior_age"].rows

    @property
    def sources(self) -> list[SourceRow]:
        """Rows of the sources table."""
        return self.tables["sources"].rows


@dataclass(frozen=True)
class Rule:
    """One rule of consistency, and the tables without which it cannot be judged."""

    check: Callable[[Draft], Iterator[Finding]]
    needs: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name of its function."""
        return self.check.__name__


def rule(*needs: str) -> Callable[[Callable[[Draft], Iterator[Finding]]], Rule]:
    """Marks a function as a rule that reads these tables."""
    return lambda check: Rule(check, needs)
