"""The findings of the models, told with the place that is to be mended, in words of TOML."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import ValidationError

from sim.world.layers import COMMAND_LINE, Layered
from sim.world.models_at import is_figure, names_at, shown, words_at
from sim.world.problems import Problem, listed, nearest
from sim.world.scenario import Scenario
from sim.world.toml_places import Path_, Place

Found = dict[str, Any]  # one entry of pydantic's `ValidationError.errors()`


def problems_of(layered: Layered, error: ValidationError) -> Iterator[Problem]:
    """Every problem once: keys that one table lacks are told together, a misspelt key is not told as missing too."""
    lacking: dict[Path_, list[str]] = {}
    misspelt: set[Path_] = set()  # names that are meant, and tables under a name that there is not
    for found in error.errors(include_url=False):
        keys = tuple(found["loc"])
        if found["type"] == "missing":
            lacking.setdefault(keys[:-1], []).append(str(keys[-1]))
            continue
        problem = _problem(layered, keys, dict(found))
        if found["type"] == "extra_forbidden" and problem.nearest:
            misspelt.add((*keys[:-1], problem.nearest))
        elif keys[-1:] == ("[key]",):
            misspelt.add(keys[:-1])
        yield problem
    if ("extends",) in misspelt:
        return  # then all that is missing is inherited
    for table, names in lacking.items():
        still = [name for name in names if (*table, name) not in misspelt]
        if still and table not in misspelt:
            yield _missing(layered, table, still)


def _problem(layered: Layered, keys: Path_, found: Found) -> Problem:
    if found["type"] == "extra_forbidden":
        return _unknown(layered, keys, "unknown key")
    if keys[-1:] == ("[key]",):
        return _unknown(layered, keys[:-1], f"unknown name '{keys[-2]}'")
    at, message = _guilty(layered, keys, found), _message(found)
    allowed, near = "", ""
    if found["type"] == "literal_error":
        names = re.findall(r"'([^']*)'", found["ctx"]["expected"])
        allowed, near = found["ctx"]["expected"], nearest(str(found["input"]), names)
    elif found["type"] != "value_error":
        allowed = words_at(keys, layered.root)
    return at_value(layered, at, message, allowed, near, keys)


def _unknown(layered: Layered, keys: Path_, message: str) -> Problem:
    known = [*names_at(keys[:-1], layered.root), *(["extends"] if len(keys) == 1 and layered.root is Scenario else [])]
    return at_key(layered, keys, message, listed(known), nearest(str(keys[-1]), known))


def _missing(layered: Layered, table: Path_, names: list[str]) -> Problem:
    if len(names) == 1:
        keys: Path_ = (*table, names[0])
        return at_key(layered, keys, "this key is missing", words_at(keys, layered.root), "")
    whole = "; a figure is written whole" if is_figure(table, layered.root) else ""
    return at_key(layered, table, f"these keys are missing: {', '.join(names)}{whole}", "", _meant(layered, table))


def _meant(layered: Layered, table: Path_) -> str:
    """A table that lacks much may be one that is there already, misspelt."""
    around: Any = layered.data
    for key in table[:-1]:
        around = around[key]
    return (
        nearest(str(table[-1]), [k for k in around if k != table[-1]])
        if table and not names_at(table[:-1], layered.root)
        else ""
    )


def _message(found: Found) -> str:
    text = str(found["msg"]).removeprefix("Value error, ")
    if found["type"] == "value_error":
        return text
    if found["type"] == "literal_error":
        return f"{shown(found['input'])} is not one of the allowed values"
    if found["type"].endswith("_type") or found["type"].startswith(("date", "int_from")):
        return f"{shown(found['input'])} is not of the right type"
    return f"{re.sub('^(Input|List|String|Dictionary|Value) should', 'must', text)}, not {shown(found['input'])}"


def _guilty(layered: Layered, keys: Path_, found: Found) -> Path_:
    """The part of a table that does not fit: the one that the message begins with, or the last file's own."""
    parts = found["input"] if isinstance(found["input"], dict) else {}
    if found["type"] != "value_error" or not parts:
        return keys
    word = re.match(r"(?:the )?(\w+)", _message(found))
    if word and word[1] in parts:
        return (*keys, word[1])
    ranks = {file: i for i, file in enumerate(layered.files)}
    placed = {(*keys, k): layered.place((*keys, k))[0] for k in parts}
    whole = ranks.get(layered.place(keys)[0].file, 0)
    later = {k: (-ranks.get(p.file, 0), p.line) for k, p in placed.items() if ranks.get(p.file, 0) > whole}
    return min(later, key=lambda k: later[k]) if later else keys


def at_key(layered: Layered, keys: Path_, message: str, allowed: str = "", near: str = "") -> Problem:
    """A problem of a key, or of the table that lacks it."""
    place, _ = layered.place(keys)
    return _told(layered, place, (place.line, place.column), keys, message, allowed, near)


def at_value(
    layered: Layered, at: Path_, message: str, allowed: str = "", near: str = "", keys: Path_ | None = None
) -> Problem:
    """A problem of the value that stands at a key."""
    place, n = layered.place(at)
    exact = (place.value_line, place.value_column) if n == len(at) else (place.line, place.column)
    return _told(layered, place, exact, at if keys is None else keys, message, allowed, near)


def _told(
    layered: Layered, place: Place, at: tuple[int, int], keys: Path_, message: str, allowed: str, near: str
) -> Problem:
    if place.file.startswith(COMMAND_LINE) and "outside its range" in message:
        message += ": set low and high too"
    return Problem(place.file, *at, dotted(keys), message, allowed, near, layered.inherited(place))


def dotted(keys: Iterable[str | int]) -> str:
    """A key path as TOML writes it, where no name needs quotes."""
    return ".".join(map(str, keys))
