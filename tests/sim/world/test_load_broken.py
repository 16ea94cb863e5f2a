"""Twenty broken scenarios: twenty clear messages, at lines that an independent TOML checker names too.

Each case changes the smoke scenario, which extends England: one text replaced or added. The judge is Tombi, with the
schema that `filmless schema` prints, for the mistakes that a schema can see.
"""

import json
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from filmless.scenario_commands import schema_json
from sim.world.load import load_world
from sim.world.problems import ScenarioErrors

SCENARIOS = Path(__file__).parents[3] / "scenarios"
FIGURE = '{ value = 5.0, unit = "Mbit/s", source = "assumption", status = "assumed", low = 1.0, high = 9.0 }'
# name: text added to a scenario that extends England; words that the message must hold; does a schema see it?
BROKEN = {
    "unknown-key": ('[network]\nlann = 1\n', "did you mean 'lan'", True),
    "unknown-table": ("[networks]\na = 1\n", "did you mean 'network'", True),
    "wrong-type": ('[clusters.london]\nname = 7\n', "valid string", True),
    "true-for-a-number": ("[network]\nlan = " + FIGURE.replace("5.0", "true") + "\n", "valid number", True),
    "text-for-a-switch": ('[clusters.london]\nsharing = "yes"\n', "valid boolean", True),
    "unknown-status": ("[network]\nlan = " + FIGURE.replace("assumed", "asumed") + "\n", "mean 'assumed'", True),
    "missing-unit": ('[network]\nlan = { value = 5.0, source = "assumption", status = "verified" }\n', "unit", False),
    "wrong-unit": ("[network]\nlan = " + FIGURE.replace("Mbit/s", "Gbit/s") + "\n", "the unit must be 'Mbit/s'", False),
    "no-range": ('[network]\nlan = { value = 5.0, unit = "Mbit/s", source = "assumption", status = "assumed" }\n',
                 "give its range", False),
    "outside-its-range": ("[network]\nlan = " + FIGURE.replace("5.0", "50.0") + "\n", "outside its range", False),
    "share-over-one": ('[film]\nlost = { value = 1.5, unit = "share", source = "assumption", status = "verified" }\n',
                       "outside the allowed 0 to 1", False),
    "negative-price": ('[prices]\nsheet = { value = -1.0, unit = "GBP", source = "assumption", status = "verified" }\n',
                       "outside the allowed 0", False),
    "unknown-source": ("[network]\nlan = " + FIGURE.replace("assumption", "lan_coree") + "\n",
                       "did you mean 'lan_core'", False),
    "plan-backwards": ("[plan]\nend = 2003-01-01\n", "ends (2003-01-01) before it starts", False),
    "bad-date": ('[plan]\nend = "soon"\n', "valid date", True),
    "hours-backwards": ('[reading.hours]\nweekday = [17.0, 9.0]\nsaturday = []\nsunday = []\n', "from before", False),
    "missing-table-file": ('[tables]\nsites = "tables/nowhere.csv"\n', "cannot be read", False),
    "unknown-cluster-used": ('clusters_used = ["londn"]\n', "did you mean 'london'", False),
    "profile-too-short": ('[settings.ae.weekday]\nvalues = [1.0, 2.0]\n', "2 values, not 7", False),
    "not-toml": ("[network\nlan = 1\n", "not valid TOML", True),
}  # fmt: skip


def write(folder: Path, text: str) -> Path:
    shutil.copytree(SCENARIOS, folder / "scenarios", dirs_exist_ok=True)
    path = folder / "scenarios" / "broken.toml"
    path.write_text('extends = "england-2004.toml"\ntitle = "Broken"\n' + text)
    return path


def problems(path: Path) -> ScenarioErrors:
    with pytest.raises(ScenarioErrors) as caught:
        load_world(path)
    return caught.value


@pytest.mark.parametrize("name", BROKEN)
def test_each_has_a_clear_message_with_its_place(tmp_path: Path, name: str) -> None:
    text, words, _ = BROKEN[name]
    found = problems(write(tmp_path, text)).problems
    assert any(words in str(p) for p in found), [str(p) for p in found]
    mine = [p for p in found if words in str(p)]
    assert mine[0].file.endswith("broken.toml")
    assert 3 <= mine[0].line <= 3 + text.count("\n")
    assert "\n" not in str(mine[0])
    assert json.loads(json.dumps(mine[0].to_json()))["line"] == mine[0].line


@pytest.mark.parametrize("name", [name for name, case in BROKEN.items() if case[2]])
def test_lines_agree_with_an_independent_checker(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, BROKEN[name][0])
    (path.parent / "scenario.schema.json").write_text(schema_json())
    path.write_text("#:schema ./scenario.schema.json\n" + path.read_text())
    judge = Path(sys.executable).with_name("tombi")
    said = subprocess.run([str(judge), "lint", "--offline", path.name], cwd=path.parent, capture_output=True, text=True,
                          check=False)  # fmt: skip
    plain = re.sub(r"\x1b\[[0-9;]*m", "", said.stdout + said.stderr)
    lines = {int(n) for n in re.findall(r"broken\.toml:(\d+):\d+", plain)}
    assert lines, plain
    assert {p.line for p in problems(path).problems} & lines, (lines, plain)


def test_the_shipped_schema_is_todays() -> None:
    assert (SCENARIOS / "scenario.schema.json").read_text() == schema_json(), (
        "run: filmless schema > scenarios/scenario.schema.json"
    )


def test_the_judge_finds_nothing_in_the_shipped_scenarios() -> None:
    judge = Path(sys.executable).with_name("tombi")
    files = sorted(p.name for p in SCENARIOS.glob("*.toml"))
    said = subprocess.run(
        [str(judge), "lint", "--offline", *files], cwd=SCENARIOS, capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stdout + said.stderr


def test_an_inherited_mistake_names_both_files(tmp_path: Path) -> None:
    path = write(tmp_path, "")
    base = path.with_name("england-2004.toml")
    base.write_text(base.read_text().replace('country = "England"', "country = 3"))
    found = problems(path).problems[0]
    assert found.file.endswith("england-2004.toml")
    assert found.inherited_by.endswith("broken.toml")


def test_all_problems_at_once(tmp_path: Path) -> None:
    found = problems(write(tmp_path, "[network]\nlann = 1\n[film]\nlosst = 2\n[prices]\nshet = 3\n")).problems
    assert len(found) == 3


def test_nothing_outside_the_folder_is_read(tmp_path: Path) -> None:
    path = write(tmp_path, '[tables]\nsites = "../../etc/passwd"\n')
    assert "outside" in str(problems(path))
    path.write_text('extends = "../../../etc/passwd"\n')
    assert "outside" in str(problems(path))


def test_a_bad_cell_names_line_and_column(tmp_path: Path) -> None:
    path = write(tmp_path, '[tables]\ntrusts = "tables/t.csv"\n')
    lines = (SCENARIOS / "tables/trusts.csv").read_text().splitlines()
    header = next(i for i, line in enumerate(lines) if line.startswith("trust,"))
    lines[header + 3] = lines[header + 3].replace(",yes,", ",perhaps,", 1)
    (path.parent / "tables/t.csv").write_text("\n".join(lines) + "\n")
    found = problems(path).problems[0]
    assert found.line == header + 4
    assert "perhaps" in found.message


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(at=st.integers(0, 2_000), put=st.binary(max_size=6))
def test_mutated_files_never_give_a_traceback(tmp_path: Path, at: int, put: bytes) -> None:
    path = write(tmp_path, "[network]\nlan = " + FIGURE + "\n") if not (tmp_path / "scenarios").exists() else (
        tmp_path / "scenarios" / "broken.toml")  # fmt: skip
    whole = ('extends = "england-2004.toml"\ntitle = "Broken"\n[network]\nlan = ' + FIGURE + "\n").encode()
    at %= len(whole)
    path.write_bytes(whole[:at] + put + whole[at + 1 :])
    with suppress(ScenarioErrors):
        load_world(path)
