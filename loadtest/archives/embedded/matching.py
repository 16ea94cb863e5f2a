"""C-FIND and QIDO matching (PS3.4 C.2.2.2): from keys and values to one SQL query."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loadtest.archives.embedded.keys import KEYS, UNIQUE, Key, Level

FROM = {
    Level.PATIENT: "studies",
    Level.STUDY: "studies",
    Level.SERIES: "series JOIN studies ON studies.study = series.study",
    Level.IMAGE: "instances JOIN series ON series.series = instances.series"
    " JOIN studies ON studies.study = instances.study",
}
ORDER = {
    Level.PATIENT: "studies.PatientID",
    Level.STUDY: "studies.study",
    Level.SERIES: "series.series",
    Level.IMAGE: "instances.number",
}
_RANGES = ("DA", "TM", "DT")
MOST_ANSWERS = 100_000


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked: `match` holds keyword -> value (empty matches all), `give` the keywords to return."""

    level: Level
    match: Mapping[str, str]
    give: Sequence[str]
    limit: int = MOST_ANSWERS
    offset: int = 0

    def returned(self) -> list[Key]:
        """The keys of `give` that this archive holds at this level or above, in order."""
        return [KEYS[word] for word in self.give if word in KEYS and KEYS[word].level <= self.level]

    def unsupported(self) -> list[str]:
        """Keys that are asked for and that this archive does not hold at this level."""
        asked = {**dict.fromkeys(self.give), **self.match}
        return [word for word in asked if word not in KEYS or KEYS[word].level > self.level]

    def sql(self) -> tuple[str, list[str]]:
        """The statement and its values; only names of our own table of keys are written into it."""
        columns = ", ".join(key.sql for key in self.returned()) or "1"
        where, values = conditions(self.level, self.match)
        group = " GROUP BY studies.PatientID" if self.level == Level.PATIENT else ""
        page = f" LIMIT {int(self.limit)} OFFSET {int(self.offset)}"
        order = f" ORDER BY {ORDER[self.level]}"
        return f"SELECT {columns} FROM {FROM[self.level]}{where}{group}{order}{page}", values


def conditions(level: Level, match: Mapping[str, str]) -> tuple[str, list[str]]:
    """` WHERE ...` and its values for the keys of `match` that are held at `level` or above."""
    terms: list[str] = []
    values: list[str] = []
    for word, value in match.items():
        if word in KEYS and KEYS[word].level <= level and value not in ("", "*"):
            term, given = condition(KEYS[word], value)
            terms.append(term)
            values += given
    return (" WHERE " + " AND ".join(terms) if terms else ""), values


def condition(key: Key, value: str) -> tuple[str, list[str]]:
    """One key's SQL condition and its values: list, range, wild card or single value (PS3.4 C.2.2.2.1 to .5)."""
    if key.keyword == "ModalitiesInStudy":
        inner, values = condition(Key("Modality", Level.SERIES, "CS", "some.Modality"), value)
        return f"EXISTS (SELECT 1 FROM series AS some WHERE some.study = studies.study AND {inner})", values
    if "\\" in value:
        return f"{key.sql} IN (SELECT value FROM json_each(?))", [json.dumps(value.split("\\"))]
    if key.vr in _RANGES and "-" in value:
        return _range(key, value)
    if key.vr == "PN":
        return f"{key.sql} LIKE ? ESCAPE '!'", [_like(value)]
    if ("*" in value or "?" in value) and key.vr != "UI":
        return f"{key.sql} GLOB ?", [value.replace("[", "[[]")]
    return f"{key.sql} = ?", [value]


def _range(key: Key, value: str) -> tuple[str, list[str]]:
    """`from-to`, `from-`, `-to`; a shortened upper end such as 1759 includes its last fraction of a second."""
    low, _, high = value.partition("-")
    return f"({key.sql} <> '' AND {key.sql} >= ? AND {key.sql} <= ?)", [low, (high or "9") + "~"]


def _like(value: str) -> str:
    """Person names match without regard to case, as C.2.2.2.1 allows; trailing empty components are cut."""
    escaped = "".join("!" + c if c in "!%_" else c for c in value.rstrip("^"))
    return escaped.replace("*", "%").replace("?", "_")


def unique_keys(level: Level, patient_root: bool) -> list[str]:
    """The unique keys that a hierarchical request at `level` must give (PS3.4 C.4.1.2.1)."""
    top = Level.PATIENT if patient_root else Level.STUDY
    return [UNIQUE[above] for above in Level if top <= above < level]
