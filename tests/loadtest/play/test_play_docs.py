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


def helped(command: str) -> str:
    return CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "400", "NO_COLOR": "1"}).output


def test_options_are_those_of_the_command() -> None:
    """Of `filmless load`, but in a line that calls another command, of that one."""
    told = 0
    for line in PAGE.splitlines():
        called = re.match(r"filmless (\w+)", line)
        of = helped(called[1] if called else "load")
        for option in set(re.findall(r"--[a-z][a-z-]+", line)) - {"--ignore"}:
            assert option in of, line
            told += 1
    assert told > 10


@pytest.mark.parametrize("word", [*SYNTAXES, *WITNESSES, "filmless salvage"])
def test_each_syntax_and_witness_is_told(word: str) -> None:
    assert word in " ".join(PAGE.split())


def test_make_targets_are_there() -> None:
    for target in re.findall(r"`make (\w+)`", PAGE):
        assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)
