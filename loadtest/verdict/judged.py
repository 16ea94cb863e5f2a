"""Each threshold against what was measured: PASS, FAIL or undecided, by the interval and never by the value alone.

PASS when the interval's far end is inside the limit, FAIL when its near end is outside, otherwise undecided: INVALID,
with the number of operations that would decide (credibility A5.6). One run is one series: batches in time, widened
where neighbouring batches resemble each other.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import ceil, inf, isfinite, isnan, log, nan
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from loadtest.verdict.operations import BATCHES, LARGEST_CORRELATION, Series, lag_one, needed
from loadtest.verdict.steady import Steady
from loadtest.verdict.thresholds import QUANTILES, Threshold
from sim.answers.intervals import Interval

Floats = NDArray[np.float64]
PASS, FAIL, INVALID = "PASS", "FAIL", "INVALID"
CI = 0.95
T = float(stats.t.ppf(0.5 + CI / 2, BATCHES - 1))
FEWEST = 5 * BATCHES  # operations for a mean or a rate
REPEAT = "repeat the run five times: its batches depend on each other"


@dataclass(frozen=True)
class Line:
    """One threshold's verdict; value, low and high in the limit's unit, NaN where not shown; decide: operations."""

    name: str
    words: str
    limit: float
    unit: str
    value: float
    low: float
    high: float
    n: int
    verdict: str
    why: str
    decide: int | None
    method: str
    source: str
    status: str

    def to_json(self) -> dict[str, Any]:
        """Plain data: what is not shown is null."""
        return {k: None if isinstance(v, float) and not isfinite(v) else v for k, v in asdict(self).items()}


@dataclass(frozen=True)
class _Found:
    """An interval in SI units, and how many operations would decide against a limit in the same unit."""

    interval: Interval
    decide: int | None = None
    remark: str = ""


def lines_of(thresholds: dict[str, Threshold], played: pd.DataFrame, steady: Steady) -> list[Line]:
    """A line for each threshold, over the operations due in the steady interval (prefill left out)."""
    inside = played[(played["due_s"] >= steady.from_s) & (played["due_s"] <= steady.to_s)]
    return [_line(name, one, inside, steady) for name, one in thresholds.items()]


def _line(name: str, one: Threshold, played: pd.DataFrame, steady: Steady) -> Line:
    rows = _rows(one, played)
    found = _find(one, rows, steady)
    limit, i = one.limit.value * one.scale, found.interval
    verdict, why = _judge(one, limit, found, steady)
    value, low, high = (x / one.scale for x in (i.value, i.low, i.high))
    return Line(name, one.words(), one.limit.value, one.limit.unit, value, low, high, i.n, verdict, why,
                found.decide if verdict == INVALID else None, i.method, one.limit.source, one.limit.status)  # fmt: skip


def _rows(one: Threshold, played: pd.DataFrame) -> pd.DataFrame:
    keep = played["operation"].isin(one.operations())
    for column in ("cluster", "supplier"):
        if getattr(one, column):
            keep &= played[column] == getattr(one, column)
    return played[keep].sort_values("due_s", kind="stable")


def _judge(one: Threshold, limit: float, found: _Found, steady: Steady) -> tuple[str, str]:
    i = found.interval
    if i.n == 0:
        return INVALID, "no such operation was played"
    if isnan(i.value):
        return INVALID, i.method
    low, high = (-i.high, -i.low) if one.at_least else (i.low, i.high)
    bound = -limit if one.at_least else limit
    if low > bound:
        return FAIL, "the whole interval is outside the limit"
    if high <= bound:
        return (
            (PASS, "the whole interval is inside the limit")
            if steady.found
            else (INVALID, f"undecided: {steady.method}")
        )
    return INVALID, f"undecided: the interval holds the limit; {found.remark or _more(found.decide, i.n)}"


def _more(decide: int | None, n: int) -> str:
    if decide is None:
        return "the measured value lies on the limit, so that no number of operations decides"
    return f"about {decide:,} operations would decide, if they are like these {n:,}"


def _find(one: Threshold, rows: pd.DataFrame, steady: Steady) -> _Found:
    if one.statistic == "achieved-rate":
        return _rate(one, rows, steady)
    if one.statistic == "error-share":
        return _share(one, rows[rows["outcome"] != "dropped"])
    timed = rows[rows["outcome"].isin(["ok", "unknown"])]  # an error is no fast success (rule L7)
    seconds = _seconds(one, timed)
    there = seconds.notna().to_numpy()
    series = Series(
        np.round(np.asarray(seconds, dtype=np.float64)[there], 9), (timed["outcome"] == "unknown").to_numpy()[there]
    )
    if one.statistic == "mean":
        return _mean(series, one.limit.value * one.scale)
    return _quantile(series, QUANTILES[one.statistic], one.limit.value * one.scale)


def _seconds(one: Threshold, rows: pd.DataFrame) -> "pd.Series[float]":
    if one.measure != "first-image":
        return rows["end_s"] - rows["due_s"]
    first: pd.Series[float] = rows["first_object_s"] - rows["due_s"]
    return first.where(first.notna() | (rows["outcome"] == "ok"), rows["end_s"] - rows["due_s"])


def _quantile(series: Series, q: float, limit: float) -> _Found:
    """The interval holds each time x for which "a share 1 - q is slower than x" is not refuted (order statistics).

    What took no answer lasted at least so long: its time for the lower end, no bound for the upper one.
    """
    n = len(series.seconds)
    if n < needed(q):
        return _Found(_not_shown(n, needed(q)), needed(q))
    endless = np.asarray(np.where(series.censored, inf, series.seconds), dtype=np.float64)
    at = int(np.ceil(n * q - 1e-9)) - 1
    value = float(np.sort(series.seconds)[at])
    effect = design_effect(endless > value)
    low, high = _lowest(series.seconds, q), _highest(endless, q, effect)
    told, r = _dependence(endless > value)
    method = f"order statistics, {BATCHES} batches in time{told}"
    found = Interval(value, min(low, value), max(high, value), n, method)
    return _decided(found, np.asarray(endless > limit, dtype=np.float64), 1 - q, needed(q), r)


def _highest(seconds: Floats, q: float, effect: float) -> float:
    """The smallest time of the sample that surely no more than 1 - q exceed; infinite where there is none.

    `effect` at the percentile itself: above all that was seen, no clusters are seen either.
    """
    ordered = np.sort(seconds)
    low, high = int(len(ordered) * q) - 1, len(ordered) - 1
    if share_ends(seconds > ordered[high], effect)[1] > 1 - q:
        return inf
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if share_ends(seconds > ordered[middle], effect)[1] <= 1 - q else (middle, high)
    return float(ordered[high])


def _lowest(seconds: Floats, q: float) -> float:
    """The largest time of the sample that surely more than 1 - q reach; 0 where there is none."""
    ordered = np.sort(seconds)
    low, high = -1, int(np.ceil(len(ordered) * q))
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if share_ends(seconds >= ordered[middle])[0] > 1 - q else (low, middle)
    return float(ordered[low]) if low >= 0 else 0.0


def design_effect(hits: NDArray[np.bool_]) -> float:
    """By what factor the batches in time spread more than chance makes them; t with 19 for the normal's quantile."""
    n, share = len(hits), float(hits.mean())
    alone = share * (1 - share) / n
    spread = _spread(np.asarray(hits, dtype=np.float64))[0]
    return max(1.0, spread**2 / alone) * (T / 1.96) ** 2 if alone > 0 else 1.0


def share_ends(hits: NDArray[np.bool_], effect: float = 1.0) -> tuple[float, float]:
    """Interval of a share: Clopper-Pearson, with n lowered by the design effect, here or (`effect`) nearby."""
    n, share, a = len(hits), float(hits.mean()), (1 - CI) / 2
    effective = n / max(effect, design_effect(hits))
    bad = share * effective
    low = float(stats.beta.ppf(a, bad, effective - bad + 1)) if bad > 0 else 0.0
    return low, float(stats.beta.ppf(1 - a, bad + 1, effective - bad)) if bad < effective else 1.0


def _dependence(slower: NDArray[np.bool_]) -> tuple[str, float]:
    r = _spread(np.asarray(slower, dtype=np.float64))[1]
    return (f", widened for the correlation {r:.2f} of neighbours" if r > LARGEST_CORRELATION else ""), r


def _decided(interval: Interval, slower: Floats, share: float, least: int, r: float) -> _Found:
    """How many operations would decide whether more than `share` are slower than the limit."""
    n, away = len(slower), abs(float(slower.mean()) - share)
    remark = REPEAT if r > LARGEST_CORRELATION else ""
    if away == 0:
        return _Found(interval, None, remark)
    base = max(_spread(slower)[0], float(np.sqrt(share * (1 - share) / n)))
    return _Found(interval, max(least, ceil(n * (T * base / away) ** 2), n + 1), remark)


def _spread(values: Floats) -> tuple[float, float]:
    """Standard error of the mean by batches in time, and the correlation of neighbouring batches."""
    means = np.array([part.mean() for part in np.array_split(values, BATCHES)])
    r = lag_one(means)
    wider = np.sqrt((1 + r) / (1 - r)) if r > LARGEST_CORRELATION else 1.0
    return float(means.std(ddof=1)) / np.sqrt(BATCHES) * wider, r


def _by_batches(r: float) -> str:
    wider = f", widened for the correlation {r:.2f} of neighbouring batches" if r > LARGEST_CORRELATION else ""
    return f"{BATCHES} batches in time, t with {BATCHES - 1}{wider}"


def _mean(series: Series, limit: float) -> _Found:
    n = len(series.seconds)
    if n < FEWEST:
        return _Found(_not_shown(n, FEWEST), FEWEST)
    value = float(series.seconds.mean())
    spread, r = _spread(series.seconds)
    high = inf if series.censored.any() else value + T * spread
    interval = Interval(value, value - T * spread, high, n, _by_batches(r))
    away = abs(value - limit)
    decide = max(n + 1, ceil(n * (T * spread / away) ** 2)) if away else None
    return _Found(interval, decide, REPEAT if r > LARGEST_CORRELATION else "")


def _not_shown(n: int, least: int) -> Interval:
    return Interval(nan, nan, nan, n, f"not shown: {n} operations, {least} needed")


def _share(one: Threshold, rows: pd.DataFrame) -> _Found:
    """Clopper-Pearson, with n lowered where errors come together in time."""
    n = len(rows)
    if n == 0:
        return _Found(_not_shown(0, 1), None)
    wrong = np.asarray(rows["outcome"] != "ok", dtype=np.float64)
    share, limit = float(wrong.mean()), one.limit.value * one.scale
    low, high = share_ends(wrong > 0) if n >= BATCHES else (0.0, 1.0)
    interval = Interval(share, low, high, n, f"Clopper-Pearson, n lowered by {BATCHES} batches in time")
    a, half = (1 - CI) / 2, max(high - share, share - low)
    if share == 0:
        return _Found(interval, ceil(log(a) / log(1 - limit)) if 0 < limit < 1 else None)
    away = abs(share - limit)
    return _Found(interval, max(n + 1, ceil(n * (half / away) ** 2)) if away else None)


def _rate(one: Threshold, rows: pd.DataFrame, steady: Steady) -> _Found:
    """What was done a second, by batches of equal time in the steady interval."""
    n, length = len(rows), steady.to_s - steady.from_s
    if n < FEWEST or length <= 0:
        return _Found(_not_shown(n, FEWEST), FEWEST)
    weight = {"images": "objects", "bytes": "bytes"}.get(one.measure)
    done = rows[(rows["outcome"] == "ok") & (rows["end_s"] >= steady.from_s) & (rows["end_s"] <= steady.to_s)]
    amounts = done[weight].to_numpy(np.float64) if weight else np.ones(len(done))
    edges = np.linspace(steady.from_s, steady.to_s, BATCHES + 1)
    counts = np.histogram(done["end_s"].to_numpy(np.float64), edges, weights=amounts)[0].astype(np.float64)
    rates = counts / (length / BATCHES)
    r = lag_one(rates)
    wider = np.sqrt((1 + r) / (1 - r)) if r > LARGEST_CORRELATION else 1.0
    value, half = float(rates.mean()), T * float(rates.std(ddof=1)) / np.sqrt(BATCHES) * wider
    limit = one.limit.value * one.scale
    away = abs(value - limit)
    decide = max(n + 1, ceil(n * (half / away) ** 2)) if away else None
    return _Found(
        Interval(value, value - half, value + half, n, _by_batches(r)), decide, _asked(one, rows, limit, length)
    )


def _asked(one: Threshold, rows: pd.DataFrame, limit: float, length: float) -> str:
    """A plan that asks for less than the limit can never show it."""
    weight = {"images": "planned_objects"}.get(one.measure)
    if one.measure == "bytes":
        return ""
    asked = float(rows[weight].sum() if weight else len(rows)) / length
    return f"the plan itself asks for only {asked:.3g}/s: play a faster one" if asked < 0.999 * limit else ""


def word_of(lines: Sequence[Line]) -> str:
    """The verdict over all lines."""
    words = {one.verdict for one in lines}
    return FAIL if FAIL in words else INVALID if INVALID in words else PASS
