"""Thresholds, rates, claims and profiles on the command line: exit codes, one JSON object, JUnit XML."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pandas as pd
import pytest
from click.testing import Result
from pydicom.uid import RLELossless
from typer.testing import CliRunner

from filmless.cli import app
from filmless.failures import BAD_INPUT_NAMES, FAILED_NAMES, BadInput
from loadtest.archives.check_result import CheckResult, Means
from loadtest.archives.target import Target
from loadtest.play.config import PlayConfig
from loadtest.play.launch import PlayJob, free_port
from loadtest.play.problems import PlayFailed
from loadtest.series.limit import Limit
from loadtest.wire import TcpProfile
from tests.filmless.test_cli import ROOT, filmless
from tests.loadtest.traffic_factory import row, write

SLA = """title = "quick"
[thresholds.store]
statistic = "p95"
operation = "store"
limit = {{ value = {limit}, unit = "ms", source = "req_response", status = "verified" }}
"""
SHIPPED = "scenarios/thresholds/hospital-2004.toml"
CLONER = ROOT / "scenarios" / "claims" / "orthanc-cloner.toml"
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
        (("--rate", "5", "--arrivals", "bursts"), "must be one of constant, poisson, ramp"),
        (("--rate", "5", "--arrivals", "ramp"), "--arrivals ramp and --rate-to N go together"),
        (("--rate", "5", "--rate-to", "9"), "--arrivals ramp and --rate-to N go together"),
        (("--rate", "0"), "--rate: rates 0 to 0 operations/s: give numbers from 0, one of them above 0"),
        (("--rate", "1e6", "--seconds", "1e6"), "at most 10,000,000 in one play"),
        (("--rate", "5", "--speed", "2", "--faults"), "--rate takes no --speed, --faults (a rate has no other speed; "),
        (("--seconds", "3"), "a play of the traffic as it is takes no --seconds (times are the traffic's, unless"),
        (("--find-limit", "--kill-at", "1", "--web"), "--find-limit takes no --web, --kill-at (Locust's page lives"),
        (("--find-limit", "--shape"), "--find-limit takes no --shape (the links' rates belong to the traffic's own"),
        (("--rate", "5", "--shape"), "--rate takes no --shape"),
        (("--find-limit", "--speed", "1"), "--find-limit takes no --speed"),  # though it is the default
        (("--check", "--commit", "--rate", "5"), "--check takes no traffic file, --rate, --commit: leave them out"),
        (("--worker", "--sla", "x.toml"), "--worker takes no traffic file, --sla (a worker plays its master's traffic"),
        (("--check", "--find-limit"), "--check and --find-limit exclude each other"),
        (("--junit", "nowhere/x.xml"), "--junit nowhere/x.xml: there is no folder nowhere; make it"),
        (("--junit", "tests"), "--junit tests: is a folder"),
        (("--out", "tests"), "tests exists already: name another folder with --out"),
        (("--out", "README.md/out"), "README.md: Not a directory; name another"),
        (("--pdu-length", "9"), "--pdu-length 9: max_pdu 9: allowed are 4096"),
    ],
)
def test_mistakes_of_options_are_told(traffic: Path, words: tuple[str, ...], says: str) -> None:
    assert says in here("load", traffic, *words, code=2).stderr


@pytest.mark.parametrize("words", [(), ("--rate", "5"), ("--find-limit", "--sla", SHIPPED)])
def test_folders_are_looked_at_before_anything_is_played(
    traffic: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    def never(*given: object, **named: object) -> None:
        raise AssertionError("it was begun")

    monkeypatch.setattr("filmless.play.running", never)
    for more in (("--junit", "nowhere/x.xml"), ("--out", "/proc/runs/x")):
        assert more[0] in here("load", traffic, *words, *more, code=2).stderr
    assert "--junit" in here("claim", CLONER, "--junit", "nowhere/x.xml", code=2).stderr


@dataclass
class Asked:
    """What a command would have played."""

    windows: Any = None
    named: dict[str, Any] = field(default_factory=dict)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Commands of this process play nothing, and say what they would have."""
    found = Asked()

    def measure_all(windows: Any, *given: Any, **named: Any) -> None:
        found.windows, found.named = [pd.read_parquet(one["path"]) for one in windows], named | {"given": given}
        raise BadInput("nothing is played")

    for module in ("load_commands", "limit_commands", "claim_commands"):
        monkeypatch.setattr(f"filmless.{module}.measure_all", measure_all)
    return found


WITH_ALL = ("--workers", "2", "--commit", "--verify-hashes", "0.5", "--pdu-length", "16384", "--segment", "1448",
            "--associations", "3", "--requests", "5", "--timeouts", "connect=1,response=2,operation=3", "--keep-idle",
            "9", "--retrieve", "get", "--store-by", "stow", "--batch", "7", "--qido-page", "50", "--view-by",
            "series")  # fmt: skip
SETTINGS = {
    "workers": 2, "commit": True, "verify_hashes": 0.5, "pdu_length": 16384, "segment_bytes": 1448,
    "modality_associations": 3, "workstation_associations": 5, "connect_s": 1.0, "response_s": 2.0, "operation_s": 3.0,
    "keep_idle_s": 9.0, "retrieve": "get", "store_by": "stow", "batch": 7, "qido_page": 50, "view_by": "series",
}  # fmt: skip


@pytest.mark.parametrize("words", [(), ("--rate", "20", "--seconds", "2")])
def test_what_is_asked_for_reaches_the_play(traffic: Path, asked: Asked, words: tuple[str, ...]) -> None:
    law = "servers=2,overhead_ms=3"
    here("load", traffic, *words, *WITH_ALL, "--kill-at", "1", "--web", "--law", law, code=2)
    assert asked.named["settings"].items() >= (SETTINGS | {"kill_at": 1.0}).items()
    assert asked.named["settings"].keys() <= PlayConfig.model_fields.keys()
    assert asked.named["web_port"] == 8089
    assert law in (asked.named.get("law"), *asked.named["given"])
    assert len(asked.windows[0]) == (40 if words else 500)


def test_what_is_asked_for_reaches_each_step_of_a_search(traffic: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found: dict[str, Any] = {}

    def play(jobs: Any, speed: float, out: Path, progress: Any, **settings: Any) -> None:
        found.update(settings)
        raise PlayFailed("nothing is played")

    monkeypatch.setattr("loadtest.series.limit_play.play", play)
    here("load", traffic, "--find-limit", "--sla", SHIPPED, "--rate", "50", *WITH_ALL, code=1)
    assert found.items() >= SETTINGS.items()


@pytest.mark.parametrize(("verdict", "code"), [("PASS", 0), ("INVALID", 4)])
def test_a_search_writes_junit_and_proves_headroom(
    traffic: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verdict: str, code: int
) -> None:
    proved: list[float] = []

    def search(step: Any, how: Any, out: Path, headroom_s: float) -> Limit:
        proved.append(headroom_s)
        return Limit(None, None, [], verdict, "the knee lies between 3 and 4 operations/s")

    @contextmanager
    def placed(*given: Any, **named: Any) -> Iterator[list[PlayJob]]:
        yield [PlayJob(traffic, Target(name="x", port=104, ae_title="X"))]

    monkeypatch.setattr("filmless.limit_commands.search_limit", search)
    monkeypatch.setattr("filmless.limit_commands.placed", placed)
    junit = tmp_path / "junit.xml"
    here("load", traffic, "--find-limit", "--sla", SHIPPED, "--junit", junit, code=code)
    here("load", traffic, "--find-limit", "--sla", SHIPPED, "--headroom", "2", code=code)
    assert proved == [10.0, 2.0]
    suite = ET.parse(junit).getroot()
    assert (suite.get("tests"), suite.get("errors")) == ("1", "0" if verdict == "PASS" else "1")
    assert "the knee lies between 3 and 4" in ET.tostring(suite, encoding="unicode")


def test_a_check_is_done_as_the_play_will_be(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[Means] = []

    def preflight(target: Target, means: Means) -> list[CheckResult]:
        used.append(means)
        return []

    @contextmanager
    def running(*given: Any, **named: Any) -> Iterator[Target]:
        yield Target(name="x", port=104, ae_title="X")

    monkeypatch.setattr("filmless.load_commands.preflight", preflight)
    monkeypatch.setattr("filmless.load_commands.running", running)
    here("load", "--check")
    here("load", "--check", "--tcp", "modality", "--segment", "1448", "--transfer-syntax", "rle", "--timeouts",
         "response=3", "--pdu-length", "16384")  # fmt: skip
    timeouts = replace(Means().timeouts, response_s=3.0)
    profile = replace(TcpProfile.MODALITY, segment_bytes=1448)
    assert used == [Means(), Means(profile, timeouts, str(RLELossless), 16384)]


def test_a_ramp_is_reached_from_the_command_line(traffic: Path, asked: Asked) -> None:
    here("load", traffic, "--rate", "0", "--arrivals", "ramp", "--rate-to", "40", "--seconds", "5", code=2)
    due = asked.windows[0]["due_s"].to_numpy()
    assert len(due) == 100  # 20 a second on average
    assert due[25] == pytest.approx(2.5, abs=0.01)  # a quarter of them by half of the time


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


def test_l14_a_claim_says_its_scale_in_the_verdict_line(tmp_path: Path) -> None:
    """The command hands the scale on: through the whole play, to the line that a person reads, and to a program."""
    junit, scale = tmp_path / "junit.xml", "played at 1/20 of the claimed rate on this machine, for 1 s; asked 5 % more"
    words = ("--scale", "0.05", "--headroom", "0", "--junit", junit)
    done = filmless("claim", small_claim(tmp_path), *words, "--out", tmp_path / "one", code=4)
    assert done.stdout.startswith(f"INVALID ({scale})")

    assert junit.is_file()
    manifest = json.loads((tmp_path / "one" / "manifest.json").read_text())
    assert done.stdout.startswith(f"{manifest['verdict_line']}; ")


def small_claim(folder: Path) -> Path:
    """A claim of 4,000 small images a second; headroom that was not proved makes its play INVALID at any speed."""
    file = folder / "small.toml"
    file.write_text(SMALL)
    return file


SMALL = """title = "4,000 images a second"
product = "X"
figures = [{ id = "f1", quantity = "rate", value = 4000.0, unit = "1/s", source = "assumption", status = "verified" }]
[load]
seconds = 1.0
rows = 64
columns = 64
prefill = 0
assumed = "everything else"
flows = [{ operation = "store", per_s = 4000.0 }]
[thresholds.rate]
statistic = "achieved-rate"
operation = "store"
limit = { value = 4000.0, unit = "1/s", source = "f1", status = "verified" }
"""


def test_a_play_at_a_rate_and_what_it_cannot_be_calibrated_for(traffic: Path, tmp_path: Path) -> None:
    code, found = ended("load", traffic, "--rate", "60", "--seconds", "2.5", "--out", tmp_path / "out")
    assert code in (0, 4)
    assert found["planned"] == 150
    lot = json.loads((tmp_path / "out" / "manifest.json").read_text())["settings"]["lot"]
    assert 0 < lot < 10**12, "drawn anew, so that the next play has objects of its own"
    assert "cannot be told apart" in filmless("calibrate", tmp_path / "out", code=2).stderr
