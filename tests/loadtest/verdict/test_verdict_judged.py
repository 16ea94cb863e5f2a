"""A threshold is judged by its interval: how often that is wrong is known; the undecided says what would decide."""

from math import inf, nan
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from loadtest.verdict.disclosure import OWED, missing, untold
from loadtest.verdict.finding import find
from loadtest.verdict.judged import FAIL, INVALID, PASS, Line, lines_of, word_of
from loadtest.verdict.junit import junit_xml
from loadtest.verdict.steady import Steady
from loadtest.verdict.thresholds import Threshold, Thresholds
from tests.loadtest.verdict.played_factory import RESULT, played

NOTHING = pd.DataFrame({"cluster": [], "end_s": []})


def threshold(statistic: str, value: float, unit: str = "s", **other: Any) -> Threshold:
    limit = {"value": value, "unit": unit, "source": "x", "status": "verified"}
    return Threshold.model_validate({"statistic": statistic, "operation": "store", "limit": limit, **other})


def line(one: Threshold, data: pd.DataFrame, found: bool = True) -> Line:
    return lines_of({"a": one}, data, Steady(0.0, float(data["due_s"].max()), 0, found, "by hand"))[0]


def exponential(n: int, seed: int, mean: float = 1.0) -> Any:
    return np.random.default_rng(seed).exponential(mean, n)


@pytest.mark.parametrize(
    ("limit", "expected"),
    [(0.25, FAIL), (3.9, PASS), (3.0, INVALID)],
)
def test_p95_of_an_exponential_with_true_value_3(limit: float, expected: str) -> None:
    found = line(threshold("p95", limit), played(exponential(1000, 1)))
    assert found.verdict == expected
    assert found.low <= found.value <= found.high
    assert (found.decide is None) == (expected != INVALID)


def test_a_wrong_verdict_is_rare() -> None:
    """On the limit itself, PASS or FAIL is wrong: at most 5 % of 400 plays (3 standard errors: 8.3 %)."""
    truth = -np.log(0.05)
    words = [line(threshold("p95", truth), played(exponential(600, seed))).verdict for seed in range(400)]
    assert np.mean([word != INVALID for word in words]) <= 0.083


def sojourn(n: int, load: float, rng: np.random.Generator) -> Any:
    """Sojourn times of an M/M/1 queue in steady state (Lindley); exponential with rate 1 - load."""
    between, service = rng.exponential(1 / load, n + 500), rng.exponential(1.0, n + 500)
    walk = np.concatenate([[0.0], np.cumsum(service[:-1] - between[1:])])
    return (walk - np.minimum.accumulate(walk) + service)[500:]


@pytest.mark.parametrize(("stat", "q", "n", "load"), [("p50", 0.5, 2000, 0.5), ("p95", 0.95, 400, 0.2)])
def test_dependent_operations_are_covered_too(stat: str, q: float, n: int, load: float) -> None:
    """An M/M/1 queue judged at its true percentile: at most 5 % wrong verdicts (3 standard errors: 8.8 %)."""
    rng, truth = np.random.default_rng(5), -np.log(1 - q) / (1 - load)
    words = [line(threshold(stat, truth), played(sojourn(n, load, rng))).verdict for _ in range(300)]
    assert np.mean([word != INVALID for word in words]) <= 0.088


def test_the_number_that_would_decide_does_decide() -> None:
    """Of plays with exactly as many operations as was said, four of five are decided (30: 3 standard errors below)."""
    one, right, n = threshold("p95", 3.4), [], 0
    for seed in range(40):
        found = line(one, played(exponential(600, seed)))
        if found.verdict == INVALID and found.decide and found.decide < 20_000:
            assert found.decide > 600
            right.append(line(one, played(exponential(found.decide, 1000 + seed))).verdict == PASS)
            n += 1
    assert n >= 20
    assert np.mean(right) >= 0.8 - 3 * np.sqrt(0.16 / n)
    assert "(four times of five)" in line(one, played(exponential(600, 1))).why


def test_too_few_operations_are_told() -> None:
    found = line(threshold("p99", 5.0), played(exponential(300, 1)))
    assert (found.verdict, found.decide) == (INVALID, 1000)
    assert found.why == "not shown: 300 operations, 1000 needed"
    assert line(threshold("p99.9", 5.0), played(exponential(300, 1))).decide == 10_000


def test_nothing_played_is_invalid() -> None:
    found = line(threshold("p50", 5.0), played(exponential(50, 1), operation="find"))
    assert (found.verdict, found.why, found.n) == (INVALID, "no such operation was played", 0)


@pytest.mark.parametrize(("limit", "expected"), [(0.8, FAIL), (1.2, PASS), (1.0, INVALID)])
def test_mean(limit: float, expected: str) -> None:
    found = line(threshold("mean", limit), played(exponential(2000, 2)))
    assert found.verdict == expected
    assert found.value == pytest.approx(1.0, abs=0.06)


def test_dependent_batches_ask_for_a_repetition() -> None:
    slow = np.repeat([1.0, 1.05, 1.1, 1.15, 1.2, 1.15, 1.1, 1.05], 100)
    found = line(threshold("mean", 1.11), played(slow + 0.01 * exponential(800, 1)))
    assert found.verdict == INVALID
    assert "repeat the run five times" in found.why
    assert "widened for the correlation" in found.method


@pytest.mark.parametrize(
    ("wrong", "n", "limit", "expected"),
    [(0, 5000, 0.1, PASS), (0, 1000, 0.1, INVALID), (50, 1000, 1.0, FAIL), (10, 1000, 1.0, INVALID)],
)
def test_share_of_errors_in_per_cent(wrong: int, n: int, limit: float, expected: str) -> None:
    outcome = np.array(["ok"] * n, dtype=object)
    outcome[np.linspace(0, n - 1, wrong).astype(int)] = "refused"
    found = line(threshold("error-share", limit, "%"), played(np.full(n, 0.01), outcome=outcome))
    assert found.verdict == expected, found
    if wrong == 0 and expected == INVALID:
        assert found.decide == 3688  # ln(0.025) / ln(0.999)


def test_errors_that_come_together_widen_their_share() -> None:
    """20 of 4,000 one by one are less than 0.8 %; the same 20 in one burst may come again."""
    spread_out, burst = np.full(4000, "ok", dtype=object), np.full(4000, "ok", dtype=object)
    spread_out[::200], burst[700:720] = "failed", "failed"
    verdicts = [line(threshold("error-share", 0.85, "%"), played(np.full(4000, 0.01), outcome=one)).verdict
                for one in (spread_out, burst)]  # fmt: skip
    assert verdicts == [PASS, INVALID]


@pytest.mark.parametrize(
    ("unknown", "failed", "expected"), [(80, 0, INVALID), (80, 400, FAIL), (5, 0, PASS), (0, 80, FAIL)]
)
def test_what_took_no_answer_counts_in_the_upper_end_of_a_share_alone(unknown: int, failed: int, expected: str) -> None:
    """Rule F3: 2 % unanswered of 4,000, and a limit of 1 %, decide nothing; nobody says that they failed."""
    outcome = np.full(4000, "ok", dtype=object)
    outcome[np.linspace(1, 3990, failed).astype(int)] = "failed"
    outcome[np.linspace(3, 3999, unknown).astype(int)] = "unknown"
    found = line(threshold("error-share", 1.0, "%"), played(np.full(4000, 0.01), outcome=outcome))
    assert found.verdict == expected, found
    assert found.value == pytest.approx(100 * np.mean(outcome == "failed"))
    if expected == INVALID:
        assert found.low == 0.0
        assert found.high > 2.0
        assert "80 operations took no answer, and may or may not be errors" in found.why


def test_l7_a_line_takes_no_error_for_a_fast_success() -> None:
    """Half of the operations take 3 s, the other half are refused in 1 ms: the median is 3 s, and so is the mean."""
    refused = np.arange(400) % 2 == 0
    data = played(np.where(refused, 0.001, 3.0), outcome=np.where(refused, "refused", "ok"))
    for statistic in ("p50", "mean"):
        found = line(threshold(statistic, 1.0), data)
        assert (found.verdict, found.value, found.n) == (FAIL, pytest.approx(3.0), 200)


def test_an_unanswered_operation_leaves_a_mean_without_an_upper_end() -> None:
    outcome = np.where(np.arange(10_000) == 7, "unknown", "ok")
    found = line(threshold("mean", 5.0), played(np.full(10_000, 0.1), outcome=outcome))
    assert (found.verdict, found.high) == (INVALID, np.inf)
    assert line(threshold("mean", 5.0), played(np.full(10_000, 0.1))).verdict == PASS


def test_l5_only_the_steady_interval_is_judged() -> None:
    """The first 200 take 9 s and are cut: the rest takes a tenth of a second."""
    data = played(np.where(np.arange(500) < 200, 9.0, 0.1))
    steady = Steady(19.95, 49.95, 200, True, "by hand")
    (found,) = lines_of({"a": threshold("p95", 1.0)}, data, steady)
    assert (found.verdict, found.n, found.high) == (PASS, 300, pytest.approx(0.1))


def test_an_unanswered_operation_bounds_nothing_from_above() -> None:
    """p95 of 1 s for all that was answered; 6 % had no answer in 0.5 s, and may have lasted for ever."""
    outcome = np.where(np.arange(1000) % 16 == 0, "unknown", "ok")
    found = line(threshold("p95", 2.0), played(np.where(outcome == "ok", 1.0, 0.5), outcome=outcome))
    assert found.verdict == INVALID
    assert np.isinf(found.high)


def test_achieved_rate() -> None:
    data = played(np.full(1000, 0.01), every_s=0.02)  # 50 a second
    assert line(threshold("achieved-rate", 45.0, "1/s"), data).verdict == PASS
    short = line(threshold("achieved-rate", 60.0, "1/s"), data)
    assert short.verdict == FAIL
    images = line(threshold("achieved-rate", 2.0, "MB/s", measure="bytes"), data.assign(bytes=100_000))
    assert (images.verdict, images.value) == (PASS, pytest.approx(5.0, rel=0.02))


@pytest.mark.parametrize("latency", [0.01, 0.4, 0.8, 3.0])
@pytest.mark.parametrize("claimed", [33.333, 36.0])
def test_an_achieved_rate_is_not_lowered_by_the_response_time(latency: float, claimed: float) -> None:
    """35 a second for 20 s, each answered after its latency: as many are under way at the end as at the beginning."""
    took = latency + np.random.default_rng(1).normal(0, 0.001, 700)
    found = line(threshold("achieved-rate", claimed, "1/s"), played(took, every_s=1 / 35))
    assert found.value == pytest.approx(35.0, rel=0.005)
    assert found.verdict == (PASS if claimed < 35 else FAIL), found


def test_an_achieved_rate_counts_each_kind_by_its_own_median() -> None:
    slow, fast = played(np.full(350, 3.0), every_s=2 / 35, operation="get"), played(np.full(350, 0.05), every_s=2 / 35)
    both = pd.concat([slow, fast], ignore_index=True)
    found = line(threshold("achieved-rate", 33.333, "1/s", operation="any"), both)
    assert (found.verdict, found.value) == (PASS, pytest.approx(35.0, rel=0.005))


def test_an_archive_that_does_twenty_a_second_is_not_told_to_do_what_it_does_afterwards() -> None:
    """Asked for 35 a second over 20 s it needs 35 s; what ends after the interval is no part of its rate."""
    due = np.arange(700) / 35
    ended = np.maximum.accumulate(np.maximum(due, np.arange(700) / 20) + 0.05)
    found = line(threshold("achieved-rate", 33.333, "1/s"), played(ended - due, every_s=1 / 35))
    assert (found.verdict, found.value) == (FAIL, pytest.approx(20.0, rel=0.02))


def test_what_is_left_of_a_warm_up_is_no_rate() -> None:
    """The first 100 take a second longer, and end in a rush with those after them."""
    data = played(np.where(np.arange(700) < 100, 1.4, 0.4), every_s=1 / 35)
    steady = Steady(100 / 35, float(data["due_s"].max()), 100, True, "by hand")
    (found,) = lines_of({"a": threshold("achieved-rate", 33.333, "1/s")}, data, steady)
    assert (found.verdict, found.value) == (PASS, pytest.approx(35.0, rel=0.005))


def test_l7_an_achieved_rate_counts_no_errors() -> None:
    outcome = np.where(np.arange(1000) % 2 == 0, "failed", "ok")
    found = line(threshold("achieved-rate", 45.0, "1/s"), played(np.full(1000, 0.01), every_s=0.02, outcome=outcome))
    assert (found.verdict, found.value) == (FAIL, pytest.approx(25.0, rel=0.02))


def test_without_a_steady_interval_a_play_may_fail_but_not_pass() -> None:
    data = played(exponential(1000, 1))
    assert line(threshold("p95", 10.0), data, found=False).verdict == INVALID
    assert line(threshold("p95", 0.1), data, found=False).verdict == FAIL


def test_cluster_and_supplier_choose_operations() -> None:
    both = pd.concat([played(np.full(200, 0.1)), played(np.full(200, 9.0), cluster="london", supplier="agfa")])
    assert line(threshold("p50", 1.0, cluster="south"), both).verdict == PASS
    assert line(threshold("p50", 1.0, supplier="agfa"), both).verdict == FAIL


def test_first_image_counts_from_the_due_time_until_the_first_object() -> None:
    data = played(np.full(200, 1.0), operation="get")
    found = line(threshold("p50", 0.7, measure="first-image", operation="retrieve"), data)
    assert (found.value, found.verdict) == (pytest.approx(0.6), PASS)


def thresholds(**lines: Threshold) -> Thresholds:
    return Thresholds(title="t", thresholds=lines)


@pytest.mark.parametrize(
    ("limit", "result", "expected"),
    [
        (5.0, {}, PASS),
        (0.1, {}, FAIL),
        (5.0, {"doubts": ["CPU of the generator is 0.97 cores, over 0.85"]}, INVALID),
        (0.1, {"doubts": ["CPU of the generator is 0.97 cores, over 0.85"]}, INVALID),
        (5.0, {"losses": ["1 objects were acknowledged and are not found"], "doubts": ["x"]}, FAIL),
        (5.0, {"outcomes": {"ok": 99, "refused": 1}}, FAIL),
    ],
)
def test_the_gravest_word_wins(limit: float, result: dict[str, Any], expected: str) -> None:
    data = played(exponential(1000, 1))
    found = find(data, NOTHING, RESULT | result, thresholds(a=threshold("p95", limit)))
    assert found.verdict == expected, found.reasons


def test_errors_are_judged_by_their_own_threshold_where_there_is_one() -> None:
    outcome = np.where(np.arange(5000) == 7, "refused", "ok")
    data = played(np.full(5000, 0.01), outcome=outcome)
    result = RESULT | {"outcomes": {"ok": 4999, "refused": 1}}
    assert find(data, NOTHING, result, thresholds(a=threshold("error-share", 1.0, "%"))).verdict == PASS
    assert find(data, NOTHING, result, thresholds(a=threshold("p95", 1.0))).verdict == FAIL


@pytest.mark.parametrize(
    ("column", "value"), [("operation", "get"), ("cluster", "london"), ("supplier", "agfa")], ids=str
)
def test_errors_of_which_no_line_speaks_are_fail(column: str, value: str) -> None:
    """2,000 good stores, and 500 others all failed: a line on the good ones' errors does not excuse them."""
    good, bad = played(np.full(2000, 0.01)), played(np.full(500, 0.01), outcome="failed").assign(**{column: value})
    one = {} if column == "operation" else {column: good[column].iloc[0]}
    both, result = pd.concat([good, bad], ignore_index=True), RESULT | {"outcomes": {"ok": 2000, "failed": 500}}
    found = find(both, NOTHING, result, thresholds(a=threshold("error-share", 1.0, "%", **one)))
    assert (found.verdict, found.lines[0].verdict) == (FAIL, PASS), found.reasons
    assert found.reasons == ["500 of 2500 operations did not end well: 500 failed"]
    assert find(good, NOTHING, RESULT, thresholds(a=threshold("error-share", 1.0, "%", **one))).verdict == PASS


@pytest.mark.parametrize("line_on", ["store", "get"])
def test_what_took_no_answer_never_makes_fail(line_on: str) -> None:
    """80 of 4,000 stores took no answer: undecided, in words, whether an error-share line speaks of them or not."""
    data = played(np.full(4000, 0.01), outcome=np.where(np.arange(4000) % 50 == 0, "unknown", "ok"))
    result = RESULT | {"outcomes": {"ok": 3920, "unknown": 80}}
    found = find(data, NOTHING, result, thresholds(a=threshold("error-share", 1.0, "%", operation=line_on)))
    assert found.verdict == INVALID
    assert any("took no answer" in reason for reason in found.reasons), found.reasons
    assert find(data, NOTHING, result).verdict == INVALID


def test_the_scale_of_a_claim_stands_in_the_verdict_line() -> None:
    found = find(played(exponential(1000, 1)), NOTHING, RESULT, thresholds(a=threshold("p95", 5.0)), (), "at 1/20")
    assert found.sentence() == "PASS (at 1/20): 1 of 1 thresholds of 't' met"
    assert found.to_json()["verdict_line"] == found.sentence()


def test_junit_says_in_words_what_has_no_value_or_no_end() -> None:
    nothing = Line("a", "store: p95", 2.0, "s", nan, nan, nan, 2, INVALID, "too few", 200, "m", "x", "verified")
    endless = Line("b", "store: p95", 2.0, "s", 1.5, 0.9, inf, 300, INVALID, "undecided", 900, "m", "x", "verified")
    said = [one.get("message") for one in ET.fromstring(junit_xml("t", [nothing, endless], INVALID, [])).iter("error")]
    assert said == ["too few; no value is shown, n 2",
                    "undecided; measured 1.5 s, interval 0.9 to no upper end, n 300"]  # fmt: skip


def test_junit_has_a_failure_a_line_and_an_error_where_nothing_was_learnt() -> None:
    lines = [line(threshold("p95", limit), played(exponential(1000, 1))) for limit in (0.25, 3.9, 3.0)]
    suite = ET.fromstring(junit_xml("my <archive>\x07", lines, INVALID, ["lag & more"]))
    assert (suite.get("name"), suite.get("tests"), suite.get("failures"), suite.get("errors")) == (
        "my <archive> ", "4", "1", "2",
    )  # fmt: skip
    assert word_of(lines) == FAIL


def test_l10_what_is_not_disclosed_is_named() -> None:
    assert "hash of the plan" in missing({})[0]
    assert all(what in missing({})[0] for what in OWED)
    told = untold({"targets": {"south": {"software": "X 1"}}})
    assert told == ["south: TCP settings of the archive not disclosed: say it as `tcp` in its file"]
