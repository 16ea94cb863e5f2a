"""The work of `filmless report`."""

from pathlib import Path

from filmless.manifests import runs_of_report
from filmless.output import give, say
from filmless.progress import progress


def write_report(folders: list[Path], out: Path | None, json_: bool) -> None:
    """The report of one simulated run, its load runs, and the planner's runs. Raises BadInput before anything slow."""
    runs = runs_of_report(folders)
    with progress("report", alive=True) as report:
        from filmless.report.build import build_report

        path = build_report(runs.simulated, runs.loads, out or runs.simulated.parent / "report.html", report,
                            runs.limits, runs.plans)  # fmt: skip
    if json_:
        give({"report": str(path)})
    else:
        say(f"report: {path}")
