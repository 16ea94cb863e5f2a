"""The front table: five clusters side by side. The report's first page and the demo's terminal print this one."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from filmless.report.measured import Measured
from filmless.report.plays import Play, plays_of, tally, why_apart
from filmless.report.simulated import Simulated
from filmless.report.tables import MISSING, number, records
from filmless.report.words import duration_unit, ranged, short_duration, symbol
from sim.answers.case.catalogue import CASH
from sim.answers.case.register import OPTION as PROGRAMME
from sim.answers.case.views import by_cluster
from sim.answers.intervals import Interval, student
from sim.answers.measures import Stat

Row = dict[str, Any]
ALL = "all"
NOTES = (
    "Small figures: 95 % interval. Simulated: over replications, for chance alone. Measured: by ranks.",
    "Percentiles are over all exams (or operations) of the period, not means of daily percentiles.",
    f"{MISSING} not available. [u] indicative: fewer than 10 operations were slower. [m] the slowest operation seen, "
    "since there are too few for a percentile.",
    "Plays that differ in archive, settings, speed, traffic or verdict are never pooled: each has its own row below.",
    "Cash released: present value over the years appraised, against business as usual, before what PACS costs; the "
    "interval holds 95 % of the draws of the money inputs.",
)


def _put(row: Row, name: str, found: Interval) -> None:
    row[name], row[f"{name}_low"], row[f"{name}_high"], row[f"{name}_n"] = found.value, found.low, found.high, found.n


def _trusts(sim: Simulated, rows: dict[str, Row]) -> None:
    trusts = sim.run.table("sites").astype({"cluster": str}).drop_duplicates(["cluster", "trust"])
    for cluster, row in rows.items():
        part = trusts if cluster == ALL else trusts[trusts["cluster"] == cluster]
        row["trusts"], row["programme_trusts"] = len(part), int((part["programme"].astype(str) == "yes").sum())


def _flows(sim: Simulated, rows: dict[str, Row]) -> None:
    flows = sim.run.table("flows")
    flows = flows[flows["world"] == "pacs"]
    by = flows.groupby(["cluster", "replication"], observed=True)[["exams", "images", "bytes"]].sum().reset_index()
    by = by.astype({"cluster": str})
    every = by.groupby("replication")[["exams", "images", "bytes"]].sum().reset_index().assign(cluster=ALL)
    for cluster, part in pd.concat([by, every]).groupby("cluster"):
        for column, name in (("exams", "exams"), ("images", "images"), ("bytes", "gb")):
            scale = 1e9 if column == "bytes" else 1.0
            _put(rows[str(cluster)], name, student(part[column].to_numpy(dtype=np.float64) / scale, 0.95))


def _reports(sim: Simulated, rows: dict[str, Row]) -> None:
    stats: tuple[Stat, ...] = ("p50", "p95")
    for stat in stats:
        found = [sim.table("exam_to_report_s", stat, ["cluster", "world"]),
                 sim.table("exam_to_report_s", stat, ["world"]).assign(cluster=ALL)]  # fmt: skip
        for r in records(pd.concat(found)):
            if r["world"] in ("film", "pacs"):
                name = f"report_{r['world']}_{stat}_s"
                _put(rows[r["cluster"]], name, Interval(r["value"], r["low"], r["high"], r["n"], r["method"]))


def _measured(measured: Measured, rows: dict[str, Row]) -> None:
    """Figures of each cluster's plays, and of all, as far as they are plays of one kind; else how many there are."""
    plays = [one for one in plays_of(measured) if one.cluster in rows]
    for cluster, row in rows.items():
        own = [one for one in plays if cluster in (ALL, one.cluster)]
        row["plays"], row["verdicts"], row["apart"] = len(own), tally(own), why_apart(own)
        if own and not row["apart"]:
            _pooled(measured, own, row)


def _pooled(measured: Measured, plays: Sequence[Play], row: Row) -> None:
    clusters = {one.cluster for one in plays}
    for r in records(measured.table("p95", ["kind"], clusters=clusters)):
        if r["kind"] in ("store", "retrieve"):
            name = f"{r['kind']}_p95_s"
            _put(row, name, Interval(r["value"], r["low"], r["high"], r["n"], r["method"]))
            row |= {f"{name}_enough": r["enough"], f"{r['kind']}_slowest_s": r["slowest"]}


def _saved(sim: Simulated, rows: dict[str, Row]) -> None:
    """Cash that the programme releases, and its net present value: nation and clusters."""
    clusters = by_cluster(sim.case, PROGRAMME)
    cash = clusters[clusters["class"] == CASH]
    whole = sim.case.summary[sim.case.summary["option"] == PROGRAMME]
    method = "95 % of the draws of the money inputs"
    for r in records(cash):
        _put(rows[r["cluster"]], "cash_released_gbp", Interval(r["value"], r["low"], r["high"], r["n"], method))
    for name, measure in (("cash_released_gbp", "pv_cash_releasing"), ("npv_gbp", "npv")):
        (found,) = records(whole[whole["measure"] == measure])
        _put(rows[ALL], name, Interval(found["value"], found["low"], found["high"], found["n"], method))


def rows_of(sim: Simulated, measured: Measured) -> list[Row]:
    """One row a cluster and one for all: numbers with `_low`, `_high`, `_n`, units in the names (`_s`, `_gbp`, gb)."""
    rows: dict[str, Row] = {c: {"cluster": c, "name": sim.cluster_name(c)} for c in sim.clusters}
    rows[ALL] = {"cluster": ALL, "name": "All clusters"}
    for row in rows.values():
        row["currency"] = sim.currency
    _trusts(sim, rows)
    _flows(sim, rows)
    _reports(sim, rows)
    _measured(measured, rows)
    _saved(sim, rows)
    return list(rows.values())


def front_rows(sim_run: Path, load_runs: Sequence[Path]) -> list[Row]:
    """The same from run folders, fit for JSON: what is not available is None."""
    rows = rows_of(Simulated(sim_run), Measured(load_runs))
    return [{k: None if isinstance(v, float) and np.isnan(v) else v for k, v in r.items()} for r in rows]


@dataclass(frozen=True)
class Line:
    """One measure over all clusters: its label with the unit, and a text and its interval for each cluster."""

    label: str
    cells: list[tuple[str, str]]


def _number(row: Row, key: str) -> float:
    found = row.get(key)
    return np.nan if found is None else float(found)


def _cell(row: Row, name: str, scale: float = 1.0) -> tuple[str, str]:
    value, low, high = (_number(row, f"{name}{end}") / scale for end in ("", "_low", "_high"))
    if not np.isfinite(value):
        return MISSING, ""
    flag = "" if row.get(f"{name}_enough", "yes") == "yes" else " [u]"
    return f"{number(value)}{flag}", ranged(low, high)


def _measured_cell(row: Row, kind: str) -> tuple[str, str]:
    """The percentile with the verdict of its plays; the slowest operation seen where there are too few for one."""
    verdicts = row.get("verdicts", "")
    if row.get("apart"):
        return MISSING, f"see each play: {verdicts}"
    if np.isfinite(_number(row, f"{kind}_p95_s")):
        text, ends = _time_cell(row, f"{kind}_p95_s")
        return text, f"{ends}; {verdicts}"
    n = row.get(f"{kind}_p95_s_n", 0)
    slowest = f"{short_duration(_number(row, f'{kind}_slowest_s'))} [m]"
    return (slowest, f"slowest of {n}; {verdicts}") if n else (MISSING, "not played")


def _time_cell(row: Row, name: str) -> tuple[str, str]:
    value, low, high = (_number(row, f"{name}{end}") for end in ("", "_low", "_high"))
    if not np.isfinite(value):
        return MISSING, ""
    flag = "" if row.get(f"{name}_enough", "yes") == "yes" else " [u]"
    size, _ = duration_unit(value)
    return f"{short_duration(value)}{flag}", ranged(low / size, high / size)


def _money_cell(row: Row) -> tuple[str, str]:
    return _cell(row, "cash_released_gbp", 1e6)


def lines(rows: Sequence[Row]) -> list[Line]:
    """The table as text, a line a measure, a cell a cluster."""
    out = [Line("Trusts", [(f"{r['trusts']:,}", f"programme: {r['programme_trusts']:,}") for r in rows])]
    for name, label in (("exams", "Exams, simulated"), ("images", "Images (thousands), simulated"),
                        ("gb", "Image data before compression (GB), simulated")):  # fmt: skip
        out.append(Line(label, [_cell(r, name, 1e3 if name == "images" else 1.0) for r in rows]))
    for world, name in (("film", "film"), ("pacs", "PACS")):
        for stat, words in (("p50", "median"), ("p95", "95th percentile")):
            out.append(Line(f"Exam to report on {name}, {words}, simulated",
                            [_time_cell(r, f"report_{world}_{stat}_s") for r in rows]))  # fmt: skip
    for kind, words in (("store", "Store a study"), ("retrieve", "Retrieve a study")):
        out.append(Line(f"{words}, 95th percentile, measured", [_measured_cell(r, kind) for r in rows]))
    sign = symbol(rows[0]["currency"]).strip()
    out.append(
        Line(f"Cash released ({sign} million), programme against business as usual", [_money_cell(r) for r in rows])
    )
    return out


def print_front(rows: Sequence[Row]) -> None:
    """To the terminal, as wide as it must be."""
    import sys

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title="The rehearsal by cluster", title_justify="left", caption=Text("\n".join(NOTES)),
                  caption_justify="left", show_lines=True)  # fmt: skip
    table.add_column("measure")
    for row in rows:
        table.add_column(Text(row["name"]), justify="right")
    for line in lines(rows):
        table.add_row(line.label, *(Text(f"{text}\n{ends}" if ends else text) for text, ends in line.cells))
    Console(width=None if sys.stdout.isatty() else 160).print(table)
