"""What is wrong with a scenario: every problem with its place, what is allowed, and the nearest known name."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import Any


@dataclass(frozen=True, order=True)
class Problem:
    """One problem; line and column count from 1, 0: no place known."""

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
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        parts = [f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"]
        if self.allowed:
            parts.append(f"allowed: {self.allowed}")
        if self.nearest:
            parts.append(f"did you mean '{self.nearest}'?")
        if self.inherited_by:
            parts.append(f"inherited by {self.inherited_by}")
        return "; ".join(parts)


class ScenarioErrors(Exception):
    """All problems of a scenario at once."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(set(problems))
        super().__init__("\n".join(str(p) for p in self.problems))


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name most like this one, or nothing."""
    found = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return found[0] if found else ""
