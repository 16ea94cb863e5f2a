"""Warm-up by rule, stalls by what was outstanding, and parts of the response that add up."""

import numpy as np
import pandas as pd
import pytest

from loadtest.verdict.finding import figures_of
from loadtest.verdict.stalls import by_design, find_stalls, split_of, without
from loadtest.verdict.steady import mser5, steady_interval
from tests.loadtest.verdict.played_factory import played


def calm(n: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.1, 0.01, n).clip(0.05)


@pytest.mark.parametrize("length", [40, 100, 200])
def test_l5_the_cut_of_a_step_is_that_of_the_rule(length: int) -> None:
    values = calm(600)
    values[:length] += 1.0
    found = mser5(values)
    assert found is not None
    assert length <= found <= length + 40


def test_mser5_cuts_little_where_there_is_nothing_to_cut() -> None:
    cuts = [mser5(calm(600, seed)) for seed in range(50)]
    assert np.mean([cut is not None and cut <= 150 for cut in cuts]) >= 0.7


def test_mser5_refuses_what_never_settles() -> None:
    assert mser5(np.linspace(0.1, 10, 600)) is None
    assert mser5(np.ones(20)) == 0, "too few to cut anything"


def test_the_steady_interval_begins_after_the_warm_up() -> None:
    took = calm(600)
    took[:100] += 1.0
    found = steady_interval(played(took))
    assert found.found
    assert 10.0 <= found.from_s <= 14.0
    assert found.cut == pytest.approx(found.from_s / 0.1, abs=1)


def test_a_change_of_mix_is_no_warm_up() -> None:
    took, names = calm(600), np.where(np.arange(600) < 100, "get", "store")
    took[:100] *= 20
    assert steady_interval(played(took, operation=names)).from_s < 10


def frozen(n: int = 750, at: float = 2.0, lasts: float = 5.0) -> pd.DataFrame:
    """50 a second for 15 s; from `at` on nothing is answered for `lasts` seconds, then everything at once."""
    due = np.arange(n) * 0.02
    took = np.where((due >= at) & (due < at + lasts), at + lasts - due, 0.005)
    data = played(took, every_s=0.02)
    return data.assign(first_byte_s=data["end_s"], first_object_s=data["end_s"])


def test_a_stall_is_never_cut_as_warm_up() -> None:
    data = frozen()
    first = min(one.from_s for one in find_stalls(data))
    assert steady_interval(data, first).from_s <= first


def test_a_stall_is_found_with_its_length_and_what_it_held_up() -> None:
    (stall,) = find_stalls(frozen())
    assert stall.from_s == pytest.approx(2.0, abs=0.03)
    assert stall.lasted_s == pytest.approx(5.0, abs=0.03)
    assert stall.hit == pytest.approx(250, abs=3)
    rest = without(frozen(), [stall])
    assert rest["response_s"].max() < 0.01
    assert len(rest) == pytest.approx(500, abs=3)


def test_figures_stand_with_and_without_the_stall() -> None:
    (row,) = figures_of(frozen(), find_stalls(frozen())).to_dict("records")
    assert row["p95_s"] > 4.0
    assert row["p95_without_s"] == pytest.approx(0.005)
    assert (row["n"], row["n_without"]) == (750, pytest.approx(500, abs=3))


def test_idleness_is_no_stall() -> None:
    data = played(np.full(20, 0.01), every_s=3.0)
    assert find_stalls(data) == []


def test_one_long_retrieve_that_delivers_is_no_stall() -> None:
    one = played([4.0], operation="get")
    pieces = pd.DataFrame({"cluster": "south", "end_s": np.linspace(0.1, 4.0, 60)})
    assert find_stalls(one, pieces) == []
    assert len(find_stalls(one.assign(first_byte_s=np.nan, first_object_s=np.nan))) == 1


def test_the_parts_of_a_response_add_up() -> None:
    data = played(calm(100))
    data = data.assign(blocked_s=0.02, lag_s=0.001, connect_s=0.003, negotiate_s=0.004)
    data["start_s"] += 0.021
    data[["first_byte_s", "end_s"]] += 0.021
    data["response_s"] += 0.021
    (row,) = split_of(data).to_dict("records")
    parts = ("waited_s", "lag_s", "connect_s", "negotiate_s", "first_response_s", "transfer_s")
    assert sum(row[name] for name in parts) == pytest.approx(row["response_s"])
    assert row["n"] == 100


def test_a_tcp_stall_by_design_is_recognised() -> None:
    assert "44 ms" not in by_design(played(calm(50)))
    told = by_design(played(np.full(50, 0.0402)))
    assert "about 40 ms an object" in told
