"""What a play's faults did: which operations that ended badly met one, and which did not."""

from collections.abc import Mapping, Sequence
from typing import Any

from loadtest.verdict.records import OperationRow

BAD = ("refused", "failed", "unknown", "dropped")


def with_counts(faults: Sequence[Mapping[str, Any]], rows: Sequence[OperationRow]) -> list[dict[str, Any]]:
    """Each fault with `met`, the operations that were due or under way while it was open, and `bad` among them."""
    return [{**one, "met": len(some := [row for row in rows if has_met(one, row)]),
             "bad": sum(row.outcome in BAD for row in some)} for one in faults]  # fmt: skip


def bad_outside(faults: Sequence[Mapping[str, Any]], rows: Sequence[OperationRow]) -> int:
    """Operations that ended badly without having met a fault."""
    return sum(row.outcome in BAD and not any(has_met(one, row) for one in faults) for row in rows)


def has_met(fault: Mapping[str, Any], row: OperationRow) -> bool:
    """Was the operation due or under way while the fault was open, at its cluster and site?"""
    if fault["outcome"] != "played" or row.cluster != fault["cluster"]:
        return False
    if fault["station"] == "link" and fault["sites"] and row.site not in fault["sites"]:
        return False
    clear_s = max([fault["to_s"], *(done for _, _, done in fault["changes"])])
    return bool(row.due_s <= clear_s and not row.end_s < fault["from_s"])


def told(faults: Sequence[Mapping[str, Any]], outside: int) -> list[str]:
    """The faults in words, a line each, and what ended badly without them."""
    lines = [_line(one) for one in faults]
    if any(one["outcome"] == "played" for one in faults) and outside:
        lines.append(f"{outside} operations ended badly without having met a fault")
    return lines


def _line(one: Mapping[str, Any]) -> str:
    head = f"fault '{one['name']}' ({one['what']}), {one['station']} of {one['cluster']}"
    if one["outcome"] != "played":
        return f"{head}: {one['outcome']}"
    least = min(capacity for _, capacity in one["steps"])
    return (f"{head}: down to {100 * least:g} % from {one['from_s']:.2f} to {one['to_s']:.2f} s of the play "
            f"({one['begin']} to {one['end']}); {one['met']} operations met it, {one['bad']} ended badly")  # fmt: skip
