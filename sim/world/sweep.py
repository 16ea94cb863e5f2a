"""Sweeps: what varies, as a file beside the scenario that says what is.

Named variants (another scenario file, or values set anew), a grid of every combination, and one value at a time.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import product
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from sim.world.explain import at_value, problems_of
from sim.world.layers import COMMAND_LINE, Layered, below, merge
from sim.world.load import load_world
from sim.world.problems import Problem, ScenarioErrors, nearest
from sim.world.quantity import Strict
from sim.world.toml_places import Path_, read_toml
from sim.world.world import World

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._=+-]{0,79}")  # of a variant, and so of its folder
Sets = dict[str, Any]  # key path (with * for every name of a table) and its value
BASE = "base"
LINKS = "links."  # keys of grids that speak of the sites table instead of the scenario
MOST = 200  # variants of one sweep


class Variant(Strict):
    """One named variant."""

    description: str = ""
    scenario: str | None = Field(default=None, description="another scenario file; default: the sweep's")
    set: Sets = Field(default={}, description='values set anew: "archives.*.compress" = false')
    links: dict[Literal["acute", "miu"], float] = Field(default={}, description="Mbit/s of all sites of a kind")

    @model_validator(mode="after")
    def _rates(self) -> "Variant":
        for kind, rate in self.links.items():
            if rate <= 0:
                raise ValueError(f"links: {kind} is {rate:g} Mbit/s: it must be above 0")
        return self


class Sweep(Strict):
    """A sweep file."""

    title: str
    description: str
    scenario: str = Field(description="file, from the folder of this one")
    clusters: list[str] = Field(default=[], description="empty: all that the scenario uses")
    first_day: date
    last_day: date
    replications: int = Field(default=10, ge=3, le=1000)
    seed: int | None = Field(default=None, ge=0, description="default: the scenario's; one for all variants")
    worlds: list[Literal["film", "pacs", "plan"]] = Field(default=["pacs"], min_length=1)
    base: str = Field(default="", description="variant that the others are compared with; default: the first")
    variants: dict[str, Variant] = Field(default={}, description="named variants")
    grid: dict[str, list[Any]] = Field(default={}, description="every combination of these values")
    one_at_a_time: dict[str, list[Any]] = Field(default={}, description="each value alone, all others as they are")

    @model_validator(mode="after")
    def _sense(self) -> "Sweep":
        if self.last_day < self.first_day:
            raise ValueError(f"last_day {self.last_day} is before first_day {self.first_day}")
        for name in self.variants:
            if not NAME.fullmatch(name):
                raise ValueError(f"variants has '{name}': a name begins with a letter or digit and has . _ = + -")
        for table in ("grid", "one_at_a_time"):
            for key, values in getattr(self, table).items():
                if not values:
                    raise ValueError(f"{table} gives no value for {key}")
        if not (self.variants or self.grid or self.one_at_a_time):
            raise ValueError("nothing varies: give [variants], [grid] or [one_at_a_time]")
        return self


@dataclass(frozen=True)
class Case:
    """One variant of a sweep, ready to be simulated."""

    name: str
    description: str
    scenario: Path
    sets: tuple[str, ...]
    world: World
    links: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Cases:
    """A sweep with all its variants; the base is one of them."""

    sweep: Sweep
    cases: list[Case]
    base: str


def load_sweep(path: Path | str) -> Cases:
    """A sweep file and every scenario that it makes, all checked before anything is simulated.

    Raises:
        ScenarioErrors: every problem with its place; what a set value breaks is told at the value.
    """
    path = Path(path)
    layered = merge(path, [read_toml(path)], Sweep)
    try:
        sweep = Sweep.model_validate(layered.data)
    except ValidationError as error:
        raise ScenarioErrors(problems_of(layered, error)) from None
    try:
        wanted = list(_wanted(sweep))
    except ValidationError as error:
        words = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
        raise ScenarioErrors([at_value(layered, ("grid",) if sweep.grid else ("one_at_a_time",), words)]) from None
    problems, cases = list[Problem](), list[Case]()
    base = sweep.base or wanted[0][0]
    names = [name for name, *_ in wanted]
    if base not in names:
        problems.append(at_value(layered, ("base",), f"there is no variant '{base}'", "", nearest(base, names)))
    if len(wanted) > MOST:
        raise ScenarioErrors([at_value(layered, ("grid",), f"{len(wanted)} variants: {MOST} are the most; give fewer")])
    for name, variant, at in wanted:
        try:
            cases.append(_case(layered, sweep, name, variant, at))
        except ScenarioErrors as error:
            problems += error.problems
    if problems:
        raise ScenarioErrors(problems)
    return Cases(sweep, cases, base)


def _wanted(sweep: Sweep) -> Iterator[tuple[str, Variant, Path_]]:
    """Name, variant, and where its values stand."""
    for name, variant in sweep.variants.items():
        yield name, variant, ("variants", name, "set")
    if not sweep.variants or (sweep.one_at_a_time and BASE not in sweep.variants and not sweep.base):
        yield BASE, Variant(description="the scenario as it is"), ()
    for values in product(*sweep.grid.values()) if sweep.grid else ():
        sets = dict(zip(sweep.grid, values, strict=True))
        yield _name(sets), _varied(sets), ("grid",)
    for key, some in sweep.one_at_a_time.items():
        for value in some:
            yield _name({key: value}), _varied({key: value}), ("one_at_a_time",)


def _varied(sets: Sets) -> Variant:
    """A variant of a grid; "links.miu" is the rate of all sites of that kind."""
    links = {key.removeprefix(LINKS): value for key, value in sets.items() if key.startswith(LINKS)}
    return Variant.model_validate({"set": {k: v for k, v in sets.items() if not k.startswith(LINKS)}, "links": links})


def with_links(world: World, links: Mapping[str, float]) -> World:
    """The world with these WAN rates at all sites of a kind; no draw changes by it."""
    rate = {row.site: links.get(row.kind, row.wan_mbit_s) for row in world.sites}
    return replace(world, sites=[row.model_copy(update={"wan_mbit_s": rate[row.site]}) for row in world.sites])


def _name(sets: Sets) -> str:
    """ "cache=0+interactive=0.3": the last telling word of each key, and its value."""
    parts = [f"{[w for w in key.split('.') if w != 'value'][-1]}={toml_text(value)}" for key, value in sets.items()]
    return "".join(c if c.isalnum() or c in "._=+-" else "_" for c in "+".join(parts))[:80]


def _case(layered: Layered, sweep: Sweep, name: str, variant: Variant, at: Path_) -> Case:
    where: Path_ = ("variants", name, "scenario") if variant.scenario else ("scenario",)
    file = below(layered.path.parent.parent, layered.path.parent / (variant.scenario or sweep.scenario))
    if file is None or not file.is_file():
        raise ScenarioErrors(
            [at_value(layered, where, "there is no such scenario file in this folder or the one above")]
        )
    sets = tuple(_texts(load_world(file), variant.set)) if variant.set else ()
    try:
        links: dict[str, float] = {str(kind): rate for kind, rate in variant.links.items()}
        return Case(name, variant.description, file, sets, with_links(load_world(file, sets), links), links)
    except ScenarioErrors as error:
        raise ScenarioErrors([_placed(layered, at, p) for p in error.problems]) from None


def _placed(layered: Layered, at: Path_, problem: Problem) -> Problem:
    """A problem of a set value stands where the sweep sets it."""
    if not problem.file.startswith(COMMAND_LINE):
        return problem
    found, _ = layered.place(at)
    return replace(problem, file=found.file, line=found.line, column=found.column)


def _texts(world: World, sets: Sets) -> Iterator[str]:
    """Values as --set has them; a figure's range follows where a value lies outside of it."""
    data = world.scenario.model_dump(mode="json")
    for pattern, value in sets.items():
        for keys in _expanded(data, pattern.split(".")):
            yield f"{'.'.join(keys)}={toml_text(value)}"
            figure = _at(data, keys[:-1])
            if keys[-1] == "value" and isinstance(figure, dict) and isinstance(value, int | float):
                low, high = figure.get("low"), figure.get("high")
                if low is not None and value < low:
                    yield f"{'.'.join(keys[:-1])}.low={toml_text(value)}"
                if high is not None and value > high:
                    yield f"{'.'.join(keys[:-1])}.high={toml_text(value)}"


def _expanded(data: Any, keys: list[str]) -> list[list[str]]:
    """Each * stands for every name of its table."""
    if "*" not in keys:
        return [keys]
    i = keys.index("*")
    table = _at(data, keys[:i])
    names = list(table) if isinstance(table, dict) else ["*"]  # then the scenario tells that there is no such key
    return [found for name in names for found in _expanded(data, [*keys[:i], name, *keys[i + 1 :]])]


def _at(data: Any, keys: list[str]) -> Any:
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data


def toml_text(value: Any) -> str:
    """A value as TOML writes it on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    if isinstance(value, list):
        return f"[{', '.join(toml_text(v) for v in value)}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{k} = {toml_text(v)}' for k, v in value.items())} }}"
    return str(value)
