"""The plan: which operation is due when, by whom. Pure: no clock, no socket."""

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from loadtest.objects.study import Study

OPERATIONS = ("store", "find", "qido", "get", "move", "wado")


class TrafficProblem(ValueError):
    """A traffic file that cannot be played: says which, and why."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One row of the traffic table; `due_s` is in the play's time, already divided by its speed."""

    op: int
    due_s: float
    operation: str
    purpose: str
    nbytes: int
    study: Study


@dataclass(frozen=True)
class Plan:
    """A traffic file, ready to be played."""

    about: dict[str, Any]
    prefill: list[Operation]
    play: list[Operation]

    @property
    def cluster(self) -> str:
        """Whose archive it is for."""
        return str(self.about["cluster"])

    @property
    def length_s(self) -> float:
        """Until the last due time."""
        return self.play[-1].due_s if self.play else 0.0

    def devices(self) -> dict[str, list[Operation]]:
        """Operations of each calling AE title, by due time."""
        out: dict[str, list[Operation]] = defaultdict(list)
        for operation in self.play:
            out[operation.study.ae_title].append(operation)
        return dict(out)


def _operation(row: dict[str, Any], speed: float) -> Operation:
    when = row["acquired"]
    study = Study(
        row["exam"], row["modality"], row["patient"], row["objects"],
        when if isinstance(when, datetime) else datetime.fromisoformat(str(when)),
        row["cluster"], row["supplier"], row["site"], row["ae_title"],
    )  # fmt: skip
    due = 0.0 if row["phase"] == "prefill" else row["due_s"] / speed
    return Operation(row["op"], due, row["operation"], row["purpose"], row["bytes"], study)


def read_plan(path: Path, speed: float = 1.0) -> Plan:
    """A traffic file's plan at a speed; 10 plays ten times as fast.

    Raises:
        TrafficProblem: it is no traffic file, or names an operation that is not played.
    """
    try:
        table = pq.read_table(path)
        about = json.loads(table.schema.metadata[b"filmless"])
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise TrafficProblem(f"{path} is not a traffic file (make one with `filmless traffic`): {error}") from error
    rows = table.to_pylist()
    unknown = {row["operation"] for row in rows} - set(OPERATIONS)
    if unknown:
        raise TrafficProblem(f"{path} asks for {', '.join(sorted(unknown))}; played are {', '.join(OPERATIONS)}")
    made = [(row["phase"], _operation(row, speed)) for row in rows]
    play = sorted((o for phase, o in made if phase == "play"), key=lambda o: (o.due_s, o.op))
    return Plan(about, [o for phase, o in made if phase == "prefill"], play)
