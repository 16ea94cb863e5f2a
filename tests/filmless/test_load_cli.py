"""Thresholds, rates, claims and profiles on the command line: exit codes, one JSON object, JUnit XML."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from loadtest.play.launch import free_port
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


def test_a_cluster_that_is_not_in_the_traffic_is_told_before_the_play(traffic: Path, tmp_path: Path) -> None:
    file = sla(tmp_path, 5)
    file.write_text(file.read_text().replace('operation = "store"', 'operation = "store"\ncluster = "suoth"'))
    found = json.loads(filmless("load", traffic, "--sla", file, "--json", code=2).stdout)["error"]
    assert (found["line"], found["key"], found["nearest"]) == (5, "thresholds.store.cluster", "south")
    assert (found["message"], found["allowed"]) == ("no cluster 'suoth' in this traffic", "south")


def test_a_target_that_is_none_is_told_with_those_that_are(traffic: Path) -> None:
    told = filmless("load", traffic, "--target", "orthank", code=2).stderr
    assert (
        "--target orthank: must be embedded, orthanc, or a target file, such as scenarios/targets/example.toml" in told
    )


def test_a_check_has_an_outcome_and_the_time_of_each_service() -> None:
    found = json.loads(filmless("load", "--check", "--json").stdout)
    assert found["outcome"] == "ok"
    assert all(one["seconds"] >= 0 for one in found["services"])
    assert next(one["seconds"] for one in found["services"] if one["service"] == "store") > 0


@pytest.mark.parametrize("words", [(), ("--rate", "5"), ("--find-limit", "--sla", "x.toml"), ("--faults",)])
def test_what_is_no_traffic_file_is_told_before_anything_is_started(tmp_path: Path, words: tuple[str, ...]) -> None:
    out = tmp_path / "out"
    told = filmless("load", ROOT / "scenarios" / "smoke.toml", *words, "--out", out, code=2).stderr
    assert "smoke.toml: cannot be read as Parquet" in told
    assert told.rstrip().endswith("name a file made by `filmless traffic`")
    assert len(told.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_an_archive_that_is_not_there_is_bad_input_and_a_failed_check(traffic: Path, tmp_path: Path) -> None:
    target = tmp_path / "target.toml"
    target.write_text(f"name = 'gone'\nport = {free_port()}\nae_title = 'GONE'\n")
    told = filmless("load", traffic, "--target", target, "--out", tmp_path / "out", code=2).stderr
    assert "archive 'gone', DICOM: no connection" in told
    assert "failed" in filmless("load", "--check", "--target", target, code=3).stdout


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
