"""Listing run folders, and comparing two of them."""

from pathlib import Path
from typing import Any

from filmless.failures import BadInput
from filmless.output import give, hours, say, show
from sim.answers.collection import between
from sim.answers.measures import Measures, Over, Stat
from sim.runs.store import Run, leftovers, list_runs

STATISTICS: dict[tuple[Stat, Over], str] = {
    ("mean", "exams"): "mean", ("p95", "exams"): "p95 over exams", ("p95", "day"): "mean of daily p95",
}  # fmt: skip
COMPARED = ("time_to_image_s", "exam_to_report_s", "first_view_s")


def print_runs(folder: Path, json_: bool) -> None:
    """One line a run. Raises BadInput where there is no such folder."""
    if not folder.is_dir() and folder != Path("runs"):  # where nothing was made yet, that is said below
        raise BadInput(f"{folder}: there is no such folder; runs are in runs/, unless --out named another")
    rows = [{
        "run": str(r.folder), "kind": r.manifest["kind"], "title": r.manifest.get("title", ""),
        "dates": " to ".join(str(d) for d in (r.manifest.get("start"), r.manifest.get("end")) if d),
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


def paired(a: Run, b: Run) -> list[dict[str, Any]]:
    """b less a, paired by replication: mean and p95 (over exams, and of each day) by measure, cluster and world."""
    found = between(Measures(a), Measures(b), COMPARED)
    return [{str(k): v for k, v in row.items()} for row in found.to_dict("records")]


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
    show(f"{b_folder.name} less {a_folder.name}, paired by replication",
         ["measure", "statistic", "cluster", "world", "difference", "95 % interval", "n"],
         [[m["measure"], STATISTICS[m["stat"], m["over"]], m["cluster"], m["world"], _signed(m["difference_s"]),
           f"{_signed(m['low_s'])} to {_signed(m['high_s'])}", str(m["n"])] for m in measures])  # fmt: skip


def _signed(seconds: float) -> str:
    return ("-" if seconds < 0 else "") + hours(abs(seconds))
