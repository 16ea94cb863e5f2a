"""Load that leaves this machine: nothing without the owner's word, and never more than agreed."""

from datetime import date, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

from loadtest.archives.check_consent import marker
from loadtest.archives.consent import STATEMENT, Consent
from loadtest.archives.target import Target
from loadtest.play.launch import PlayJob, free_port, play
from loadtest.play.permission import Limiter, ask_archive, check_agreed, limiter_of
from loadtest.play.problems import PlayFailed, TrafficProblem
from loadtest.play.traffic import read_traffic
from tests.loadtest.play.bench import carry_out
from tests.loadtest.play.doctored import doctored
from tests.loadtest.traffic_factory import row, write

NOW = datetime(2026, 1, 10, 21, 0)


def consented(target: Target, **other: Any) -> Target:
    """The same target with an owner's consent, as a file of another machine would have it."""
    agreed = {
        "statement": STATEMENT, "owner": "Test Trust", "agreed_by": "A. Person", "agreed_on": date(2026, 1, 5),
        "valid_until": date(2026, 1, 31), "hours": [20.0, 23.5], "images_per_s": 20.0, "gigabytes": 1.0, "minutes": 5.0,
        "modalities": ["CT"], "network": "private",
    }  # fmt: skip
    consent = Consent.model_validate({**agreed, **other})
    return Target.model_validate({**target.model_dump(), "allow_remote": True, "consent": consent})


TARGET = Target(name="theirs", port=104, ae_title="THEIRS")


@pytest.mark.parametrize(
    ("rows", "now", "told"),
    [
        ([row("store", 400.0, 1)], NOW, "minutes 6.66667 > 5"),
        ([row("store", 0.0, 1, bytes=2 * 10**9)], NOW, "gigabytes 2 > 1"),
        ([row("store", 0.0, 1, modality="US")], NOW, "modalities US are not agreed to"),
        ([row("store", 0.0, 1)], NOW.replace(hour=9), "consent covers 20 to 23.5 o'clock, and it is 9.00"),
        ([row("store", 200.0, 1)], NOW.replace(hour=23, minute=28), "and it is 23.52"),
        ([row("store", 0.0, 1)], NOW + timedelta(days=30), "consent ended on 2026-01-31"),
    ],
)
def test_a_plan_beyond_the_consent_is_refused(tmp_path: Path, rows: Any, now: datetime, told: str) -> None:
    operations = read_traffic(write(tmp_path / "t.parquet", rows)).operations
    with pytest.raises(TrafficProblem) as found:
        check_agreed(consented(TARGET), operations, now)
    assert told in str(found.value)
    assert "nothing was sent" in str(found.value)


def test_a_plan_within_the_consent_and_one_of_this_machine(tmp_path: Path) -> None:
    operations = read_traffic(write(tmp_path / "t.parquet", [row("store", 0.0, 1)])).operations
    check_agreed(consented(TARGET), operations, NOW)
    check_agreed(TARGET, operations, NOW.replace(hour=9))


def test_the_archive_itself_must_hold_the_owners_marker() -> None:
    with doctored() as archive:
        target = consented(archive.target)
        with pytest.raises(
            TrafficProblem, match=r"holds no study of patient FILMLESS-\w+; nothing was sent. The owner"
        ):
            ask_archive(target)
        archive.patients[marker(target)] = ""
        ask_archive(target)
        archive.patients["9876"] = "SOMEBODY"
        with pytest.raises(TrafficProblem, match="holds 1 studies that are not ours"):
            ask_archive(target)
        ask_archive(archive.target)  # this machine: not asked
        assert archive.stores == 0


def test_an_archive_that_cannot_be_asked() -> None:
    target = consented(TARGET.model_copy(update={"port": free_port()}))
    with pytest.raises(PlayFailed, match="cannot be asked for its consent: no connection"):
        ask_archive(target)


def test_the_play_asks_before_it_sends(tmp_path: Path) -> None:
    file = write(tmp_path / "t.parquet", [row("store", 0.0, 1)])
    today = date.today()
    with doctored() as archive:
        target = consented(archive.target, agreed_on=today, valid_until=today, hours=[0.0, 24.0])
        with pytest.raises(TrafficProblem, match="the archive holds no study of patient"):
            play([PlayJob(file, target)], 1.0, tmp_path / "out")
        assert archive.stores == 0
    assert not (tmp_path / "out").exists()


def test_the_agreed_rate_is_kept(tmp_path: Path) -> None:
    today = date.today()
    with doctored() as archive:
        target = consented(archive.target, agreed_on=today, valid_until=today, hours=[0.0, 24.0], images_per_s=50.0)
        began = perf_counter()
        found = carry_out(tmp_path, [row("store", 0.0, 1, objects=21)], target)
    starts = [one.start_s for one in found.objects]
    assert perf_counter() - began > 0.4
    assert starts[-1] - starts[0] == pytest.approx(0.4, abs=0.1)
    assert found.operations[0].blocked_s > 0.2  # waiting for our own limiter is not the archive's time


def test_a_limiter_saves_nothing_up() -> None:
    limiter = Limiter(1000.0)
    assert sum(limiter.wait() for _ in range(50)) >= 0.045
    assert limiter_of(TARGET) is None
