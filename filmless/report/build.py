"""The report: notebooks executed on run folders, joined into one HTML file that asks nothing of a network."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from filmless.report import assumption_log, front_page
from filmless.report.assumptions import statuses
from filmless.report.claims import refuse_claims
from filmless.report.front_table import NOTES, lines, rows_of
from filmless.report.kept_case import keep_case
from filmless.report.knee import Limits
from filmless.report.measured import Measured
from filmless.report.notebooks import Chapter, Value, chapter
from filmless.report.plays import plays_table
from filmless.report.simulated import Simulated
from filmless.report.tables import html_table
from sim.runs.store import RunProblem

Progress = Callable[[int, int, str], None]
ASSUMED = "Assumptions of the scenario, [z]: no input of the money model"


def _savings(sim: Simulated, simulation: str) -> Chapter:
    """The savings chapter; its case is computed here, where the front page needs it too, and handed to the kernel."""
    with TemporaryDirectory(prefix="filmless-case-") as private:
        return chapter("savings", {"simulation": simulation, "kept": str(keep_case(sim, Path(private) / "case"))})


def chapters_of(sim: Simulated, load_runs: Sequence[Path], progress: Progress, limit_runs: Sequence[Path] = (),
                plans: Sequence[Path] = ()) -> list[Chapter]:  # fmt: skip
    """The four chapters, each by a kernel of its own, at the same time."""
    simulation, loads = str(sim.run.folder.resolve()), [str(p.resolve()) for p in load_runs]
    wanted: dict[str, dict[str, Value]] = {
        "latency": {"simulation": simulation, "loads": loads, "limits": [str(p.resolve()) for p in limit_runs]},
        "storage": {"simulation": simulation, "loads": loads},
    }
    planning: dict[str, Value] = {"simulation": simulation, "plans": [str(p.resolve()) for p in plans]}
    with ThreadPoolExecutor(len(wanted) + 2) as pool:
        jobs = [pool.submit(chapter, name, values) for name, values in wanted.items()]
        jobs.append(pool.submit(_savings, sim, simulation))
        jobs.append(pool.submit(chapter, "planner", planning))
        out = []
        for done, job in enumerate(jobs, 1):
            out.append(job.result())
            progress(done, len(jobs) + 1, out[-1].title)
        return out


def _both_worlds(sim: Simulated) -> None:
    missing = {"film", "pacs"} - set(sim.worlds)
    if missing:
        raise RunProblem(f"{sim.run.folder} lacks the {' and '.join(sorted(missing))} world; a report compares both: "
                         "simulate with --world film --world pacs")  # fmt: skip


def values_of(sim: Simulated, measured: Measured, assumed: pd.DataFrame, plans: Sequence[Path] = ()) -> dict[str, Any]:
    """All that the page says outside its chapters, by the names in its template."""
    rows = rows_of(sim, measured)
    title = str(sim.manifest("title"))
    words = (f"{len(assumed):,} quantities of the scenario itself are assumptions: nobody read them at a source. They "
             "are listed with their ranges and with what they may do to the answer; the whole log lies beside this "
             "page as CSV. The table below counts the rest.")  # fmt: skip
    return {
        "title": f"Film or PACS: {title}", "period": sim.period, "place": sim.place, "version": version("filmless"),
        "sentences": front_page.sentences(sim, measured), "headlines": front_page.headlines(sim, rows), "rows": rows,
        "lines": lines(rows), "notes": NOTES, "caveats": front_page.caveats(sim, measured),
        "assurance": front_page.assurance(sim.run.manifest), "assumption_words": words,
        "assumption_count": f"{len(assumed):,}",
        "assumptions": html_table(assumed, ASSUMED) if len(assumed) else "",
        "statuses": html_table(statuses(sim), "Figures by status", 2),
        "simulation": html_table(front_page.simulation_table(sim), "The simulated run"),
        "plays": html_table(plays_table(measured), "Each play, with its verdict", 2) if measured else "",
        "measurements": html_table(front_page.measured_table(measured), "The measured runs") if measured else "",
        "commands": front_page.commands(sim, measured), "planning": front_page.planning(sim, plans),
    }  # fmt: skip


def render(values: dict[str, Any]) -> str:
    """The page; every value is escaped but the chapters' and tables' own HTML."""
    loader = PackageLoader("filmless.report", ".")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    css = (Path(__file__).parent / "page.css").read_text()
    from markupsafe import Markup

    return environment.get_template("page.html.jinja").render(**values, css=Markup(css))


def build_report(sim_run: Path, load_runs: Sequence[Path], out: Path,
                 progress: Progress = lambda done, total, text: None, limit_runs: Sequence[Path] = (),
                 plans: Sequence[Path] = ()) -> Path:  # fmt: skip
    """Build the page from a simulated run, any measured runs, limit searches and planner's runs; returns its path.

    Raises:
        RunProblem: a folder is no run, of the wrong kind, or damaged. Failed: a notebook failed, and why.
    """
    sim, measured = Simulated(sim_run), Measured(load_runs)
    for run in (sim.run, *measured.runs, *Limits(limit_runs).runs):
        run.check()
    _both_worlds(sim)
    progress(0, 5, "notebooks")
    chapters = chapters_of(sim, load_runs, progress, limit_runs, plans)
    page = render({**values_of(sim, measured, assumption_log.shown(sim, sim.case), plans), "chapters": chapters})
    refuse_claims(page, sim)
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(f".part-{out.name}-{os.getpid()}")
    part.write_text(page, encoding="utf-8")
    part.replace(out)
    assumption_log.write_log(sim, sim.case, out)
    progress(5, 5, str(out))
    return out
