"""Listing run folders, and comparing two of them."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from filmless.output import give, hours, say, show
from sim.answers.intervals import student
from sim.answers.measures import Measures
from sim.runs.store import Run, leftovers, list_runs

COMPARED = ("time_to_image_s", "exam_to_report_s", "first_view_s")


def print_runs(folder: Path, json_: bool) -> None:
    """One line a run."""
    rows = [{
        "run": str(r.folder), "kind": r.manifest["kind"], "title": r.manifest.get("title", ""),
        "dates": f"{r.manifest.get('start', '')} to {r.manifest.get('end', '')}",
        "replications": r.manifest.get("replications", ""), "engine": r.manifest.get("engine", ""),
        "verdict": r.manifest.get("verdict", ""), "hash": r.results_hash[:12],
    } for r in list_runs(folder)]  # fmt: skip
    if json_:
        give({"runs": rows, "unfinished": [str(p) for p in leftovers(folder)]})
        return
    if not rows:
        say(f"no runs in {folder}: make one with `filmless demo` or `filmless simulate`")
    else:
        show(f"Runs in {folder}", list(rows[0]), [[str(v) for v in row.values()] for row in rows])
    for path in leftovers(folder):
        say(f"left over from a run that was killed, not a run: {path} (remove it when you like)")


def flat(data: Any, prefix: str = "") -> dict[str, Any]:
    """Nested values by dotted key."""
    if isinstance(data, dict):
        return {k: v for key, value in data.items() for k, v in flat(value, f"{prefix}{key}.").items()}
    return {prefix.rstrip("."): data}


def differing(a: Run, b: Run) -> list[list[str]]:
    """Scenario values that differ: key, in a, in b."""
    x, y = (flat(r.manifest["scenario"].get("scenario", r.manifest["scenario"])) for r in (a, b))
    keys = [k for k in x.keys() | y.keys() if x.get(k) != y.get(k)]
    return [[k, str(x.get(k, "-")), str(y.get(k, "-"))] for k in sorted(keys)]


def _means(run: Run, measure: str) -> pd.DataFrame:
    rows = run.table("moments")
    rows = rows[rows["measure"] == measure].groupby(["cluster", "world", "replication"])[["n", "sum_s"]].sum()
    return (rows["sum_s"] / rows["n"]).rename("mean_s").reset_index()


def paired(a: Run, b: Run) -> list[dict[str, Any]]:
    """b less a, paired by replication, for each compared measure, cluster and world."""
    out = []
    for measure in COMPARED:
        both = _means(a, measure).merge(
            _means(b, measure), on=["cluster", "world", "replication"], suffixes=("_a", "_b")
        )
        for (cluster, world), part in both.groupby(["cluster", "world"]):
            found = student((part["mean_s_b"] - part["mean_s_a"]).to_numpy(dtype=np.float64), 0.95)
            out.append({"measure": measure, "cluster": cluster, "world": world, "difference_s": found.value,
                        "low_s": found.low, "high_s": found.high, "n": found.n,
                        "method": f"paired {found.method}"})  # fmt: skip
    return out


def print_comparison(a_folder: Path, b_folder: Path, json_: bool) -> None:
    """What differs in the scenarios, and by how much the measures do."""
    a, b = Measures.open(a_folder).run, Measures.open(b_folder).run
    values, measures = differing(a, b), paired(a, b)
    if a.manifest["seed"] != b.manifest["seed"]:
        say("warning: the runs have different seeds, so their exams differ: the intervals are wider than they need be")
    if json_:
        give({"scenario": values, "differences": measures})
        return
    show("Scenario values that differ", ["key", a_folder.name, b_folder.name], values or [["none", "", ""]])
    show(f"Mean in {b_folder.name} less mean in {a_folder.name}",
         ["measure", "cluster", "world", "difference", "95 % interval", "n"],
         [[m["measure"], m["cluster"], m["world"], _signed(m["difference_s"]),
           f"{_signed(m['low_s'])} to {_signed(m['high_s'])}", str(m["n"])] for m in measures])  # fmt: skip


def _signed(seconds: float) -> str:
    return ("-" if seconds < 0 else "") + hours(abs(seconds))
