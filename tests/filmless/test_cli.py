"""The command line as a user meets it: help at once, exit codes, one JSON object on failure, nothing half-written."""

import json
import subprocess
import sys
from pathlib import Path
from time import perf_counter

import pandas as pd
import pytest

from filmless.failures import guarded

ROOT = Path(__file__).parents[2]
SMOKE = ROOT / "scenarios" / "smoke.toml"


def filmless(*words: str | Path, code: int | None = 0) -> subprocess.CompletedProcess[str]:
    """The command's end; `code` None: a busy machine may make any measurement INVALID."""
    done = subprocess.run(
        [sys.executable, "-m", "filmless", *map(str, words)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    assert done.returncode in ((0, 4) if code is None else (code,)), done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "smoke"
    filmless("simulate", SMOKE, "--from", "2007-03-05", "--to", "2007-03-06", "--replications", "3", "--out", folder)
    return folder


def test_help_is_quick_and_loads_nothing_heavy() -> None:
    begun = perf_counter()
    assert "rehearsal" in filmless("--help").stdout
    assert perf_counter() - begun < 3  # 0.3 s alone; the machine of the tests is busy
    listed = "import sys; import filmless.cli; print([m for m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", listed], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for heavy in ("numpy", "pandas", "numba", "matplotlib", "locust", "pydicom", "pyarrow"):
        assert f"'{heavy}'" not in loaded


def test_sim_never_imports_the_load_side() -> None:
    listed = "import sys, sim.runs.window, sim.answers.case; print([m.split('.')[0] for m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", listed], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for other in ("loadtest", "locust", "gevent", "pynetdicom"):
        assert f"'{other}'" not in loaded


def test_a_broken_scenario_is_bad_input(tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text("title = 3\n")
    told = filmless("check", path, code=2)
    assert "broken.toml:1:9: title" in told.stderr
    assert "Traceback" not in told.stderr
    found = json.loads(filmless("check", path, "--json", code=2).stdout)
    assert {"file", "line", "column", "key", "message", "allowed", "nearest"} <= found["error"].keys()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("simulate", SMOKE, "--from", "2020-01-01"), "must lie in the scenario's plan"),
        (("simulate", SMOKE, "--from", "soon"), "not a date"),
        (("simulate", SMOKE, "--cluster", "north"), "no cluster 'north'"),
        (("simulate", SMOKE, "--engine", "slow"), "one of fast, simpy"),
        (("verify", "nowhere"), "not a run folder"),
        (("load", "nowhere.parquet"), "name a file made by"),
        (("simulate", "nowhere.toml"), "cannot be read"),
    ],
)
def test_mistakes_are_told_in_one_line(words: tuple[str | Path, ...], says: str) -> None:
    told = filmless(*words, code=2)
    assert says in told.stderr
    assert len(told.stderr.strip().splitlines()) == 1


def test_schema_is_one_json_document() -> None:
    assert json.loads(filmless("schema").stdout)["$schema"].endswith("2020-12/schema")


def test_verify_says_same(run: Path) -> None:
    assert json.loads(filmless("verify", run, "--json").stdout)["verdict"] == "same"


def test_outcomes_are_one_object_and_a_wrong_date_is_bad_input(run: Path) -> None:
    found = json.loads(filmless("outcomes", run, "--date", "2009-03-31", "--id", "storage_tb", "--json").stdout)
    assert {t["id"] for t in found["outcomes"]} == {"storage_tb"}
    assert all(t["inputs"] for t in found["outcomes"])
    assert "2004-01-01 to 2014-12-31" in filmless("outcomes", run, "--date", "2020-01-01", code=2).stderr
    assert "trusts_live" in filmless("outcomes", run, "--date", "2005-10-03").stdout


def test_compare_with_itself_is_nothing(run: Path) -> None:
    found = json.loads(filmless("compare", run, run, "--json").stdout)
    assert found["scenario"] == []
    assert {d["difference_s"] for d in found["differences"]} == {0.0}


def test_every_image_played_is_in_orthanc(run: Path, tmp_path: Path) -> None:
    """A minute of the busiest hour on time: Orthanc's own count is what was sent, and both queries find each study."""
    file, out = tmp_path / "w.parquet", tmp_path / "load"
    made = json.loads(
        filmless("traffic", run, "--cluster", "london", "--hours", "0.15", "--out", file, "--json").stdout
    )
    assert made["objects"] > 0
    done = subprocess.run(
        [sys.executable, "-c", "from filmless.cli import main; main()", "load", str(file), "--target", "orthanc",
         "--speed", "20", "--out", str(out), "--json"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    assert done.returncode in (0, 4), done.stdout + done.stderr  # 4: this busy machine was late, and says so
    manifest = json.loads((out / "manifest.json").read_text())
    ledger = pd.read_parquet(out / "ledger.parquet")
    assert (ledger["state"] == "stored").all()
    assert (ledger["found_cfind"] == ledger["planned"]).all()
    assert (ledger["found_qido"] == ledger["planned"]).all()
    assert manifest["instances"]["london"] == ledger["planned"].sum()


def test_ctrl_c_tells_what_was_left(capsys: pytest.CaptureFixture[str]) -> None:
    """As `filmless load` is stopped: what was sent to an archive of others can be found again (rule S9)."""

    @guarded
    def stopped() -> None:
        error = KeyboardInterrupt()
        error.add_note("what was sent is in runs/x.partial")
        raise error

    with pytest.raises(SystemExit) as ended:
        stopped()
    assert ended.value.code == 1
    told = "error: stopped by you (Ctrl-C): nothing half-written was kept; what was sent is in runs/x.partial\n"
    assert capsys.readouterr().err == told
