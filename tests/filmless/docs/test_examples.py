"""Every TOML block of the docs is a whole file: pasted alone, it is taken."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from loadtest.archives.target_file import load_target
from loadtest.verdict.sources import read_thresholds
from sim.world.load import load_world
from sim.world.service_levels import load_levels
from sim.world.sweep import load_sweep

ROOT = Path(__file__).parents[3]


def levels(file: Path) -> object:
    return load_levels(file, load_world(ROOT / "scenarios" / "england-2004.toml"))


READERS: dict[str, Callable[[Path], object]] = {
    "[thresholds.": read_thresholds, "[levels.": levels, "[variants.": load_sweep, "ae_title": load_target,
}  # fmt: skip
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCKS = [
    pytest.param(block, id=f"{page.name}-{n}")
    for page in PAGES
    for n, block in enumerate(re.findall(r"^```toml\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL))
]


def test_there_are_examples() -> None:
    assert len(BLOCKS) >= 3


@pytest.mark.parametrize("block", BLOCKS)
def test_an_example_pasted_alone_is_taken(block: str, tmp_path: Path) -> None:
    """Beside the scenarios that ship."""
    folder = shutil.copytree(ROOT / "scenarios", tmp_path / "scenarios") / "ours"
    folder.mkdir()
    file = folder / "example.toml"
    file.write_text(block)
    (reader,) = (reader for word, reader in READERS.items() if word in block)
    assert reader(file)
