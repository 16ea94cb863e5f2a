"""The rehearsal: England's working week simulated, each cluster's busiest minute played, the report built."""

import shutil
from datetime import date
from pathlib import Path
from typing import Any

from filmless.failures import Failed
from filmless.output import give, say
from filmless.play import play_all
from filmless.progress import progress
from filmless.report.front_table import front_rows, print_front
from sim.runs.experiment import simulate
from sim.runs.spec import Spec
from sim.runs.store import Run
from sim.runs.window import write_window
from sim.world.load import load_world

SCENARIO = Path("scenarios/england-2004.toml")
WEEK = (date(2007, 3, 5), date(2007, 3, 10))  # Monday to Friday, in the third year, all trusts live as announced
HEADROOM = 1.3  # of the bytes to be stored, before a play is begun


def scenario_path() -> Path:
    """The shipped scenario, from the working folder or from beside the package."""
    beside = Path(__file__).resolve().parent.parent / SCENARIO
    return SCENARIO if SCENARIO.exists() else beside


def fresh(folder: Path) -> Path:
    """A folder name that is not taken: a demo never overwrites a run."""
    if not folder.exists():
        return folder
    number = next(n for n in range(2, 10_000) if not folder.with_name(f"{folder.name}-{n}").exists())
    return folder.with_name(f"{folder.name}-{number}")


def check_disk(needed: float, folder: Path) -> None:
    """Refuse to begin what the disk cannot hold."""
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < needed * HEADROOM:
        raise Failed(f"the play would store {needed / 1e9:.1f} GB, for which {needed * HEADROOM / 1e9:.1f} GB are to "
                     f"be free, and {folder} has {free / 1e9:.1f} GB: free some, play fewer --minutes, or use --out on "
                     "another disk")  # fmt: skip


def run_demo(target: str, minutes: float, replications: int, out: Path, json_: bool) -> None:
    """All of it; prints the front table."""
    world = load_world(scenario_path())
    clusters = tuple(world.scenario.clusters)
    folder = fresh(out / "demo")
    folder.mkdir(parents=True)
    say(f"1 of 4: simulating {WEEK[0]} to {WEEK[1]}, {replications} replications, on film and on PACS")
    spec = Spec(clusters, *WEEK, world.scenario.seed, replications)
    with progress("simulate") as report:
        simulate(world, spec, folder / "simulated", report)
    run = Run(folder / "simulated")
    say("2 of 4: each cluster's busiest hour, as DICOM operations")
    windows: list[dict[str, Any]] = []
    with progress("traffic") as report:
        for i, cluster in enumerate(clusters):
            path = folder / f"{cluster}.traffic.parquet"
            windows.append({"path": path, **write_window(run, cluster, None, minutes / 60, path)})
            report(i + 1, len(clusters), cluster)
    check_disk(sum(w["bytes_to_keep"] for w in windows), folder)
    say(f"3 of 4: playing {minutes:g} minute(s) of {len(clusters)} busiest hours at once, at real speed")
    play_all(windows, target, folder / "played")
    loads = [folder / "played"]
    say("4 of 4: the report")
    with progress("report", alive=True) as report:
        from filmless.report.build import build_report

        page = build_report(run.folder, loads, folder / "report.html", report)
    rows = front_rows(run.folder, loads)
    if json_:
        give({"report": str(page), "folder": str(folder), "clusters": rows})
    else:
        print_front(rows)
        say(f"report: {page}")
