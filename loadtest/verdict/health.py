"""Was the generator well? A measurement counts only when its own machine was not the limit (rules L2, L4, L6).

The verdict on the measurement is VALID or INVALID; PASS and FAIL are about an archive, and need thresholds.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from math import isnan, nan
from typing import Any

import numpy as np

from loadtest.verdict.records import OperationRow

VALID, INVALID = "VALID", "INVALID"
LARGEST_MIX_ERROR = 0.01  # of the planned operations of a class (rule L6)


@dataclass
class Samples:
    """What the process saw of itself while it played."""

    loop_delay_s: list[float] = field(default_factory=list)
    cpu_share: float = 0.0
    clock_step_s: float = 0.0
    wall_s: float = 0.0


@dataclass(frozen=True)
class Limits:
    """Beyond these the measurement is not the archive's. Defaults are this project's choice, to be stated with it."""

    lag_p99_s: float = 0.020
    loop_delay_p99_s: float = 0.020
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
    loop_delay_p99_s: float
    cpu_share: float
    clock_step_s: float
    wall_s: float
    missing: dict[str, int]  # class of operation -> planned and not sent
    planned_by_class: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        """As plain data; what could not be measured is null."""
        return {k: None if isinstance(v, float) and isnan(v) else v for k, v in asdict(self).items()}


def health_of(rows: Sequence[OperationRow], samples: Samples) -> Health:
    """Reduce a play's rows and samples."""
    sent = [row for row in rows if row.outcome != "dropped"]
    lag = np.array([row.start_s - row.due_s - row.blocked_s for row in sent])
    planned = Counter(f"{row.cluster} {row.operation}" for row in rows)
    reached = Counter(f"{row.cluster} {row.operation}" for row in sent)
    return Health(
        planned=len(rows), sent=len(sent), dropped=len(rows) - len(sent), lag_p50_s=_quantile(lag, 0.5),
        lag_p99_s=_quantile(lag, 0.99), loop_delay_p99_s=_quantile(np.array(samples.loop_delay_s), 0.99),
        cpu_share=samples.cpu_share, clock_step_s=samples.clock_step_s, wall_s=samples.wall_s,
        missing={name: n - reached[name] for name, n in sorted(planned.items()) if n > reached[name]},
        planned_by_class=dict(sorted(planned.items())),
    )  # fmt: skip


def judge(health: Health, limits: Limits | None = None, others: Sequence[str] = ()) -> tuple[str, list[str]]:
    """VALID, or INVALID with every reason; `others` are reasons that were found elsewhere."""
    at_most = limits or Limits()
    reasons = [*others]
    if health.dropped:
        reasons.append(
            f"{health.dropped} of {health.planned} operations were due and never sent: this machine is too small "
            "for the plan, or the archive too slow for it"
        )
    reasons += [
        f"{name}: {n} of {health.planned_by_class[name]} planned operations were not sent"
        for name, n in health.missing.items()
        if n > LARGEST_MIX_ERROR * health.planned_by_class[name]
    ]
    measured = {
        "lag p99": (health.lag_p99_s, at_most.lag_p99_s, "s"),
        "event loop delay p99": (health.loop_delay_p99_s, at_most.loop_delay_p99_s, "s"),
        "CPU of the generator": (health.cpu_share, at_most.cpu_share, "cores"),
        "step of the wall clock": (abs(health.clock_step_s), at_most.clock_step_s, "s"),
    }
    reasons += [f"{n} is {v:.3g} {unit}, over {most:g} {unit}" for n, (v, most, unit) in measured.items() if v > most]
    return (INVALID if reasons else VALID), reasons


def _quantile(values: np.ndarray[Any, np.dtype[np.float64]], q: float) -> float:
    """The smallest value that at least a share q does not exceed; NaN of nothing."""
    return float(np.quantile(values, q, method="inverted_cdf")) if len(values) else nan
