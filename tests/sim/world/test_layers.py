"""Layers: who wins, who is named, and what may be read."""

from pathlib import Path
from typing import Any

import pytest

from sim.world.layers import DEEPEST, Layered, merge, read_layers, read_set
from sim.world.problems import Problem, ScenarioErrors

FIGURE = '{ value = 5.0, unit = "Mbit/s", source = "x", status = "assumed", low = 1.0, high = 9.0 }'


def put(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text)
    return folder / "top.toml"


def layered(path: Path, *sets: str) -> Layered:
    return merge(path, [*read_layers(path), *map(read_set, sets)])


def refused(path: Path) -> Problem:
    with pytest.raises(ScenarioErrors) as caught:
        read_layers(path)
    return caught.value.problems[0]


def where(found: Layered, *keys: str | int) -> tuple[str, int]:
    place, _ = found.place(keys)
    return Path(place.file).name, place.line


def test_tables_merge_and_the_last_to_speak_wins(tmp_path: Path) -> None:
    top = put(
        tmp_path, base='title = "base"\nseed = 1\n[plan]\nsizing_year = 2006\nstart = 2004-01-01\n',
        mid='extends = "base.toml"\nseed = 2\n[plan]\nsizing_year = 2007\n', top='extends = "mid.toml"\nseed = 3\n',
    )  # fmt: skip
    found = layered(top)
    assert found.data["seed"] == 3
    assert found.data["plan"]["sizing_year"] == 2007
    assert "extends" not in found.data
    assert where(found, "title") == ("base.toml", 1)
    assert where(found, "seed") == ("top.toml", 2)
    assert where(found, "plan", "sizing_year") == ("mid.toml", 4)
    assert where(found, "plan", "start") == ("base.toml", 5)
    assert found.inherited(found.place(("title",))[0]) == str(top)
    assert found.inherited(found.place(("seed",))[0]) == ""


def test_a_figure_is_written_anew_as_a_whole(tmp_path: Path) -> None:
    """Else an old range, or an old source, would stay with a new value."""
    top = put(tmp_path, base=f"[network]\nlan = {FIGURE}\n", top='extends = "base.toml"\n[network.lan]\nvalue = 7.0\n')
    assert layered(top).data["network"]["lan"] == {"value": 7.0}
    hours = 'weekday = [9, 17]\nsaturday = []\nsunday = []\nsource = "x"\nstatus = "assumed"\n'
    top = put(
        tmp_path, base=f"[reading.hours]\n{hours}", top='extends = "base.toml"\n[reading.hours]\nsunday = [9, 12]\n'
    )
    assert layered(top).data["reading"]["hours"] == {"sunday": [9, 12]}


def test_what_a_later_layer_replaces_takes_its_places_along(tmp_path: Path) -> None:
    top = put(
        tmp_path, base=f"[network]\nlan = {FIGURE}\n", mid=f'extends = "base.toml"\n[network]\nlan = {FIGURE}\n',
        top='extends = "mid.toml"\n[network.lan]\nvalue = 7.0\n',
    )  # fmt: skip
    found = layered(top)
    assert where(found, "network", "lan", "value") == ("top.toml", 3)
    assert where(found, "network", "lan", "low") == ("top.toml", 2)  # gone: the table that lacks it


def test_the_command_line_changes_a_part(tmp_path: Path) -> None:
    found = layered(put(tmp_path, top=f"[network]\nlan = {FIGURE}\n"), "network.lan.value=7.5", 'clusters_used=["a"]')
    assert found.data["network"]["lan"]["value"] == 7.5
    assert found.data["network"]["lan"]["high"] == 9.0
    assert found.data["clusters_used"] == ["a"]
    assert where(found, "network", "lan", "value") == ("--set network.lan.value=7.5", 0)
    assert where(found, "network", "lan", "high") == ("top.toml", 2)
    assert found.folder(("clusters_used",)) == tmp_path


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("seed = 4", {"seed": 4}),
        ('title="a=b"', {"title": "a=b"}),
        ('a."b.c".d=true', {"a": {"b.c": {"d": True}}}),
        ("plan.start=2004-07-01T00:00:00Z", None),
        ("network.lan={value=1.0}", {"network": {"lan": {"value": 1.0}}}),
    ],
)
def test_a_set_is_toml(text: str, data: Any) -> None:
    assert data is None or read_set(text).data == data


@pytest.mark.parametrize(
    "text", ["", "seed", "=1", "seed=", "seed=one", "a..b=1", "seed=1\ntitle=2", "seed=1\n[x]", "a=[" * 900,
             ".".join("a" * 13) + "=1", "a b=1", "[a]=1", "a=1 # =\x00"],
)  # fmt: skip
def test_a_set_that_is_none_says_how_to_write_one(text: str) -> None:
    with pytest.raises(ScenarioErrors, match=r"write key\.path=value") as caught:
        read_set(text)
    assert len(str(caught.value).splitlines()) == 1


def test_a_file_name_is_relative_to_the_file_that_says_it(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "base.toml").write_text('[tables]\nsites = "sites.csv"\nmix = "mix.csv"\n')
    found = layered(put(tmp_path, top='extends = "below/base.toml"\n[tables]\nmix = "mix.csv"\n'))
    assert found.folder(("tables", "sites")) == tmp_path / "below"
    assert found.folder(("tables", "mix")) == tmp_path


@pytest.mark.parametrize("name", ["../outside.toml", "/etc/hostname", "link.toml", "linked/outside.toml", "loop.toml",
                                  "a\\u0000b"])  # fmt: skip
def test_nothing_outside_the_folder_is_read(tmp_path: Path, name: str) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "outside.toml").write_text("secret = 1\n")
    (home / "link.toml").symlink_to(tmp_path / "outside.toml")
    (home / "linked").symlink_to(tmp_path)
    (home / "loop.toml").symlink_to(home / "loop.toml")
    problem = refused(put(home, top=f'seed = 1\nextends = "{name}"\n'))
    assert (problem.line, problem.column, problem.key) == (2, 11, "extends")
    assert "outside the scenario's folder" in problem.message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('extends = "bases.toml"', "did you mean 'base.toml'?"),
        ("extends = 3", "name of a TOML file in quotes"),
        ("extends.file = 'base.toml'", "name of a TOML file in quotes"),
        ('extends = "."', "there is no file"),
        ('extends = ""', "there is no file"),
        (f'extends = "{"a" * 3_000}"', "there is no file"),
        ('extends = "top.toml"', "break the circle"),
        ('extends = "back.toml"', "break the circle"),
    ],
)
def test_a_chain_that_cannot_be_followed(tmp_path: Path, text: str, words: str) -> None:
    problem = refused(put(tmp_path, base="seed = 1\n", back='extends = "top.toml"\n', top=text + "\n"))
    assert words in str(problem)
    assert problem.line == 1


def test_a_chain_has_an_end(tmp_path: Path) -> None:
    names = [f"n{i}" for i in range(DEEPEST)]
    files = {name: f'extends = "n{i + 1}.toml"\n' for i, name in enumerate(names)}
    top = put(tmp_path, **files, **{f"n{DEEPEST}": "seed = 1\n"}, top='extends = "n0.toml"\n')
    assert f"more than {DEEPEST} files" in refused(top).message
    assert len(read_layers(tmp_path / "n1.toml")) == DEEPEST
