"""The work of `filmless theory`: queueing theory beside a run."""

from pathlib import Path

import pandas as pd

from filmless.failures import BadInput
from filmless.output import give, show
from sim.answers.theory import theory_table
from sim.runs.store import Run


def by_station(table: pd.DataFrame) -> list[list[str]]:
    """A line a cluster, world and station: of the entities where a formula holds the waits, of all the two laws."""
    lines = []
    for (cluster, world, station), rows in table.groupby(["cluster", "world", "station"], sort=False):
        held = rows[rows["why_not"] == ""]
        waits = [_mean(held, column) for column in ("wait_s", "theory_wait_s")] if len(held) else []
        reasons = rows.loc[rows["why_not"] != "", "why_not"].unique()
        lines.append([
            f"{cluster}, {world}: {station}", f"{len(held)} of {len(rows)}", f"{rows['utilisation'].max():.1%}",
            *([f"{w:.3g} s" for w in waits] or ["", ""]),
            f"{rows['little'].abs().max():.1%}", f"{rows['utilisation_law'].abs().max():.1%}", "; ".join(reasons[:2]),
        ])  # fmt: skip
    return lines


def _mean(rows: pd.DataFrame, column: str) -> float:
    return float((rows[column] * rows["jobs"]).sum() / rows["jobs"].sum())


def print_theory(folder: Path, station: str | None, json_: bool) -> None:
    """Per station utilisation law, Little's law, and the wait of theory where its assumptions hold."""
    table = theory_table(Run(folder))
    known = sorted(table["station"].unique())
    if station is not None:
        if station not in known:
            raise BadInput(f"--station {station}: the run has {', '.join(known)}")
        table = table[table["station"] == station]
    if json_:
        rows = table.astype(object).where(table.notna(), None).to_dict("records")
        give({"theory": rows})
        return
    show("Theory beside the run (waits: mean over the jobs of the entities where a formula holds)",
         ["station", "formula holds at", "busiest used", "simulated", "theory", "Little off", "use off", "elsewhere"],
         by_station(table))  # fmt: skip
