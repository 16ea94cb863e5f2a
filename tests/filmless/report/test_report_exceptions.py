"""The report lists every exception of the ledger: study by study, in words, and how to read what does not fit."""

from pathlib import Path

import pandas as pd
import pytest

from filmless.report import answers, exceptions
from filmless.report.measured import Measured
from filmless.report.simulated import Simulated
from filmless.report.tables import html_table
from loadtest.verdict.ledger import compare_names, judge, ledger_table, settle
from loadtest.verdict.records import ObjectRow, StudyRow
from tests.filmless.report.conftest import Runs
from tests.filmless.report.fake_run import load_run


def study(exam: int, outcomes: list[str], found: list[int | None]) -> StudyRow:
    """A study of which these objects were answered so, and these are told by name."""
    row = StudyRow("london", "ge", "CT0001R1", exam, "play", "CT", len(outcomes))
    status = {"ok": 0, "refused": 0xA700}
    sent = [ObjectRow("london", exam, exam, n, 0.0, 0.1, 0.2, 0.3, 1, status.get(one, -1), one)
            for n, one in enumerate(outcomes)]  # fmt: skip
    settle(row, sent, "failed")
    acknowledged = [n for n, one in enumerate(outcomes) if one == "ok"]
    row.found_cfind = row.found_named = len(found)
    judge(row, compare_names(acknowledged, acknowledged, range(len(outcomes)), found))
    return row


def read(folder: Path, rows: list[StudyRow]) -> Measured:
    return Measured([load_run(folder / "load", ["london"], ledger=ledger_table(rows).to_pandas())])


@pytest.fixture(scope="module")
def sim(runs: Runs) -> Simulated:
    return Simulated(runs.simulated)


def test_every_exception_stands_with_its_study_and_what_happened(sim: Simulated, tmp_path: Path) -> None:
    rows = [
        study(1, ["ok", "ok"], [0, 1]),
        study(2, ["ok", "unknown"], [0, 1]),
        study(3, ["ok", "ok", "unknown"], [1, 2]),
        study(4, ["ok"], [0, None]),
        study(5, ["ok", "ok"], [0, 1, 1]),
    ]
    measured = read(tmp_path, rows)
    table = exceptions.exceptions(sim, measured)
    assert list(zip(table["exam"], table["what happened"], strict=True)) == [
        ("3", "of 3 objects: 2 stored, 1 unknown; lost 1; recovered 1 (lost: 0; recovered: 2)"),
        ("4", "phantom 1 (phantom: 1 objects)"),
        ("5", "duplicate 1 (duplicate: 1)"),
        ("2", "of 2 objects: 1 stored, 1 unknown; recovered 1 (recovered: 1)"),
    ]
    assert list(table.columns) == ["cluster", "run", "exam", "sent by", "what happened"]
    assert exceptions.rest(measured).startswith(
        "4 studies are exceptions. Objects: 1 lost, 2 recovered, 1 phantom, 1 duplicate. All of them, in the run folder"
    )
    sums = answers.ledger(sim, measured).iloc[0]
    assert [sums[f"objects {kind}"] for kind in ("lost", "recovered", "phantom", "duplicate")] == [1, 2, 1, 1]


def test_what_does_not_fit_is_counted_and_can_be_read(sim: Simulated, tmp_path: Path) -> None:
    measured = read(tmp_path, [study(n, ["ok"], []) for n in range(exceptions.MOST_SHOWN + 7)])
    assert len(exceptions.exceptions(sim, measured)) == exceptions.MOST_SHOWN
    words = exceptions.rest(measured)
    assert words.startswith("and 7 more, in ledger.parquet of the run folder. 107 studies are exceptions.")
    query = words.partition('duckdb -c "')[2].rstrip('"').replace("'ledger.parquet'", "ledger")
    assert "WHERE happened <> ''" in query
    assert (measured.ledger["happened"] != "").sum() == 107


def test_a_long_story_is_cut_and_says_where_the_whole_is(sim: Simulated, tmp_path: Path) -> None:
    odd = study(1, ["ok"] * 800, list(range(0, 800, 2)))
    measured = read(tmp_path, [odd])
    (words,) = exceptions.exceptions(sim, measured)["what happened"]
    assert words.startswith("lost 400 (lost: 1, 3, 5, ")
    assert words.endswith("... (the whole is in ledger.parquet)")
    assert len(words) < 450
    assert "797, 799" in measured.ledger["happened"][0]


def test_one_exception_is_told_in_the_singular(tmp_path: Path) -> None:
    words = exceptions.rest(read(tmp_path, [study(1, ["ok"], [0]), study(2, ["ok"], [0, None])]))
    assert words.startswith("1 study is an exception. Objects: 1 phantom. All of it, in the run folder: duckdb")


def test_without_exceptions_that_is_said(sim: Simulated, tmp_path: Path) -> None:
    measured = read(tmp_path, [study(1, ["ok"], [0])])
    assert exceptions.exceptions(sim, measured).empty
    assert exceptions.rest(measured) == "Every study that was to be stored was stored, and found as it was answered."


def test_a_run_from_before_tells_states_and_findings(sim: Simulated, tmp_path: Path) -> None:
    old = pd.DataFrame({"cluster": "london", "exam": [1, 2, 3], "state": ["stored", "refused", "stored"],
                        "finding": ["as answered", "as answered", "lost 1"], "ae_title": "CT1"})  # fmt: skip
    measured = Measured([load_run(tmp_path / "load", ["london"], ledger=old)])
    table = exceptions.exceptions(sim, measured)
    assert list(table["what happened"]) == ["refused", "lost 1"]


def test_a_strangers_ledger_stays_text(sim: Simulated, tmp_path: Path) -> None:
    bad = '<img src=x onerror="alert(1)">\x1b[31m'
    rows = ledger_table([study(1, ["ok"], [])]).to_pandas().assign(happened=bad, ae_title=bad, lost="many")
    page = html_table(exceptions.exceptions(sim, Measured([load_run(tmp_path / "l", ["london"], ledger=rows)])), "t", 3)
    assert "<img" not in page
    assert "\x1b" not in page
    assert "&lt;img" in page
