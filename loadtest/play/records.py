"""Records first: every operation is a row, reduced later. Times are seconds since the play's zero."""

from dataclasses import asdict, dataclass

import pandas as pd

from loadtest.play.plan import Operation

OK, REFUSED, FAILED, UNKNOWN, DROPPED = "ok", "refused", "failed", "unknown", "dropped"


@dataclass(slots=True)
class Record:
    """What came of one operation. Response is end - due, service end - start, lag start - due."""

    op: int
    phase: str
    cluster: str
    supplier: str
    site: str
    ae_title: str
    operation: str
    purpose: str
    modality: str
    exam: int
    due_s: float
    start_s: float
    first_byte_s: float
    end_s: float
    objects: int
    bytes: int
    done_objects: int  # of this operation: stored, found or received
    status: int
    outcome: str
    detail: str


def new_record(operation: Operation, phase: str) -> Record:
    """A record of an operation that has not begun."""
    s, nan = operation.study, float("nan")
    return Record(
        operation.op, phase, s.cluster, s.supplier, s.site, s.ae_title, operation.operation, operation.purpose,
        s.modality, s.exam, operation.due_s, nan, nan, nan, s.objects, operation.nbytes, 0, -1, DROPPED, "",
    )  # fmt: skip


def table(records: list[Record]) -> pd.DataFrame:
    """The records by operation number, with their kinds of latency."""
    frame = pd.DataFrame([asdict(r) for r in sorted(records, key=lambda r: (r.cluster, r.op))])
    frame["response_s"] = frame["end_s"] - frame["due_s"]
    frame["service_s"] = frame["end_s"] - frame["start_s"]
    frame["lag_s"] = frame["start_s"] - frame["due_s"]
    return frame
