"""The work of the commands that speak to archives."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filmless.failures import FAIL, INVALID, BadInput
from filmless.load_figures import figures, next_step
from filmless.output import counted, give, say, show
from filmless.play import archive_kind, measure_all, thresholds_for, traffic_file
from filmless.report.tables import number
from filmless.report.words import ranged
from loadtest.archives.check import preflight
from loadtest.archives.embedded.law import read_law
from loadtest.archives.launch import running
from loadtest.play.launch import free_port
from loadtest.verdict.finding import Finding
from loadtest.verdict.junit import junit_xml
from sim.runs.store import Run

CODES = {"PASS": 0, "FAIL": FAIL, "INVALID": INVALID}
WEB_PORT = 8089


def check_target(target: str, json_: bool) -> None:
    """Try each service of a target; exit code 3 where one is refused or failed."""
    with running(archive_kind(target), "filmless-check", movers={"FILMLESS": ("127.0.0.1", free_port())}) as archive:
        results = preflight(archive)
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


def run_load(traffic: Path | None, target: str, speed: float, web: bool, out: Path | None, json_: bool,
             judging: Judging, settings: dict[str, Any] | None = None, law: str = "") -> None:  # fmt: skip
    """Play a traffic file; the exit code is the verdict's. `law`: of the embedded archive, how long storing takes."""
    file = traffic_file(traffic)
    check_law(law, target)
    thresholds = thresholds_for(file, judging.sla)
    folder = out or Path("runs") / f"load-{file.name.removesuffix('.parquet').removesuffix('.traffic')}"
    if web:
        say(f"Locust's page: http://127.0.0.1:{WEB_PORT}")
    window = {"path": file, "cluster": file.name.split(".")[0]}
    finding, result = measure_all([window], target, folder, speed=speed, thresholds=thresholds,
                                  headroom_s=judging.seconds(), web_port=WEB_PORT if web else 0,
                                  settings=settings or {}, law=law)  # fmt: skip
    tell_finding(finding, result, folder, json_, judging.junit)


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
