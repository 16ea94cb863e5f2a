"""Files that mean harm, or were merely damaged: ScenarioErrors with lines that can be read, never anything else."""

import json
import random
import shutil
import subprocess
import sys
from datetime import date, datetime, time
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim.world.load import load_world
from sim.world.problems import Problem, ScenarioErrors
from tests.sim.tiny import scenario, write_tiny

FIXTURES = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("base"))


def outcome(path: Path, *sets: str) -> list[str]:
    """The problems' lines; each is one line of printable text. None of a world that could be loaded."""
    problems = []
    try:
        load_world(path, sets)
    except ScenarioErrors as error:
        problems = error.problems or [Problem(str(path), 0, 0, "", "")]
    lines = [str(p) for p in problems]
    assert all(p.message and str(p).isprintable() and len(str(p)) < 4_000 for p in problems), lines
    json.dumps([p.to_json() for p in problems])
    return lines


WORDS = [
    b"", b"\n", b'"', b"'''", b"[", b"]]", b"{ ", b" = ", b".", b"#", b"true", b"nan", b"1e999", b"-inf", b"\x00",
    b"\xff", b"2004-07-01", b"[[x]]\n", b",", b"\r",
]  # fmt: skip
JUNK = [
    True, -1, 0, 0.0, 10**18, 1e308, -1e308, "", "x", "a" * 5_000, "\n\u202e", [], [[]], [1.0] * 24, {}, {"value": 1},
    {"": {}}, date(1, 1, 1), time(1), datetime(2004, 7, 1), ["x", 3],
]  # fmt: skip


def mutated(raw: bytes, draw: random.Random) -> bytes:
    """One or more of: a byte changed, a piece lost, a piece doubled, a line moved, a word of TOML put in."""
    for _ in range(draw.randint(1, 4)):
        at, size = draw.randrange(len(raw) + 1), draw.randint(0, 40)
        piece = raw[at : at + size]
        words = [*WORDS, bytes([draw.randrange(256)]), piece * 2]
        raw = raw[:at] + draw.choice(words) + raw[at + size :]
    return raw


def damaged(data: dict[str, Any], draw: random.Random) -> dict[str, Any]:
    """Values replaced, lost, or given to another key, at any depth; still TOML."""
    for _ in range(draw.randint(1, 3)):
        at, key = data, draw.choice(list(data))
        while isinstance(at[key], dict) and at[key] and draw.random() < 0.8:
            at = at[key]
            key = draw.choice(list(at))
        value = at.pop(key)
        if draw.random() < 0.8:
            at[key if draw.random() < 0.8 else key + "s"] = draw.choice([*JUNK, value])
    return data


@settings(max_examples=120, deadline=None, suppress_health_check=FIXTURES)
@given(
    seed=st.integers(0, 2**32), name=st.sampled_from(["tiny.toml", "sites.csv", "trusts.csv", "mix.csv", "sources.csv"])
)
def test_mutated_files_give_problems_or_a_world(base: Path, tmp_path: Path, seed: int, name: str) -> None:
    folder = tmp_path / "x"
    shutil.copytree(base.parent, folder, dirs_exist_ok=True)
    (folder / name).write_bytes(mutated((base.parent / name).read_bytes(), random.Random(seed)))
    outcome(folder / "tiny.toml")


@settings(max_examples=120, deadline=None, suppress_health_check=FIXTURES)
@given(seed=st.integers(0, 2**32))
def test_damaged_scenarios_give_problems_or_a_world(base: Path, seed: int) -> None:
    path = base.with_name("damaged.toml")
    path.write_text(tomli_w.dumps(damaged(scenario(), random.Random(seed))))
    outcome(path)


@settings(max_examples=200, deadline=None, suppress_health_check=FIXTURES)
@given(raw=st.binary(max_size=60) | st.text("ab.=[]{}\"'#\n 1,-:T", max_size=60).map(str.encode))
def test_any_bytes_give_problems(base: Path, raw: bytes) -> None:
    path = base.with_name("any.toml")
    path.write_bytes(raw)
    assert outcome(path)
    path.write_bytes(b'extends = "tiny.toml"\n' + raw)
    outcome(path)


@settings(max_examples=80, deadline=None, suppress_health_check=FIXTURES)
@given(
    text=st.text(max_size=30) | st.from_regex(r"(network|plan|clusters\.west)(\.[a-z_]{1,8})?=[0-9a-z\"\[{}\]. ]{0,9}")
)
def test_any_set_gives_problems_or_a_world(base: Path, text: str) -> None:
    outcome(base, text)


def test_all_bad_sets_are_told_at_once(base: Path) -> None:
    assert len(outcome(base, "seed=", "title", "network.lan.value=5000.0")) == 2
    (line,) = outcome(base, "network.lan.value=50000.0")
    assert line.startswith("--set network.lan.value=50000.0: network.lan: value 50000.0 lies outside its range")
    assert line.endswith("set low and high too")
    (line,) = outcome(base, "network.lann=1")
    assert "did you mean 'lan'?" in line


LARGE = {
    "one long line": b"x = '" + b"a" * 3_000_000 + b"'",
    "endless dots": b".".join([b"a"] * 900_000) + b" = 1",
    "many long headers": b"\n".join(b"[" + b".".join([b"a%d" % i] + [b"a"] * 1_900) + b"]" for i in range(60)),
    "nested lists": b"x = " + b"[\n" * 200_000,
    "nested tables": b"x = " + b"{ a = " * 600 + b"1" + b" }" * 600,
    "many unknown keys": b"".join(b"k%d = 1\n" % i for i in range(20_000)),
    "many unknown tables": b"".join(b"[k%d]\n" % i for i in range(20_000)),
    "many figures": b"[clusters]\n" + b"".join(b"c%d = { exams_share = { value = 2 } }\n" % i for i in range(6_000)),
    "many quarrels": b"".join(b"a.b%d = 1\na.b%d = 2\n" % (i, i) for i in range(8_000)),
}


@pytest.mark.parametrize("name", LARGE)
def test_large_files_are_refused_in_seconds(base: Path, tmp_path: Path, name: str) -> None:
    shutil.copytree(base.parent, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "large.toml"
    path.write_bytes(b'extends = "tiny.toml"\n' + LARGE[name])
    begun = perf_counter()
    lines = outcome(path)
    assert perf_counter() - begun < 20
    assert 1 <= len(lines) <= 110


def test_a_message_cannot_move_the_cursor(base: Path) -> None:
    path = base.with_name("cursor.toml")
    path.write_text('extends = "tiny.toml"\n"\\u001b[2J\\n" = 1\ncountry = ["\\u202e"]\n')
    assert any("\\x1b[2J\\n: unknown key" in line for line in outcome(path))


def test_an_inherited_mistake_names_both_files(base: Path, tmp_path: Path) -> None:
    shutil.copytree(base.parent, tmp_path, dirs_exist_ok=True)
    (tmp_path / "tiny.toml").write_text(base.read_text().replace('country = "Nowhere"', "country = 3"))
    (tmp_path / "top.toml").write_text('extends = "tiny.toml"\n')
    (line,) = outcome(tmp_path / "top.toml")
    assert f"{tmp_path}/tiny.toml:3:11: country: 3 is not of the right type" in line
    assert line.endswith(f"inherited by {tmp_path}/top.toml")


def test_parts_that_do_not_fit_are_told_at_the_last_file_that_changed_one(base: Path, tmp_path: Path) -> None:
    shutil.copytree(base.parent, tmp_path, dirs_exist_ok=True)
    (tmp_path / "mid.toml").write_text('extends = "tiny.toml"\n[plan]\nend = 2001-01-01\n')
    (tmp_path / "top.toml").write_text('extends = "mid.toml"\ntitle = "Top"\n')
    (line,) = outcome(tmp_path / "top.toml")
    assert f"{tmp_path}/mid.toml:3:7: plan: the plan ends" in line


def test_a_misspelt_new_table_is_told_once(base: Path) -> None:
    path = base.with_name("new.toml")
    path.write_text('extends = "tiny.toml"\n[clusters.wets]\nname = "West"\n')
    (line,) = outcome(path)
    assert "these keys are missing: lsp, suppliers, archives" in line
    assert "did you mean 'west'?" in line


def test_the_loader_is_light() -> None:
    listed = "import sys; import sim.world.load; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", listed], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "pandas", "numba", "scipy", "pyarrow", "pydicom"} & set(loaded)
