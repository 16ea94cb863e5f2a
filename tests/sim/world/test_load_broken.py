"""Twenty broken scenarios: twenty clear messages, at lines that an independent TOML checker names too.

Each file in broken/ extends one small whole scenario and has one mistake. The guilty line says what is expected after
`# HERE`; in a table, the line before it after `# NEXT`. The judge is Tombi, with the schema that `filmless schema`
prints, for the mistakes that a schema can see.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from sim.world.load import load_world
from sim.world.problems import Problem, ScenarioErrors
from tests.sim.tiny import write_tiny

FOLDER = Path(__file__).parent / "broken"
FILES = sorted(FOLDER.glob("*.toml"))
# two keys that do not fit together, rows of tables, other files: no schema of one file sees them
BEYOND_A_SCHEMA = {
    "bad-cell", "missing-table", "plan-backwards", "profile-too-short", "unknown-source", "unknown-trust",
}  # fmt: skip


def problems(path: Path) -> list[Problem]:
    with pytest.raises(ScenarioErrors) as caught:
        load_world(path)
    return caught.value.problems


def expected(path: Path) -> tuple[str, int, str]:
    """File, line and words of the one problem that a scenario's author meant."""
    text = path.read_text(encoding="utf-8")
    table = re.search(r'"(tables/\w+\.csv)"', text)
    source = path.parent / table[1] if table else path
    for number, line in enumerate(source.read_text(encoding="utf-8").splitlines(), 1):
        found = re.search(r"# (HERE|NEXT) (.*)", line)
        if found:
            return str(source), number + (found[1] == "NEXT"), found[2]
    raise AssertionError(f"{path} does not say what is wrong with it")


def judged() -> dict[str, set[int]]:
    """Lines of errors (not of warnings) by file, as Tombi finds them."""
    judge = Path(sys.executable).with_name("tombi")
    said = subprocess.run([str(judge), "lint", "--offline", *(f.name for f in FILES)], cwd=FOLDER, check=False,
                          capture_output=True, text=True)  # fmt: skip
    plain = re.sub(r"\x1b\[[0-9;]*m", "", said.stdout + said.stderr)
    lines: dict[str, set[int]] = {path.stem: set() for path in FILES}
    for name, line in re.findall(r"Error: .*\n\s+at (.+)\.toml:(\d+):\d+", plain):
        lines[name].add(int(line))
    return lines


def test_there_are_twenty() -> None:
    assert len(FILES) == 20


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_has_one_clear_message_with_its_place(path: Path) -> None:
    file, line, words = expected(path)
    found = problems(path)
    assert len(found) == 1, [str(p) for p in found]
    assert (found[0].file, found[0].line) == (file, line)
    assert found[0].column > 0
    assert words in str(found[0])
    assert "\n" not in str(found[0])


def test_lines_agree_with_an_independent_checker() -> None:
    """The judge counts all that a file lacks that forgot to say what it extends; we tell only of the misspelt key."""
    lines = judged()
    assert {name for name, seen in lines.items() if not seen} == BEYOND_A_SCHEMA
    for path in FILES:
        if path.stem not in BEYOND_A_SCHEMA:
            assert {expected(path)[1]} == lines[path.stem] - ({1} if path.stem == "misspelt-extends" else set()), (
                path.stem
            )


def test_what_they_extend_is_whole_and_todays(tmp_path: Path) -> None:
    load_world(FOLDER / "base" / "tiny.toml")
    write_tiny(tmp_path)
    for path in sorted(tmp_path.iterdir()):
        kept = FOLDER / "base" / path.name
        mend = "python -c \"from pathlib import Path; from tests.sim.tiny import write_tiny; write_tiny(Path('{}'))\""
        assert kept.read_bytes() == path.read_bytes(), f"run: {mend.format(kept.parent)}"
