"""Layers: a scenario, the files that it extends, and the command line's --set; the last to speak wins."""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sim.world.problems import Problem, ScenarioErrors
from sim.world.toml_places import Path_, Place, Toml, read_toml

DEEPEST = 8
COMMAND_LINE = "--set"


def _extends(toml: Toml, path: Path, home: Path) -> Path | None:
    """The file that a layer builds on, which must lie below the scenario's folder."""
    if "extends" not in toml.data:
        return None
    base, place = toml.data.pop("extends"), toml.places[("extends",)]

    def refuse(message: str) -> ScenarioErrors:
        return ScenarioErrors([Problem(toml.file, place.line, place.column, "extends", message)])

    if not isinstance(base, str):
        raise refuse("must be the name of a TOML file")
    found = (path.parent / base).resolve()
    if not found.is_relative_to(home):
        raise refuse(f"'{base}' lies outside the scenario's folder {home.name}/: copy it there")
    if not found.is_file():
        raise refuse(f"'{base}' does not exist")
    return path.parent / base


def read_layers(path: Path) -> list[Toml]:
    """The chain of files, the most basic first."""
    home, layers, at = path.parent.resolve(), [], path
    while True:
        toml = read_toml(at)
        layers.append(toml)
        base = _extends(toml, at, home)
        if base is None:
            return layers[::-1]
        if len(layers) == DEEPEST:
            raise ScenarioErrors([Problem(str(path), 0, 0, "extends", f"more than {DEEPEST} files, or a circle")])
        at = base


def read_set(text: str) -> Toml:
    """One --set key=value, its value as TOML."""
    key, equals, value = text.partition("=")
    try:
        parsed = tomllib.loads(f"v = {value}")["v"]
    except tomllib.TOMLDecodeError:
        parsed = None
    if not equals or not key.strip() or parsed is None:
        message = "write key.path=value with a TOML value, such as network.lan.value=100.0 (text needs quotes)"
        raise ScenarioErrors([Problem(f"{COMMAND_LINE} {text}", 0, 0, key.strip(), message)])
    data: Any = parsed
    names = [name.strip() for name in key.split(".")]
    for name in reversed(names):
        data = {name: data}
    file = f"{COMMAND_LINE} {text}"
    places: dict[Path_, Place] = {tuple(names[:i]): Place(file, 0, 0, 0, 0) for i in range(1, len(names) + 1)}
    return Toml(file, data, places)


def merge(layers: Sequence[Toml]) -> tuple[dict[str, Any], dict[Path_, Place]]:
    """Values of all layers and the place that set each. Tables merge; a figure that is written anew is whole anew."""
    data: dict[str, Any] = {}
    places: dict[Path_, Place] = {}
    for layer in layers:
        _merge_into(data, layer.data, (), layer, places)
    return data, places


def _anew(value: dict[str, Any], layer: Toml) -> bool:
    """A figure replaces the old one, so that no old range stays with a new value; only --set changes a part of it."""
    return "value" in value and not layer.file.startswith(COMMAND_LINE)


def _merge_into(data: dict[str, Any], top: dict[str, Any], at: Path_, layer: Toml, places: dict[Path_, Place]) -> None:
    for key, value in top.items():
        path = (*at, key)
        old = data.get(key)
        if isinstance(value, dict) and isinstance(old, dict) and not _anew(value, layer):
            _merge_into(old, value, path, layer, places)
            if path in layer.places and layer.file.startswith(COMMAND_LINE):
                continue
            places.setdefault(path, layer.places[path]) if path in layer.places else None
            continue
        data[key] = value
        for known in [p for p in places if p[: len(path)] == path]:
            del places[known]
        places.update({p: place for p, place in layer.places.items() if p[: len(path)] == path})
