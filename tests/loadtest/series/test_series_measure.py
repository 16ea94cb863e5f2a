"""A measurement from end to end: headroom, play, thresholds, one folder; a starved generator is INVALID, not FAIL."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from time import sleep

import numpy as np
import pytest

from loadtest.archives.launch import running
from loadtest.archives.process import restart
from loadtest.archives.target import Target
from loadtest.play.launch import PlayJob
from loadtest.play.problems import PlayFailed
from loadtest.series import measure as series_measure
from loadtest.series.headroom import Headroom, busiest, doubts_of, prove, shorten
from loadtest.series.measure import NOT_PROVED, Order, measure
from loadtest.series.state import TargetState, summary_of
from loadtest.verdict.finding import Finding
from loadtest.verdict.thresholds import Threshold, Thresholds
from sim.runs.store import Run
from tests.loadtest.traffic_factory import row, write

pytestmark = pytest.mark.alone
LAW = "servers=64,overhead_ms=20,spread=lognormal:0.2"  # beside which the machine's noise, which drifts, is small


def thresholds(limit_s: float) -> Thresholds:
    limit = {"value": limit_s, "unit": "s", "source": "test", "status": "verified"}
    said = {"statistic": "p95", "operation": "store", "limit": limit}
    return Thresholds(title="t", thresholds={"store": Threshold.model_validate(said)})


@pytest.fixture
def traffic(tmp_path: Path) -> Path:
    rows = [
        row("store", 0.01 * n, n, objects=1, ae_title=f"CT{n % 5:04d}R1") for n in range(600)
    ]  # enough even where warm-up takes half
    return write(tmp_path / "t.parquet", rows)


def test_one_folder_holds_play_headroom_state_and_verdict(tmp_path: Path, traffic: Path) -> None:
    with running("embedded", "south", mode="model", law=LAW) as target:
        order = Order(
            [PlayJob(traffic, target)], thresholds=thresholds(1.0), headroom_s=1.0, settings={"ledger": "none"}
        )
        phases = dict[str, None]()
        finding, result = measure(order, tmp_path / "out", lambda done, total, phase: phases.update({phase: None}))
    assert finding.verdict == "PASS", finding.reasons
    assert [phase for phase in phases if phase.endswith("play") or ": play" in phase] == [
        "headroom before the play: play into a null sink", "play", "headroom after the play: play into a null sink",
    ]  # fmt: skip
    run = Run(tmp_path / "out")
    assert {"operations", "objects", "ledger", "verdict"} <= {
        name.removesuffix(".parquet") for name in run.manifest["files"]
    }
    assert list(run.table("verdict")["verdict"]) == ["PASS"]
    assert [one["when"] for one in run.manifest["headroom"]] == ["before", "after"]
    assert run.manifest["headroom"][0]["played"].startswith("the busiest 1 s of 5.99 s")
    assert run.manifest["target_state"][0]["resident_bytes"]["most"] > 1e6
    assert run.manifest["verdict"] == "PASS"
    assert result["planned"] == 600
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".part")] == []


def test_a_play_whose_process_dies_says_how_to_have_its_records(
    tmp_path: Path, traffic: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object, **__: object) -> None:
        (tmp_path / "out.partial").mkdir()
        raise PlayFailed("the process that plays ended with code -9 and without a result:")

    monkeypatch.setattr("loadtest.series.measure.play", die)
    target = Target(name="south", port=104, ae_title="SOUTH")
    with pytest.raises(PlayFailed, match=rf"code -9.*\n.*is kept: filmless salvage {tmp_path}/out\.partial$"):
        measure(Order([PlayJob(traffic, target)]), tmp_path / "out")


def test_without_headroom_no_threshold_is_passed(tmp_path: Path, traffic: Path) -> None:
    with running("embedded", "south", mode="null") as target:
        order = Order([PlayJob(traffic, target)], thresholds=thresholds(1.0), settings={"ledger": "none"})
        finding, _ = measure(order, tmp_path / "out")
    assert finding.verdict == "INVALID"
    assert NOT_PROVED in finding.reasons


def short_play(folder: Path) -> Finding:
    """Two seconds, which meet their threshold."""
    file = write(
        folder / "t.parquet",
        [row("store", 0.01 * n, n, objects=1, ae_title=f"CT{n % 5:04d}R1") for n in range(200)],
    )
    median = thresholds(1.0).thresholds["store"].model_copy(update={"statistic": "p50"})
    with running("embedded", "south", mode="model", law=LAW) as target:
        order = Order([PlayJob(file, target)], thresholds=Thresholds(title="t", thresholds={"store": median}),
                      headroom_s=1.0, settings={"ledger": "none"})  # fmt: skip
        finding, _ = measure(order, folder / "out")
    assert finding.lines[0].verdict == "PASS"
    return finding


def test_l4_a_proof_that_failed_makes_a_good_play_invalid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The play itself is well; into a null sink the same plan was late, afterwards."""
    doubts = {"before": [], "after": ["headroom after the play, into a null sink: lag_p99_s is 0.3, over 0.1"]}
    monkeypatch.setattr(series_measure, "prove", lambda when, *rest: Headroom(when, 1.0, 1.0, {}, doubts[when]))
    finding = short_play(tmp_path)
    assert (finding.verdict, finding.reasons) == ("INVALID", doubts["after"])
    assert Run(tmp_path / "out").manifest["measurement"] == "INVALID"


def test_l10_what_the_manifest_does_not_disclose_makes_a_good_play_invalid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Silent(Run):
        """A run whose manifest does not tell the TCP profile."""

        def __init__(self, folder: Path) -> None:
            super().__init__(folder)
            self.manifest["tcp_profile"] = ""

    monkeypatch.setattr(series_measure, "Run", Silent)
    monkeypatch.setattr(series_measure, "prove", lambda when, *rest: Headroom(when, 1.0, 1.0, {}, []))
    finding = short_play(tmp_path)
    assert (finding.verdict, finding.reasons) == ("INVALID", ["not disclosed (rule L10): TCP profile"])


class Burners:
    """Processes that burn one core while something is played; every process started meanwhile is kept on that core."""

    def __init__(self, cpu: int, number: int) -> None:
        self._before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {cpu})
        burn = [sys.executable, "-c", "while True: pass"]
        # each in a session of its own: where the system shares a core out by session, one for all would be one share
        self._all = [subprocess.Popen(burn, start_new_session=True) for _ in range(number)]
        self._send(signal.SIGSTOP)

    def _send(self, number: signal.Signals) -> None:
        for one in self._all:
            one.send_signal(number)

    def __call__(self, done: int, total: int, phase: str) -> None:
        self._send(signal.SIGCONT if phase == "play" and done < total else signal.SIGSTOP)

    def end(self) -> None:
        for one in self._all:
            one.kill()
            one.wait()
        os.sched_setaffinity(0, self._before)


def test_l4_a_burning_core_gives_invalid_and_not_fail(tmp_path: Path) -> None:
    """The archive runs elsewhere and misses its threshold only because its generator is starved (rule L4)."""
    rows = [row("store", 0.005 * n, n, objects=1, ae_title=f"CT{n % 5:04d}R1") for n in range(300)]
    file = write(tmp_path / "t.parquet", rows)
    with running("embedded", "south", mode="null") as target:
        burners = Burners(max(os.sched_getaffinity(0)), 64)  # leave a 65th of the core to what needs a tenth
        try:
            order = Order([PlayJob(file, target)], thresholds=thresholds(0.001), headroom_s=0.5,
                          settings={"ledger": "none", "priority": "usual"})  # fmt: skip
            finding, _ = measure(order, tmp_path / "out", burners)
        finally:
            burners.end()
    assert finding.verdict == "INVALID", finding.reasons
    assert any("generator" in reason or "headroom" in reason for reason in finding.reasons), finding.reasons
    assert finding.lines[0].verdict == "FAIL", "by the line alone the archive would be blamed"


@pytest.mark.parametrize(
    ("name", "value"),
    [("lag_p99_s", 0.2), ("loop_delay_p99_s", 0.1), ("cpu_share", 0.99), ("clock_step_s", -3600.0), ("dropped", 3)],
)
def test_each_limit_of_headroom(name: str, value: float) -> None:
    well = {"lag_p99_s": 0.001, "loop_delay_p99_s": 0.001, "cpu_share": 0.1, "clock_step_s": 0.0, "dropped": 0,
            "planned": 100}  # fmt: skip
    assert doubts_of("before", well) == []
    assert len(doubts_of("before", well | {name: value})) == 1


def test_headroom_plays_the_busiest_seconds(tmp_path: Path) -> None:
    due = np.concatenate([np.arange(0, 10, 1.0), np.arange(10, 12, 0.01), np.arange(12, 20, 1.0)])
    rows = [row("store", float(at), n, objects=1) for n, at in enumerate(due)]
    file = write(tmp_path / "t.parquet", [*rows, row("prefill", 0.0, 9999)])
    assert busiest([due], 2.0) == pytest.approx(10.0, abs=0.01)
    assert shorten(file, tmp_path / "short.parquet", 10.0, 1.0)
    assert not shorten(file, tmp_path / "none.parquet", 100.0, 1.0)
    with running("embedded", "south", mode="null") as target:
        found = prove("before", [PlayJob(file, target)], 2.0, 0.5, {})
    assert (found.seconds, found.of_s) == (0.5, pytest.approx(9.5, abs=0.01))
    assert found.generator["planned"] == pytest.approx(100, abs=2)


def test_the_targets_state_has_a_slope() -> None:
    leak = [(0.5 * n, 1_000_000 + 5_000 * n, 10 + n // 4, 0) for n in range(40)]
    found = summary_of(leak)
    assert found["resident_bytes"]["slope"]["value"] == pytest.approx(5_000 * 2 * 3600)
    assert found["open_files"]["slope"]["low"] > 0
    assert summary_of(leak[:5])["resident_bytes"]["slope"] is None
    assert summary_of([])["n"] == 0


def test_l12_a_leak_is_seen_while_it_happens() -> None:
    words = "import time\nkept = []\nwhile True:\n    kept.append(bytearray(1_000_000)); time.sleep(0.02)"
    child = subprocess.Popen([sys.executable, "-c", words])
    try:
        with TargetState("south", child.pid, every_s=0.05) as state, suppress(subprocess.TimeoutExpired):
            child.wait(1.5)
    finally:
        child.kill()
        child.wait()
    found = state.summary()
    assert found["resident_bytes"]["slope"]["low"] > 0
    assert found["resident_bytes"]["last"] > found["resident_bytes"]["first"] + 10e6


def test_the_slope_is_that_of_one_process_and_not_of_a_restart() -> None:
    first = [(0.5 * n, 9_000_000 + 5_000 * n, 10, 0) for n in range(30)]
    second = [(20 + 0.5 * n, 1_000_000 + 5_000 * n, 10, 0) for n in range(20)]
    found = summary_of(first + second, [30])["resident_bytes"]
    assert found["slope"]["value"] == pytest.approx(5_000 * 2 * 3600)
    assert (found["first"], found["last"], found["most"]) == (9_000_000, 1_095_000, 9_145_000)


def test_l12_an_archive_that_was_killed_is_watched_when_it_is_back(tmp_path: Path) -> None:
    with running("embedded", "south", {}, "disk", tmp_path / "store") as target:
        with TargetState("south", target.pid, every_s=0.05) as state:
            sleep(0.3)
            assert restart(target.pid)
            before = len(state.samples)
            sleep(0.5)
        found = state.summary()
    assert found["restarts"] == 1
    assert len(state.samples) >= before + 3
    assert state.samples[-1][1] > 1e6
