"""Places of keys: by example, and of any file that a writer can write."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim.world.problems import ScenarioErrors
from sim.world.toml_places import DEEPEST_KEY, LARGEST, LONGEST_LINE, Path_, read_toml

TEXT = """\
title = "£ and ü"  # a comment
a.b."c d" = 1
'q' = { x = 1, "ü" = { y = [10, { z = 3 }] } }  # behind

[t.u]  # of a table
v = [
    1,  # one
    2,
]

[[rows]]
n = 1
[[rows]]
n = 2
[rows.below]
m = 3
"""
PLACES: dict[Path_, tuple[int, int, int, int]] = {
    ("title",): (1, 1, 1, 9), ("a",): (2, 1, 2, 13), ("a", "b", "c d"): (2, 1, 2, 13), ("q",): (3, 1, 3, 7),
    ("q", "x"): (3, 9, 3, 13), ("q", "ü", "y"): (3, 24, 3, 28), ("q", "ü", "y", 1, "z"): (3, 35, 3, 39),
    ("t",): (5, 2, 5, 2), ("t", "u"): (5, 2, 5, 2), ("t", "u", "v"): (6, 1, 6, 5), ("t", "u", "v", 1): (8, 5, 8, 5),
    ("rows", 0, "n"): (12, 1, 12, 5), ("rows", 1, "n"): (14, 1, 14, 5), ("rows", 1, "below", "m"): (16, 1, 16, 5),
}  # fmt: skip


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "x.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def only(path: Path) -> Any:
    with pytest.raises(ScenarioErrors) as caught:
        read_toml(path)
    (problem,) = caught.value.problems
    return problem


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_every_kind_of_key_has_its_place(tmp_path: Path, ends: str) -> None:
    found = read_toml(write(tmp_path, TEXT.replace("\n", ends)))
    places = {k: (p.line, p.column, p.value_line, p.value_column) for k, p in found.places.items()}
    assert {k: places[k] for k in PLACES} == PLACES


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    assert read_toml(write(tmp_path, b"\xef\xbb\xbfa = 1\n")).data == {"a": 1}


KEYS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=8)
LEAVES = st.one_of(st.integers(-9, 10**9), st.booleans(), st.text(max_size=8), st.dates())
DATA = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=12
)


def paths(value: Any, at: Path_ = ()) -> list[tuple[Path_, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    below = [found for key, item in items for found in paths(item, (*at, key))]
    return [(at, value), *below] if at else below


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.dictionaries(KEYS, DATA, max_size=4))
def test_what_a_writer_writes_is_found_where_it_stands(tmp_path: Path, data: dict[str, Any]) -> None:
    text = tomli_w.dumps(data)
    found = read_toml(write(tmp_path, text))
    lines = text.split("\n")
    for path, value in paths(data):
        if path in found.places and not isinstance(value, dict | list):
            place = found.places[path]
            rest = lines[place.value_line - 1][place.value_column - 1 :]
            assert rest.startswith(tomli_w.dumps({"v": value}).removeprefix("v = ").rstrip("\n")), (path, place)
        else:
            assert path in found.places or path[:-1] in found.places or not value or isinstance(value, list), path


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a = 1\nb = \n", 2, "not valid TOML"),
        ("a = 1\n[t\n", 2, "not valid TOML"),
        ("a = 1\na = 2\n", 2, "set twice: first in line 1"),
        ("a = 1\n\n[t]\nb = 1\n[t]\nb = 2\n", 5, "set twice: first in line 3"),
        ("a = [\n 1,\n]\na = [\n 2,\n]\n", 4, "set twice: first in line 1"),
        ('a = 1\nb = "no end', 2, "not valid TOML"),
        (b"a = 1\nb = '\xff'\n", 2, "is not UTF-8"),
        ("a = 2004-02-30\n", 1, "Invalid date"),
        ("a = " + "[" * 3_000 + "]" * 3_000 + "\n", 1, "a line of"),
        ("a = " + "[\n" * 3_000 + "]\n" * 3_000, 0, "too deep"),
        (".".join("a" * (DEEPEST_KEY + 1)) + " = 1\n", 0, "deep"),
        ("x = '" + "a" * LONGEST_LINE + "'\n", 1, "a line of"),
        ("#\n" * LARGEST, 0, "larger than"),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_bad_files_have_one_message(tmp_path: Path, text: str | bytes, line: int, words: str) -> None:
    problem = only(write(tmp_path, text))
    assert (problem.line, words in problem.message) == (line, True), problem


def test_more_digits_than_python_reads(tmp_path: Path) -> None:
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(640)
    try:
        assert "not valid TOML" in only(write(tmp_path, "a = " + "9" * 700)).message
    finally:
        sys.set_int_max_str_digits(before)


def test_what_is_no_file_says_so(tmp_path: Path) -> None:
    assert "folder" in only(tmp_path).message
    assert "no such file" in only(tmp_path / "none.toml").message
    assert "no such file" in only(tmp_path / "zero\0byte").message
    os.mkfifo(tmp_path / "pipe.toml")
    assert "no such file" in only(tmp_path / "pipe.toml").message
