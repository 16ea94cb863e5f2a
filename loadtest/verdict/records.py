"""What is kept of a play: one row an operation, one row an object, one row a study; in columns, whole or not at all.

Times are seconds since the play's zero on the monotonic clock; NaN where something did not happen.
response = end_s - due_s; blocked_s = waiting for the device's own association; lag = start_s - due_s - blocked_s, which
is the generator's own lateness; service = end_s - start_s.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from math import nan
from operator import attrgetter
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc

# ok: the archive did it. refused: it said no. failed: it did not get the request whole, or answered wrongly.
# unknown: the request left whole and no answer came. dropped: it was due and never sent.
OUTCOMES = ("ok", "refused", "failed", "unknown", "dropped")
STATES = ("stored", "refused", "failed", "unknown", "dropped")
FOUND = ("lost", "recovered", "kept", "phantom", "duplicate")  # by the final read (rule F2); kept: though refused
NO_STATUS = -1
RETRIEVING = ("get", "move", "wado")  # operations whose first image somebody waits for


@dataclass(frozen=True, slots=True)
class OperationRow:
    """One planned operation and what came of it; `status` is DIMSE's or HTTP's, -1 where no answer came.

    `planned_objects` were asked for or to be sent, `objects` and `bytes` were sent and acknowledged, or received; for
    queries `objects` are the answers. `connect_s` and `negotiate_s` are 0 on an association that was open already.
    """

    op: int
    cluster: str
    supplier: str
    site: str
    ae_title: str
    operation: str
    purpose: str
    modality: str
    exam: int
    phase: str
    due_s: float
    released_s: float = nan
    start_s: float = nan
    first_byte_s: float = nan
    first_object_s: float = nan
    end_s: float = nan
    blocked_s: float = 0.0
    connect_s: float = 0.0
    negotiate_s: float = 0.0
    planned_objects: int = 0
    objects: int = 0
    bytes: int = 0
    status: int = NO_STATUS
    outcome: str = "dropped"
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ObjectRow:
    """One object that was handed to an association, or one request of a view: `sent_s` when the last byte had left.

    `kind` is store; or stow, where the times are those of a request that had several objects; or of a view metadata,
    frames, rendered, series or instance, whose `first_object_s` is when the (first) image was whole and whose `bytes`
    were received.
    """

    cluster: str
    op: int
    exam: int
    number: int
    start_s: float
    sent_s: float
    first_byte_s: float
    end_s: float
    bytes: int
    status: int
    outcome: str
    kind: str = "store"
    first_object_s: float = nan


@dataclass(slots=True)
class StudyRow:
    """One study that was to be stored. The five counts add up to `planned`; `found_*` are objects, None = not told.

    `sent` left this machine whole, `answered` were acknowledged or refused. `finding` compares the answers with the
    final read of the archive (rule F2), `lost` to `duplicate` are its counts; `found_named` objects were told by their
    UIDs, and where those differ from the answers, `named` has the numbers. `found_again` is the count after the archive
    was killed and started again (rule L9); of the acknowledged objects, `committed` by storage commitment, `retrieved`
    for comparison and found `equal` to what was sent; None = not asked.
    """

    cluster: str
    supplier: str
    ae_title: str
    exam: int
    phase: str
    modality: str
    planned: int
    sent: int = 0
    answered: int = 0
    stored: int = 0
    refused: int = 0
    failed: int = 0
    unknown: int = 0
    dropped: int = 0
    found_cfind: int | None = None
    found_qido: int | None = None
    found_named: int | None = None
    found_again: int | None = None
    committed: int | None = None
    retrieved: int | None = None
    equal: int | None = None
    lost: int = 0
    recovered: int = 0
    kept: int = 0
    phantom: int = 0
    duplicate: int = 0
    state: str = "dropped"
    finding: str = "not asked"
    named: str = ""


_TYPES: dict[object, pa.DataType] = {
    int: pa.int64(),
    float: pa.float64(),
    str: pa.string(),
    int | None: pa.int32(),
}
Row = TypeVar("Row", OperationRow, ObjectRow)
_TIMES = {"due_s", "released_s", "start_s", "sent_s", "first_byte_s", "first_object_s", "end_s"}
_NARROW = {"objects", "planned_objects", "number", "status", "planned", "sent", "answered", *STATES, *FOUND}


@cache
def schema_of(row: type) -> pa.Schema:
    """The columns of a row's class."""
    return pa.schema([(f.name, _type(f.name, f.type)) for f in fields(row)])


def _type(name: str, kind: object) -> pa.DataType:
    return pa.int32() if name in _NARROW else _TYPES[kind]


def to_table(row: type, rows: Sequence[object]) -> pa.Table:
    """Rows of one class as a table, in their order."""
    schema = schema_of(row)
    columns = zip(*map(attrgetter(*schema.names), rows), strict=True) if rows else [()] * len(schema)
    arrays = [pa.array(values, kind) for values, kind in zip(columns, schema.types, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def operations_table(rows: Sequence[OperationRow]) -> pa.Table:
    """Operations by cluster and number, with what follows from their times, in seconds.

    Response, service, lag, and of what retrieves the time from when it was due to its first image (else NaN).
    """
    ordered = sorted(rows, key=lambda row: (row.cluster, row.op))
    table = to_table(OperationRow, ordered)
    due, start, end, blocked = (table.column(name) for name in ("due_s", "start_s", "end_s", "blocked_s"))
    retrieves = pc.is_in(table.column("operation"), pa.array(RETRIEVING))
    for name, values in {
        "response_s": pc.subtract(end, due),
        "service_s": pc.subtract(end, start),
        "lag_s": pc.subtract(pc.subtract(start, due), blocked),
        "first_image_s": pc.if_else(retrieves, pc.subtract(table.column("first_object_s"), due), nan),
    }.items():
        table = table.append_column(name, values)
    return table


def shifted(row: Row, by_s: float) -> Row:
    """The same row with every time counted from a zero that lies `by_s` later."""
    times = {f.name: getattr(row, f.name) - by_s for f in fields(row) if f.name in _TIMES}
    return replace(row, **times)


def counts(rows: Iterable[OperationRow]) -> dict[str, int]:
    """How many operations ended in each outcome; every outcome is named."""
    found = dict.fromkeys(OUTCOMES, 0)
    for one in rows:
        found[one.outcome] += 1
    return found
