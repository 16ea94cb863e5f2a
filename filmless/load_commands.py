"""The work of the commands that speak to archives."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from filmless.failures import FAIL, INVALID, BadInput
from filmless.load_figures import figures, next_step
from filmless.output import counted, give, say, show
from filmless.places import check_places
from filmless.play import archive_kind, measure_all, thresholds_for, traffic_file
from filmless.report.tables import number
from filmless.report.words import ranged
from loadtest.archives.check import preflight
from loadtest.archives.check_result import Means
from loadtest.archives.embedded.law import read_law
from loadtest.archives.launch import running
from loadtest.objects.factory import SYNTAXES
from loadtest.play.config import PROFILES
from loadtest.play.launch import free_port
from loadtest.verdict.finding import Finding
from loadtest.verdict.junit import junit_xml
from loadtest.wire.settings import check_max_pdu
from sim.runs.store import Run

CODES = {"PASS": 0, "FAIL": FAIL, "INVALID": INVALID}
WEB_PORT = 8089


def check_target(target: str, json_: bool, how: Mapping[str, Any] | None = None) -> None:
    """Try each service of a target; exit code 3 where one is refused or failed. `how`: settings of PlayConfig."""
    by = means(how or {})
    with running(archive_kind(target), "filmless-check", movers={"FILMLESS": ("127.0.0.1", free_port())}) as archive:
        results = preflight(archive, means=by)
    bad = any(r.outcome in ("refused", "failed") for r in results)
    if json_:
        give({"target": archive.name, "outcome": "failed" if bad else "ok", "services": [
            {"service": r.service, "outcome": r.outcome, "seconds": round(r.seconds, 6), "cause": r.cause,
             "mend": r.mend} for r in results
        ]})  # fmt: skip
    else:
        for result in results:
            print(result.line())
    if bad:
        raise SystemExit(FAIL)


def means(how: Mapping[str, Any]) -> Means:
    """How the pre-flight connects and what it stores, of the play's settings. Raises BadInput."""
    profile = PROFILES[how.get("tcp", "tuned")]
    bounds = {name: how[name] for name in ("connect_s", "response_s", "operation_s") if name in how}
    try:
        return Means(
            replace(profile, segment_bytes=how.get("segment_bytes", 0)),
            replace(Means().timeouts, **bounds),
            str(SYNTAXES[how.get("transfer_syntax", "explicit")]),
            check_max_pdu(how.get("pdu_length", Means().max_pdu)),
        )
    except ValueError as error:
        raise BadInput(str(error)) from None


HEADROOM_S = 10.0  # of the plan's busiest time, into a null sink, before and after the play


@dataclass(frozen=True)
class Judging:
    """How a play is judged: the file of thresholds, the proof of headroom in seconds, and where JUnit XML goes."""

    sla: Path | None = None
    headroom_s: float | None = None
    junit: Path | None = None

    def seconds(self) -> float:
        """Headroom is proved by default where there are thresholds."""
        return self.headroom_s if self.headroom_s is not None else HEADROOM_S if self.sla else 0.0


@dataclass(frozen=True)
class Play:
    """What every kind of play is given: `settings` are those of PlayConfig, `law` is the embedded archive's."""

    traffic: Path | None
    target: str
    out: Path | None
    judging: Judging
    settings: dict[str, Any]
    law: str = ""
    web: bool = False
    json_: bool = False

    def checked(self, name: str) -> tuple[Path, Path]:
        """The traffic file, and the run folder (`name` in runs/ where none was given). Raises BadInput.

        All that can be known to fail is found out before anything is played.
        """
        traffic = traffic_file(self.traffic)
        check_law(self.law, self.target)
        folder = self.out or Path("runs") / name
        check_places(folder, self.judging.junit)
        return traffic, folder

    def web_port(self) -> int:
        """Where Locust's page is; 0 = nowhere."""
        if self.web:
            say(f"Locust's page: http://127.0.0.1:{WEB_PORT}")
        return WEB_PORT if self.web else 0


def stem_of(traffic: Path | None) -> str:
    """A traffic file's name without its endings."""
    return traffic.name.removesuffix(".parquet").removesuffix(".traffic") if traffic else ""


def run_load(play: Play, speed: float = 1.0) -> None:
    """Play a traffic file; the exit code is the verdict's."""
    traffic, folder = play.checked(f"load-{stem_of(play.traffic)}")
    thresholds = thresholds_for(traffic, play.judging.sla)
    window = {"path": traffic, "cluster": traffic.name.split(".")[0]}
    finding, result = measure_all([window], play.target, folder, speed=speed, thresholds=thresholds,
                                  headroom_s=play.judging.seconds(), web_port=play.web_port(),
                                  settings=play.settings, law=play.law)  # fmt: skip
    tell_finding(finding, result, folder, play.json_, play.judging.junit)


def check_law(law: str, target: str) -> None:
    """A service law is one, and of an archive that we start."""
    if law and target != "embedded":
        raise BadInput(f"--law: only the embedded archive has one, not '{target}': use --target embedded")
    try:
        read_law(law)
    except ValueError as error:
        raise BadInput(str(error)) from None


def tell_finding(
    finding: Finding, result: dict[str, Any], folder: Path, json_: bool, junit: Path | None = None
) -> None:
    """The verdict to a person or a program, and to a build server; the exit code is the verdict's."""
    if junit:
        junit.write_text(junit_xml(finding.title or folder.name, finding.lines, finding.verdict, finding.beyond,
                                   float(result["generator"]["wall_s"])))  # fmt: skip
    if json_:
        give({"run": str(folder), **{k: v for k, v in result.items() if k != "phase"}, **finding.to_json()})
    else:
        print(f"{finding.sentence()}; {result['done']:,} of {counted(result['planned'], 'operation')} done, "
              f"{result['stored']:,} of {counted(result['studies'], 'study', 'studies')} stored and found")  # fmt: skip
        for line in [*finding.reasons, *finding.remarks]:
            print(f"  {line}")
        if finding.lines:
            show_lines(finding)
        run = Run(folder)
        for line in figures(run, finding.title):
            print(line)
        print(f"run folder: {folder}\nnext: {next_step(folder, run.manifest)}")
    if finding.verdict != "PASS":
        raise SystemExit(CODES.get(finding.verdict, INVALID))


def show_lines(finding: Finding) -> None:
    """Each threshold with value, interval, n and verdict."""
    rows = [
        [f"{one.name}: {one.words}", number(one.value), ranged(one.low, one.high, one.unit), f"{one.n:,}", one.verdict]
        for one in finding.lines
    ]  # fmt: skip
    show(f"{finding.title}, measured", ["threshold", "value", "95 % interval", "n", "verdict"], rows)
