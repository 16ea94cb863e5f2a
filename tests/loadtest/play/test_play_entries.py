"""The ledger's rows from records that are whole, and from those of which a kill has cut the objects."""

from dataclasses import replace
from typing import Any

import pytest

from loadtest.play.entries import Entry, entries
from loadtest.play.plan import Plan
from loadtest.play.recorder import planned_row
from loadtest.play.traffic import Operation
from loadtest.verdict.records import NO_STATUS, ObjectRow
from tests.loadtest.traffic_factory import row

NAN = float("nan")


def sent(number: int, outcome: str) -> ObjectRow:
    return ObjectRow("south", 0, 5, number, 0.0, 0.1, NAN, 0.2, 100, 0 if outcome == "ok" else NO_STATUS, outcome)


def entry_of(rows: list[ObjectRow], **operation: Any) -> Entry:
    one = Operation(**{**row("store", 0.0, 5, objects=3), "op": 0})
    (found,) = entries(Plan([], [one], []), True, [replace(planned_row(one, 0.0), **operation)], rows)
    return found


@pytest.mark.parametrize(
    "operation",
    [
        {"outcome": "ok", "status": 0, "objects": 3},
        {"outcome": "refused", "status": 0xA700, "objects": 0},
        {"outcome": "unknown", "objects": 0},
        {"outcome": "failed", "objects": 2},
    ],
    ids=lambda said: str(said["outcome"]),
)
def test_objects_whose_rows_were_cut_are_in_doubt(operation: dict[str, Any]) -> None:
    found = entry_of([], **operation).row
    assert (found.unknown, found.failed, found.state) == (3, 0, "unknown")
    assert (found.stored, found.refused, found.dropped) == (0, 0, 0)


@pytest.mark.parametrize(
    ("objects", "operation", "counts"),
    [
        # stored, refused, failed, unknown, dropped
        ([], {"outcome": "refused"}, (0, 3, 0, 0, 0)),  # its association was
        ([], {"outcome": "failed"}, (0, 0, 3, 0, 0)),  # it could not connect
        ([], {"outcome": "dropped"}, (0, 0, 0, 0, 3)),
        ([sent(0, "ok"), sent(1, "unknown")], {"outcome": "unknown", "objects": 1}, (1, 0, 1, 1, 0)),
        ([sent(0, "ok"), sent(1, "failed")], {"outcome": "failed", "objects": 1}, (1, 0, 2, 0, 0)),
        ([sent(n, "ok") for n in range(3)], {"outcome": "ok", "status": 0, "objects": 3}, (3, 0, 0, 0, 0)),
    ],
)  # fmt: skip
def test_whole_records_tell_no_doubt(
    objects: list[ObjectRow], operation: dict[str, Any], counts: tuple[int, ...]
) -> None:
    found = entry_of(objects, **operation).row
    assert (found.stored, found.refused, found.failed, found.unknown, found.dropped) == counts
