"""How answers are printed: tables for people, one JSON object for programs. Data to stdout, the rest to stderr."""

import json
import sys
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text


def say(text: str) -> None:
    """A message to the person; not data."""
    print(text, file=sys.stderr)


def give(data: dict[str, Any]) -> None:
    """The one JSON object of a command."""
    print(json.dumps(data, default=str))


def show(title: str, columns: list[str], rows: list[list[str]]) -> None:
    """A table to stdout; numbers come formatted, with their units in the column names."""
    table = Table(title=Text(title), title_justify="left")
    for i, name in enumerate(columns):
        table.add_column(name, justify="left" if i == 0 else "right")
    for row in rows:
        table.add_row(*map(Text, row))  # as it is: "[x]" and names of the user's would be read as markup
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def counted(n: int, one: str, many: str = "") -> str:
    """A number of things: 1 operation, 2,000 operations."""
    return f"{n:,} {one if n == 1 else many or f'{one}s'}"


def hours(seconds: float) -> str:
    """A duration in the unit that reads best."""
    if seconds != seconds:
        return "not measured"
    for size, unit in ((86_400.0, "d"), (3600.0, "h"), (60.0, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s" if seconds >= 1 else f"{1000 * seconds:.0f} ms"
