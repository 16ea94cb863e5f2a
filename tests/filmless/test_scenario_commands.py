"""schema, init and check: what they print is true of the shipped scenarios, and of what a user makes of it."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from filmless.failures import BadInput
from filmless.scenario_commands import check_scenario, init_text, resolved_lines, schema_json, write_start
from sim.world.load import load_world
from sim.world.models_at import limits_of, models
from sim.world.problems import ScenarioErrors
from sim.world.quantity import Quantity

SCENARIOS = Path(__file__).parents[2] / "scenarios"
BROKEN = Path(__file__).parents[1] / "sim" / "world" / "broken"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the shipped scenarios, in the folder that the command runs in."""
    shutil.copytree(SCENARIOS, tmp_path / "scenarios")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def judge(folder: Path, *files: str) -> tuple[int, str]:
    tombi = Path(sys.executable).with_name("tombi")
    said = subprocess.run([str(tombi), "lint", "--offline", *files], cwd=folder, check=False, capture_output=True,
                          text=True)  # fmt: skip
    return said.returncode, said.stdout + said.stderr


def test_the_shipped_schema_is_todays() -> None:
    kept = (SCENARIOS / "scenario.schema.json").read_text(encoding="utf-8")
    assert kept == schema_json(), "run: filmless schema > scenarios/scenario.schema.json"


def test_the_judge_has_nothing_to_say_of_the_shipped_scenarios() -> None:
    code, said = judge(SCENARIOS, *sorted(p.name for p in SCENARIOS.glob("*.toml")))
    assert code == 0, said
    assert "Warning" not in said


def test_a_scenario_that_extends_nothing_must_be_whole(project: Path) -> None:
    text = (SCENARIOS / "england-2004.toml").read_text(encoding="utf-8")
    half = project / "scenarios" / "half.toml"
    half.write_text(re.sub(r"\n\[prices\]\n(.+\n)*", "\n", text).replace("seed =", "#"))
    _, said = judge(half.parent, half.name)
    assert '"prices" is required' in re.sub(r"\x1b\[[0-9;]*m", "", said)
    assert '"seed" is required' in re.sub(r"\x1b\[[0-9;]*m", "", said)
    with pytest.raises(ScenarioErrors, match="these keys are missing: seed, prices"):
        load_world(half)


def test_the_schema_knows_the_unit_of_every_figure() -> None:
    schema = json.loads(schema_json())
    parts: dict[str, Any] = {"Scenario": schema, **schema["$defs"]}
    figures = [(name, key, field) for name, model in models().items() for key, field in model.model_fields.items()
               if field.annotation is Quantity]  # fmt: skip
    assert len(figures) > 60
    for name, key, field in figures:
        limits = limits_of(field)
        assert limits, (name, key)
        assert parts[name]["properties"][key]["properties"]["unit"] in (
            {"const": limits.unit},
            {"pattern": limits.pattern},
        )


def test_every_field_of_every_model_is_in_the_schema() -> None:
    schema = json.loads(schema_json())
    for name, model in models().items():
        part = schema if name == "Scenario" else schema["$defs"][name]
        assert set(model.model_fields) <= set(part["properties"])


@pytest.mark.parametrize("how", ["as written", "every line in use"])
def test_a_new_scenario_passes(project: Path, how: str) -> None:
    path = project / "scenarios" / "mine.toml"
    write_start("mine", json_=True)
    if how == "every line in use":
        path.write_text(re.sub(r"(?m)^#(?=[^ :])", "", path.read_text(encoding="utf-8")))
        assert "\n[plan]\n" in path.read_text(encoding="utf-8")
    assert load_world(path).scenario.title == "mine"
    assert judge(path.parent, path.name)[0] == 0


def test_init_refuses_what_it_cannot_write(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInput, match="exists already"):
        write_start("smoke", json_=False)
    for name in ("../mine", "", "my scenario", 'x"\n'):
        with pytest.raises(BadInput, match="letters, digits"):
            init_text(name)
    monkeypatch.chdir(project / "scenarios" / "tables")
    with pytest.raises(BadInput, match="project's folder"):
        write_start("mine", json_=False)


def test_resolved_names_the_file_and_line_that_set_each_value() -> None:
    lines = {key: (value, Path(file).name, line) for key, value, file, line in
             resolved_lines(load_world(SCENARIOS / "smoke.toml", ["network.lan.value=500.0"]))}  # fmt: skip
    assert lines["title"][:2] == ("Smoke test", "smoke.toml")
    assert lines["country"][:2] == ("England", "england-2004.toml")
    assert lines["network.lan.value"][::2] == (500.0, 0)
    for key, (value, file, line) in lines.items():
        if line and isinstance(value, str):
            assert value in (SCENARIOS / file).read_text(encoding="utf-8").splitlines()[line - 1], key


def test_a_folder_is_checked_whole(capsys: pytest.CaptureFixture[str]) -> None:
    check_scenario(SCENARIOS, show_all=False, sets=[], json_=False)
    assert capsys.readouterr().err.count(": ok (") == len(list(SCENARIOS.glob("*.toml")))
    check_scenario(SCENARIOS, show_all=False, sets=[], json_=True)
    assert json.loads(capsys.readouterr().out)["scenarios"][str(SCENARIOS / "smoke.toml")]["trusts"] == 2
    with pytest.raises(BadInput, match="no scenario"):
        check_scenario(SCENARIOS / "tables", show_all=False, sets=[], json_=False)


def test_resolved_is_printed_for_people_and_programs(capsys: pytest.CaptureFixture[str]) -> None:
    check_scenario(SCENARIOS / "smoke.toml", show_all=True, sets=["seed=9"], json_=False)
    out = capsys.readouterr().out.splitlines()
    assert "seed = 9  # --set seed=9" in out
    assert any(re.fullmatch(r'country = "England"  # .*england-2004\.toml:\d+', line) for line in out)
    check_scenario(SCENARIOS / "smoke.toml", show_all=True, sets=[], json_=True)
    assert len(json.loads(capsys.readouterr().out)["resolved"]) == len(out)


def command(*words: str) -> subprocess.CompletedProcess[str]:
    main = [sys.executable, "-c", "from filmless.cli import main; main()", *words]
    return subprocess.run(main, cwd=SCENARIOS.parent, check=False, capture_output=True, text=True)


def test_the_command_tells_twenty_lines_and_ends_with_2() -> None:
    said = command("check", str(BROKEN))
    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr.count("error: ") == len(said.stderr.splitlines()) == 20
    asked = command("check", str(BROKEN), "--json")
    assert (asked.returncode, asked.stderr) == (2, "")
    assert len(json.loads(asked.stdout)["errors"]) == 20
