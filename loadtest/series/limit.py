"""The breaking point: the rate is raised by steps until a threshold breaks, then bisected; evidence on both sides.

A step is judged as any play: warm-up cut by rule, PASS and FAIL by intervals. An undecided step is played again, twice
as long, once; one that the generator could not drive tells nothing of the archive, and ends the search from above. What
the archive lost, or refused where no line allows for errors, is no knee: it ends the search, and is FAIL.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from math import ceil, isnan, log, log2, nan, sqrt
from typing import Any

import pandas as pd

from loadtest.verdict.finding import Finding
from loadtest.verdict.judged import FAIL, INVALID, PASS

MOST_STEPS = 24


@dataclass(frozen=True)
class Step:
    """One play at one rate. Times in seconds over the steady interval; `held` objects were there before it.

    `exams_a_year`: of a cluster that loads its archive so in the traffic's hour, see Rated; NaN where it is not told.
    """

    per_s: float
    seconds: float
    verdict: str
    why: str
    achieved_per_s: float
    n: int
    p50_s: float
    p95_s: float
    p99_s: float
    held: int
    stored: int
    lag_p99_s: float
    exams_a_year: float = nan
    broken: str = ""  # what was lost, or ended badly with no threshold to speak of it, where that made it FAIL

    def to_json(self) -> dict[str, Any]:
        """Plain data; what is not known is null."""
        return {k: None if v != v else v for k, v in asdict(self).items()}


@dataclass(frozen=True)
class Limit:
    """The knee lies between `below` (all thresholds met) and `above` (one missed); None: no evidence on that side."""

    below: Step | None
    above: Step | None
    steps: list[Step]
    verdict: str
    sentence: str


Play = Callable[[float, float], Step]  # operations a second, seconds -> what came of it


@dataclass(frozen=True)
class Search:
    """From which rate, by what factor up, until the two sides are closer than `within`; one step lasts `seconds`."""

    from_per_s: float
    seconds: float = 10.0
    grow: float = 2.0
    within: float = 0.10
    to_per_s: float = 1e5


def longest_s(length_s: Callable[[float], float], search: Search) -> tuple[float, float]:
    """How long all steps may play at most, in seconds: where the first rate holds, and where only a lower one does.

    `length_s`: of a step at a rate. An undecided step is played again, twice as long: three lengths each.
    """
    halvings = ceil(log2(log(search.grow) / log(1 + search.within)))
    up = [search.from_per_s * search.grow**k for k in range(MOST_STEPS // 2 + 1)]
    down = [search.from_per_s / search.grow**k for k in range(ceil(log(100) / log(search.grow)) + 1)]
    ends = (sum(map(length_s, rates)) + halvings * length_s(min(rates)) for rates in (up, down))
    above, below = (3 * seconds for seconds in ends)
    return above, below


def find_limit(play: Play, search: Search) -> Limit:
    """Search; every play is in the result. A step that FAILs by no threshold ends it with that verdict."""
    steps: list[Step] = []

    def at(rate: float) -> Step:
        steps.append(play(rate, search.seconds))
        if steps[-1].verdict == INVALID and steps[-1].why.startswith(("undecided", "not shown")):
            steps.append(play(rate, 2 * search.seconds))
        return steps[-1]

    below, above = _bracket(at, search)
    while below and above and above.per_s / below.per_s > 1 + search.within and len(steps) < MOST_STEPS:
        if steps[-1].broken:
            break
        found = at(sqrt(below.per_s * above.per_s))
        if found.verdict == PASS:
            below = found
        elif found.verdict == FAIL or above.verdict != FAIL:
            above = found
        else:
            break  # neither better nor worse than what was known
    return _limit(below, above, steps)


def _bracket(at: Callable[[float], Step], search: Search) -> tuple[Step | None, Step | None]:
    """Up while it holds; down from the first rate where that breaks already."""
    found = at(search.from_per_s)
    below, above = (found, None) if found.verdict == PASS else (None, found)
    for _ in range(MOST_STEPS // 2):
        if found.broken:
            break
        if below and not above and below.per_s < search.to_per_s:
            found = at(min(below.per_s * search.grow, search.to_per_s))
            below, above = (found, None) if found.verdict == PASS else (below, found)
        elif above and not below and above.per_s > search.from_per_s / 100:
            found = at(above.per_s / search.grow)
            below, above = (found, above) if found.verdict == PASS else (None, found)
        else:
            break
    return below, above


def _limit(below: Step | None, above: Step | None, steps: list[Step]) -> Limit:
    if (last := steps[-1]).broken:
        held = f"; all thresholds are met up to {below.per_s:.4g}" if below else ""
        words = f"no knee was looked for above: at {last.per_s:.4g} operations/s {last.broken}{held}"
        return Limit(below, None, steps, FAIL, words)
    if below and above and above.verdict == FAIL:
        ends = f"{below.per_s:.4g} and {above.per_s:.4g} operations/s{_year(below, above)}"
        words = f"the knee lies between {ends}: {above.why}"
        return Limit(below, above, steps, PASS, words)
    if below and above:
        words = (
            f"all thresholds are met at {below.per_s:.4g} operations/s; {above.per_s:.4g} tells nothing: {above.why}"
        )
    elif below:
        most = f"{below.per_s:.4g} operations/s{_year(below)}"
        words = f"all thresholds are met up to {most}, the highest rate that was asked for"
    else:
        words = (
            f"no rate was found at which all thresholds are met, down to {min(s.per_s for s in steps):.4g} operations/s"
        )
    return Limit(below, above, steps, INVALID, words)


def _year(*steps: Step) -> str:
    """The exams a year that these rates stand for, to three digits; "" where it is not told."""
    told = [f"{float(f'{one.exams_a_year:.3g}'):,.0f}" for one in steps if not isnan(one.exams_a_year)]
    return f" (what {' and '.join(told)} exams a year load in the traffic's window)" if told else ""


def step_of(
    per_s: float, seconds: float, finding: Finding, played: pd.DataFrame, result: dict[str, Any], held: int
) -> Step:
    """A step from a play: figures over all answered operations of the steady interval together."""
    last = max(float(played["due_s"].max()), 1e-9)
    ok = played[played["outcome"] == "ok"]
    steady = ok[ok["due_s"] >= finding.steady.from_s]["response_s"]
    p50, p95, p99 = (float(steady.quantile(q, "higher")) if len(steady) else nan for q in (0.5, 0.95, 0.99))
    achieved = float((ok["end_s"] <= last).sum()) / last
    lag, stored = result["lag_p99_s"], int(result["objects"]["stored"])
    return Step(per_s, seconds, finding.verdict, _why(finding), achieved, len(steady), p50, p95, p99, held, stored,
                nan if lag is None else float(lag), broken=_broken(finding, result))  # fmt: skip


def _broken(finding: Finding, result: dict[str, Any]) -> str:
    """What made a step FAIL, where that was no threshold alone: a loss always, errors where no line was missed."""
    by_lines = any(one.verdict == FAIL for one in finding.lines)
    counts = finding.verdict == FAIL and (result.get("losses") or not by_lines)
    return finding.beyond[0] if counts and finding.beyond else ""


def _why(finding: Finding) -> str:
    """The first reason; an undecided line only where nothing graver is said."""
    if finding.beyond:
        return finding.beyond[0]
    missed = [one for one in finding.lines if one.verdict == FAIL] or [
        one for one in finding.lines if one.verdict == INVALID]  # fmt: skip
    if not missed:
        return "all thresholds met"
    one = missed[0]
    return f"{one.why}: {one.words}" if one.verdict == FAIL else one.why
