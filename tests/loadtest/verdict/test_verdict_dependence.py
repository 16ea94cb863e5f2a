"""How often a threshold that is not met passes all the same, where operations depend on each other or are rarely slow.

Each case is judged at its true value, where any PASS is wrong: at most 5 % of 200 plays (3 standard errors: 9.6 %).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from loadtest.verdict.dependence import design_effect, effect_above, half_width, skewed
from loadtest.verdict.judged import INVALID, PASS, lines_of
from loadtest.verdict.steady import Steady
from tests.loadtest.verdict.played_factory import played
from tests.loadtest.verdict.test_verdict_judged import line, sojourn, threshold

PLAYS, MOST = 200, 0.096


def queue(load: float) -> Callable[[np.random.Generator], Any]:
    return lambda rng: sojourn(2000, load, rng)


def rarely_slow(rng: np.random.Generator) -> Any:
    """0.4 % of 400 take 20 s, the others 50 ms: one play of five meets none of the slow ones."""
    took = rng.normal(0.05, 0.005, 400)
    took[rng.random(400) < 0.004] = 20.0
    return took


def wrongly_passed(statistic: str, truth: float, draw: Callable[[np.random.Generator], Any]) -> float:
    rng = np.random.default_rng(20070306)
    words = [line(threshold(statistic, truth), played(draw(rng))).verdict for _ in range(PLAYS)]
    return words.count(PASS) / PLAYS


@pytest.mark.parametrize(
    ("statistic", "truth", "draw"),
    [
        ("p95", -np.log(0.05) / 0.2, queue(0.8)),  # 15 % before half the limit was looked at
        ("p95", -np.log(0.05) / 0.1, queue(0.9)),  # 43 %
        ("mean", 5.0, queue(0.8)),  # 14 % by 20 batches alone
        ("mean", 0.05 + 0.004 * 19.95, rarely_slow),  # 20 % where nothing is allowed for what was not met
        ("mean", 10 * 1.8 / 0.8, lambda rng: 10 * (1 + rng.pareto(1.8, 1000))),  # 11 %; 10 s and longer
    ],
    ids=["p95-0.8", "p95-0.9", "mean-0.8", "mean-rare", "mean-pareto"],
)
def test_a_wrong_pass_is_rare(statistic: str, truth: float, draw: Callable[[np.random.Generator], Any]) -> None:
    assert wrongly_passed(statistic, truth, draw) <= MOST


def test_batches_that_resemble_each_other_give_no_mean_a_pass_near_its_limit() -> None:
    """Two tides within the play: repeat it. All of it below half the limit needs no repetition."""
    slow = 1.0 + 0.3 * np.sin(np.linspace(0, 4 * np.pi, 4000))
    found = line(threshold("mean", 1.8), played(slow))
    assert found.high < 1.8
    assert (found.verdict, found.why) == (
        INVALID, "undecided: repeat the run five times: its batches depend on each other",
    )  # fmt: skip
    assert line(threshold("mean", 2.7), played(slow)).verdict == PASS


def test_a_mean_says_how_many_operations_bear_it() -> None:
    """What takes the whole time-out may be one of n / 3.7: 100 of 50 ms tell too little of a mean below 0.1 s."""
    few = line(threshold("mean", 0.1), played(np.full(100, 0.05)))
    assert (few.verdict, few.decide) == (INVALID, 4427)  # 3.689 x 60 s / 0.05 s
    assert line(threshold("mean", 0.1), played(np.full(4500, 0.05))).verdict == PASS
    data = played(np.full(100, 0.05))
    steady = Steady(0.0, float(data["due_s"].max()), 0, True, "by hand")
    (short,) = lines_of({"a": threshold("mean", 0.1)}, data, steady, longest_s=1.0)
    assert short.verdict == PASS, "with a time-out of one second"


def test_hits_in_bursts_count_for_fewer() -> None:
    even, burst = np.zeros(2000, dtype=bool), np.zeros(2000, dtype=bool)
    even[::20], burst[600:700] = True, True
    assert design_effect(even) < 1.5
    assert design_effect(burst) > 20
    assert design_effect(np.zeros(2000, dtype=bool)) == 1.0


def test_what_comes_together_half_way_below_a_limit_counts_at_the_limit() -> None:
    seconds = np.where((np.arange(2000) >= 600) & (np.arange(2000) < 700), 0.6, 0.1)
    assert effect_above(seconds, 1.0) == design_effect(seconds > 0.5) > 20
    assert effect_above(seconds, 1.3) == 1.0


def test_a_mean_is_no_narrower_than_by_twenty_batches() -> None:
    values = np.random.default_rng(1).lognormal(0, 1.5, 2000)
    assert half_width(values) > 2.093 * values.std() / np.sqrt(2000) * 0.7
    assert skewed(values) > 0
    assert skewed(np.ones(2000)) == 0.0
