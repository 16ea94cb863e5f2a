"""`filmless outcomes`: headline figures of a run, by id."""

from pathlib import Path

from filmless.output import give, show
from filmless.progress import progress
from filmless.report.tables import number
from filmless.run_commands import parse_day
from sim.answers.case import build_case
from sim.answers.outcomes import outcomes
from sim.answers.outcomes.figure import Told
from sim.answers.outcomes.registry import DRAWS
from sim.runs.store import Run, RunProblem


def print_outcomes(folder: Path, day: str | None, cluster: str | None, ids: list[str], json_: bool) -> None:
    """A line a figure, or one JSON object with the inputs that drive each."""
    run = Run(folder)
    if run.manifest.get("kind") != "simulation":
        raise RunProblem(f"{folder} is a measured run; outcomes are of a simulated one")
    with progress("savings case") as report:
        found = outcomes(run, parse_day(day, "--date") if day else None, cluster, ids,
                         case=lambda: build_case(run, DRAWS, report))  # fmt: skip
    if json_:
        give(found.model_dump(mode="json"))
        return
    title = (f"Estimated outcomes of '{found.scenario}' on {found.date}, {', '.join(found.clusters)}; "
             "made blind: mechanisms, never fitted")  # fmt: skip
    show(title, ["outcome", "of", "value", "low", "high", "unit", "n", "interval", "assumed inputs"],
         [_row(told) for told in found.outcomes])  # fmt: skip


def _row(told: Told) -> list[str]:
    ends = ["none" if x is None else number(x) for x in (told.value, told.low, told.high)]
    assumed = f"{sum(i.assumption for i in told.inputs)} of {len(told.inputs)}"
    of = ", ".join(told.split.values())
    return [told.id, of, *ends, told.unit, str(told.n) if told.n else "none", told.interval, assumed]
