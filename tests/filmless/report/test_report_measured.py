"""Percentiles of measured operations: against numpy, and their intervals against many repetitions."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from filmless.report.answers import answers
from filmless.report.measured import FIRST_IMAGE, Measured, needed, percentile
from filmless.report.simulated import Simulated
from sim.runs.store import RunProblem, RunWriter
from tests.filmless.report.conftest import Runs
from tests.filmless.report.fake_run import load_run


@pytest.mark.parametrize("q", [0.5, 0.95, 0.99])
@pytest.mark.parametrize("n", [1, 2, 7, 200, 1000])
def test_value_is_the_inverse_of_the_empirical_distribution(q: float, n: int):
    x = np.random.default_rng(n).exponential(size=n)
    assert percentile(x, q).value == np.quantile(x, q, method="inverted_cdf")


def _covered(series: list[np.ndarray], q: float, truth: float) -> float:
    found = [percentile(s, q) for s in series]
    return float(np.mean([i.low <= truth <= i.high for i in found]))


def test_interval_covers_for_independent_operations():
    rng = np.random.default_rng(1)
    covered = _covered([rng.exponential(size=400) for _ in range(600)], 0.95, -np.log(0.05))
    assert covered > 0.95 - 3 * np.sqrt(0.95 * 0.05 / 600)


def _dependent(rng: np.random.Generator, n: int, r: float) -> np.ndarray:
    """Normal scores of an AR(1) series: variance 1, so that the quantiles are known."""
    e, x = rng.normal(size=n + 50), np.zeros(n + 50)
    for i in range(1, n + 50):
        x[i] = r * x[i - 1] + np.sqrt(1 - r * r) * e[i]
    return x[50:]


def test_interval_allows_for_operations_that_depend_on_their_neighbours():
    rng = np.random.default_rng(2)
    series = [_dependent(rng, 600, 0.6) for _ in range(300)]
    assert _covered(series, 0.5, 0.0) > 0.90
    shuffled = [percentile(rng.permutation(s), 0.5) for s in series]  # as if they were independent
    assert np.mean([i.low <= 0 <= i.high for i in shuffled]) < 0.80


def test_operations_needed_for_a_percentile():
    assert [needed(q) for q in (0.5, 0.95, 0.99, 0.999)] == [20, 200, 1000, 10000]


def test_a_percentile_that_n_cannot_bound_is_not_shown(runs: Runs):
    table = Measured(runs.loads).table("p99", ["cluster", "kind"])
    query = table[table["kind"] == "query"].iloc[0]
    assert query["enough"] == "no: 1000 needed"
    assert np.isnan(query["value"])
    assert "too few" in query["method"]
    store = Measured(runs.loads).table("p95", ["cluster", "kind"])
    assert set(store.loc[store["kind"] == "store", "enough"]) == {"yes"}


def test_only_what_was_played_and_ended_well_is_measured(runs: Runs):
    measured = Measured(runs.loads)
    assert len(measured.operations) == 5 * 420
    assert len(measured.answered()) == 5 * 419
    counts = measured.outcomes()
    assert counts[["ok", "refused", "failed", "unknown", "dropped"]].to_numpy().sum() == 5 * 420
    assert counts["refused"].sum() == 5


def test_response_counts_from_the_due_time(runs: Runs):
    measured = Measured(runs.loads)
    late = measured.table("p50", ["cluster"], "lag")
    whole, served = (measured.table("p50", ["cluster"], clock) for clock in ("response", "service"))
    assert (late["value"] > 0).all()
    assert (whole["value"] > served["value"]).all()


def test_the_first_image_is_that_of_retrieves_and_stands_in_the_table_of_answers(runs: Runs):
    measured = Measured(runs.loads)
    first, whole = measured.first_images(), measured.table("p50", ["cluster", "kind"]).set_index(["cluster", "kind"])
    assert set(first["kind"]) == {FIRST_IMAGE}
    for _, one in first[first["stat"] == "p50"].iterrows():
        assert 0 < one["value"] < whole.loc[(one["cluster"], "retrieve"), "value"]
    told = answers(Simulated(runs.simulated), measured).data
    assert (told == FIRST_IMAGE).to_numpy().sum() == len(first)


def test_single_images_are_those_of_the_played_stores(runs: Runs):
    found = Measured(runs.loads).objects().set_index(["cluster", "stat"])
    played = Measured(runs.loads).answered()
    assert (
        found.loc[("london", "p50"), "n"]
        == played[(played["cluster"] == "london") & (played["kind"] == "store")]["objects"].sum()
    )
    assert found.loc[("london", "p99"), "enough"] == "yes"


def test_five_runs_are_repetitions(tmp_path: Path):
    folders = [load_run(tmp_path / f"load-{i}", ["south"], seed=10 * i) for i in range(5)]
    store = Measured(folders).table("p50", ["kind"]).set_index("kind").loc["store"]
    each = [Measured([f]).table("p50", ["kind"]).set_index("kind").loc["store", "value"] for f in folders]
    assert store["value"] == pytest.approx(np.mean(each))
    assert store["method"] == "Student t over 5 load runs"
    assert store["low"] < store["value"] < store["high"]


def test_no_runs_are_no_measurement():
    assert not Measured([])


def test_a_simulation_is_not_a_measurement(runs: Runs):
    with pytest.raises(RunProblem, match="is a simulation run; a load run is needed"):
        Measured([runs.simulated])


def test_a_table_without_its_columns_is_refused(tmp_path: Path):
    with RunWriter(tmp_path / "run") as writer:
        writer.table("operations", pd.DataFrame({"cluster": ["south"]}))
        writer.table("ledger", pd.DataFrame({"cluster": ["south"]}))
        folder = writer.close({"kind": "load"})
    with pytest.raises(RunProblem, match="table 'operations' has no column bytes, due_s"):
        Measured([folder])


def test_an_invalid_run_says_so(tmp_path: Path):
    folder = load_run(tmp_path / "bad", ["south"], measurement="INVALID", reasons=["lag p99 is 0.3 s, over 0.02 s"])
    assert Measured([folder]).invalid == ["bad: lag p99 is 0.3 s, over 0.02 s"]
