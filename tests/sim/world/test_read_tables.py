"""Tables: what a spreadsheet writes is read; what is wrong has file, line, and number and name of the column."""

from pathlib import Path

import pytest

from sim.world.problems import MOST, Problem, ScenarioErrors
from sim.world.read_tables import LARGEST, Table, read_table
from sim.world.tables import MixRow, TrustRow

HEAD = "trust,name,cluster,archive,programme,live,invented,source,status\n"
ROW = "T1,Trust one,west,a,yes,2006-03-08,no,x,assumed\n"


def read(folder: Path, text: str | bytes, name: str = "t.csv") -> Table[TrustRow]:
    (folder / "t.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_table(folder, folder, name, TrustRow)


def problems(folder: Path, text: str | bytes, name: str = "t.csv") -> list[Problem]:
    with pytest.raises(ScenarioErrors) as caught:
        read(folder, text, name)
    return caught.value.problems


def test_rows_know_their_lines(tmp_path: Path) -> None:
    two = '"T2","Two, and\n# no comment",west,a,no,,yes,x,assumed\n'
    text = f'# a comment, "with a quote\n\n{HEAD}# another\n{ROW}{two}{ROW}'
    table = read(tmp_path, text)
    assert [row.trust for row in table.rows] == ["T1", "T2", "T1"]
    assert table.rows[1].name == "Two, and\n# no comment"
    assert table.rows[1].live is None
    assert table.lines == [5, 6, 8]
    problem = table.problem(1, "archive", "no")
    assert (problem.line, problem.column, problem.key) == (6, 4, "archive")


@pytest.mark.parametrize("text", [b"\xef\xbb\xbf" + (HEAD + ROW).encode(), (HEAD + ROW).replace("\n", "\r\n").encode()])
def test_what_a_spreadsheet_writes_is_read(tmp_path: Path, text: bytes) -> None:
    assert len(read(tmp_path, text).rows) == 1


@pytest.mark.parametrize(
    ("old", "new", "column", "words"),
    [
        ("2006-03-08", "08/03/2006", 6, "allowed: a date, such as 2004-07-01"),
        ("2006-03-08", "1136073600", 6, "allowed: a date, such as 2004-07-01"),
        ("2006-03-08", "2006-02-30", 6, "allowed: a date, such as 2004-07-01"),
        ("yes", "Yes", 5, "allowed: 'yes', 'no'; did you mean 'yes'?"),
        ("assumed", "asumed", 9, "did you mean 'assumed'?"),
        ("T1", "", 1, "this cell is empty"),
        ("x,", "x, ,", 9, "10 cells, but 9 columns"),
        (",x", "", 8, "8 cells, but 9 columns"),
        ("Trust one", 'Trust "one"', 0, ""),
        ("Trust one", '"Trust" one', 1, "not valid CSV"),
        ("Trust one", '"Trust one', 1, "not valid CSV"),
    ],
)
def test_a_bad_cell_has_its_place(tmp_path: Path, old: str, new: str, column: int, words: str) -> None:
    text = "# first\n" + HEAD + ROW + ROW.replace(old, new, 1)
    if not words:
        assert len(read(tmp_path, text).rows) == 2
        return
    (problem,) = problems(tmp_path, text)
    assert (problem.line, problem.column) == (4, column)
    assert words in str(problem)


def test_all_bad_cells_at_once(tmp_path: Path) -> None:
    found = problems(tmp_path, HEAD + ROW.replace("yes", "y").replace("no", "n") + ROW.replace("2006", "6"))
    assert [(p.line, p.key) for p in found] == [(2, "programme"), (2, "invented"), (3, "live")]


def test_a_table_that_is_wrong_in_every_line_is_wrong_once(tmp_path: Path) -> None:
    found = problems(tmp_path, HEAD + ROW.replace("yes", "y") * 5_000)
    assert len(found) == MOST + 1
    assert "and more like these" in found[-1].message


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (HEAD.replace(",cluster", ""), [("cluster", 1, "this column is missing")]),
        (HEAD.replace("archive", "archives"), [("archives", 4, "did you mean 'archive'?")]),
        (HEAD.replace("\n", ",colour\n"), [("colour", 10, "unknown column; allowed: source, status, trust")]),
        (HEAD.replace("\n", ",trust\n"), [("trust", 10, "this column is there twice")]),
        ("", [("", 1, "the table is empty; allowed: a first line with")]),
        ("# only a comment\n", [("", 1, "the table is empty")]),
    ],
)
def test_columns(tmp_path: Path, head: str, expected: list[tuple[str, int, str]]) -> None:
    found = problems(tmp_path, head)
    assert [(p.key, p.column) for p in found] == [(key, column) for key, column, _ in expected]
    assert all(words in str(p) for p, (_, _, words) in zip(found, expected, strict=True))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("none.csv", "there is no such file"), (".", "there is no such file"), ("../t.csv", "outside"),
        ("/etc/hostname", "outside"), ("a\0b", "outside"), ("a" * 5_000, "too long"), ("link.csv", "outside"),
    ],
)  # fmt: skip
def test_files_that_are_not_read(tmp_path: Path, name: str, words: str) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "t.csv").write_text(HEAD)
    (home / "link.csv").symlink_to(tmp_path / "t.csv")
    (problem,) = problems(home, HEAD, name)
    assert words in problem.message
    assert "\0" not in str(problem)
    assert len(str(problem)) < 6_000


def test_too_large_or_not_text(tmp_path: Path) -> None:
    assert "larger than" in problems(tmp_path, "#" * (LARGEST + 1))[0].message
    assert problems(tmp_path, HEAD.encode() + b"\xff\n")[0].line == 2
    assert "not valid CSV" in problems(tmp_path, HEAD + ROW.replace("Trust one", "a" * 140_000))[0].message


@pytest.mark.parametrize(
    ("value", "words"), [("1.5", "to 1"), ("-0.1", "from 0"), ("nan", "a number"), ("1,5", "cells")]
)
def test_numbers_keep_their_limits(tmp_path: Path, value: str, words: str) -> None:
    (tmp_path / "mix.csv").write_text(f"modality,setting,share,low,high,source,status\nCR,ae,{value},,,x,assumed\n")
    with pytest.raises(ScenarioErrors, match=words):
        read_table(tmp_path, tmp_path, "mix.csv", MixRow)
