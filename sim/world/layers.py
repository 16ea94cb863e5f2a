"""Layers: a scenario, the files that it extends, and the command line's --set; the last to speak wins."""

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from sim.world.models_at import Model, is_figure
from sim.world.problems import Problem, ScenarioErrors, nearest
from sim.world.scenario import Scenario
from sim.world.toml_places import DEEPEST_KEY, Path_, Place, Toml, read_toml

DEEPEST = 8  # files in a chain
COMMAND_LINE = "--set"


@dataclass(frozen=True)
class Layered:
    """The values of all layers, and the place of each key: of a table the first one, of a value the one that won."""

    path: Path
    data: dict[str, Any]
    places: dict[Path_, Place]
    files: tuple[str, ...]  # of the layers, the most basic first
    root: Model = Scenario  # what the file is to be

    def place(self, keys: Path_) -> tuple[Place, int]:
        """Where a key stands, or the nearest table around it; and how many of `keys` that place stands for."""
        for n in range(len(keys), 0, -1):
            if keys[:n] in self.places:
                return self.places[keys[:n]], n
        return Place(str(self.path), 1, 1, 1, 1), 0

    def inherited(self, place: Place) -> str:
        """The scenario's file, where another file is to be mended."""
        return "" if place.file == str(self.path) or place.file.startswith(COMMAND_LINE) else str(self.path)

    def folder(self, keys: Path_) -> Path:
        """The folder that a file name is relative to: the one of the file that says it."""
        file = self.place(keys)[0].file
        return self.path.parent if file.startswith(COMMAND_LINE) else Path(file).parent


def read_layers(path: Path) -> list[Toml]:
    """The chain of files, the most basic first.

    Raises:
        ScenarioErrors: a file that cannot be read, lies outside the scenario's folder, or extends itself.
    """
    layers, at, seen = list[Toml](), path, set[Path]()
    while True:
        toml = read_toml(at)
        layers.append(toml)
        seen.add(at.resolve())
        base = _extends(toml, at, path.parent)
        if base is None:
            return layers[::-1]
        if base.resolve() in seen:
            raise _refusal(toml, f"'{base.name}' extends this file in turn: break the circle")
        if len(layers) == DEEPEST:
            raise _refusal(toml, f"the chain has more than {DEEPEST} files: extend one that is nearer to the start")
        toml.data.pop("extends")
        at = base


def _refusal(toml: Toml, message: str, near: str = "") -> ScenarioErrors:
    place = toml.places.get(("extends",), Place(toml.file, 1, 1, 1, 1))
    return ScenarioErrors([Problem(toml.file, place.line, place.value_column, "extends", message, "", near)])


def _extends(toml: Toml, path: Path, home: Path) -> Path | None:
    """The file that a layer builds on."""
    if "extends" not in toml.data:
        return None
    name = toml.data["extends"]
    if not isinstance(name, str):
        raise _refusal(toml, 'must be the name of a TOML file in quotes, such as "england-2004.toml"')
    base = below(home, path.parent / name)
    if base is None:
        raise _refusal(toml, f"'{name}' lies outside the scenario's folder '{home}': copy it there")
    if not _is_file(base):
        beside = [p.name for p in path.parent.glob("*.toml") if p != path]
        raise _refusal(toml, f"there is no file '{name}' here", nearest(name, beside))
    return base


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name too long
        return False


def below(home: Path, file: Path) -> Path | None:
    """The file, if links and all it lies below a folder; None where it does not, or cannot be followed."""
    try:
        return file if file.resolve().is_relative_to(home.resolve()) else None
    except (OSError, RuntimeError, ValueError):  # a name too long, a circle of links, a zero byte
        return None


def read_set(text: str) -> Toml:
    """One --set key=value, its value as TOML.

    Raises:
        ScenarioErrors: no key, no value, or a value that is not TOML.
    """
    key, _, value = text.partition("=")
    file = f"{COMMAND_LINE} {text}"
    try:
        names = _only_key(tomllib.loads(f"{key} = 0"))
        parsed = tomllib.loads(f"v = {value.strip()}")
    except (ValueError, RecursionError):
        names, parsed = [], {}
    if list(parsed) != ["v"] or not 0 < len(names) <= DEEPEST_KEY:
        message = "write key.path=value with a value as in TOML: network.lan.value=100.0 (text needs quotes)"
        raise ScenarioErrors([Problem(file, 0, 0, key.strip(), message)])
    data: Any = parsed["v"]
    for name in reversed(names):
        data = {name: data}
    places: dict[Path_, Place] = {tuple(names[:i]): Place(file, 0, 0, 0, 0) for i in range(1, len(names) + 1)}
    return Toml(file, data, places)


def _only_key(data: dict[str, Any]) -> list[str]:
    names, at = list[str](), data
    while isinstance(at, dict) and len(at) == 1:
        names += at
        at = next(iter(at.values()))
    return names


def merge(path: Path, layers: Sequence[Toml], root: Model = Scenario) -> Layered:
    """All layers in one.

    Tables merge; a figure that a file writes anew is whole anew, so that no old source or range stays with a new
    value; only --set changes a part of one.
    """
    data: dict[str, Any] = {}
    owners: dict[Path_, int] = {}
    for number, layer in enumerate(layers):
        _overlay(data, layer.data, (), _Layer(number, layer.file.startswith(COMMAND_LINE), root), owners)
    places = dict(_places(data, (), 0, owners, layers))
    return Layered(path, data, places, tuple(layer.file for layer in layers), root)


class _Layer(NamedTuple):
    number: int
    parts: bool  # may change a part of a figure
    root: Model


def _overlay(old: dict[str, Any], top: dict[str, Any], at: Path_, layer: _Layer, owners: dict[Path_, int]) -> None:
    for key, value in top.items():
        path = (*at, key)
        both = isinstance(value, dict) and isinstance(old.get(key), dict)
        if both and (layer.parts or not is_figure(path, layer.root)):
            _overlay(old[key], value, path, layer, owners)
        else:
            old[key], owners[path] = value, layer.number


def _places(
    value: Any, at: Path_, owner: int, owners: dict[Path_, int], layers: Sequence[Toml]
) -> Iterator[tuple[Path_, Place]]:
    """Each key with its place in the layer that set it, or in whose table it was set as a whole."""
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        path = (*at, key)
        own = max(owner, owners.get(path, 0))  # what is set below a table that was then replaced is gone
        if path in layers[own].places:
            yield path, layers[own].places[path]
        if isinstance(item, dict | list):
            yield from _places(item, path, own, owners, layers)
