"""Reading a scenario's CSV tables into rows, each mistake with file, line, number and name of the column."""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Generic, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from sim.world.layers import below
from sim.world.models_at import words_for
from sim.world.problems import Problem, ScenarioErrors, first_of, listed, nearest

Row = TypeVar("Row", bound=BaseModel)
LARGEST = 5_000_000  # bytes of a table
AN_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class Table(Generic[Row]):
    """A table as read: its rows and the line that each begins at."""

    file: str
    columns: list[str]
    rows: list[Row]
    lines: list[int]

    def problem(self, row: int, column: str, message: str, allowed: str = "", near: str = "") -> Problem:
        """A problem of one cell."""
        number = self.columns.index(column) + 1 if column in self.columns else 1
        return Problem(self.file, self.lines[row], number, column, message, allowed, near)


@dataclass
class _Lines:
    """The lines of a file for a csv reader; where a record may begin, one that begins with # is a comment."""

    lines: list[str]
    first: int = 0  # line that the record begins at; 0: not begun

    def __iter__(self) -> Iterator[str]:
        for number, line in enumerate(self.lines, 1):
            if not self.first and (line.startswith("#") or not line.strip()):
                continue
            self.first = self.first or number
            yield line


def read_table(folder: Path, home: Path, name: str, model: type[Row]) -> Table[Row]:
    """All rows of a table.

    Args:
        folder: what `name` is relative to.
        home: the scenario's folder, which the table must lie below, links followed.
        name: the table's file name.
        model: of a row.

    Raises:
        ScenarioErrors: no such file, columns missing or unknown, cells not as they must be.
    """
    path = folder / name
    if below(home, path) is None:
        raise _unreadable(path, f"lies outside the scenario's folder '{home}': copy it there")
    source = _Lines(_text(path).splitlines(keepends=True))
    records = _records(path, source)
    line, columns = next(records, (1, []))
    problems = list(_check_columns(path, line, columns, model))
    if problems:
        raise ScenarioErrors(problems)
    return _rows(Table(str(path), columns, [], []), records, model)


def _unreadable(path: Path, words: str) -> ScenarioErrors:
    return ScenarioErrors([Problem(str(path), 0, 0, "", words)])


def _text(path: Path) -> str:
    try:
        if not path.is_file():
            raise _unreadable(path, "cannot be read: there is no such file")
        if path.stat().st_size > LARGEST:
            raise _unreadable(path, f"larger than the {LARGEST:,} bytes a table may have")
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise _unreadable(path, f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        words = "this line is not UTF-8: save the table as UTF-8"
        raise ScenarioErrors([Problem(str(path), line, 1, "", words)]) from None


def _records(path: Path, source: _Lines) -> Iterator[tuple[int, list[str]]]:
    """Each record with the line that it begins at."""
    reader = csv.reader(iter(source), strict=True)
    try:
        for cells in reader:
            yield source.first, cells
            source.first = 0
    except csv.Error as error:
        words = f"not valid CSV from here on: {error}; look for a quote that is not closed"
        raise ScenarioErrors([Problem(str(path), source.first or len(source.lines), 1, "", words)]) from None


def _check_columns(path: Path, line: int, columns: list[str], model: type[BaseModel]) -> Iterator[Problem]:
    known = model.model_fields
    if not columns:
        yield Problem(str(path), line, 1, "", "the table is empty", f"a first line with {listed(known)}")
        return
    for number, name in enumerate(columns, 1):
        if name not in known:
            spelt = nearest(name, [k for k in known if k not in columns])
            yield Problem(str(path), line, number, name, "unknown column", listed(known), spelt)
        elif name in columns[: number - 1]:
            yield Problem(str(path), line, number, name, "this column is there twice: keep one")
    meant = {nearest(name, [k for k in known if k not in columns]) for name in columns if name not in known}
    for name, info in known.items():
        if info.is_required() and name not in columns and name not in meant:
            yield Problem(str(path), line, 1, name, "this column is missing", info.description or "")


def _rows(table: Table[Row], records: Iterable[tuple[int, list[str]]], model: type[Row]) -> Table[Row]:
    problems = first_of(_bad_rows(table, records, model))
    if problems:
        raise ScenarioErrors(problems)
    return table


def _bad_rows(table: Table[Row], records: Iterable[tuple[int, list[str]]], model: type[Row]) -> Iterator[Problem]:
    """Fills the table with the good rows, and tells of the bad ones.

    Dates are checked here: pydantic takes whole numbers for seconds since 1970.
    """
    dates = [name for name, info in model.model_fields.items() if name in table.columns and _is_date(info)]
    for line, cells in records:
        have, want = len(cells), len(table.columns)
        if have != want:
            words = f"{have} cells, but {want} columns: a cell that holds a comma needs quotes"
            yield Problem(table.file, line, min(have, want), "", words)
            continue
        row = dict(zip(table.columns, cells, strict=True))
        bad = {name: row[name] for name in dates if row[name] and not AN_ISO_DATE.fullmatch(row[name])}
        try:
            table.rows.append(model.model_validate(row))
            table.lines.append(line)
        except ValidationError as error:
            bad |= {str(found["loc"][0]): str(found["input"]) for found in error.errors(include_url=False)}
        for name, value in bad.items():
            yield _cell(table, line, model.model_fields[name], name, value)


def _cell(table: Table[Any], line: int, info: FieldInfo, name: str, value: str) -> Problem:
    number, names = table.columns.index(name) + 1, list(_choices(info))
    words = f"'{value}' is not one of the allowed values" if names else f"'{value}' is not allowed here"
    if value == "":
        words = "this cell is empty"
    allowed = words_for(info.annotation, tuple(info.metadata)).replace(" in quotes", "").replace(" without quotes", "")
    return Problem(table.file, line, number, name, words, allowed, nearest(value, names))


def _choices(info: FieldInfo) -> Iterator[str]:
    yield from (a for a in get_args(info.annotation) if isinstance(a, str))


def _is_date(info: FieldInfo) -> bool:
    return date in (info.annotation, *get_args(info.annotation))
