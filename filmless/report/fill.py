"""Latency against archive fill: how long an image took to store when so many lay in the archive already."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Canvas

from filmless.report.figures import Figure
from filmless.report.measured import Measured, needed, percentile
from filmless.report.palette import BLUE, ORANGE, look
from filmless.report.panels import aside, key_above, ribbon, time_axis
from filmless.report.per_play import Panel, a_panel, each, heads, left_of, panels_of, play_panels, with_plays
from filmless.report.simulated import KeptRun, Simulated
from filmless.report.words import short_duration

MOST_BINS = 12
A_BIN = 200  # images in a bin at least: so many bear a 95th percentile
COLUMNS = ("cluster", "op", "start_s", "end_s", "bytes", "outcome")


def stored(measured: Measured) -> pd.DataFrame:
    """Every image that was acknowledged while it played: cluster, held (images before it), gb (of this run), took_s."""
    found = [_of_run(number, run, measured) for number, run in enumerate(measured.runs) if run.has("objects")]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()


def _of_run(number: int, run: KeptRun, measured: Measured) -> pd.DataFrame:
    rows = run.table("objects")
    rows = rows[rows["kind"].astype(str) == "store"] if "kind" in rows else rows
    rows = rows[list(COLUMNS)].astype({"cluster": str, "outcome": str})
    rows = rows[rows["outcome"] == "ok"].sort_values("end_s", kind="stable")
    by_cluster = rows.groupby("cluster")
    rows["held"] = by_cluster.cumcount() + rows["cluster"].map(_held_before(run)).fillna(0).astype(np.int64)
    rows["gb"] = (by_cluster["bytes"].cumsum() - rows["bytes"]) / 1e9
    rows["took_s"] = rows["end_s"] - rows["start_s"]
    played = measured.operations[measured.operations["run"] == number]
    return rows.merge(played[["cluster", "op"]], on=["cluster", "op"])


def _held_before(run: KeptRun) -> dict[str, int]:
    """What each archive said that it held before anything of ours; one that does not tell began with nothing known."""
    told = run.manifest.get("archives")
    found = told if isinstance(told, list) else []
    return {str(one["cluster"]): int(one.get("held_before") or 0) for one in found if isinstance(one, dict)}


def by_fill(measured: Measured) -> pd.DataFrame:
    """A row a cluster and bin of equally many images: from, to (images held), gb, p50, low, high, p95 in s, n."""
    rows = stored(measured)
    out: list[dict[str, Any]] = []
    for cluster, part in rows.groupby("cluster", sort=False) if len(rows) else ():
        ordered = part.sort_values("held", kind="stable")
        bins = int(np.clip(len(ordered) / A_BIN, 1, MOST_BINS))
        edges = np.linspace(0, len(ordered), bins + 1).round().astype(int)
        out += [_bin(str(cluster), ordered.iloc[a:b]) for a, b in pairwise(edges)]
    return pd.DataFrame(out)


def _bin(cluster: str, part: pd.DataFrame) -> dict[str, Any]:
    took = part.sort_values("end_s")["took_s"].to_numpy(dtype=np.float64)
    i, n = percentile(took, 0.5), len(took)
    shown = (i.value, i.low, i.high) if n >= needed(0.5) else (np.nan,) * 3
    p95 = percentile(took, 0.95).value if n >= needed(0.95) else np.nan
    return {"cluster": cluster, "from": int(part["held"].min()), "to": int(part["held"].max()),
            "gb": float(part["gb"].max()), "p50": shown[0], "low": shown[1], "high": shown[2], "p95": p95,
            "n": n}  # fmt: skip


def has_fill(measured: Measured) -> bool:
    """Were enough images stored to tell anything?"""
    return bool(measured) and len(stored(measured)) >= needed(0.5)


def _draw(sim: Simulated, shown: Sequence[Panel], data: pd.DataFrame) -> Canvas:
    canvas, axes = play_panels(sim, shown, 2.8)
    values = data[["p50", "p95"]].to_numpy(dtype=np.float64)
    with look():
        for at, axis in enumerate(axes):
            part = data[data["panel"] == at]
            if part.empty:
                aside(axis, "nothing was stored here")
            held = (part["from"] + part["to"]) / 2e3
            ribbon(axis, held, part["low"], part["high"], BLUE)
            axis.plot(held, part["p50"].astype(float), color=BLUE, marker="o", ms=3, label="median")
            axis.plot(held, part["p95"].astype(float), color=ORANGE, ls="--", marker="s", ms=3, label="p95")
        ends = np.log10([float(np.nanmin(values)), float(np.nanmax(values))])
        time_axis(axes[0], 10 ** float(np.floor(ends[0])), 10 ** float(np.ceil(ends[1])), "y", 6)
        for axis in left_of(axes):
            axis.set_ylabel("time to store an image")
        key_above(canvas, axes)
        canvas.supxlabel("thousand images held before it", fontsize=9)
    return canvas


def latency_by_fill(sim: Simulated, measured: Measured) -> Figure:
    """Median and 95th percentile of storing one image against the images held, by cluster and play."""
    panels = panels_of(sim, measured)
    data = each(panels, by_fill)
    most = data.iloc[int(data["to"].argmax())]
    words = f"With up to {most['to'] + 1:,} images held, one more took {short_duration(float(most['p50']))}"
    shown = with_plays(sim.named(data), panels).rename(
        columns={"from": "images held, from", "to": "images held, to", "gb": "stored in this run (GB)",
                 "p50": "median (s)", "low": "lower end (s)", "high": "upper end (s)", "p95": "p95 (s)"})  # fmt: skip
    return Figure(
        key="latency-by-fill", title=words, measure="Service time of single images stored, against images held",
        unit="seconds", place=sim.place, period=measured.period, how="measured",
        alt=f"Line chart, {a_panel(panels)}: median and 95th percentile of storing one image against images held. "
            f"{words}.",
        band="Ribbon: 95 % interval of the median by ranks; bins of equally many images, a p95 takes 200. Images held: "
             "as the archive told before the run, and those stored since.",
        source=measured.source, canvas=_draw(sim, panels, data), data=shown, row_heads=2 + heads(panels),
    )  # fmt: skip
