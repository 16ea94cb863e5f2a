"""A traffic file as it is read: checked whole before anything is sent, all that is wrong told at once."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ConfigDict, Field, ValidationError

from loadtest.play.problems import TrafficProblem
from loadtest.wire.settings import check_ae_title
from sim.world.quantity import Strict

OPERATIONS = ("store", "find", "qido", "get", "move", "wado")
PHASES = ("prefill", "play")
_TEXT, _INTEGER = (pa.types.is_string, pa.types.is_large_string, pa.types.is_dictionary), (pa.types.is_integer,)
COLUMNS: dict[str, tuple[Callable[[pa.DataType], bool], ...]] = {
    "op": _INTEGER, "due_s": (pa.types.is_floating,), "phase": _TEXT, "cluster": _TEXT, "supplier": _TEXT,
    "site": _TEXT, "ae_title": _TEXT, "operation": _TEXT, "purpose": _TEXT, "exam": _INTEGER, "patient": _INTEGER,
    "modality": _TEXT, "objects": _INTEGER, "bytes": _INTEGER, "acquired": (pa.types.is_timestamp,),
}  # fmt: skip
MOST_SHOWN = 10
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,31}")


class WindowFault(Strict):
    """A fault of the scenario that touches the window: from `since_s` on, `capacity` of the station works."""

    name: str
    what: str
    station: Literal["archive", "link", "store"]
    cluster: str
    sites: list[str] = Field(description="whose links; empty: all of the cluster")
    since_s: list[float] = Field(min_length=2, description="seconds of the scenario, from the window's start")
    capacity: list[Annotated[float, Field(ge=0, le=1)]] = Field(min_length=2, description="the last is 1")


class Told(Strict):
    """A distribution that the simulation gave: n, and 101 quantiles in seconds, from 0 to 100 %."""

    n: int = Field(ge=1)
    quantiles_s: list[float] = Field(min_length=101, max_length=101)


class About(Strict):
    """The metadata `filmless` of a traffic file."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True, allow_inf_nan=False)

    seed: int
    scenario: str
    scenario_hash: str = ""
    start: str
    hours: float = Field(gt=0)
    cluster: str = Field(pattern=rf"^{_NAME.pattern}$")
    matrices: dict[str, tuple[int, int, int]] = Field(description="modality -> rows, columns, bytes per pixel")
    wan_bytes_s: dict[str, Annotated[float, Field(gt=0)]] = Field(
        default={}, description="usable rate of a site's link"
    )
    faults: list[WindowFault] = Field(default=[], description="of any cluster, as the scenario has them")
    exams_a_year: float = Field(default=0.0, ge=0, description="of the cluster in the scenario; 0: not told")
    simulated: dict[str, Told] = Field(default={}, description="kind -> what the simulation says of the window")


@dataclass(frozen=True, slots=True)
class Operation:
    """One timed DICOM operation; `due_s` since the traffic's start (later: since the play's zero), NaN in prefill."""

    op: int
    due_s: float
    phase: str
    cluster: str
    supplier: str
    site: str
    ae_title: str
    operation: str
    purpose: str
    exam: int
    patient: int
    modality: str
    objects: int
    bytes: int
    acquired: datetime
    job: int = 0


@dataclass(frozen=True)
class Traffic:
    """One file: what it says of itself, and its operations in the file's order."""

    path: Path
    about: About
    operations: list[Operation]


def check_head(path: Path | str) -> About:
    """What a file says of itself, its columns looked at and no row of them: quick, and before anything is started.

    Raises TrafficProblem.
    """
    file = Path(path)
    try:
        with pq.ParquetFile(file) as opened:
            schema, rows = opened.schema_arrow, opened.metadata.num_rows
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(file, error) from None
    about = _about(file, schema)
    if not rows:
        raise TrafficProblem(f"{file}: holds no operation: make it with `filmless traffic`, of a busier window")
    _check_columns(file, schema)
    return about


def read_traffic(path: Path | str, job: int = 0) -> Traffic:
    """Read and check a traffic file. Raises TrafficProblem with every problem found (the first ten rows)."""
    file = Path(path)
    table = _table(file)
    about = _about(file, table.schema)
    _check_columns(file, table.schema)
    _check_filled(file, table)
    names = list(COLUMNS)
    columns = [table.column(name).to_pylist() for name in names]
    columns[names.index("due_s")] = [math.nan if due is None else due for due in columns[names.index("due_s")]]
    rows = [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]
    problems = [f"row {i}: {why}" for i, row in enumerate(rows) for why in _wrong(row, about)]
    problems += _repeated(rows)
    if problems:
        more = f"\n... and {len(problems) - MOST_SHOWN} more" if len(problems) > MOST_SHOWN else ""
        raise TrafficProblem("\n".join(f"{file}: {one}" for one in problems[:MOST_SHOWN]) + more)
    return Traffic(file, about, [_operation(row, job) for row in rows])


def _operation(row: dict[str, Any], job: int) -> Operation:
    """A prefill row's due time is NaN here, whether the file has NaN or nothing."""
    return Operation(**{**row, "due_s": math.nan if row["due_s"] is None else row["due_s"]}, job=job)


def _table(file: Path) -> pa.Table:
    try:
        return pq.read_table(file, use_threads=False)
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(file, error) from None


def _unreadable(file: Path, error: BaseException) -> TrafficProblem:
    reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
    return TrafficProblem(f"{file}: cannot be read as Parquet ({reason}): name a file made by `filmless traffic`")


def _about(file: Path, schema: pa.Schema) -> About:
    raw = (schema.metadata or {}).get(b"filmless")
    if raw is None:
        raise TrafficProblem(f"{file}: is Parquet without the metadata 'filmless': make it with `filmless traffic`")
    try:
        return About.model_validate_json(raw)
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, e['loc'])) or 'JSON'}: {e['msg']}" for e in error.errors()]
        raise TrafficProblem("\n".join(f"{file}: metadata 'filmless': {line}" for line in lines)) from None


def _check_columns(file: Path, schema: pa.Schema) -> None:
    missing = [name for name in COLUMNS if name not in schema.names]
    if missing:
        raise TrafficProblem(f"{file}: columns are missing: {', '.join(missing)}: make it with `filmless traffic`")
    wrong = [f"{n} is {t}" for n in COLUMNS if not any(fits(t := schema.field(n).type) for fits in COLUMNS[n])]
    if wrong:
        raise TrafficProblem(f"{file}: columns are not as agreed: {'; '.join(wrong)}")


def _check_filled(file: Path, table: pa.Table) -> None:
    if empty := [name for name in COLUMNS if name != "due_s" and table.column(name).null_count]:
        told = "; ".join(f"{name} has empty values" for name in empty)
        raise TrafficProblem(f"{file}: columns are not as agreed: {told}")


def _wrong(row: dict[str, Any], about: About) -> list[str]:
    """What is wrong with one row."""
    due, prefill = row["due_s"], row["phase"] == "prefill"
    missing = due is None or math.isnan(due)
    tests = {
        f"phase {row['phase']!r}: allowed are {', '.join(PHASES)}": row["phase"] in PHASES,
        f"operation {row['operation']!r}: allowed are {', '.join(OPERATIONS)}": row["operation"] in OPERATIONS,
        f"due_s {due}: a played row is due at 0 or later": prefill or (not missing and 0 <= due < math.inf),
        f"due_s {due}: a prefill row has none": not prefill or missing,
        "a prefill row is a store": not prefill or row["operation"] == "store",
        f"objects {row['objects']}: 1 to 9999": 1 <= row["objects"] <= 9999,
        f"cluster {row['cluster']!r}: the file is of {about.cluster!r}": row["cluster"] == about.cluster,
        f"modality {row['modality']!r}: the metadata have no matrix for it": row["modality"] in about.matrices,
        f"exam {row['exam']}: 0 to 999999999999": 0 <= row["exam"] < 10**12,
    }
    return [why for why, holds in tests.items() if not holds] + _title_problem(row["ae_title"])


def _title_problem(title: str) -> list[str]:
    try:
        check_ae_title(title)
    except ValueError as error:
        return [str(error)]
    return []


def _repeated(rows: list[dict[str, Any]]) -> list[str]:
    """An operation's number and a study's store occur once: the ledger has one row for each."""
    ops = len({row["op"] for row in rows})
    stored = [row["exam"] for row in rows if row["operation"] == "store"]
    found = [] if ops == len(rows) else [f"op: {len(rows) - ops} numbers occur twice"]
    return found + ([] if len(set(stored)) == len(stored) else [f"{len(stored) - len(set(stored))} exams stored twice"])
