"""Progress off a terminal: what is left is counted for the part of the work that is under way."""

import pytest

from filmless import progress as module


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    return now


def test_another_part_of_the_work_is_counted_from_its_own_beginning(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    with module.progress("load") as report:
        clock[0] = 100.0
        report(10, 10, "headroom before the play")
        report(0, 10, "play")
        clock[0] = 120.0
        report(5, 10, "play")
    assert capsys.readouterr().err.splitlines() == [
        "load: 100 % (headroom before the play), about 0 s left", "load: 50 % (play), about 20 s left",
    ]  # fmt: skip
