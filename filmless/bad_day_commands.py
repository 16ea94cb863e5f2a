"""The work of `filmless bad-day`."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from filmless.failures import BadInput
from filmless.output import give, say, show
from filmless.progress import progress
from filmless.report.tables import number
from filmless.run_commands import run_world
from sim.answers.bad_day import PHASES, WORDS, answer, period_of, questions
from sim.runs.experiment import machine
from sim.runs.store import Run, RunWriter
from sim.world.service_levels import load_levels


def print_bad_day(run_folder: Path, sla: Path, out: Path | None, json_: bool) -> None:
    """Table service levels by phase and the backlog, and keep the tables in a run folder."""
    run = Run(run_folder)
    m: dict[str, Any] = run.manifest
    if m["kind"] != "simulation":
        raise BadInput(f"{run_folder} is no simulation run: name one of a scenario with [faults]")
    world = run_world(run)
    which = "pacs" if "pacs" in m["worlds"] else m["worlds"][-1]
    levels = load_levels(sla, world)
    asked = questions(world, levels, period_of(m), m["clusters"], m["seed"], which)
    folder = out or run_folder.parent / f"bad-day-{run_folder.name}"
    with RunWriter(folder) as writer:
        with progress("bad day") as report:
            tables = answer(world, asked, m["replications"], report)
        for name, table in tables.items():
            writer.table(name, table)
        writer.close({
            "kind": "bad-day", "title": m["title"], "version": version("filmless"), "scenario_hash": m["scenario_hash"],
            "seed": m["seed"], "start": m["start"], "end": m["end"], "clusters": [q.cluster for q in asked],
            "world": which, "replications": m["replications"], "engine": "fast", "of": run_folder.name,
            "levels": levels.model_dump(mode="json"), "machine": machine(),
        })  # fmt: skip
    if json_:
        give({"run": str(folder), **{n: t.astype(object).where(t.notna(), None).to_dict("records")
                                     for n, t in tables.items()}})  # fmt: skip
    else:
        _tell(levels.title, tables)
        say(f"run folder: {folder} (next: filmless report {run_folder} {folder})")


def _tell(title: str, tables: dict[str, pd.DataFrame]) -> None:
    for phase in PHASES:
        rows = [[str(r["cluster"]), r["words"], number(r["value"]), _between(r, "low", "high"), r["unit"],
                 f"{r['met']} of {r['n']}", number(r["without"]), _between(r, "more_low", "more_high")]
                for r in tables["levels"].to_dict("records") if r["phase"] == phase]  # fmt: skip
        if phase not in set(tables["levels"].loc[tables["levels"]["n"] > 0, "phase"]):
            continue  # no hour of the run is in it
        show(f"Simulated: '{title}', {WORDS[phase]}",
             ["cluster", "level", "value", "95 % interval", "unit", "met", "without the fault",
              "95 % interval of the difference"], rows)  # fmt: skip
    rows = [[str(r["cluster"]), r["figure"], number(r["value"]), _between(r, "low", "high"), r["unit"], str(r["n"]),
             f"{r['caught_up']} of {r['replications']}"] for r in tables["backlog"].to_dict("records")]  # fmt: skip
    show("Simulated: studies made and not yet in the archive",
         ["cluster", "figure", "mean", "95 % interval", "unit", "n", "caught up in"], rows)  # fmt: skip


def _between(r: dict[Any, Any], low: str, high: str) -> str:
    if r[low] == r[low]:
        return f"{number(r[low])} to {number(r[high])}"
    if r["n"]:
        return str(r["method"])
    return "not caught up within the run" if "caught_up" in r else "nobody was concerned"
