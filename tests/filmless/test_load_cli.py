"""Thresholds, rates, claims and profiles on the command line: exit codes, one JSON object, JUnit XML."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from click.testing import Result
from typer.testing import CliRunner

from filmless.cli import app
from filmless.failures import BAD_INPUT_NAMES, FAILED_NAMES
from tests.filmless.test_cli import ROOT, filmless
from tests.loadtest.traffic_factory import row, write

SLA = """title = "quick"
[thresholds.store]
statistic = "p95"
operation = "store"
limit = {{ value = {limit}, unit = "ms", source = "req_response", status = "verified" }}
"""
KCENON = ROOT / "scenarios" / "claims" / "kcenon-pacs-system.toml"


@pytest.fixture(scope="module")
def traffic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [row("store", 0.006 * n, n, objects=1, ae_title=f"CT{n % 5:04d}R1") for n in range(500)]
    return write(tmp_path_factory.mktemp("traffic") / "south.traffic.parquet", rows)


def sla(folder: Path, limit: float) -> Path:
    file = folder / "sla.toml"
    file.write_text(SLA.format(limit=limit))
    return file


def ended(*words: str | Path) -> tuple[int, dict[str, Any]]:
    """Exit code and the one object on stdout; a busy machine may make any measurement INVALID, and must say so."""
    done = subprocess.run(
        [sys.executable, "-c", "from filmless.cli import main; main()", *map(str, words), "--json"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    found = json.loads(done.stdout)
    assert {"PASS": 0, "FAIL": 3, "INVALID": 4}[found["verdict"]] == done.returncode
    return done.returncode, found


def here(*words: str | Path, code: int = 0) -> Result:
    """The same in this process: what is refused before anything is started needs no other."""
    done = CliRunner().invoke(app, [*map(str, words)])
    assert done.exit_code == code, done.output
    return done


def test_a_threshold_that_is_missed_is_exit_code_3_and_a_failure_for_ci(traffic: Path, tmp_path: Path) -> None:
    """0.01 ms is below what any archive can do, whatever this machine is doing."""
    junit = tmp_path / "junit.xml"
    code, found = ended("load", traffic, "--sla", sla(tmp_path, 0.01), "--headroom", "0.5", "--junit", junit,
                        "--out", tmp_path / "out")  # fmt: skip
    assert code == 3 or (code == 4 and found["doubts"] + found["reasons"])
    (line,) = found["thresholds"]["lines"]
    assert (line["verdict"], line["unit"], line["limit"]) == ("FAIL", "ms", 0.01)
    assert line["low"] > 0.01
    suite = ET.parse(junit).getroot()
    assert (suite.get("tests"), suite.find(".//failure") is not None) == ("2", True)


def test_a_mistake_in_a_file_of_thresholds_is_one_json_object(traffic: Path, tmp_path: Path) -> None:
    file = sla(tmp_path, 5)
    file.write_text(file.read_text().replace("p95", "p96"))
    error = json.loads(filmless("load", traffic, "--sla", file, "--json", code=2).stdout)["error"]
    assert (error["line"], error["key"], error["nearest"]) == (3, "thresholds.store.statistic", "p99")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--find-limit",), "--find-limit needs --sla FILE"),
        (("--rate", "5", "--arrivals", "bursts"), "must be constant or poisson"),
    ],
)
def test_mistakes_of_options_are_told(traffic: Path, words: tuple[str, ...], says: str) -> None:
    assert says in filmless("load", traffic, *words, code=2).stderr


def target(folder: Path, *more: str) -> Path:
    file = folder / "f.toml"
    file.write_text("\n".join(('name = "x"', "port = 4242", 'ae_title = "X"', *more)))
    return file


def test_a_mistake_in_a_target_file_is_one_line_with_its_place_or_one_object(traffic: Path, tmp_path: Path) -> None:
    file = target(tmp_path, 'softwear = "Orthanc"')
    told = here("load", "--check", "--target", file, code=2).stderr
    assert f"error: {file}:4:12: softwear: unknown key; allowed: " in told
    assert "did you mean 'software'?" in told
    assert "Traceback" not in told
    for words in (("load", "--check"), ("load", traffic)):
        error = json.loads(here(*words, "--target", file, "--json", code=2).stdout)["error"]
        assert (error["file"], error["line"], error["key"], error["nearest"]) == (str(file), 4, "softwear", "software")
        assert error["mend"].startswith("remove it")


def test_a_target_elsewhere_without_consent_is_bad_input(traffic: Path, tmp_path: Path) -> None:
    told = here("load", traffic, "--target", target(tmp_path, 'host = "10.1.2.3"'), code=2).stderr
    assert "f.toml:4:8: host: host '10.1.2.3' is not this machine" in told
    assert "Traceback" not in told


def test_tls_files_that_are_not_there_are_bad_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FILMLESS_TLS_CA", "/nonexistent")
    file = target(tmp_path, 'base_url = "https://127.0.0.1:1/dicom-web"')
    told = here("load", "--check", "--target", file, code=2).stderr
    assert "base_url: FILMLESS_TLS_CA: '/nonexistent' is not a readable PEM file" in told
    assert "mend: name PEM files that can be read" in told
    assert "Traceback" not in told


def test_every_failure_that_is_known_by_name_is_a_class_of_that_name() -> None:
    """A name that is no class's is a traceback instead of a line, and exit code 1 instead of 2."""
    code = "\n".join(path.read_text() for part in ("sim", "loadtest") for path in (ROOT / part).rglob("*.py"))
    for name in BAD_INPUT_NAMES | FAILED_NAMES:
        assert f"\nclass {name}(" in code


def test_claims_are_listed_and_one_that_cannot_be_played_says_why() -> None:
    listed = json.loads(filmless("claim", "--json").stdout)["claims"]
    assert len(listed) == 15
    assert sum(one["playable"] == "yes" for one in listed) == 6
    assert "contradicts itself" in filmless("claim", KCENON, code=2).stderr


def test_a_play_at_a_rate_and_what_it_cannot_be_calibrated_for(traffic: Path, tmp_path: Path) -> None:
    code, found = ended("load", traffic, "--rate", "60", "--seconds", "2.5", "--out", tmp_path / "out")
    assert code in (0, 4)
    assert found["planned"] == 150
    assert "cannot be told apart" in filmless("calibrate", tmp_path / "out", code=2).stderr
