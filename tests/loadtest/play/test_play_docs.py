"""docs/playing.md speaks of options and settings that exist."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from filmless.cli import app
from loadtest.objects.factory import SYNTAXES
from loadtest.verdict.ledger import WITNESSES

PAGE = (Path(__file__).parents[3] / "docs" / "playing.md").read_text()
MAKEFILE = (Path(__file__).parents[3] / "Makefile").read_text()


def test_options_are_those_of_the_command() -> None:
    told = set(re.findall(r"--[a-z][a-z-]+", PAGE)) - {"--ignore"}
    helped = CliRunner().invoke(app, ["load", "--help"], env={"COLUMNS": "400", "NO_COLOR": "1"}).output
    assert told
    assert [one for one in sorted(told) if one not in helped] == []


@pytest.mark.parametrize("word", [*SYNTAXES, *WITNESSES, "filmless salvage"])
def test_each_syntax_and_witness_is_told(word: str) -> None:
    assert word in " ".join(PAGE.split())


def test_make_targets_are_there() -> None:
    for target in re.findall(r"`make (\w+)`", PAGE):
        assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)
