"""What the documents take from the code: stations, measures, columns with units, inputs, sources."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from filmless.docs.markdown import number
from filmless.report.assumptions import TABLES, figures
from sim.answers.measures import TITLES
from sim.engines.loads import STATIONS
from sim.runs.tallies import FLOWS, MEASURES
from sim.world import exams as exam_module
from sim.world.load import World, load_world
from sim.world.quantity import ASSUMPTIONS, Profile, Quantity, Sourced

SCENARIOS = Path(__file__).parents[2] / "scenarios"
UNIT_OF_SUFFIX = {"_s": "s", "_months": "month", "_u": "uniform 0 to 1", "bytes": "byte", "images": "count",
                  "sheets": "count", "views": "count", "day": "day number"}  # fmt: skip


@cache
def world() -> World:
    """The scenario that the documents speak of."""
    return load_world(SCENARIOS / "england-2004.toml")


def stations() -> tuple[str, ...]:
    """Every station of the engines."""
    return tuple(STATIONS)


def measures() -> dict[str, str]:
    """Every measure of time, with its words."""
    return {name: TITLES[name] for name in MEASURES}


def flows() -> tuple[str, ...]:
    """Every count kept by site and month."""
    return tuple(FLOWS)


@dataclass(frozen=True)
class Column:
    """A column of the exam table."""

    name: str
    unit: str
    words: str


def columns() -> list[Column]:
    """The exam table's columns in order, with the words that stand beside them in the code."""
    text = Path(exam_module.__file__).read_text()
    body = text[text.index("class Exams:") : text.index("def __len__")]
    out = []
    for name, words in re.findall(r"^    (\w+): [^#\n]+(?:#\s*(.*))?$", body, re.MULTILINE):
        unit = next((u for end, u in UNIT_OF_SUFFIX.items() if name.endswith(end)), "code or index")
        out.append(Column(name, unit, words or name.replace("_s", "").replace("_", " ")))
    return out


def inputs() -> list[tuple[str, Sourced]]:
    """Every figure of the scenario by its dotted key."""
    return list(figures(world().scenario))


def value_of(q: Sourced) -> tuple[str, str, str]:
    """Value with unit, range, and what kind of input it is."""
    if isinstance(q, Quantity):
        ends = "no range" if q.low is None and q.high is None else f"{number(q.low)} to {number(q.high)}"
        return f"{number(q.value)} {q.unit}", ends, "constant"
    if isinstance(q, Profile):
        ends = f"factor {number(q.low)} to {number(q.high)}" if q.low is not None else "no range"
        return ", ".join(f"{v:g}" for v in q.values), ends, "relative weights over time"
    return "stated as a whole in the scenario", "no range", type(q).__name__.lower()


def rows_by_status() -> dict[str, dict[str, int]]:
    """Rows of each table by status."""
    out: dict[str, dict[str, int]] = {}
    for name in TABLES:
        for row in getattr(world(), name):
            out.setdefault(name, {}).setdefault(row.status, 0)
            out[name][row.status] += 1
    return out


def assumed() -> list[str]:
    """Keys of the figures that nobody read at a source."""
    return [key for key, q in inputs() if q.status in ASSUMPTIONS]


def versions() -> dict[str, str]:
    """Pinned libraries, from the constraints."""
    lines = (SCENARIOS.parent / "constraints.txt").read_text().splitlines()
    found = (re.match(r"([A-Za-z0-9_.-]+)==([^\s;\\]+)", line) for line in lines)
    return {m[1]: m[2] for m in found if m}
