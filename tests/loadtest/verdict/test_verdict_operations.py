"""Percentiles with intervals: those of theory are covered, too few are refused, errors are no fast successes."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from loadtest.verdict.operations import QUANTILES, Series, lag_one, needed, percentile, summary
from loadtest.verdict.records import OperationRow, operations_table

NONE = np.zeros(0, dtype=bool)


def series(seconds: np.ndarray[Any, Any], censored: np.ndarray[Any, Any] | None = None) -> Series:
    return Series(seconds, np.zeros(len(seconds), dtype=bool) if censored is None else censored)


def sojourn(n: int, load: float, rng: np.random.Generator) -> np.ndarray[Any, Any]:
    """Sojourn times of an M/M/1 queue in steady state (Lindley); exponential with rate 1 - load."""
    between, service = rng.exponential(1 / load, n + 500), rng.exponential(1.0, n + 500)
    walk = np.concatenate([[0.0], np.cumsum(service[:-1] - between[1:])])
    found: np.ndarray[Any, Any] = (walk - np.minimum.accumulate(walk) + service)[500:]
    return found


@pytest.mark.parametrize(("stat", "n", "load"), [("p50", 2000, 0.5), ("p95", 2000, 0.5), ("p95", 400, 0.2)])
def test_the_true_percentile_of_a_queue_is_covered(stat: str, n: int, load: float) -> None:
    """95 % intervals over 500 runs of one correlated series: 0.92 to 0.99 (4 standard errors are 0.039)."""
    q, rng, hits = QUANTILES[stat], np.random.default_rng(20070306), 0
    truth = -np.log(1 - q) / (1 - load)
    for _ in range(500):
        i = percentile(series(sojourn(n, load, rng)), q)
        hits += (np.isnan(i.low) or i.low <= truth) and (np.isnan(i.high) or truth <= i.high)
    assert 0.911 <= hits / 500 <= 0.989


def test_a_freeze_widens_the_interval() -> None:
    rng = np.random.default_rng(1)
    calm = rng.exponential(0.01, 2000)
    frozen = calm.copy()
    frozen[500:700] += np.linspace(5, 0, 200)
    shuffled = rng.permutation(frozen)
    one, other = percentile(series(frozen), 0.5), percentile(series(shuffled), 0.5)
    assert one.high - one.low > 1.3 * (other.high - other.low)


@pytest.mark.parametrize(("q", "n"), [(0.5, 20), (0.95, 200), (0.99, 1000), (0.999, 10_000)])
def test_operations_needed(q: float, n: int) -> None:
    assert needed(q) == n
    short = percentile(series(np.ones(n - 1)), q)
    assert np.isnan(short.value)
    assert short.method == f"not shown: {n - 1} operations, {n} needed"
    assert percentile(series(np.ones(n)), q).value == 1.0


def test_unanswered_operations_make_a_lower_bound() -> None:
    seconds = np.concatenate([np.full(90, 0.1), np.full(30, 5.0)])
    censored = seconds == 5.0
    assert "lower bound" not in percentile(series(seconds, censored), 0.5).method
    quick = np.concatenate([np.full(30, 0.05), np.full(90, 0.1)])
    assert "lower bound" in percentile(series(quick, quick == 0.05), 0.5).method


@pytest.mark.parametrize(("unanswered", "bounded"), [(45, False), (2, True)])
def test_unanswered_operations_leave_no_upper_end_where_they_could_reach_it(unanswered: int, bounded: bool) -> None:
    """4.5 % without an answer in 5 s: p95 lies among the others, and its upper end may lie anywhere above them."""
    rng = np.random.default_rng(0)
    seconds, censored = rng.normal(0.1, 0.01, 1000), np.zeros(1000, dtype=bool)
    censored[rng.choice(1000, unanswered, replace=False)] = True
    seconds[censored] = 5.0
    found = percentile(series(seconds, censored), 0.95)
    assert found.low <= found.value < 0.2
    assert (found.high < 0.2) if bounded else np.isnan(found.high)
    assert ("no upper end, for operations without an answer reach it" in found.method) != bounded


def test_lag_one() -> None:
    assert lag_one(np.ones(20)) == 0.0
    assert lag_one(np.arange(20.0)) > 0.8
    assert lag_one(np.array([1.0, -1.0] * 10)) < -0.9


def frame(n: int = 300, **other: Any) -> pd.DataFrame:
    due = np.arange(n) * 0.1
    took = np.random.default_rng(1).exponential(0.05, n)
    data = pd.DataFrame({
        "cluster": "south", "operation": "store", "phase": "play", "due_s": due, "outcome": "ok", "blocked_s": 0.0,
        "response_s": took + 0.001, "service_s": took, "lag_s": 0.001,
    })  # fmt: skip
    return data.assign(**other)


def test_a_row_for_each_measure_and_percentile() -> None:
    found = summary(frame())
    assert len(found) == 4 * 4
    assert list(found.columns) == [
        "cluster", "operation", "measure", "stat", "over", "value", "low", "high", "n", "errors", "unanswered",
        "dropped", "method", "unit", "enough",
    ]  # fmt: skip
    p95 = found[(found["measure"] == "response_s") & (found["stat"] == "p95")].iloc[0]
    assert p95["low"] <= p95["value"]
    assert (p95["enough"], p95["unit"], p95["over"]) == ("yes", "s", "operations")
    p99 = found[(found["measure"] == "response_s") & (found["stat"] == "p99")].iloc[0]
    assert np.isnan(p99["value"])
    assert p99["enough"] == "too few: 1000 needed"


def test_time_to_the_first_image_is_a_measure_of_what_retrieves() -> None:
    """From the due time; an answer that never came bounds it from below, but where its first image was there."""
    every = pd.concat([frame(operation=kind) for kind in ("store", "find", "qido", "get", "move", "wado")])
    every["first_object_s"] = every["due_s"] + 0.25
    found = summary(every)
    first = found[found["measure"] == "first_image_s"]
    assert set(first["operation"]) == {"get", "move", "wado"}
    assert first.loc[first["stat"] == "p50", "value"].tolist() == pytest.approx([0.25] * 3)
    lost = frame(300, operation="get", first_object_s=np.nan)
    lost["first_object_s"] = (lost["due_s"] + 0.25).where(lost.index < 200)
    lost.loc[lost.index >= 150, ["outcome", "response_s"]] = "unknown", 9.0
    lost.loc[0, "first_object_s"] = np.nan  # it ended well and had no image: there is no such time
    first = summary(lost).query("measure == 'first_image_s'").set_index("stat")
    p50, p95 = first.loc["p50"], first.loc["p95"]
    assert (p50["n"], p50["value"], p95["value"]) == (299, pytest.approx(0.25), 9.0)


def test_first_image_in_the_run_folder() -> None:
    rows = [
        OperationRow(n, "south", "ge", "S1", "WS1", kind, "prior", "CT", n, "play", 1.0, first_object_s=1.5, end_s=3.0)
        for n, kind in enumerate(("store", "find", "get", "move", "wado"))
    ]
    found = operations_table(rows).to_pandas().set_index("operation")["first_image_s"]
    assert found.dropna().to_dict() == {"get": 0.5, "move": 0.5, "wado": 0.5}


def test_groups_and_prefill() -> None:
    both = pd.concat([frame(), frame(50, operation="find"), frame(30, phase="prefill", due_s=np.nan)])
    found = summary(both, by=["operation"])
    assert dict(found.groupby("operation")["n"].first()) == {"store": 300, "find": 50}


def test_l7_errors_are_no_fast_successes() -> None:
    outcome = np.array(["ok"] * 200 + ["refused"] * 60 + ["failed"] * 20 + ["unknown"] * 10 + ["dropped"] * 10)
    data = frame(300, outcome=outcome)
    data.loc[data["outcome"].isin(["refused", "failed"]), "response_s"] = 1e-6
    data.loc[data["outcome"] == "dropped", ["response_s", "service_s", "lag_s"]] = np.nan
    found = summary(data)
    first = found[(found["measure"] == "response_s") & (found["stat"] == "p50")].iloc[0]
    assert (first["n"], first["errors"], first["unanswered"], first["dropped"]) == (210, 80, 10, 10)
    assert first["value"] > 0.001
    errors = found[found["measure"] == "error_s"]
    assert errors.iloc[0]["n"] == 80
    assert errors.iloc[0]["value"] == pytest.approx(1e-6)
