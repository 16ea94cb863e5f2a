"""What a play measured, in lines for a person: against what, each operation, the generator, every witness."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from filmless.manifests import simulated_beside
from filmless.report.measured import archive_name
from filmless.report.words import clean, duration_unit, ranged, short_duration
from loadtest.verdict.operations import needed, summary
from sim.runs.store import Run

WITNESSES = {
    "found_cfind": "found by C-FIND", "found_qido": "found by QIDO-RS", "found_again": "found again after the kill",
    "committed": "committed", "equal": "retrieved and equal",
}  # fmt: skip


def figures(run: Run, held_to: str) -> list[str]:
    """The lines of a load run; `held_to` is the title of its thresholds, '' where there were none."""
    operations, ledger = run.table("operations"), run.table("ledger")
    held = f"held to '{held_to}'" if held_to else "held to no threshold"
    several = len(run.manifest["clusters"]) > 1
    return [f"{_targets(run)}; {run.manifest['speed']:g} times real speed; {held}", *_operations(operations, several),
            f"the generator's lag: p99 {_seconds(run.manifest['lag_p99_s'])}", *witnessed(ledger)]  # fmt: skip


def _targets(run: Run) -> str:
    told = [f"{archive_name(t)} (cluster {clean(str(c))})" for c, t in run.manifest["targets"].items()]
    return f"target: {', '.join(told)}"


def _seconds(value: float | None) -> str:
    return "not measured" if value is None else short_duration(value)


def _operations(operations: pd.DataFrame, several: bool) -> Iterator[str]:
    """A line each, of responses from the due time: n, p50 and p95; the slowest where n bears no percentile."""
    by = ("cluster", "operation") if several else ("operation",)
    found = summary(operations, by)
    found = found[found["measure"] == "response_s"] if len(found) else found
    answered = operations[(operations["phase"] == "play") & (operations["outcome"] == "ok")]
    slowest = answered.groupby(list(by))["response_s"].max()
    for key, part in found.groupby(list(by), sort=True):
        stats = {str(row["stat"]): {str(k): v for k, v in row.items()} for row in part.to_dict("records")}
        first, most = stats["p50"], slowest.get(key if several else key[0])
        words = [f"{' '.join(map(str, key))}: n {first['n']:,}", *_percentiles(stats)]
        bad = {name: first[name] for name in ("errors", "unanswered", "dropped") if first[name]}
        if first["n"] < needed(0.95) and most is not None:
            words.append(f"slowest {short_duration(most)}")
        yield ", ".join([*words, *(f"{count:,} {name}" for name, count in bad.items())])


def _percentiles(stats: dict[str, dict[str, Any]]) -> list[str]:
    """p50 and p95 with their 95 % intervals, as far as n bears them."""
    told = []
    for name in ("p50", "p95"):
        value, low, high, enough = (stats[name][key] for key in ("value", "low", "high", "enough"))
        size, _ = duration_unit(value) if enough == "yes" else (1.0, "")
        shown = f"{short_duration(value)} ({ranged(low / size, high / size)})" if enough == "yes" else enough
        told.append(f"{name} {shown}")
    return told


def witnessed(ledger: pd.DataFrame) -> list[str]:
    """A line a witness that was asked: of the acknowledged objects that it was asked about, how many it speaks for."""
    lines = []
    for column, words in WITNESSES.items():
        asked = ledger[ledger[column].notna()] if column in ledger else ledger.head(0)
        if len(asked):
            stored = asked["stored"]
            count = int(asked[column].astype(float).clip(upper=stored).sum())
            lines.append(f"{words}: {count:,} of {int(stored.sum()):,} objects")
    return lines


def next_step(folder: Path, manifest: dict[str, Any]) -> str:
    """The command that makes a page of it, with the simulated run that the traffic is of, where that is at hand."""
    return f"filmless report {simulated_beside(folder, manifest) or 'RUN'} {folder}"
