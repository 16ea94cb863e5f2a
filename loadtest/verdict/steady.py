"""The steady interval of a play: where warm-up ends is a rule, not a look (rule L5).

MSER-5 (White 1997; recalled): means of 5 neighbours, and the cut that minimises the squared standard error of the rest;
refused where it would take more than half and the halves differ by 10 %. It looks at the logarithm of responses divided
by their operation's median, so that neither a change of mix nor one slow answer is a warm-up; and a stall is the
archive's, so that the cut ends where the first stall begins.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
GROUP = 5
FEWEST = 50  # operations, below which nothing is cut
MATERIAL = 0.10  # a smaller difference between the halves is no warm-up, whatever its significance


@dataclass(frozen=True)
class Steady:
    """The interval that is judged, in seconds of the play, and how many operations were cut before it."""

    from_s: float
    to_s: float
    cut: int
    found: bool
    method: str


def mser5(values: Floats) -> int | None:
    """How many of the first values are warm-up; None where more than half would have to go."""
    groups = len(values) // GROUP
    if groups < FEWEST // GROUP:
        return 0
    means = values[: groups * GROUP].reshape(groups, GROUP).mean(axis=1)
    left = np.arange(groups, 0, -1.0)
    total, squares = np.cumsum(means[::-1])[::-1], np.cumsum(means[::-1] ** 2)[::-1]
    error = np.maximum(squares - total**2 / left, 0.0) / left**2
    best = int(np.argmin(error[: groups - GROUP]))  # the last few say little of the rest
    return None if best > groups / 2 else best * GROUP


def _drift(values: Floats) -> float:
    """By how much the second half's geometric mean differs from the first half's."""
    first, second = np.array_split(values, 2)
    return float(np.expm1(abs(second.mean() - first.mean())))


def steady_interval(played: pd.DataFrame, first_stall_s: float | None = None) -> Steady:
    """The interval of operations (columns operation, due_s, response_s, outcome), prefill left out.

    Where there is none, the whole play is told, with `found` false: it can FAIL so, but not PASS.
    """
    if played.empty:
        return Steady(0.0, 0.0, 0, False, "nothing was played")
    ok = played[played["outcome"] == "ok"].sort_values("due_s", kind="stable")
    last = float(played["due_s"].max())
    usual = ok.groupby("operation")["response_s"].transform("median").clip(lower=1e-9)
    values = np.log((ok["response_s"].clip(lower=1e-9) / usual).to_numpy(dtype=np.float64))
    cut = mser5(values)
    if cut is None and _drift(values) < MATERIAL:
        return Steady(0.0, last, 0, True, f"nothing cut: both halves of the play agree within {100 * MATERIAL:g} %")
    if cut is None:
        return Steady(0.0, last, 0, False, "MSER-5 finds no steady interval: the first half and the second differ")
    from_s = float(ok["due_s"].iloc[cut]) if cut else 0.0
    told = f"MSER-5 cuts {cut} of {len(ok)} operations"
    if first_stall_s is not None and from_s > first_stall_s:
        from_s, told = max(first_stall_s, 0.0), f"{told}, held at the first stall"
    return Steady(from_s, last, int((played["due_s"] < from_s).sum()), True, told)
