"""Reading a scenario: its layers, its tables, its rules; all that is wrong is told at once."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from sim.world.draft import Cell, Draft, Finding
from sim.world.explain import at_value, dotted, problems_of
from sim.world.faults import postponed
from sim.world.layers import Layered, merge, read_layers, read_set
from sim.world.money_rules import MONEY_RULES
from sim.world.problems import Problem, ScenarioErrors, first_of
from sim.world.read_tables import Table, read_table
from sim.world.rules import SCENARIO_RULES
from sim.world.scenario import Scenario
from sim.world.table_rules import TABLE_RULES
from sim.world.tables import MixRow, PriorAgeRow, SiteRow, SourceRow, TrustRow, VolumeRow
from sim.world.toml_places import Path_, Place
from sim.world.world import World

__all__ = ["World", "load_world", "resolved"]
RULES = (*SCENARIO_RULES, *MONEY_RULES, *TABLE_RULES)
TABLES: dict[str, type[BaseModel]] = {
    "sources": SourceRow, "trusts": TrustRow, "sites": SiteRow, "volumes": VolumeRow, "mix": MixRow,
    "prior_age": PriorAgeRow,
}  # fmt: skip


def load_world(path: Path | str, sets: Sequence[str] = ()) -> World:
    """The world of a scenario file, with overrides "key.path=TOML value".

    Files are read only below the scenario's own folder; a file name is relative to the file that says it.

    Raises:
        ScenarioErrors: every problem with its file, line, column, key, and what is allowed. Rules are judged where
            what they need could be read.
    """
    path = Path(path)
    layered = merge(path, [*read_layers(path), *_sets(sets)])
    problems = list[Problem]()
    scenario = _scenario(layered, problems)
    tables = _tables(layered, problems)
    if scenario:
        draft = Draft(scenario, tables)
        problems += _broken_rules(layered, draft)
    if problems or not scenario:
        raise ScenarioErrors(problems)
    return _world(layered, draft)


def _sets(sets: Sequence[str]) -> Iterator[Any]:
    problems = list[Problem]()
    for text in sets:
        try:
            yield read_set(text)
        except ScenarioErrors as error:
            problems += error.problems
    if problems:
        raise ScenarioErrors(problems)


def _scenario(layered: Layered, problems: list[Problem]) -> Scenario | None:
    try:
        return Scenario.model_validate(layered.data)
    except ValidationError as error:
        problems += first_of(problems_of(layered, error))
        return None


def _tables(layered: Layered, problems: list[Problem]) -> dict[str, Table[Any]]:
    """The tables that can be read; the scenario itself need not be valid for that."""
    named = layered.data.get("tables")
    found = dict[str, Table[Any]]()
    for table, model in TABLES.items():
        file = named.get(table) if isinstance(named, dict) else None
        if not isinstance(file, str):
            continue  # the models tell
        try:
            folder = layered.folder(("tables", table))
            found[table] = read_table(folder, layered.path.parent, file, model)
        except ScenarioErrors as error:
            problems += [_of_its_line(layered, table, p) for p in error.problems]
    return found


def _of_its_line(layered: Layered, table: str, problem: Problem) -> Problem:
    """A table that cannot be read at all is a mistake of the line that names it."""
    return problem if problem.line else at_value(layered, ("tables", table), f"'{problem.file}' {problem.message}")


def _broken_rules(layered: Layered, draft: Draft) -> Iterator[Problem]:
    for rule in RULES:
        if all(table in draft.tables for table in rule.needs):
            yield from first_of(_told(layered, draft, finding) for finding in rule.check(draft))


def _told(layered: Layered, draft: Draft, finding: Finding) -> Problem:
    at, message, allowed, near = finding
    if isinstance(at, Cell):
        return draft.tables[at.table].problem(at.row, at.column, message, allowed, near)
    return at_value(layered, at, message, allowed, near)


def _world(layered: Layered, draft: Draft) -> World:
    used = set(draft.used)
    trusts = [_on_its_day(row, draft.scenario) for row in draft.trusts if row.cluster in used]
    codes = {row.trust for row in trusts}
    sites = [row for row in draft.sites if row.trust in codes]
    sources = {row.id: row for row in draft.sources}
    return World(layered.path, draft.scenario, trusts, sites, draft.volumes, draft.mix, draft.prior_age, sources,
                 layered.places)  # fmt: skip


def _on_its_day(row: TrustRow, scenario: Scenario) -> TrustRow:
    """A trust as it goes live in this scenario: later than its table says where its equipment is destroyed."""
    losses = scenario.golive_destroyed.values()
    if row.live is None or not any(row.trust in one.trusts for one in losses):
        return row
    return row.model_copy(update={"live": postponed(losses, row.trust, row.live)})


def resolved(world: World) -> Iterator[tuple[str, Any, str, int]]:
    """Each value of the scenario with its key, and the file and line that set it (0: a default, or --set)."""
    yield from _leaves(world.scenario.model_dump(mode="json"), (), world.places)


def _leaves(data: Any, at: Path_, places: dict[Path_, Place]) -> Iterator[tuple[str, Any, str, int]]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _leaves(value, (*at, key), places)
        return
    place = places.get(at)
    if place:
        yield dotted(at), data, place.file, place.line
    elif data not in (None, ""):  # what no file writes is the model's default
        yield dotted(at), data, "default", 0
