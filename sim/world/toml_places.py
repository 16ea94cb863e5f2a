"""Where each key of a TOML file stands: `tomllib` reads values and forgets places, tree-sitter keeps them."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tree_sitter_toml
from tree_sitter import Language, Node, Parser

from sim.world.problems import Problem, ScenarioErrors

Path_ = tuple[str | int, ...]
LARGEST = 1_000_000  # bytes of a scenario file
LONGEST_LINE = 4_000  # bytes; a dotted key costs tomllib the square of its length
DEEPEST_KEY = 12  # names in a key path; a scenario needs five
BOM = b"\xef\xbb\xbf"  # some editors begin a file with it


@dataclass(frozen=True)
class Place:
    """File, and line and column from 1, of a key and of its value; 0: no place in a file."""

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


class _TooDeep(Exception):
    pass


KEYS = ("bare_key", "quoted_key", "dotted_key")


def _name(node: Node) -> str:
    text = (node.text or b"").decode()
    return next(iter(tomllib.loads(f"{text} = 0"))) if node.type == "quoted_key" else text


def _keys(node: Node) -> list[str]:
    if node.type == "dotted_key":
        return [name for child in node.named_children for name in _keys(child)]
    return [_name(node)]


def _key_of(node: Node) -> Node | None:
    """The key of a pair or table; none in a file that is not TOML."""
    return next((child for child in node.named_children if child.type in KEYS), None)


class _Walker:
    """Collects places, and keys that are set twice; arrays of tables count up."""

    def __init__(self, file: str, raw: bytes) -> None:
        self.file, self.places = file, dict[Path_, Place]()
        self._lines = [] if raw.isascii() else raw.split(b"\n")
        self.twice: list[tuple[Path_, Node]] = []
        self._elements: dict[Path_, int] = {}
        self._set: set[Path_] = set()

    def _put(self, path: Path_, key: Node, value: Node) -> None:
        if len(path) > DEEPEST_KEY:
            raise _TooDeep
        place = Place(self.file, *self.at(key), *self.at(value))
        for i in range(1, len(path) + 1):
            self.places.setdefault(path[:i], place)

    def at(self, node: Node) -> tuple[int, int]:
        """Line and column, from 1; tree-sitter counts bytes, people count letters."""
        row, column = node.start_point
        if self._lines:
            column = len(self._lines[row][:column].decode(errors="replace"))
        return row + 1, column + 1

    def _once(self, path: Path_, key: Node) -> bool:
        if path in self._set:
            self.twice.append((path, key))
            return False
        self._set.add(path)
        return True

    def walk(self, node: Node, at: Path_) -> None:
        """All keys below a node whose keys are relative to `at`."""
        for child in node.named_children:
            if child.type == "pair":
                self._pair(child, at)
            elif child.type in ("table", "table_array_element"):
                self._table(child)

    def _table(self, table: Node) -> None:
        key = _key_of(table)
        if key is None:
            return
        path = self._through(_keys(key))
        if table.type == "table_array_element":
            number = self._elements.get(path, 0)
            self._elements[path] = number + 1
            path = (*path, number)
        self._put(path, key, key)
        self._once(path, key)
        self.walk(table, path)

    def _through(self, keys: list[str]) -> Path_:
        """A header's path; below an array of tables it speaks of the last element."""
        path: Path_ = ()
        for key in keys:
            path = (*path, self._elements[path] - 1, key) if path in self._elements else (*path, key)
        return path

    def _pair(self, pair: Node, at: Path_) -> None:
        key = _key_of(pair)
        value = next((c for c in pair.named_children if c != key and c.type != "comment"), key)
        if key is None or value is None:
            return
        path = (*at, *_keys(key))
        self._put(path, key, value)
        if self._once(path, key):
            self._value(value, path)

    def _value(self, value: Node, path: Path_) -> None:
        if value.type == "inline_table":
            self.walk(value, path)
        elif value.type == "array":
            items = [c for c in value.named_children if c.type != "comment"]
            for i, item in enumerate(items):
                self._put((*path, i), item, item)
                self._value(item, (*path, i))


def _bytes(path: Path) -> bytes:
    """A file's content, once it is known to be one and not too large."""
    file = str(path)
    try:
        if not path.is_file():
            words = f"cannot be read: {'it is a folder' if path.is_dir() else 'there is no such file'}"
            raise ScenarioErrors([Problem(file, 0, 0, "", words)])
        with path.open("rb") as stream:
            raw = stream.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        words = f"cannot be read: {getattr(error, 'strerror', None) or error}"
        raise ScenarioErrors([Problem(file, 0, 0, "", words)]) from None
    if len(raw) > LARGEST:
        raise ScenarioErrors([Problem(file, 0, 0, "", f"larger than the {LARGEST:,} bytes a scenario may have")])
    raw = raw.removeprefix(BOM)
    for number, line in enumerate(raw.split(b"\n"), 1):
        if len(line) > LONGEST_LINE:
            words = f"a line of {len(line):,} bytes; break it: {LONGEST_LINE:,} are allowed"
            raise ScenarioErrors([Problem(file, number, 1, "", words)])
    return raw


def _values(file: str, raw: bytes) -> dict[str, Any]:
    try:
        return tomllib.loads(raw.decode())
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        column = error.start - (raw[: error.start].rfind(b"\n") + 1) + 1
        words = f"byte {raw[error.start]:#04x} is not UTF-8: save the file as UTF-8"
        raise ScenarioErrors([Problem(file, line, column, "", words)]) from None
    except RecursionError:
        raise ScenarioErrors([Problem(file, 0, 0, "", "lists or tables are nested too deep")]) from None
    except ValueError as error:  # a TOMLDecodeError, or a number with thousands of digits
        raise ScenarioErrors([_syntax(file, raw, error)]) from None


def _syntax(file: str, raw: bytes, error: ValueError) -> Problem:
    """The first syntax error, at the line where the reader gave up; of a key that is set twice, the second."""
    text = str(error)
    found = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", text)
    if found is None:
        return Problem(file, 0, 0, "", f"not valid TOML: {text}")  # a number with more digits than Python reads
    line, column = (int(found[1]), int(found[2])) if found[1] else (max(1, len(raw.splitlines())), 1)
    again = _set_twice(file, raw, line) if re.search("overwrite|twice|mutate", text) else None
    return again or Problem(file, line, column, "", f"not valid TOML: {text[: found.start()]}")


def _set_twice(file: str, raw: bytes, upto: int) -> Problem | None:
    walker = _walk(file, raw)
    again = [(path, key) for path, key in walker.twice if key.start_point.row < upto]
    if not again:
        return None
    path, key = again[-1]
    words = f"set twice: first in line {walker.places[path].line}; keep one of them"
    return Problem(file, *walker.at(key), ".".join(map(str, path)), words)


def _walk(file: str, raw: bytes) -> _Walker:
    walker = _Walker(file, raw)
    try:
        walker.walk(Parser(Language(tree_sitter_toml.language())).parse(raw).root_node, ())
    except (_TooDeep, RecursionError):
        words = f"a key path or list nested more than {DEEPEST_KEY} deep; a scenario needs five"
        raise ScenarioErrors([Problem(file, 0, 0, "", words)]) from None
    return walker


def read_toml(path: Path) -> Toml:
    """A TOML file with the places of its keys.

    Raises:
        ScenarioErrors: missing, unreadable, too large, nested too deep or not TOML, with the line.
    """
    raw = _bytes(path)
    data = _values(str(path), raw)
    return Toml(str(path), data, _walk(str(path), raw).places)
