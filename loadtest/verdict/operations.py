"""What the operations took, by cluster and operation, with intervals that respect that one run is one series.

Answers of one run depend on each other, so its operations are batched in time (20 batches), never taken as
independent. A percentile q is shown only where n (1 - q) >= 10. Method: Law 2015 ch. 9, batch means of "slower than the
percentile"; the interval of that share is carried back to the sorted times (order statistics).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from loadtest.verdict.records import RETRIEVING
from sim.answers.intervals import Interval

Floats = NDArray[np.float64]
QUANTILES = {"p50": 0.50, "p95": 0.95, "p99": 0.99, "p99.9": 0.999}
MEASURES = ("response_s", "service_s", "blocked_s", "lag_s")
FIRST_IMAGE = "first_image_s"
BATCHES = 20
BEYOND = 10  # operations slower than a percentile, before it is shown
LARGEST_CORRELATION = 0.2  # of neighbouring batches; above it the interval is widened, and says so
NAN = float("nan")


@dataclass(frozen=True)
class Series:
    """Durations in seconds in order of due time; `censored` ended without an answer, and took at least so long."""

    seconds: Floats
    censored: NDArray[np.bool_]


def needed(q: float) -> int:
    """Operations needed before the q-quantile is shown."""
    return int(np.ceil(BEYOND / (1 - q) - 1e-9))


def summary(operations: pd.DataFrame, by: Sequence[str] = ("cluster", "operation"), ci: float = 0.95) -> pd.DataFrame:
    """One row a group, measure and percentile.

    `operations` as in the run folder (prefill is left out). Columns: *by, measure, stat, over, value, low, high in
    seconds, n (answered or unanswered), errors (refused or failed), unanswered, dropped, method, unit, enough ("yes" or
    how many operations it takes). Response counts from the due time. Refused and failed operations are in `errors`
    alone, with their own measure `error_s`: an error is no fast success (rule L7). `first_image_s` is of what retrieves
    alone, from the due time; without an answer it is known where the first image had come.
    """
    played = operations[operations["phase"] == "play"].sort_values("due_s", kind="stable")
    played = played.assign(**{FIRST_IMAGE: _first_image(played)})
    groups = [(dict(zip(by, key, strict=True)), part) for key, part in played.groupby(list(by), sort=True)]
    return pd.DataFrame([row for key, part in groups for row in _group(key, part, ci)])


def _group(key: dict[str, object], part: pd.DataFrame, ci: float) -> Iterator[dict[str, object]]:
    outcome = part["outcome"]
    wrong, unanswered = outcome.isin(["refused", "failed"]), outcome == "unknown"
    counts = {
        "errors": int(wrong.sum()), "unanswered": int(unanswered.sum()), "dropped": int((outcome == "dropped").sum()),
    }  # fmt: skip
    ended = part[(outcome == "ok") | unanswered]
    groups = [(measure, ended, measure) for measure in MEASURES]
    first = ended[ended[FIRST_IMAGE].notna()]
    groups += [(FIRST_IMAGE, first, FIRST_IMAGE)] if len(first) else []
    groups += [("error_s", part[wrong], "response_s")] if counts["errors"] else []
    for measure, rows, column in groups:
        bounds = _bounds(rows) if measure == FIRST_IMAGE else measure in ("response_s", "service_s")
        censored = (rows["outcome"] == "unknown").to_numpy() & bounds
        series = Series(rows[column].to_numpy(np.float64), censored)
        for stat, q in QUANTILES.items():
            i = percentile(series, q, ci)
            enough = "yes" if i.n >= needed(q) else f"too few: {needed(q)} needed"
            yield {
                **key, "measure": measure, "stat": stat, "over": "operations", "value": i.value, "low": i.low,
                "high": i.high, "n": i.n, **counts, "method": i.method, "unit": "s", "enough": enough,
            }  # fmt: skip


def _first_image(rows: pd.DataFrame) -> "pd.Series[float]":
    """Due time to first image in seconds, of operations that retrieve; the response, if none came and no answer."""
    if "first_object_s" not in rows:
        return pd.Series(NAN, rows.index)
    first = rows["first_object_s"] - rows["due_s"]
    first = first.where(first.notna() | (rows["outcome"] == "ok"), rows["response_s"])
    return first.where(rows["operation"].isin(RETRIEVING))


def _bounds(rows: pd.DataFrame) -> NDArray[np.bool_]:
    return rows["first_object_s"].isna().to_numpy()


def percentile(series: Series, q: float, ci: float = 0.95) -> Interval:
    """The q-quantile with its interval, all NaN where there are too few operations for it.

    An end alone is NaN where the sorted times do not reach so far out, or where it lies among operations without an
    answer, which lasted longer than was seen.
    """
    n = len(series.seconds)
    if n < needed(q):
        return Interval(NAN, NAN, NAN, n, f"not shown: {n} operations, {needed(q)} needed")
    ordered, endless = np.sort(series.seconds), np.where(series.censored, np.inf, series.seconds)
    value = float(ordered[int(np.ceil(n * q - 1e-9)) - 1])
    half, method = _half_width(endless > value, ci)
    low = _order_statistic(ordered, np.floor(n * (q - half)))
    high = _order_statistic(np.sort(endless), np.ceil(n * (q + half)))
    if np.isinf(high):
        high, method = NAN, f"{method}; no upper end, for operations without an answer reach it"
    if (series.seconds[series.censored] <= value).any():
        method += "; a lower bound, for operations without an answer lie below it"
    return Interval(value, low, high, n, method)


def _half_width(slower: NDArray[np.bool_], ci: float) -> tuple[float, str]:
    """Half width of the share that is slower, by batches in time; never narrower than independence would give."""
    n, share = len(slower), float(slower.mean())
    means = np.array([batch.mean() for batch in np.array_split(slower, BATCHES)])
    spread = max(float(means.std(ddof=1)) / np.sqrt(BATCHES), np.sqrt(share * (1 - share) / n))
    method = f"{BATCHES} batches in time, t with {BATCHES - 1}, order statistics"
    r = lag_one(means)
    if r > LARGEST_CORRELATION:
        spread *= np.sqrt((1 + r) / (1 - r))
        method += f", widened for the correlation {r:.2f} of neighbouring batches"
    return float(stats.t.ppf(0.5 + ci / 2, BATCHES - 1)) * spread, method


def lag_one(values: Floats) -> float:
    """Correlation of neighbours, at most 0.95; 0 where nothing varies."""
    centred = values - values.mean()
    scale = float(np.dot(centred, centred))
    return min(float(np.dot(centred[:-1], centred[1:])) / scale, 0.95) if scale > 0 else 0.0


def _order_statistic(ordered: Floats, rank: float) -> float:
    """The rank-th smallest (from 1); NaN outside the sample."""
    return float(ordered[int(rank) - 1]) if 1 <= rank <= len(ordered) else NAN
