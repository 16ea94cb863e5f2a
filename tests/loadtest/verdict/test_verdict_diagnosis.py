"""Warm-up by rule, stalls by what was outstanding, and parts of the response that add up."""

import numpy as np
import pandas as pd
import pytest

from loadtest.verdict.finding import figures_of, find
from loadtest.verdict.stalls import find_stalls, split_of, without
from loadtest.verdict.steady import mser5, steady_interval
from tests.loadtest.verdict.played_factory import RESULT, played

NOTHING = pd.DataFrame({"cluster": [], "end_s": []})


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


def test_a_stall_behind_which_failures_tick_is_found() -> None:
    """Every tenth operation is refused at once while the others are held for 5 s (F3: an error is no completion)."""
    data = frozen()
    refused = (data["due_s"] >= 2.0) & (data["due_s"] < 7.0) & (np.arange(750) % 10 == 0)
    for name in ("first_byte_s", "first_object_s", "end_s"):
        data.loc[refused, name] = data["due_s"] + 0.001
    (stall,) = find_stalls(data.assign(outcome=np.where(refused, "failed", "ok")))
    assert (stall.from_s, stall.lasted_s) == (pytest.approx(2.0, abs=0.03), pytest.approx(5.0, abs=0.03))


def test_an_archive_that_only_refuses_is_not_frozen() -> None:
    data = frozen(lasts=0.0)
    assert find_stalls(data.assign(outcome=np.where(data["due_s"] < 7.0, "refused", "ok"))) == []


def test_slow_retrieves_beside_quick_finds_are_no_stalls() -> None:
    """Five of 0.9 s, alone under way between finds of 10 ms each second; and one of them at 5 s is slow, not frozen."""
    finds, gets = (
        played(np.full(50, 0.01), every_s=1.0, operation="find"),
        played(np.full(5, 0.9), 10.0, operation="get"),
    )
    gets["first_byte_s"] = gets["first_object_s"] = gets["end_s"]
    gets[["due_s", "start_s", "first_byte_s", "first_object_s", "end_s"]] += 0.05
    assert find_stalls(pd.concat([finds, gets], ignore_index=True)) == []
    gets.loc[2, ["first_byte_s", "first_object_s", "end_s"]] += 4.1
    assert find_stalls(pd.concat([finds, gets], ignore_index=True)) == []


def mixed(*frames: pd.DataFrame) -> pd.DataFrame:
    return pd.concat(frames, ignore_index=True)


def late(data: pd.DataFrame, by_s: float) -> pd.DataFrame:
    """The same operations, so much later."""
    times = ["due_s", "start_s", "first_byte_s", "first_object_s", "end_s"]
    return data.assign(**{name: data[name] + by_s for name in times})


def held(kind: str, took_s: float, at_s: float, answers_after: float = 1.0, **other: object) -> pd.DataFrame:
    """One operation; after which share of its time its first answer came."""
    one = played([took_s], operation=kind, **other)
    first = one["due_s"] + answers_after * took_s
    return late(one.assign(first_byte_s=first, first_object_s=first), at_s)


QUICK = played(np.full(100, 0.005), every_s=0.05)  # stores until 5 s


@pytest.mark.parametrize(("kind", "took_s", "images"), [("get", 0.49, 107), ("move", 0.41, 67), ("find", 0.4, 1)])
@pytest.mark.parametrize("answers_after", [0.02, 0.99])
@pytest.mark.parametrize("others", [0, 1])
def test_one_operation_of_a_kind_that_is_not_known_is_no_stall(
    kind: str, took_s: float, images: int, answers_after: float, others: int
) -> None:
    """It ended well, and what its kind takes nobody knows: of an archive that is not frozen it may be all that is."""
    one = held(kind, took_s, 6.0, answers_after, objects=images, planned_objects=images)
    again = [held(kind, 0.02, 4.0 + n, objects=2, planned_objects=2) for n in range(others)]
    assert find_stalls(mixed(QUICK, one, *again)) == []


def test_several_long_retrieves_of_kinds_that_are_not_known_are_no_stall() -> None:
    """Their images come one after another without a mark; that none has begun to come for so long is a freeze."""
    kinds, many = ("get", "move", "wado"), {"objects": 300, "planned_objects": 300}
    assert find_stalls(mixed(QUICK, *(held(kind, 3.0, 6.0, 0.02, **many) for kind in kinds))) == []
    (stall,) = find_stalls(mixed(QUICK, *(held(kind, 3.0, 6.0, 0.9, **many) for kind in kinds)))
    assert (stall.from_s, stall.lasted_s) == (pytest.approx(6.0), pytest.approx(2.7))


@pytest.mark.parametrize("kind", ["find", "get", "store"])
@pytest.mark.parametrize("began_to_answer", [False, True])
def test_one_operation_that_is_never_answered_is_a_stall_whatever_its_kind(kind: str, began_to_answer: bool) -> None:
    one = held(kind, 30.0, 6.0, 0.001, outcome="unknown", planned_objects=50)
    if not began_to_answer:
        one[["first_byte_s", "first_object_s"]] = np.nan
    (stall,) = find_stalls(mixed(played(np.full(100, 0.005), every_s=0.05, operation="qido"), one))
    assert (stall.from_s, stall.to_s, stall.hit) == (pytest.approx(6.0), pytest.approx(36.0), 1)


def test_one_operation_that_is_refused_after_a_while_is_no_stall() -> None:
    refused = held("find", 0.4, 6.0, outcome="refused").assign(first_byte_s=np.nan, first_object_s=np.nan)
    assert find_stalls(mixed(QUICK, refused)) == []


def test_a_cold_start_with_few_operations_is_found() -> None:
    """A store, a query and a retrieve, the first of all, held for 2 s; then one of each is quick, and none known."""
    first = [held(kind, 2.0 - at, at) for kind, at in (("store", 0.0), ("find", 0.1), ("get", 0.2))]
    then = [held(kind, 0.02, 3.0 + at) for at, kind in enumerate(("store", "find", "get", "wado"))]
    (stall,) = find_stalls(mixed(*first, *then))
    assert (stall.cold, stall.from_s, stall.lasted_s, stall.hit) == (True, 0.0, pytest.approx(2.0), 3)


def test_a_freeze_of_known_kinds_is_found_beside_a_long_retrieve() -> None:
    """A C-GET of a kind that is not known brings its images while three stores are held for 2 s; or one find is."""
    get = held("get", 8.0, 4.9, 0.01, objects=500, planned_objects=500)
    stores = [held("store", 2.0, 6.0 + 0.01 * n) for n in range(3)]
    (stall,) = find_stalls(mixed(QUICK, get, *stores))
    assert (stall.from_s, stall.to_s) == (pytest.approx(4.99, abs=0.05), pytest.approx(8.0))
    finds = played(np.full(100, 0.01), every_s=0.05, operation="find")
    (stall,) = find_stalls(mixed(finds, get, held("find", 2.0, 6.0)))
    assert stall.to_s == pytest.approx(8.0)


def test_a_hundred_images_may_take_longer_than_ten() -> None:
    gets = played(np.where(np.arange(8) == 5, 9.0, 0.9), 10.0, operation="get", objects=10, planned_objects=10)
    gets["first_byte_s"] = gets["first_object_s"] = gets["end_s"]
    held = find_stalls(gets.assign(first_byte_s=np.nan))
    assert [one.from_s for one in held] == [50.0], "ten times as long, for as many images"
    gets.loc[5, ["objects", "planned_objects"]] = 100
    assert find_stalls(gets.assign(first_byte_s=np.nan)) == []


def test_what_is_held_to_the_end_and_never_answered_is_a_stall() -> None:
    data = frozen(500, at=5.0, lasts=30.0).assign(outcome=np.where(np.arange(500) < 250, "ok", "unknown"))
    (stall,) = find_stalls(data)
    assert (stall.from_s, stall.hit) == (pytest.approx(5.0, abs=0.03), 250)


def test_a_cold_start_is_warm_up_and_a_later_stall_is_not() -> None:
    """Nothing for 2 s, then slow, then as usual: all of that is cut, while a stall after answers holds the cut."""
    took = calm(600) / 5
    took[100:160] += 0.2
    took[:100] = 2.0 - 0.02 * np.arange(100)
    cold = played(took, every_s=0.02)
    cold = cold.assign(first_byte_s=cold["end_s"], first_object_s=cold["end_s"])
    (stall,) = find_stalls(cold)
    assert (stall.cold, stall.from_s) == (True, 0.0)
    found = find(cold, NOTHING, RESULT)
    assert found.steady.from_s == pytest.approx(3.2, abs=0.3)
    assert any(remark.endswith("a cold start") for remark in found.remarks), found.remarks
    later = frozen(at=0.5, lasts=2.0)
    assert not find_stalls(later)[0].cold
    assert find(later, NOTHING, RESULT).steady.from_s <= 0.5


def test_l5_the_first_stall_holds_the_cut_in_the_finding() -> None:
    """Slow from 2 to 7 s, quick afterwards: by MSER-5 alone warm-up; after a hundred answers it is the archive's."""
    data = frozen()
    assert steady_interval(data).from_s > 6.0
    found = find(data, NOTHING, RESULT).steady
    assert found.from_s <= 2.0
    assert "held at the first stall" in found.method


@pytest.mark.parametrize(("ends_at", "steady"), [(1.08, True), (1.3, False)])
def test_l5_halves_that_differ_by_over_ten_per_cent_are_not_steady(ends_at: float, steady: bool) -> None:
    """A play that grows slower all the time: MSER-5 finds no cut, and a small growth is none."""
    took = 0.1 * np.linspace(1.0, ends_at**2, 600)
    found = steady_interval(played(took))
    assert mser5(np.log(took)) is None
    assert found.found is steady
