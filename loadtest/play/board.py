"""The PACS tab of Locust's page: by cluster and operation, what was due against what was done, and how late we were.

Names come from the plan alone: a closed list of at most forty. Nothing of a peer's reaches the page.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from loadtest.play.plan import Plan, request_name
from loadtest.verdict.records import OperationRow

KEY, TITLE = "pacs", "PACS"
COLUMNS = {
    "name": "Cluster and operation", "planned": "Planned", "due": "Due by now", "done": "Done", "open": "Under way",
    "failed": "Not done", "dropped": "Dropped", "lag": "Lag p99 (ms)", "response": "Response p99 (ms)",
}  # fmt: skip
P99, PERCENTILE = 0.99, "response_time_percentile_"


class Board:
    """Counts of one play, kept as its operations end."""

    def __init__(self, plan: Plan, now: Callable[[], float]) -> None:
        """`now` gives the seconds since the play's zero."""
        self._now = now
        due: dict[str, list[float]] = {name: [] for name in plan.names}
        for one in plan.play:
            due[request_name(one)].append(one.due_s)
        self._due = {name: np.array(some) for name, some in due.items()}
        self._ended: dict[str, Counter[str]] = {name: Counter() for name in plan.names}
        self._lag: dict[str, Counter[float]] = {name: Counter() for name in plan.names}
        self._response: dict[str, Counter[float]] = {name: Counter() for name in plan.names}

    def heard(self, row: OperationRow) -> None:
        """One operation has ended."""
        name = f"{row.cluster} {row.operation}"
        if name not in self._ended:
            return  # prefill, of a cluster from which nothing is played
        self._ended[name][row.outcome] += 1
        if row.outcome != "dropped":
            self._lag[name][milliseconds(row.start_s - row.due_s - row.blocked_s)] += 1
            self._response[name][milliseconds(row.end_s - row.due_s)] += 1

    def exact(self, row: dict[str, Any]) -> dict[str, Any]:
        """One of Locust's rows with counts and times of this board, in milliseconds to three digits.

        Locust rounds the smallest and largest to whole milliseconds, and its rows may be some seconds old. Its rates
        stay. A row of another name is that of all.
        """
        names = [row["name"]] if row["name"] in self._ended else list(self._ended)
        times = sum((self._response[name] for name in names), Counter[float]())
        if not times:
            return row
        ended = sum((self._ended[name] for name in names), Counter[str]())
        return row | {
            "num_requests": times.total(), "num_failures": times.total() - ended["ok"],
            "min_response_time": min(times), "max_response_time": max(times),
            "avg_response_time": sum(ms * n for ms, n in times.items()) / times.total(),
            "median_response_time": quantile(times, 0.5),
            **{key: quantile(times, float(key.removeprefix(PERCENTILE))) for key in row if key.startswith(PERCENTILE)},
        }  # fmt: skip

    def rows(self) -> list[dict[str, Any]]:
        """One row a name, as the page shows them."""
        return [self._row(name) for name in self._due]

    def _row(self, name: str) -> dict[str, Any]:
        ended, due = self._ended[name], int(np.searchsorted(self._due[name], self._now(), side="right"))
        return {
            "name": name, "planned": len(self._due[name]), "due": due, "done": ended["ok"],
            "open": max(due - ended.total(), 0), "failed": ended["refused"] + ended["failed"] + ended["unknown"],
            "dropped": ended["dropped"], "lag": quantile(self._lag[name], P99),
            "response": quantile(self._response[name], P99),
        }  # fmt: skip


def milliseconds(seconds: float) -> float:
    """To three significant digits, in milliseconds."""
    return float(f"{1000 * seconds:.3g}")


def quantile(counts: Counter[float], q: float) -> float:
    """The smallest value that a share q does not exceed; 0 of nothing."""
    left = q * counts.total() - 1e-9
    for value in sorted(counts):
        left -= counts[value]
        if left <= 0:
            return value
    return 0.0
