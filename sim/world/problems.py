"""What is wrong with a scenario: every problem with its place, what is allowed, and the nearest known name."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from difflib import get_close_matches
from itertools import islice
from typing import Any

LONGEST = 300  # characters of a message's part: what a file says may be long
LONGEST_PATH = 1_000
MOST = 100  # problems of one kind: a file that is wrong in every line is wrong once
NAMES_SHOWN = 24


@dataclass(frozen=True, order=True)
class Problem:
    """One problem. Line and column count from 1, 0: no place known; in a CSV table `column` is the cell's number."""

    file: str
    line: int
    column: int
    key: str
    message: str
    allowed: str = ""
    nearest: str = ""
    inherited_by: str = ""

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)

    def __str__(self) -> str:
        file = clean(self.file, LONGEST_PATH)
        place = f"{file}:{self.line}:{self.column}" if self.line else file
        parts = [": ".join(part for part in (place, clean(self.key), clean(self.message)) if part)]
        if self.allowed:
            parts.append(f"allowed: {clean(self.allowed)}")
        if self.nearest:
            parts.append(f"did you mean '{clean(self.nearest)}'?")
        if self.inherited_by:
            parts.append(f"inherited by {clean(self.inherited_by, LONGEST_PATH)}")
        return "; ".join(parts)


class ScenarioErrors(Exception):
    """All problems of a scenario at once, in the order of files and lines."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(set(problems))
        super().__init__("\n".join(str(p) for p in self.problems))


def clean(text: str, longest: int = LONGEST) -> str:
    """Text on one line, without what would move a terminal's cursor, and not endless."""
    short = text if len(text) <= longest else f"{text[:longest]} …"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in short)


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name most like this one, whatever its case, or nothing."""
    by_lower = {k.lower(): k for k in known}
    found = get_close_matches(name.lower()[:LONGEST], by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else ""


def listed(names: Iterable[str]) -> str:
    """Names for `allowed`, the first of them where there are many."""
    every = list(names)
    more = f" and {len(every) - NAMES_SHOWN} more" if len(every) > NAMES_SHOWN else ""
    return ", ".join(every[:NAMES_SHOWN]) + more


def first_of(problems: Iterator[Problem]) -> list[Problem]:
    """The first problems of a kind; that there are more is told in place of the others."""
    found = list(islice(problems, MOST + 1))
    if len(found) > MOST:
        found[MOST] = replace(
            found[MOST], key="", message="and more like these: mend them first", allowed="", nearest=""
        )
    return found
