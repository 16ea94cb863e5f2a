"""`make endurance`: a thousand 512 kB images a second for ten minutes into DCMTK's `storescp --ignore`, lag p99 stated.

Today's England in its busiest hour. storescp serves one association at a time, so that there are four of them, each
with one device of ours. Nothing may be lost or dropped, and lag p99 be at most 5 ms.
"""

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from loadtest.archives.process import ArchiveProcess, answers, free_port
from loadtest.archives.target import Target
from loadtest.play.launch import PlayJob, play
from sim.runs.store import Run
from tests.loadtest.traffic_factory import row, write

STORESCP = "/usr/bin/storescp"  # by full path: pynetdicom installs another of this name
SINKS, OBJECTS = 4, 20  # images of a study
LAG_MS = 5.0


def traffic(folder: Path, sink: int, per_s: float, seconds: float) -> Path:
    """One scanner's studies of twenty CTs, evenly due; the scanners take turns."""
    cluster, every = f"sink{sink}", OBJECTS * SINKS / per_s
    rows = [
        row("store", every * (n + sink / SINKS), 10**9 * (sink + 1) + n, objects=OBJECTS, cluster=cluster)
        for n in range(round(seconds / every))
    ]
    return write(folder / f"{cluster}.parquet", rows, matrices={"CT": [512, 512, 2]})


def sink_of(stack: ExitStack, folder: Path, name: str) -> Target:
    """A storescp that keeps nothing."""
    port = free_port()
    process = stack.enter_context(
        ArchiveProcess([STORESCP, "--ignore", "--output-directory", str(folder), str(port)], {"TCP_NODELAY": "1"})
    )
    process.wait_until(lambda: answers(port), 10.0, "storescp")
    return Target(name=name, port=port, ae_title="STORESCP", software="DCMTK storescp --ignore", tcp="TCP_NODELAY=1")


def endure(folder: Path, per_s: float, seconds: float, workers: int) -> dict[str, Any]:
    """Play it; what came of it, and whether it held."""
    with ExitStack() as stack:
        jobs = [PlayJob(traffic(folder, n, per_s, seconds), sink_of(stack, folder, f"sink{n}")) for n in range(SINKS)]
        settings: dict[str, Any] = {"ledger": "none", "workers": workers}
        result = play(jobs, 1.0, folder / "played", **settings)
    objects = Run(folder / "played").table("objects", ["start_s", "end_s", "outcome"])
    span, stored = objects["end_s"].max() - objects["start_s"].min(), int((objects["outcome"] == "ok").sum())
    found = {
        "planned": result["objects"]["planned"], "stored": stored, "objects_s": stored / span,
        "dropped": result["outcomes"]["dropped"], "lag_p99_ms": 1000 * result["lag_p99_s"],
        "cpu_cores": result["generator"]["cpu_share"], "verdict": result["verdict"], "reasons": result["reasons"],
        "cpu_ms_an_object": 1000 * result["generator"]["cpu_share"] * result["generator"]["wall_s"] / max(stored, 1),
    }  # fmt: skip
    held = found["stored"] == found["planned"] and not found["dropped"] and found["lag_p99_ms"] <= LAG_MS
    return {**found, "held": held}


def main(given: Sequence[str] | None = None) -> int:
    """Play it; 3 when it did not hold."""
    parser = argparse.ArgumentParser("python -m tests.endurance", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--per-s", type=float, default=1000.0, help="images a second")
    parser.add_argument("--workers", type=int, default=0)
    options = parser.parse_args(given)
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()}")
    with TemporaryDirectory(prefix="filmless-endurance-") as folder:
        found = endure(Path(folder), options.per_s, 60 * options.minutes, options.workers)
    print(json.dumps(found))
    return 0 if found["held"] else 3


if __name__ == "__main__":
    sys.exit(main())
