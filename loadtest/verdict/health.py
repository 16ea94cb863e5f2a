"""Was the generator well? A measurement counts only when its own machine was not the limit (rules L2, L4, L6).

The verdict on the measurement is VALID or INVALID; PASS and FAIL are about an archive, and need thresholds.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import ceil, isnan, nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from loadtest.verdict.records import OperationRow

Floats = NDArray[np.float64]
VALID, INVALID = "VALID", "INVALID"
LARGEST_MIX_ERROR = 0.01  # of the planned operations of a class (rule L6)
SHOWN = (0.50, 0.95, 0.99, 0.999)  # percentiles that the generator's lateness must not move
BEYOND = 10  # operations beyond a percentile, for it to be looked at
FOR_A_MEAN = 100  # operations, for the mean to be looked at
RESOLUTION_S = 0.001  # lateness that moves a percentile by less is not looked at: no claim is finer


@dataclass
class Samples:
    """What the process saw of itself while it played; `scheduling` is how the system ran it, `wakes_by` its timer."""

    loop_delay_s: list[float] = field(default_factory=list)
    cpu_share: float = 0.0
    clock_step_s: float = 0.0
    wall_s: float = 0.0
    scheduling: str = "as any process"
    wakes_by: str = ""


@dataclass(frozen=True)
class Limits:
    """Beyond these the measurement is not the archive's. Defaults are this project's choice, to be stated with it.

    `lag_effect`: by how much of itself a percentile or the mean of a response may be the generator's lateness.
    """

    lag_p99_s: float = 0.100
    lag_effect: float = 0.05
    loop_delay_p99_s: float = 0.050
    cpu_share: float = 0.85  # of one core: the event loop runs on one
    clock_step_s: float = 0.5


@dataclass(frozen=True)
class Health:
    """The generator during the play; lag is start - due without waiting for the device, in seconds."""

    planned: int
    sent: int
    dropped: int
    lag_p50_s: float
    lag_p99_s: float
    lag_effect: float
    lag_effect_on: str  # the operation and statistic that lateness has moved most
    loop_delay_p99_s: float
    cpu_share: float
    clock_step_s: float
    wall_s: float
    scheduling: str
    wakes_by: str
    missing: dict[str, int]  # class of operation -> planned and not sent
    planned_by_class: dict[str, int]
    stretched_s: dict[str, float] = field(default_factory=dict)  # class -> time that its releases took too long

    def to_json(self) -> dict[str, Any]:
        """As plain data; what could not be measured is null."""
        return {k: None if isinstance(v, float) and isnan(v) else v for k, v in asdict(self).items()}


def health_of(rows: Sequence[OperationRow], samples: Samples, plan: Mapping[str, int] | None = None) -> Health:
    """Reduce a play's rows and samples; `plan` has the operations of each class, where it is known beside the rows."""
    sent = [row for row in rows if row.outcome != "dropped"]
    lag = np.array([_lag(row) for row in sent])
    planned = Counter(f"{row.cluster} {row.operation}" for row in rows) if plan is None else Counter(plan)
    reached = Counter(f"{row.cluster} {row.operation}" for row in sent)
    effect, on = lag_effect(sent)
    return Health(
        planned=planned.total(), sent=len(sent), dropped=planned.total() - len(sent), lag_p50_s=_quantile(lag, 0.5),
        lag_p99_s=_quantile(lag, 0.99), lag_effect=effect, lag_effect_on=on,
        loop_delay_p99_s=_quantile(np.array(samples.loop_delay_s), 0.99), cpu_share=samples.cpu_share,
        clock_step_s=samples.clock_step_s, wall_s=samples.wall_s, scheduling=samples.scheduling,
        wakes_by=samples.wakes_by,
        missing={name: n - reached[name] for name, n in sorted(planned.items()) if n > reached[name]},
        planned_by_class=dict(sorted(planned.items())), stretched_s=stretched(sent),
    )  # fmt: skip


def _lag(row: OperationRow) -> float:
    return row.start_s - row.due_s - row.blocked_s


def stretched(sent: Sequence[OperationRow]) -> dict[str, float]:
    """Classes that were released at another rate than planned, by over 1 %: seconds that they took longer."""
    spans: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for row in sent:
        if not isnan(row.released_s):
            spans[f"{row.cluster} {row.operation}"].append((row.due_s, row.released_s))
    found = {}
    for name, times in spans.items():
        due, released = (max(t) - min(t) for t in zip(*times, strict=True))
        if len(times) >= BEYOND and abs(released - due) > LARGEST_MIX_ERROR * due:
            found[name] = released - due
    return found


def lag_effect(rows: Sequence[OperationRow]) -> tuple[float, str]:
    """The largest share of a response's percentile or mean that is the generator's lateness, and which one it is.

    Compares those of each operation, and of each cluster's, with and without lag, where n bears them: lateness that
    moves none of them harms no measurement.
    """
    kinds: defaultdict[str, list[OperationRow]] = defaultdict(list)
    several = len({row.cluster for row in rows}) > 1
    for row in rows:
        kinds[row.operation].append(row)
        if several:
            kinds[f"{row.cluster} {row.operation}"].append(row)
    return max([(0.0, ""), *(found for kind, some in kinds.items() for found in _moved(kind, some))])


def _moved(kind: str, rows: Sequence[OperationRow]) -> Iterator[tuple[float, str]]:
    """By what share of itself lateness has moved each statistic of one kind's response."""
    response = np.array([row.end_s - row.due_s for row in rows])
    without = response - np.array([_lag(row) for row in rows])
    pairs = {f"p{100 * q:g}": (_quantile(response, q), _quantile(without, q))
             for q in SHOWN if len(rows) >= ceil(BEYOND / (1 - q) - 1e-9)}  # fmt: skip
    if len(rows) >= FOR_A_MEAN:
        pairs["mean"] = (float(response.mean()), float(without.mean()))
    for name, (whole, rest) in pairs.items():
        yield ((whole - rest) / whole if whole - rest > RESOLUTION_S else 0.0), f"{kind} {name}"


def judge(health: Health, limits: Limits | None = None, others: Sequence[str] = ()) -> tuple[str, list[str]]:
    """VALID, or INVALID with every reason; `others` are reasons that were found elsewhere."""
    most = limits or Limits()
    reasons = [*others, *_unsent(health), *_other_rate(health, most), *_beyond(health, most)]
    return (INVALID if reasons else VALID), reasons


def _unsent(health: Health) -> list[str]:
    found = [
        f"{health.dropped} of {health.planned} operations were due and never sent: this machine is too small for the "
        "plan, or the archive too slow for it"
    ]
    return (found if health.dropped else []) + [
        f"{name}: {n} of {health.planned_by_class[name]} planned operations were not sent"
        for name, n in health.missing.items()
        if n > LARGEST_MIX_ERROR * health.planned_by_class[name]
    ]


def _other_rate(health: Health, limits: Limits) -> list[str]:
    """Less than the lag that is allowed anyway is no other rate, however short the play."""
    return [
        f"{name}: released over {s:.3g} s more than planned, so not within 1 % of the planned rate"
        for name, s in health.stretched_s.items()
        if abs(s) > limits.lag_p99_s
    ]


def _beyond(health: Health, limits: Limits) -> list[str]:
    seen = {
        "lag p99 of the generator": (health.lag_p99_s, limits.lag_p99_s, "s"),
        f"the generator's share of {health.lag_effect_on}": (health.lag_effect, limits.lag_effect, "of it"),
        "event loop delay p99": (health.loop_delay_p99_s, limits.loop_delay_p99_s, "s"),
        "CPU of the generator": (health.cpu_share, limits.cpu_share, "cores"),
        "step of the wall clock": (abs(health.clock_step_s), limits.clock_step_s, "s"),
    }
    return [f"{name} is {v:.3g} {unit}, over {most:g}" for name, (v, most, unit) in seen.items() if v > most]


def _quantile(values: Floats, q: float) -> float:
    """The smallest value that at least a share q does not exceed; NaN of nothing."""
    return float(np.quantile(values, q, method="inverted_cdf")) if len(values) else nan
