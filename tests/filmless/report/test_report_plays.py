"""A play's verdict stands beside its figures, and nothing is pooled over archives, settings, traffic or verdicts."""

from pathlib import Path
from typing import Any

import pytest

from filmless.report.front_page import headlines
from filmless.report.front_table import lines, rows_of
from filmless.report.measured import Measured
from filmless.report.plays import plays_of, plays_table, tally
from filmless.report.simulated import Simulated
from tests.filmless.report.conftest import Runs
from tests.filmless.report.fake_run import load_run

STORE = "Store a study, 95th percentile, measured"
UNTRUSTED: dict[str, Any] = {"measurement": "INVALID", "verdict": "INVALID", "reasons": ["lag p99 is 0.3 s"]}
DIFFERENT: list[dict[str, Any]] = [
    {"verdict": "FAIL", "reasons": ["2 of 18 operations did not end well"]},
    {"speed": 60.0},
    {"targets": {"south": {"name": "x", "software": "Orthanc 1.12"}}},
    {"settings": {"shape": True}},
    {"starts": {"south": "2007-03-06T15:00:00"}},
    UNTRUSTED,
]


@pytest.fixture(scope="module")
def sim(runs: Runs) -> Simulated:
    return Simulated(runs.simulated)


def played(folder: Path, *others: dict[str, Any]) -> Measured:
    told = [{}, *others]
    return Measured([load_run(folder / f"p{i}", ["south"], seed=i, **one) for i, one in enumerate(told)])


@pytest.mark.parametrize("other", DIFFERENT)
def test_plays_that_differ_have_no_figure_together(sim: Simulated, tmp_path: Path, other: dict[str, Any]) -> None:
    rows = rows_of(sim, played(tmp_path, other))
    verdicts = tally(plays_of(played(tmp_path / "again", other)))
    for cell in (0, -1):
        text, ends = next(line for line in lines(rows) if line.label == STORE).cells[cell]
        assert (text, ends) == ("[x]", f"see each play: {verdicts}")
    card = headlines(sim, rows)[-1]
    assert card.value == verdicts
    assert "have no figure together" in card.what or "has no figure here" in card.what


def test_plays_of_one_kind_are_repetitions_and_say_their_verdict(sim: Simulated, tmp_path: Path) -> None:
    rows = rows_of(sim, played(tmp_path, {}))
    assert next(line for line in lines(rows) if line.label == STORE).cells[-1][1].endswith("; 2 PASS")
    assert headlines(sim, rows)[-1].what.endswith("stored, measured: 2 PASS")


def test_clusters_of_one_play_against_one_product_have_a_figure_together(sim: Simulated, runs: Runs) -> None:
    rows = rows_of(sim, Measured(runs.loads))
    assert headlines(sim, rows)[-1].what.endswith("measured: 5 PASS")


def test_each_play_has_its_verdict_in_words_beside_its_figures(tmp_path: Path) -> None:
    table = plays_table(played(tmp_path, *DIFFERENT)).set_index("play")
    assert len(table) == 7
    assert table.loc["p0", "verdict"] == "PASS: held to no threshold, everything was done and found"
    assert table.loc["p1", "verdict"] == "FAIL. 2 of 18 operations did not end well"
    assert table.loc["p2", "how"] == "60 times real speed, TCP tuned"
    assert table.loc["p4", "how"] == "1 times real speed, TCP tuned, shape"
    assert table.loc["p6", "verdict"] == (
        "INVALID: the measurement cannot be trusted, do not use its numbers; lag p99 is 0.3 s"
    )
    assert "; n 240)" in table.loc["p1", "store a study, p95"]
