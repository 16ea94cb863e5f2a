"""Where each key of a TOML file stands: `tomllib` reads values and forgets places, tree-sitter keeps them."""

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tree_sitter_toml
from tree_sitter import Language, Node, Parser

from sim.world.problems import Problem, ScenarioErrors

Path_ = tuple[str | int, ...]
LARGEST = 4_000_000  # bytes of a scenario file


@dataclass(frozen=True)
class Place:
    """File, and line and column from 1, of a key and of its value."""

    file: str
    line: int
    column: int
    value_line: int
    value_column: int


@dataclass
class Toml:
    """A file's values, and the places of its keys by path."""

    file: str
    data: dict[str, Any]
    places: dict[Path_, Place]


def _name(node: Node) -> str:
    text = (node.text or b"").decode()
    return str(json.loads(text)) if node.type == "quoted_key" and text.startswith('"') else text.strip("'")


def _keys(node: Node) -> list[str]:
    if node.type == "dotted_key":
        return [name for child in node.named_children for name in _keys(child)]
    return [_name(node)]


class _Walker:
    """Collects places; arrays of tables count up."""

    def __init__(self, file: str) -> None:
        self.file, self.places = file, dict[Path_, Place]()
        self._elements: dict[Path_, int] = {}

    def _put(self, path: Path_, key: Node, value: Node) -> None:
        (a, b), (c, d) = key.start_point, value.start_point
        for i in range(1, len(path) + 1):
            self.places.setdefault(path[:i], Place(self.file, a + 1, b + 1, c + 1, d + 1))

    def walk(self, node: Node, at: Path_) -> None:
        """All keys below a node whose keys are relative to `at`."""
        for child in node.named_children:
            if child.type == "pair":
                self._pair(child, at)
            elif child.type in ("table", "table_array_element"):
                key = child.named_children[0]
                path = (*at, *_keys(key))
                if child.type == "table_array_element":
                    number = self._elements.get(path, 0)
                    self._elements[path] = number + 1
                    path = (*path, number)
                self._put(path, key, key)
                self.walk(child, path)

    def _pair(self, pair: Node, at: Path_) -> None:
        key, value = pair.named_children[0], pair.named_children[-1]
        path = (*at, *_keys(key))
        self._put(path, key, value)
        self._value(value, path)

    def _value(self, value: Node, path: Path_) -> None:
        if value.type == "inline_table":
            self.walk(value, path)
        elif value.type == "array":
            items = [c for c in value.named_children if c.type != "comment"]
            for i, item in enumerate(items):
                self._put((*path, i), item, item)
                self._value(item, (*path, i))


def _syntax(file: str, error: tomllib.TOMLDecodeError) -> Problem:
    line, column = getattr(error, "lineno", 0), getattr(error, "colno", 0)
    text = str(error)
    if not line and "(at line " in text:
        numbers = text.rsplit("(at line ", 1)[1].rstrip(")").split(", column ")
        line, column = int(numbers[0]), int(numbers[1])
    return Problem(file, line, column, "", f"not valid TOML: {text.split(' (at')[0]}")


def read_toml(path: Path) -> Toml:
    """A TOML file with the places of its keys.

    Raises:
        ScenarioErrors: missing, unreadable, too large or not TOML, with the line.
    """
    file = str(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ScenarioErrors([Problem(file, 0, 0, "", f"cannot be read: {error.strerror}")]) from None
    if len(raw) > LARGEST:
        raise ScenarioErrors([Problem(file, 0, 0, "", f"{len(raw):,} bytes; a scenario has at most {LARGEST:,}")])
    try:
        data = tomllib.loads(raw.decode("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ScenarioErrors([_syntax(file, error)]) from None
    except (UnicodeDecodeError, RecursionError) as error:
        raise ScenarioErrors([Problem(file, 0, 0, "", f"not valid TOML: {error}")]) from None
    walker = _Walker(file)
    walker.walk(Parser(Language(tree_sitter_toml.language())).parse(raw).root_node, ())
    return Toml(file, data, walker.places)
