"""A frozen archive: what waited is charged from its due time, what could not wait is dropped and counted."""

import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from loadtest.archives.launch import running
from loadtest.play.launch import PlayJob, play
from loadtest.verdict.operations import Series, percentile
from sim.runs.store import Run
from tests.loadtest.traffic_factory import row, write


class Freeze:
    """Stops a process for a while by SIGSTOP, from a moment after the play has begun."""

    def __init__(self, pid: int, begin_s: float, for_s: float) -> None:
        self._pid, self._begin_s, self._for_s = pid, begin_s, for_s
        self._begun = False
        self.lasted_s = 0.0

    def __call__(self, done: int, total: int, phase: str) -> None:
        if phase == "play" and not self._begun:
            self._begun = True
            threading.Thread(target=self._freeze, daemon=True).start()

    def _freeze(self) -> None:
        time.sleep(self._begin_s)
        os.kill(self._pid, signal.SIGSTOP)
        began = time.perf_counter()
        time.sleep(self._for_s)
        os.kill(self._pid, signal.SIGCONT)
        self.lasted_s = time.perf_counter() - began


def test_l1_a_frozen_archive_is_charged_for_all_that_waited(tmp_path: Path) -> None:
    """5 s in 15: p99 over all operations is 5 s - 1 % of 15 s = 4.85 s, whatever was under way when it froze."""
    rows = [row("store", 0.02 * n, n, objects=1, ae_title=f"CT{n % 10:04d}R1") for n in range(750)]
    file = write(tmp_path / "t.parquet", rows)
    with running("embedded", "south", mode="null") as target:
        freeze = Freeze(target.pid, begin_s=5.0, for_s=5.0)
        result = play([PlayJob(file, target)], 1.0, tmp_path / "out", freeze, ledger="none", response_s=20.0)
    operations = Run(tmp_path / "out").table("operations")
    response = operations.sort_values("due_s")["response_s"].to_numpy()
    assert result["outcomes"]["ok"] + result["outcomes"]["dropped"] == result["planned"] == 750
    assert result["outcomes"]["dropped"] == 0
    assert result["measurement"] == "VALID", result["reasons"]
    assert freeze.lasted_s == pytest.approx(5.0, abs=0.1)
    truth = np.quantile(np.concatenate([np.zeros(500), np.linspace(freeze.lasted_s, 0, 250)]), 0.99)
    assert np.quantile(response, 0.99) == pytest.approx(truth, rel=0.05)
    assert (operations["service_s"] < 5.2).all()
    assert operations["blocked_s"].max() > 4.0
    assert operations["lag_s"].quantile(0.99) < 0.1
    median = percentile(Series(response, np.zeros(len(response), bool)), 0.5)
    assert median.value < 0.1
    assert not median.high < 1.0, "a run with a freeze in it cannot bound its median closely (NaN: not at all)"


def test_l2_a_frozen_archive_and_a_short_backlog_drop_and_count(tmp_path: Path) -> None:
    rows = [row("store", 0.01 * n, n, objects=1) for n in range(200)]
    file = write(tmp_path / "t.parquet", rows)
    with running("embedded", "south", mode="null") as target:
        freeze = Freeze(target.pid, 0.5, 1.0)
        result = play([PlayJob(file, target)], 1.0, tmp_path / "out", freeze, ledger="none", backlog=10)
    outcomes = result["outcomes"]
    assert outcomes["ok"] + outcomes["dropped"] == 200
    assert outcomes["dropped"] > 50
    assert result["verdict"] == "INVALID"
    assert "were due and never sent" in result["reasons"][0]
