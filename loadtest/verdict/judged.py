"""Each threshold against what was measured: PASS, FAIL or undecided, by the interval and never by the value alone.

PASS when the interval's far end is inside the limit, FAIL when its near end is outside, otherwise undecided: INVALID,
with the number of operations that would decide (credibility A5.6). One run is one series: batches in time, widened
where neighbouring batches resemble each other.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import ceil, inf, isfinite, isnan, log, log1p, nan, sqrt
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from loadtest.verdict.dependence import (
    BESIDE,
    FOR_80,
    NORMAL,
    UNSEEN,
    T,
    by_batches,
    design_effect,
    effect_above,
    half_width,
    share_ends,
    skewed,
    spread,
)  # fmt: skip
from loadtest.verdict.operations import BATCHES, LARGEST_CORRELATION, Series, needed
from loadtest.verdict.steady import Steady
from loadtest.verdict.thresholds import QUANTILES, Threshold
from loadtest.wire.settings import DEFAULT_TIMEOUTS
from sim.answers.intervals import Interval

Floats = NDArray[np.float64]
PASS, FAIL, INVALID = "PASS", "FAIL", "INVALID"
LONGEST_S = DEFAULT_TIMEOUTS.operation_s  # an operation takes no longer, or has no answer
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
    """An interval in SI units, and how many operations would decide against a limit in the same unit.

    `remark` is said instead of that number; with `no_pass` it says why an interval inside the limit is no PASS.
    """

    interval: Interval
    decide: int | None = None
    remark: str = ""
    no_pass: bool = False


def lines_of(
    thresholds: dict[str, Threshold], played: pd.DataFrame, steady: Steady, longest_s: float = LONGEST_S
) -> list[Line]:
    """A line for each threshold, over the operations due in the steady interval (prefill left out).

    `longest_s`: the time-out of an operation. A rate counts what ended, whenever it was due.
    """
    return [_line(name, one, played, steady, longest_s) for name, one in thresholds.items()]


def _line(name: str, one: Threshold, played: pd.DataFrame, steady: Steady, longest_s: float) -> Line:
    rows = played[spoken_of(one, played)].sort_values("due_s", kind="stable")
    found = _find(one, rows, steady, longest_s)
    limit, i = one.limit.value * one.scale, found.interval
    verdict, why = _judge(one, limit, found, steady)
    value, low, high = (x / one.scale for x in (i.value, i.low, i.high))
    return Line(name, one.words(), one.limit.value, one.limit.unit, value, low, high, i.n, verdict, why,
                found.decide if verdict == INVALID else None, i.method, one.limit.source, one.limit.status)  # fmt: skip


def spoken_of(one: Threshold, played: pd.DataFrame) -> "pd.Series[bool]":
    """Which operations a threshold speaks of."""
    keep = played["operation"].isin(one.operations())
    for column in ("cluster", "supplier"):
        if getattr(one, column):
            keep &= played[column] == getattr(one, column)
    return keep


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
        doubt = found.remark if found.no_pass else "" if steady.found else steady.method
        return (INVALID, f"undecided: {doubt}") if doubt else (PASS, "the whole interval is inside the limit")
    return INVALID, f"undecided: the interval holds the limit; {found.remark or _more(found.decide, i.n)}"


def _more(decide: int | None, n: int) -> str:
    if decide is None:
        return "the measured value lies on the limit, so that no number of operations decides"
    return f"about {decide:,} operations would decide (four times of five), if they are like these {n:,}"


def _find(one: Threshold, rows: pd.DataFrame, steady: Steady, longest_s: float) -> _Found:
    inside = rows[(rows["due_s"] >= steady.from_s) & (rows["due_s"] <= steady.to_s)]
    if one.statistic == "achieved-rate":
        return _rate(one, rows, inside, steady)
    if one.statistic == "error-share":
        return _share(one, inside[inside["outcome"] != "dropped"])
    timed = inside[inside["outcome"].isin(["ok", "unknown"])]  # an error is no fast success (rule L7)
    seconds = _seconds(one, timed)
    there = seconds.notna().to_numpy()
    series = Series(
        np.round(np.asarray(seconds, dtype=np.float64)[there], 9), (timed["outcome"] == "unknown").to_numpy()[there]
    )
    if one.statistic == "mean":
        return _mean(series, one.limit.value * one.scale, longest_s)
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
    r = spread(np.asarray(endless > value, dtype=np.float64))[1]
    method = f"order statistics, {BATCHES} batches in time and coarser{_widened(r)}"
    found = Interval(value, min(low, value), max(high, value), n, method)
    slower = float((endless > limit).mean())
    return _decided(found, slower, 1 - q, max(effect, effect_above(endless, limit)), needed(q), r)


def _highest(seconds: Floats, q: float, effect: float) -> float:
    """The smallest time of the sample that surely no more than 1 - q exceed; infinite where there is none.

    `effect` at the percentile itself: above all that was seen, no clusters are seen either.
    """
    ordered = np.sort(seconds)
    low, high = int(len(ordered) * q) - 1, len(ordered) - 1

    def most(at: int) -> float:
        return share_ends(seconds > ordered[at], max(effect, effect_above(seconds, float(ordered[at]))))[1]

    if most(high) > 1 - q:
        return inf
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if most(middle) <= 1 - q else (middle, high)
    return float(ordered[high])


def _lowest(seconds: Floats, q: float) -> float:
    """The largest time of the sample that surely more than 1 - q reach; 0 where there is none."""
    ordered = np.sort(seconds)
    low, high = -1, int(np.ceil(len(ordered) * q))
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if share_ends(seconds >= ordered[middle])[0] > 1 - q else (low, middle)
    return float(ordered[low]) if low >= 0 else 0.0


def _decided(interval: Interval, slower: float, share: float, effect: float, least: int, r: float) -> _Found:
    """How many operations would decide, four times of five, whether more than `share` are slower than the limit."""
    n, away = interval.n, abs(slower - share)
    remark = REPEAT if r > LARGEST_CORRELATION else ""
    if away == 0:
        return _Found(interval, None, remark)
    deviation = sqrt(effect * max(share * (1 - share), slower * (1 - slower)))
    return _Found(interval, max(least, ceil(((NORMAL + FOR_80) * deviation / away) ** 2), n + 1), remark)


def _widened(r: float) -> str:
    return f", widened for the correlation {r:.2f} of neighbouring batches" if r > LARGEST_CORRELATION else ""


def _mean(series: Series, limit: float, longest_s: float) -> _Found:
    """By batches. The upper end also allows for what is so rare that it was not met, and lasts up to `longest_s`."""
    n = len(series.seconds)
    if n < FEWEST:
        return _Found(_not_shown(n, FEWEST), FEWEST)
    value, unseen = float(series.seconds.mean()), UNSEEN * longest_s / n
    error, r = spread(series.seconds)
    up, down = half_width(series.seconds) + skewed(series.seconds), T[BATCHES] * error
    high = inf if series.censored.any() else value + max(up, unseen)
    method = (f"t by {BATCHES} batches in time and coarser, for skewed values{_widened(r)}; the upper end allows for "
              f"operations of {longest_s:g} s so rare that none was met")  # fmt: skip
    interval, depends = Interval(value, value - down, high, n, method), r > LARGEST_CORRELATION
    no_pass = depends and float(by_batches(series.seconds).max()) > limit / 2
    by_rare = ceil(UNSEEN * longest_s / (limit - value)) if limit > value else 0
    decide = _more_of(n, up if limit > value else down, abs(value - limit))
    return _Found(interval, max(decide, by_rare) if decide else None, REPEAT if depends else "", no_pass)


def _more_of(n: int, half: float, away: float) -> int | None:
    """Operations after which four of five plays decide; None where the measured value lies on the limit."""
    return max(n + 1, ceil(n * ((1 + FOR_80 / NORMAL) * half / away) ** 2)) if away else None


def _not_shown(n: int, least: int) -> Interval:
    return Interval(nan, nan, nan, n, f"not shown: {n} operations, {least} needed")


def error_free(limit: float) -> int:
    """Operations without one error after which a share of errors is surely no more than the limit (0 to 1)."""
    return ceil(log(BESIDE) / log1p(-limit)) if 0 < limit < 1 else 1


def operations_for(one: Threshold, longest_s: float = LONGEST_S) -> int:
    """Operations of its own before a threshold can be met, by an archive of which nothing bad is seen.

    A mean half as large as its limit; a percentile or a rate that is shown.
    """
    limit = one.limit.value * one.scale
    if one.statistic == "error-share":
        return max(BATCHES, error_free(limit))
    if one.statistic == "mean":
        return max(FEWEST, ceil(2 * UNSEEN * longest_s / limit)) if limit else FEWEST
    return needed(QUANTILES[one.statistic]) if one.statistic in QUANTILES else FEWEST


def _share(one: Threshold, rows: pd.DataFrame) -> _Found:
    """Clopper-Pearson, with n lowered where errors come together in time.

    What took no answer is neither done nor an error (rule F3): it counts in the upper end alone.
    """
    n = len(rows)
    if n == 0:
        return _Found(_not_shown(0, 1), None)
    wrong, unknown = (rows["outcome"].isin(names).to_numpy() for names in (["refused", "failed"], ["unknown"]))
    share, limit, unanswered = float(wrong.mean()), one.limit.value * one.scale, int(unknown.sum())
    low, high = (share_ends(wrong)[0], share_ends(wrong | unknown)[1]) if n >= BATCHES else (0.0, 1.0)
    beside = f"; {unanswered} without an answer in the upper end alone" if unanswered else ""
    interval = Interval(share, low, high, n, f"Clopper-Pearson, n lowered by batches in time{beside}")
    if unanswered and n >= BATCHES and share_ends(wrong)[1] <= limit:
        return _Found(interval, None, f"{unanswered} operations took no answer, and may or may not be errors")
    if share == 0:
        return _Found(interval, error_free(limit) if 0 < limit < 1 else None)
    return _Found(interval, _more_of(n, max(high - share, share - low), abs(share - limit)))


def _rate(one: Threshold, rows: pd.DataFrame, inside: pd.DataFrame, steady: Steady) -> _Found:
    """What was done a second, by batches of equal time in the steady interval; each answer is taken back by its kind's
    median response, or those still under way at the end would be missing.
    """
    n, length = len(inside), steady.to_s - steady.from_s
    if n < FEWEST or length <= 0:
        return _Found(_not_shown(n, FEWEST), FEWEST)
    weight = {"images": "objects", "bytes": "bytes"}.get(one.measure)
    done = rows[rows["outcome"] == "ok"]
    took = (done["end_s"] - done["due_s"]).groupby([done["cluster"], done["operation"]]).transform("median")
    ended = (done["end_s"] - took).to_numpy(np.float64)
    from_s = _drained(ended[(done["due_s"] < steady.from_s).to_numpy()], steady)
    length, edges = steady.to_s - from_s, np.linspace(from_s, steady.to_s, BATCHES + 1)
    amounts = done[weight].to_numpy(np.float64) if weight else np.ones(len(done))
    rates = np.histogram(ended, edges, weights=amounts)[0] / (length / BATCHES)
    error, r = spread(rates.astype(np.float64))
    value, half, limit = float(rates.mean()), T[BATCHES] * error, one.limit.value * one.scale
    method = f"{BATCHES} batches in time, t with {BATCHES - 1}{_widened(r)}"
    found = Interval(value, value - half, value + half, n, method)
    return _Found(found, _more_of(n, half, abs(value - limit)), _asked(one, inside, limit, length))


def _drained(ended: Floats, steady: Steady) -> float:
    """When what was due in the warm-up had ended: its rush is no rate. Where that takes long, it is the archive's."""
    last = float(ended.max(initial=steady.from_s))
    return last if last < (steady.from_s + steady.to_s) / 2 else steady.from_s


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
