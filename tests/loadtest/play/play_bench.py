"""Speeds of the play on this machine: lateness at 2,000 operations a second, and objects a second into a null sink."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from loadtest.archives.launch import running
from loadtest.play.launch import PlayJob, play
from sim.runs.store import Run
from tests.loadtest.traffic_factory import row, write


def _played(folder: Path, rows: list[dict[str, Any]]) -> tuple[dict[str, Any], Run]:
    file = write(folder / "t.parquet", rows, matrices={"CT": [512, 512, 2]} if rows[0]["objects"] > 1 else None)
    with running("embedded", "sink", mode="null") as target:
        result = play([PlayJob(file, target)], 1.0, folder / "out", ledger="none", modality_associations=4)
    return result, Run(folder / "out")


def lateness(per_s: int = 2000, seconds: int = 5, devices: int = 50) -> None:
    """One small object an operation, so that the scheduler is what is measured."""
    rows = [row("store", n / per_s, n, objects=1, ae_title=f"CT{n % devices:04d}R1") for n in range(per_s * seconds)]
    with TemporaryDirectory() as folder:
        result, run = _played(Path(folder), rows)
        lag = run.table("operations", ["lag_s"])["lag_s"].to_numpy()
    p50, p99 = np.quantile(lag, [0.5, 0.99]) * 1e3
    print(f"play, {per_s:,} operations/s for {seconds} s: lag p50 {p50:.2f} ms, p99 {p99:.2f} ms, dropped "
          f"{result['outcomes']['dropped']}, CPU {100 * result['generator']['cpu_share']:.0f} % of a core")  # fmt: skip


def objects(per_s: int = 400, seconds: int = 5) -> None:
    """Studies of 20 CT images of 512 kB."""
    rows = [row("store", 20 * n / per_s, n, objects=20, ae_title=f"CT{n:04d}R1") for n in range(per_s * seconds // 20)]
    with TemporaryDirectory() as folder:
        result, run = _played(Path(folder), rows)
        table = run.table("objects", ["start_s", "end_s", "bytes"])
    span = table["end_s"].max() - table["start_s"].min()
    took = np.quantile(table["end_s"] - table["start_s"], [0.5, 0.99]) * 1e3
    cpu_ms = 1e3 * result["generator"]["cpu_share"] * result["generator"]["wall_s"] / len(table)
    print(f"play, {len(table):,} CTs of 512 kB into a null sink: {len(table) / span:,.0f}/s, "
          f"{table['bytes'].sum() / span / 1e6:,.0f} MB/s, each p50 {took[0]:.2f} ms, p99 {took[1]:.2f} ms, "
          f"{cpu_ms:.2f} ms of CPU each, lag p99 {1e3 * result['lag_p99_s']:.2f} ms")  # fmt: skip


def main() -> None:
    """All of it."""
    lateness()
    objects()


if __name__ == "__main__":
    main()
