"""The table of rules in docs/load-rules.md names a test for each of L1 to L14, and each of those tests is there."""

import re
from pathlib import Path

import pytest

from loadtest.play import watch
from loadtest.verdict.health import INVALID, health_of, judge
from tests.loadtest.verdict.test_verdict_health import some

ROOT = Path(__file__).parents[3]
ROWS = re.findall(r"^\| L(\d+) \|.*\| (.*) \|$", (ROOT / "docs" / "load-rules.md").read_text(), re.MULTILINE)


def test_every_rule_stands_in_the_table() -> None:
    assert [int(number) for number, _ in ROWS] == list(range(1, 15))


@pytest.mark.parametrize(("number", "tests"), ROWS, ids=[f"L{number}" for number, _ in ROWS])
def test_the_named_tests_are_there_and_named_after_the_rule(number: str, tests: str) -> None:
    named = re.findall(r"`([^`]+)::([^`]+)`", tests)
    assert named
    for file, test in named:
        assert test.startswith(f"test_l{number}_")
        assert f"def {test}(" in (ROOT / "tests" / file).read_text(), f"{file} has no {test}"


def test_l13_a_step_of_the_wall_clock_moves_no_duration_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wall clock is set forward by an hour in the middle: durations stay, and the measurement is INVALID."""
    began = iter([1_000_000.0, 1_000_000.0 + 3600.0])
    monkeypatch.setattr(watch, "time", lambda: next(began))
    one = watch.Watch()
    one.start(first=False)
    one.stop()
    assert one.samples.wall_s < 1.0
    assert one.samples.clock_step_s == pytest.approx(3600, abs=1)
    word, reasons = judge(health_of(some(), one.samples))
    assert word == INVALID
    assert any("step of the wall clock is 3.6e+03 s" in reason for reason in reasons)
