"""`filmless report` on the wrong folders: told at once, with the command that works; and a line while it builds."""

import json
import subprocess
import sys
from pathlib import Path
from time import sleep
from typing import Any

import pytest

from filmless import progress as progress_module
from filmless.failures import BadInput
from filmless.manifests import runs_of_report
from filmless.progress import progress
from tests.filmless.test_cli import ROOT

LOAD = {"kind": "load", "clusters": ["south"], "scenario_hash": "ab", "seed": 7}
SIMULATED = {"kind": "simulation", "clusters": ["south", "east"], "scenario_hash": "ab", "seed": 7}
QUIET = """import sys
from filmless.cli import main
sys.argv[1:] = ["report", sys.argv[1]]
try:
    main()
finally:
    print([m for m in ("numpy", "pandas", "pyarrow", "matplotlib", "nbclient") if m in sys.modules])
"""


def run(folder: Path, **manifest: Any) -> Path:
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_a_load_run_alone_names_the_simulated_run_to_add(tmp_path: Path) -> None:
    run(tmp_path / "another", **{**SIMULATED, "seed": 8})
    load, simulated = run(tmp_path / "load", **LOAD), run(tmp_path / "simulated", **SIMULATED)
    with pytest.raises(BadInput, match=f"that the traffic was made from: filmless report {simulated} {load}$"):
        runs_of_report([load])


def test_without_that_run_at_hand_the_command_has_its_place(tmp_path: Path) -> None:
    load = run(tmp_path / "load", **LOAD)
    (run(tmp_path / "damaged") / "manifest.json").write_text("{")
    with pytest.raises(BadInput, match=f": filmless report RUN {load}$"):
        runs_of_report([load])


def test_other_mistakes_of_folders_are_told(tmp_path: Path) -> None:
    one, two = run(tmp_path / "a", **SIMULATED), run(tmp_path / "b", **SIMULATED)
    with pytest.raises(BadInput, match=r"a report is of one simulated run, not of .*/a, .*/b: name one"):
        runs_of_report([one, two])
    with pytest.raises(BadInput, match="nope is not a run folder"):
        runs_of_report([tmp_path / "nope"])


def test_runs_are_sorted_by_kind(tmp_path: Path) -> None:
    kinds = ("simulation", "load", "limit", "sizing", "bad-day")
    found = runs_of_report([run(tmp_path / kind, kind=kind) for kind in kinds])
    assert (found.simulated.name, found.loads[0].name, found.limits[0].name) == kinds[:3]
    assert [one.name for one in found.plans] == ["sizing", "bad-day"]


def test_the_refusal_comes_before_slow_imports(tmp_path: Path) -> None:
    words = [sys.executable, "-c", QUIET, str(run(tmp_path / "load", **LOAD))]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout.strip()) == (2, "[]")


def test_what_tells_nothing_for_long_has_a_line_all_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress_module, "EVERY_S", 0.02)
    with progress("report", alive=True):
        sleep(0.2)
    assert capsys.readouterr().err.count("report: 0 s so far") >= 2
