"""Whether the generator was the limit: each reason by itself, and none where nothing is wrong."""

from dataclasses import replace
from typing import Any

import pytest

from loadtest.verdict.health import INVALID, VALID, Health, Samples, health_of, judge, lag_effect
from loadtest.verdict.records import OperationRow

QUIET = Samples(loop_delay_s=[0.001] * 100, cpu_share=0.05, wall_s=10.0)


def row(number: int, lag_s: float = 0.001, took_s: float = 0.1, **other: Any) -> OperationRow:
    due = number * 0.1
    start = due + lag_s + other.get("blocked_s", 0.0)
    found = OperationRow(
        number, "south", "ge", "S1", "CT0001R1", "store", "store", "CT", number, "play", due, due, start, start, start,
        start + took_s, outcome="ok", status=0,
    )  # fmt: skip
    return replace(found, **other)


def some(n: int = 40, **other: Any) -> list[OperationRow]:
    return [row(number, **other) for number in range(n)]


def test_a_quiet_play_is_valid() -> None:
    health = health_of(some(), QUIET)
    assert judge(health) == (VALID, [])
    assert (health.planned, health.sent, health.dropped) == (40, 40, 0)
    assert health.lag_p99_s == pytest.approx(0.001)


def test_l6_the_plan_says_what_was_planned_and_not_the_rows() -> None:
    """An operation of which there is no row at all was not sent either."""
    health = health_of(some(40), QUIET, {"south store": 50, "south find": 10})
    assert (health.planned, health.sent, health.dropped) == (60, 40, 20)
    assert health.missing == {"south find": 10, "south store": 10}
    assert judge(health)[0] == INVALID


def test_waiting_for_the_archive_is_not_the_generators_lateness() -> None:
    assert judge(health_of(some(blocked_s=4.0), QUIET)) == (VALID, [])


@pytest.mark.parametrize(
    ("rows", "samples", "told"),
    [
        (some(lag_s=0.2), QUIET, "lag p99 of the generator is 0.2 s, over 0.1"),
        (some(lag_s=0.05), QUIET, "the generator's share of store p50 is 0.333 of it, over 0.05"),
        (some(), replace(QUIET, loop_delay_s=[0.2] * 10), "event loop delay p99 is 0.2 s"),
        (some(), replace(QUIET, cpu_share=0.97), "CPU of the generator is 0.97 cores"),
        (some(), replace(QUIET, clock_step_s=-3600.0), "step of the wall clock is 3.6e+03 s"),
        ([*some(), row(41, outcome="dropped")], QUIET, "1 of 41 operations were due and never sent"),
    ],
)
def test_each_reason(rows: list[OperationRow], samples: Samples, told: str) -> None:
    word, reasons = judge(health_of(rows, samples))
    assert word == INVALID
    assert any(told in reason for reason in reasons), reasons


def test_l6_a_class_that_is_silently_missing_is_named() -> None:
    rows = some(200) + [row(300 + n, operation="find", outcome="dropped") for n in range(2)]
    _, reasons = judge(health_of(rows, QUIET))
    assert "south find: 2 of 2 planned operations were not sent" in reasons
    assert not any("south store" in reason for reason in reasons)


def test_other_reasons_come_first() -> None:
    assert judge(health_of(some(), QUIET), others=["the prefill has gaps"]) == (INVALID, ["the prefill has gaps"])


def test_lateness_is_looked_at_only_where_n_bears_the_percentile() -> None:
    assert lag_effect(some(19, lag_s=0.1)) == (0.0, "")
    effect, on = lag_effect(some(20, lag_s=0.1))
    assert (effect, on) == (pytest.approx(0.5), "store p50")


@pytest.mark.parametrize(
    ("n", "every", "late_s", "took_s", "on"),
    [
        (300, 15, 0.5, 0.1, "store p95"),  # 6.7 % are late
        (2000, 50, 0.5, 0.1, "store p99"),  # 2 %
        (20_000, 125, 1.0, 0.1, "store p99.9"),  # 0.8 %: lag p99 is well, and the mean has moved by 7 %
        (2000, 110, 2.0, 0.1, "store mean"),  # 0.9 %, and too few for p99.9
    ],
)
def test_l4_rare_lateness_shows_in_the_statistic_that_it_moves(
    n: int, every: int, late_s: float, took_s: float, on: str
) -> None:
    rows = [row(i, lag_s=late_s if i % every == 7 else 0.0, took_s=took_s) for i in range(n)]
    word, reasons = judge(health_of(rows, QUIET))
    assert lag_effect(rows)[1] == on
    assert word == INVALID
    assert any(f"the generator's share of {on} is" in reason for reason in reasons), reasons


def test_lateness_at_one_cluster_is_seen_among_many_operations_of_others() -> None:
    late = [row(n, cluster="london", lag_s=0.05) for n in range(60)]
    assert lag_effect([*some(940, lag_s=0.0), *late])[1] == "london store p50"


def test_less_than_a_millisecond_is_below_what_is_claimed() -> None:
    assert judge(health_of(some(lag_s=0.0009, took_s=0.0001), QUIET)) == (VALID, [])


def test_nothing_sent_is_no_number() -> None:
    health = health_of([row(0, outcome="dropped")], QUIET)
    assert isinstance(health, Health)
    assert health.to_json()["lag_p99_s"] is None
    assert judge(health)[0] == INVALID


def test_l6_a_class_that_is_released_more_slowly_than_planned_is_named() -> None:
    """Planned over 39.9 s, released over 41.1 s: each operation in its turn, and 3 % below the planned rate."""
    slow = [row(n, released_s=0.103 * n, start_s=0.103 * n, blocked_s=0.003 * n) for n in range(400)]
    _, reasons = judge(health_of(slow, QUIET))
    assert any(reason.startswith("south store: released over 1.2 s more than planned") for reason in reasons), reasons
    assert judge(health_of(some(400), QUIET)) == (VALID, [])
