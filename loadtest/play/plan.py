"""When, and by which device: traffic files as one plan. Pure: it knows no clock, and sends nothing."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from loadtest.play.problems import TrafficProblem
from loadtest.play.traffic import Operation, Traffic

MOST_NAMES = 40  # request names on Locust's page: a closed list


@dataclass(frozen=True)
class Plan:
    """What is to be done: `prefill` before the clock starts, `play` in order of due time (seconds since zero)."""

    prefill: list[Operation]
    play: list[Operation]
    names: list[str]

    @property
    def last_due_s(self) -> float:
        """When the last operation is due; 0 for an empty plan."""
        return self.play[-1].due_s if self.play else 0.0

    def stores(self) -> list[Operation]:
        """Every study that is to be stored, prefill first."""
        return self.prefill + [one for one in self.play if one.operation == "store"]

    def counts(self) -> dict[str, int]:
        """Operations to be played by request name."""
        return dict(Counter(request_name(one) for one in self.play))

    def by_device(self) -> dict[tuple[int, str], list[Operation]]:
        """(job, AE title) -> what that device is to do, in order of due time."""
        devices: dict[tuple[int, str], list[Operation]] = {}
        for one in self.play:
            devices.setdefault((one.job, one.ae_title), []).append(one)
        return devices


def make_plan(traffics: Sequence[Traffic], speed: float = 1.0) -> Plan:
    """All traffic in one plan; `speed` 10 plays ten times as fast. Raises TrafficProblem, ValueError for the speed."""
    if not 0 < speed < float("inf"):
        raise ValueError(f"speed {speed}: allowed is a number above 0, such as 1 or 10")
    _one_file_a_cluster(traffics)
    prefill = [one for t in traffics for one in t.operations if one.phase == "prefill"]
    play = [_paced(one, speed) for t in traffics for one in t.operations if one.phase == "play"]
    if not play:
        raise TrafficProblem(
            f"{', '.join(str(t.path) for t in traffics)}: nothing is to be played: take another window"
        )
    play.sort(key=lambda one: (one.due_s, one.job, one.op))
    return Plan(prefill, play, request_names(play))


def request_name(operation: Operation) -> str:
    """The name under which Locust's page counts an operation."""
    return f"{operation.cluster} {operation.operation}"


def request_names(operations: Iterable[Operation]) -> list[str]:
    """All names that a plan can have, sorted. Raises TrafficProblem when a page could not show them."""
    names = sorted({request_name(one) for one in operations})
    if len(names) > MOST_NAMES:
        raise TrafficProblem(f"{len(names)} kinds of operation by cluster; at most {MOST_NAMES}: play fewer clusters")
    return names


def _paced(operation: Operation, speed: float) -> Operation:
    return operation if speed == 1.0 else replace(operation, due_s=operation.due_s / speed)


def _one_file_a_cluster(traffics: Sequence[Traffic]) -> None:
    seen: dict[str, Traffic] = {}
    for one in traffics:
        other = seen.setdefault(one.about.cluster, one)
        if other is not one:
            raise TrafficProblem(
                f"{one.path}: cluster '{one.about.cluster}' is played already, from {other.path}: "
                "the ledger could not tell them apart; play them one after another"
            )
