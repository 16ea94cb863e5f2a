"""`make rehearsal`: England's busiest hour of 2007 in real time, against five Orthancs on this machine, and twice that.

Every cluster's busiest hour at once, with queries, priors and views; the disk is checked before anything is sent. What
is to hold: nothing lost, nothing dropped, lag p99 <= 2 ms at the hour's own speed and <= 5 ms at twice it.
"""

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from filmless.demo import check_disk, scenario_path
from loadtest.archives.launch import running
from loadtest.play.launch import LISTENER, PlayJob, free_port, play
from sim.runs.experiment import simulate
from sim.runs.spec import Spec
from sim.runs.store import Run
from sim.runs.window import write_window
from sim.world.load import load_world

DAY = date(2007, 3, 5)  # a Monday of the third year, when all trusts are live as announced
LAG_MS = {1.0: 2.0, 2.0: 5.0}  # most at p99, by speed


def windows(folder: Path, minutes: float) -> list[dict[str, Any]]:
    """Each cluster's traffic in the middle of its busiest hour."""
    world = load_world(scenario_path())
    clusters = tuple(world.scenario.clusters)
    if not (folder / "simulated").exists():
        spec = Spec(clusters, DAY, DAY + timedelta(days=1), world.scenario.seed, 1, worlds=("pacs",))
        simulate(world, spec, folder / "simulated")
    run, found = Run(folder / "simulated"), []
    for cluster in clusters:
        path = folder / f"{cluster}-{minutes:g}.parquet"
        found.append({"path": path, **write_window(run, cluster, None, minutes / 60, path)})
    return found


def rehearse(folder: Path, minutes: float, speed: float) -> dict[str, Any]:
    """So many minutes of playing at this speed; what came of it, and whether it held."""
    parts = windows(folder, minutes * speed)
    check_disk(sum(one["bytes_to_keep"] for one in parts), folder)
    with ExitStack() as stack:
        jobs = []
        for one in parts:
            movers = {LISTENER: ("127.0.0.1", free_port())}
            jobs.append(PlayJob(one["path"], stack.enter_context(running("orthanc", one["cluster"], movers))))
        result = play(jobs, speed, folder / f"played-{speed:g}", _progress)
    found = {
        "speed": speed, "minutes": minutes, "operations": result["planned"], "objects": result["objects"]["planned"],
        "objects_s": result["objects"]["stored"] / (60 * minutes), "lost": result["objects"]["lost"],
        "not_done": result["planned"] - result["done"], "dropped": result["outcomes"]["dropped"],
        "lag_p99_ms": 1000 * result["lag_p99_s"], "verdict": result["verdict"], "reasons": result["reasons"],
    }  # fmt: skip
    held = not found["lost"] and not found["dropped"] and found["lag_p99_ms"] <= LAG_MS.get(speed, 5.0)
    return {**found, "held": held}


def _progress(done: int, total: int, phase: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{phase}: {done} of {total}   ", end="", file=sys.stderr, flush=True)


def main(given: Sequence[str] | None = None) -> int:
    """Play at each speed; 3 when one did not hold."""
    parser = argparse.ArgumentParser("python -m tests.rehearsal", description=__doc__)
    parser.add_argument("--minutes", type=float, default=2.0, help="of playing, at each speed")
    parser.add_argument("--speeds", type=float, nargs="+", default=[1.0, 2.0])
    options = parser.parse_args(given)
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()}")
    all_held = True
    with TemporaryDirectory(prefix="filmless-rehearsal-") as folder:
        for speed in options.speeds:
            found = rehearse(Path(folder), options.minutes, speed)
            all_held = all_held and found["held"]
            print(json.dumps(found), flush=True)
    return 0 if all_held else 3


if __name__ == "__main__":
    sys.exit(main())
