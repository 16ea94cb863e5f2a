"""Reading a scenario: its layers, its tables, its rules; all that is wrong is told at once."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from sim.world.layers import merge, read_layers, read_set
from sim.world.problems import Problem, ScenarioErrors, nearest
from sim.world.read_tables import read_rows
from sim.world.rules import RULES
from sim.world.scenario import Scenario
from sim.world.tables import MixRow, PriorAgeRow, SiteRow, SourceRow, TrustRow, VolumeRow
from sim.world.toml_places import Path_, Place
from sim.world.world import World

__all__ = ["World", "load_world"]
TABLES: dict[str, type[BaseModel]] = {
    "sources": SourceRow, "trusts": TrustRow, "sites": SiteRow, "volumes": VolumeRow, "mix": MixRow,
    "prior_age": PriorAgeRow,
}  # fmt: skip


def load_world(path: Path | str, sets: Sequence[str] = ()) -> World:
    """The world of a scenario file, with overrides "key.path=TOML value".

    Raises:
        ScenarioErrors: every problem with its file, line, column, key, and what is allowed.
    """
    path = Path(path)
    layers = [*read_layers(path), *(read_set(text) for text in sets)]
    data, places = merge(layers)
    scenario = _scenario(path, data, places)
    rows = _tables(path, scenario, places)
    used = set(scenario.clusters_used or scenario.clusters)
    _known_clusters(path, scenario, rows["trusts"], places)
    trusts = [row for row in rows["trusts"] if row.cluster in used]
    codes = {row.trust for row in trusts}
    sites = [row for row in rows["sites"] if row.trust in codes]
    world = World(path, scenario, trusts, sites, rows["volumes"], rows["mix"], rows["prior_age"],
                  {row.id: row for row in rows["sources"]}, places)  # fmt: skip
    problems = [_found(world, finding) for rule in RULES for finding in rule(world)]
    if problems:
        raise ScenarioErrors(problems)
    return world


def _place(path: Path, places: dict[Path_, Place], keys: Path_, value: bool) -> tuple[str, int, int, str]:
    """Where a key stands, or the nearest table around it; and who inherits it."""
    for n in range(len(keys), 0, -1):
        place = places.get(keys[:n])
        # parts of one table that do not agree: the part that this file set is the one to mend
        own = [p for k, p in places.items() if k[: len(keys)] == keys and p.file == str(path)]
        if own and value:
            place = min(own, key=lambda p: p.line)
        if place:
            inherited = "" if place.file in (str(path),) or place.file.startswith("--set") else str(path)
            at = (place.value_line, place.value_column) if value else (place.line, place.column)
            return place.file, *at, inherited
    return str(path), 1, 1, ""


def _scenario(path: Path, data: dict[str, Any], places: dict[Path_, Place]) -> Scenario:
    try:
        return Scenario.model_validate(data)
    except ValidationError as error:
        raise ScenarioErrors([_problem(path, places, dict(e)) for e in error.errors()]) from None


def _fields_at(keys: Path_) -> list[str]:
    """The keys that a table of the scenario may have."""
    model: Any = Scenario
    for key in keys:
        info = model.model_fields.get(str(key)) if isinstance(model, type) and issubclass(model, BaseModel) else None
        annotation = info.annotation if info else model
        arguments = [a for a in getattr(annotation, "__args__", ()) if isinstance(a, type) and issubclass(a, BaseModel)]
        model = annotation if info and not arguments else arguments[-1] if arguments else model
    return list(getattr(model, "model_fields", {}))


def _problem(path: Path, places: dict[Path_, Place], error: dict[str, Any]) -> Problem:
    keys: Path_ = tuple(k for k in error["loc"] if k not in ("[key]",))
    kind, message = error["type"], str(error["msg"]).removeprefix("Value error, ")
    allowed = near = ""
    if kind == "extra_forbidden":
        known = _fields_at(keys[:-1])
        message, allowed, near = "unknown key", ", ".join(known), nearest(str(keys[-1]), known)
    elif kind == "missing":
        message = "this key is missing"
    elif kind == "literal_error":
        allowed = str(error["ctx"]["expected"])
        near = nearest(str(error["input"]), [word.strip("' ") for word in allowed.replace(" or ", ", ").split(",")])
        message = f"not one of the allowed values: '{error['input']}'"
    elif not isinstance(error.get("input"), dict | list):
        message = f"{message}, not {error['input']!r}"
    of_value = kind not in ("extra_forbidden", "missing") and "[key]" not in error["loc"]
    file, line, column, inherited = _place(path, places, keys, of_value)
    return Problem(file, line, column, ".".join(map(str, keys)), message, allowed, near, inherited)


def _tables(path: Path, scenario: Scenario, places: dict[Path_, Place]) -> dict[str, list[Any]]:
    rows: dict[str, list[Any]] = {}
    problems: list[Problem] = []
    for name, model in TABLES.items():
        file = getattr(scenario.tables, name)
        try:
            rows[name] = read_rows(path.parent, file, model)
        except ScenarioErrors as error:
            problems += [_named(path, places, name, p) for p in error.problems]
    if problems:
        raise ScenarioErrors(problems)
    return rows


def _named(path: Path, places: dict[Path_, Place], table: str, problem: Problem) -> Problem:
    """A table that cannot be read at all is a mistake of the line that names it."""
    if problem.line:
        return problem
    file, line, column, inherited = _place(path, places, ("tables", table), True)
    return Problem(file, line, column, f"tables.{table}", f"{problem.file}: {problem.message}", "", "", inherited)


def _known_clusters(path: Path, scenario: Scenario, trusts: list[TrustRow], places: dict[Path_, Place]) -> None:
    problems = [
        Problem(str(path.parent / scenario.tables.trusts), 0, 0, row.trust, f"no cluster '{row.cluster}'",
                ", ".join(scenario.clusters), nearest(row.cluster, scenario.clusters))
        for row in trusts if row.cluster not in scenario.clusters
    ]  # fmt: skip
    if problems:
        raise ScenarioErrors(problems)


def _found(world: World, finding: tuple[str, str, str]) -> Problem:
    key, message, near = finding
    file, line, column, inherited = _place(world.path, world.places, tuple(key.split(".")), True)
    return Problem(file, line, column, key, message, "", near, inherited)


def resolved(world: World) -> Iterator[tuple[str, Any, str, int]]:
    """Each value of the scenario with its key, and the file and line that set it (0: a default, or --set)."""
    yield from _leaves(world.scenario.model_dump(mode="json"), (), world.places)


def _leaves(data: Any, at: Path_, places: dict[Path_, Place]) -> Iterator[tuple[str, Any, str, int]]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _leaves(value, (*at, key), places)
        return
    place = next((places[at[:n]] for n in range(len(at), 0, -1) if at[:n] in places), None)
    yield ".".join(map(str, at)), data, place.file if place else "default", place.line if place else 0
