"""Reading a scenario's CSV tables into rows, each mistake with file, line and column."""

import csv
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from sim.world.problems import Problem, ScenarioErrors, nearest

Row = TypeVar("Row", bound=BaseModel)


def read_rows(folder: Path, name: str, model: type[Row]) -> list[Row]:
    """All rows of a table; lines that begin with # are comments.

    Raises:
        ScenarioErrors: no such file, columns missing or unknown, cells not as they must be.
    """
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ScenarioErrors([Problem(str(path), 0, 0, "", "lies outside the scenario's folder: copy it there")])
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ScenarioErrors([Problem(str(path), 0, 0, "", f"this table cannot be read: {reason}")]) from None
    numbered = [(i, line) for i, line in enumerate(lines, 1) if line.strip() and not line.startswith("#")]
    reader = csv.DictReader(line for _, line in numbered)
    columns = list(reader.fieldnames or [])
    _check_columns(path, numbered[0][0] if numbered else 1, columns, model)
    rows, problems = [], []
    for (line, _), cells in zip(numbered[1:], reader, strict=False):
        try:
            rows.append(model.model_validate(cells))
        except ValidationError as error:
            problems += [_cell(path, line, columns, e["loc"], e["msg"], e.get("input")) for e in error.errors()]
    if problems:
        raise ScenarioErrors(problems)
    return rows


def _check_columns(path: Path, line: int, columns: list[str], model: type[BaseModel]) -> None:
    known, problems = model.model_fields, []
    for name in columns:
        if name not in known:
            problems.append(Problem(str(path), line, columns.index(name) + 1, name, "unknown column",
                                    ", ".join(known), nearest(name, known)))  # fmt: skip
    missing = [name for name, field in known.items() if field.is_required() and name not in columns]
    problems += [Problem(str(path), line, 1, name, "this column is missing") for name in missing]
    if problems:
        raise ScenarioErrors(problems)


def _cell(
    path: Path, line: int, columns: list[str], loc: tuple[int | str, ...], message: str, value: object
) -> Problem:
    name = str(loc[0]) if loc else ""
    column = columns.index(name) + 1 if name in columns else 1
    return Problem(str(path), line, column, name, f"{message}, not '{value}'")
