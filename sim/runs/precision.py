"""When to stop adding replications: the half width is small enough, and stays so for five more (credibility of n).

The rule of Hoad, Robinson and Davies (2010), on the mean of the daily p95 from exam to report, of every cluster and
world at once: the worst of them decides. It is looked at after each replication in turn, and replications come in
rounds of a fixed size, so that the number reached does not depend on how many workers there are.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import stdtrit

MEASURE, COLUMN = "exam_to_report_s", "p95_s"
STATISTIC = "mean of daily p95 from exam to report"
FIRST, ROUND, STAYS = 10, 5, 5
CAP = 200


@dataclass(frozen=True)
class Reached:
    """The worst relative half width (95 %) of all clusters and worlds after n replications."""

    half_width: float
    n: int
    met: bool


def half_widths(daily: pd.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Worst relative half width after 1, 2, ... replications, float64[n]; infinite where there is none yet."""
    rows = daily[daily["measure"] == MEASURE]
    means = rows.groupby(["world", "cluster", "replication"])[COLUMN].mean().unstack("replication").to_numpy()
    out = np.full(means.shape[1], np.inf)
    for n in range(2, means.shape[1] + 1):
        part = means[:, :n]
        half = stdtrit(n - 1, 0.975) * part.std(axis=1, ddof=1) / np.sqrt(n)
        out[n - 1] = float(np.max(half / part.mean(axis=1)))
    return out


def reached(daily: pd.DataFrame, precision: float) -> Reached:
    """Is the precision met by the rule with the replications at hand?"""
    widths = half_widths(daily)
    n = len(widths)
    met = any(bool((widths[k - 1 : k + STAYS] <= precision).all()) for k in range(FIRST, n - STAYS + 1))
    return Reached(float(widths[-1]), n, met)
