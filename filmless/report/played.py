"""Figures of the play itself: planned against done, responses over time, and where the time of an operation went."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from filmless.report.answers import RESPONSE
from filmless.report.figures import Figure
from filmless.report.held import told
from filmless.report.measured import KIND_ORDER, Measured, needed, percentile
from filmless.report.palette import BLUE, MUTED, ORANGE, PALE, PLUM, TEAL, look
from filmless.report.panels import aside, key_above, rows_of, time_axis
from filmless.report.per_play import Panel, a_panel, each, heads, left_of, panels_of, play_panels, with_plays
from filmless.report.simulated import Simulated
from filmless.report.words import clean

MOST_BINS = 40
A_BIN = 40  # operations in a bin of the play over time, on average
PARTS = {  # of a response, with their columns and colours; what adds up to response_s
    "waited for its device": (("blocked_s",), PALE), "generator's lateness": (("lag_s",), MUTED),
    "connect and negotiate": (("connect_s", "negotiate_s"), ORANGE), "first response": (("first_s",), BLUE),
    "transfer": (("transfer_s",), TEAL),
}  # fmt: skip


def binned(measured: Measured) -> pd.DataFrame:
    """The play over time: a row a cluster and bin with counts a second and the response in seconds.

    Columns cluster, from_s, to_s, planned, done, dropped (operations/s), p50, low, high, p95, slowest, n.
    """
    rows = measured.operations
    last = float(rows["due_s"].max())
    bins = int(np.clip(len(rows) / max(rows["cluster"].nunique(), 1) / A_BIN, 4, MOST_BINS))
    edges = np.linspace(0, max(last, 1e-3), bins + 1)
    return pd.DataFrame([_bin(str(cluster), part, a, b) for cluster, part in rows.groupby("cluster", sort=False)
                         for a, b in pairwise(edges)])  # fmt: skip


def _bin(cluster: str, part: pd.DataFrame, a: float, b: float) -> dict[str, Any]:
    due = part[(part["due_s"] >= a) & (part["due_s"] < b)]
    done = part[(part["end_s"] >= a) & (part["end_s"] < b) & (part["outcome"] == "ok")]
    ok = due[due["outcome"] == "ok"].sort_values("due_s")
    took = (ok["end_s"] - ok["due_s"]).to_numpy(dtype=np.float64)
    i, n, length = percentile(took, 0.5), len(took), b - a
    return {
        "cluster": cluster, "from_s": a, "to_s": b, "planned": len(due) / length, "done": len(done) / length,
        "dropped": int((due["outcome"] == "dropped").sum()) / length, "n": n,
        **{name: x if n >= needed(0.5) else np.nan for name, x in (("p50", i.value), ("low", i.low), ("high", i.high))},
        "p95": percentile(took, 0.95).value if n >= needed(0.95) else np.nan,
        "slowest": float(took.max()) if n else np.nan,
    }  # fmt: skip


def _warm_up(measured: Measured) -> float:
    return max((float(s.get("from_s") or 0.0) for s in told(measured, "steady") if s.get("found")), default=0.0)


def _faults(measured: Measured) -> list[dict[str, Any]]:
    return [one for one in told(measured, "faults") if one.get("outcome") == "played"]


def _faults_told(measured: Measured) -> str:
    """Which faults were played, for a figure's small print; '' where none were."""
    names = "; ".join(
        f"{clean(str(f['what']))} ({clean(str(f['cluster']))}, {f['from_s']:.1f} to {f['to_s']:.1f} s, {f['bad']} of "
        f"{f['met']} operations ended badly)" for f in _faults(measured)
    )  # fmt: skip
    return f" Hatched: faults that were played: {names}." if names else ""


def _shade(axis: Axes, measured: Measured, cluster: str) -> None:
    """Warm-up, stalls and played faults, behind everything."""
    for one in _faults(measured):
        if one["cluster"] == cluster:
            span = float(one["from_s"]), float(one["to_s"])
            axis.axvspan(*span, facecolor="none", edgecolor=MUTED, hatch="//", lw=0, zorder=0)
    if _warm_up(measured):
        axis.axvspan(0, _warm_up(measured), color="#E5E5E5", lw=0, zorder=0)
    for one in told(measured, "stalls"):
        if one["cluster"] == cluster:
            axis.axvspan(float(one["from_s"]), float(one["to_s"]), color=PALE, lw=0, zorder=0)


def _draw_rates(sim: Simulated, shown: Sequence[Panel], data: pd.DataFrame) -> Canvas:
    canvas, axes = play_panels(sim, shown, 2.8)
    with look():
        for at, (axis, one) in enumerate(zip(axes, shown, strict=True)):
            part = data[data["panel"] == at]
            _shade(axis, one.measured, one.cluster)
            if part.empty:
                aside(axis, "nothing was played here")
            for column, colour, dash in (("planned", MUTED, "--"), ("done", BLUE, "-"), ("dropped", PLUM, ":")):
                axis.plot((part["from_s"] + part["to_s"]) / 2, part[column], color=colour, ls=dash, label=column)
        axes[0].set_ylim(0, 1.25 * max(float(data[["planned", "done"]].to_numpy().max()), 1e-3))
        for axis in left_of(axes):
            axis.set_ylabel("operations a second")
        key_above(canvas, axes)
        canvas.supxlabel("seconds of the play", fontsize=9)
    return canvas


def over_time(sim: Simulated, measured: Measured) -> Figure:
    """Planned, done and dropped operations a second over the play, by cluster and play."""
    panels = panels_of(sim, measured)
    data = each(panels, binned)
    played = measured.operations
    dropped = int((played["outcome"] == "dropped").sum())
    words = f"{len(played):,} operations were due, {dropped:,} of them were dropped"
    rows = data[["cluster", "play", "from_s", "to_s", "planned", "done", "dropped", "n"]].rename(
        columns={"from_s": "from (s)", "to_s": "to (s)", "planned": "planned (1/s)", "done": "done (1/s)",
                 "dropped": "dropped (1/s)"})  # fmt: skip
    return Figure(
        key="over-time", title=words, measure="DICOM operations planned, done and dropped, over the play",
        unit="operations a second", place=sim.place, period=measured.period, how="measured",
        alt=f"Line chart, {a_panel(panels)}: planned, done and dropped operations a second over the play. {words}.",
        band="Counts, without an interval. Light grey: warm-up, cut by rule (MSER-5); darker grey: stalls."
             + _faults_told(measured),
        source=measured.source, canvas=_draw_rates(sim, panels, data), row_heads=2 + heads(panels),
        data=with_plays(sim.named(rows), panels),
    )  # fmt: skip


def _draw_responses(sim: Simulated, shown: Sequence[Panel], data: pd.DataFrame) -> Canvas:
    canvas, axes = play_panels(sim, shown, 2.8)
    every = data[["p50", "slowest"]].to_numpy(dtype=np.float64)
    low, high = (float(np.nanmin(every)), float(np.nanmax(every))) if np.isfinite(every).any() else (1e-3, 1.0)
    with look():
        for at, (axis, one) in enumerate(zip(axes, shown, strict=True)):
            part = data[data["panel"] == at]
            _shade(axis, one.measured, one.cluster)
            middle = (part["from_s"] + part["to_s"]) / 2
            axis.fill_between(middle, part["low"], part["high"], color=BLUE, alpha=0.25, lw=0)
            axis.plot(middle, part["p50"], color=BLUE, label="median")
            axis.plot(middle, part["p95"], color=ORANGE, ls="--", label="p95")
            axis.plot(middle, part["slowest"], color=MUTED, ls="none", marker=".", ms=4, label="slowest")
        time_axis(axes[0], max(low / 1.5, 1e-4), high * 1.5, "y", 6)
        for axis in left_of(axes):
            axis.set_ylabel("response time, logarithmic")
        key_above(canvas, axes)
        canvas.supxlabel("seconds of the play at which an operation was due", fontsize=9)
    return canvas


def responses_over_time(sim: Simulated, measured: Measured) -> Figure:
    """Median, p95 and slowest response over the play, by cluster and play."""
    panels = panels_of(sim, measured)
    data = each(panels, binned)
    held = len(told(measured, "stalls"))
    words = f"{held} stalls held operations up" if held else "No stall held operations up"
    rows = data[["cluster", "play", "from_s", "to_s", "p50", "low", "high", "p95", "slowest", "n"]].rename(
        columns={"from_s": "from (s)", "to_s": "to (s)", "p50": "median (s)", "low": "lower end (s)",
                 "high": "upper end (s)", "p95": "p95 (s)", "slowest": "slowest (s)"})  # fmt: skip
    return Figure(
        key="responses-over-time", title=words, measure=RESPONSE + " over the play, all operations together",
        unit="seconds", place=sim.place, period=measured.period, how="measured",
        alt=f"Line chart, {a_panel(panels)}: median, 95th percentile and slowest response over the play. {words}.",
        band="Ribbon: 95 % interval of the median by ranks. A median takes 20 operations in a bin, a p95 takes 200. "
             "Light grey: warm-up, cut by rule; darker grey: stalls." + _faults_told(measured),
        source=measured.source, canvas=_draw_responses(sim, panels, data), row_heads=2 + heads(panels),
        data=with_plays(sim.named(rows), panels),
    )  # fmt: skip


def has_parts(measured: Measured) -> bool:
    """Do the runs keep where the time of an operation went?"""
    return {"blocked_s", "connect_s", "negotiate_s", "first_byte_s"} <= set(measured.operations.columns)


def parts(measured: Measured) -> pd.DataFrame:
    """Mean seconds of each part of the response by cluster and kind, with n; parts add up to the mean response."""
    rows = measured.answered().dropna(subset=["first_byte_s"])
    rows = rows.assign(
        lag_s=rows["start_s"] - rows["due_s"] - rows["blocked_s"],
        first_s=rows["first_byte_s"] - rows["start_s"] - rows["connect_s"] - rows["negotiate_s"],
        transfer_s=rows["end_s"] - rows["first_byte_s"],
    )  # fmt: skip
    grouped = rows.groupby(["cluster", "kind"])
    data = pd.DataFrame({name: grouped[list(columns)].mean().sum(axis=1) for name, (columns, _) in PARTS.items()})
    data["response"] = data.sum(axis=1)
    return data.assign(n=grouped.size()).reset_index()


def _draw_parts(sim: Simulated, shown: Sequence[Panel], data: pd.DataFrame) -> Canvas:
    kinds = [k for k in KIND_ORDER if k in set(data["kind"])]
    canvas, axes = play_panels(sim, shown, 1.5 + 0.4 * len(kinds))
    with look():
        for at, axis in enumerate(axes):
            part = data[data["panel"] == at].set_index("kind")[list(PARTS)].reindex(kinds).fillna(0.0)
            left = np.zeros(len(kinds))
            for name, (_, colour) in PARTS.items():
                width = 1e3 * part[name].to_numpy(dtype=np.float64)
                axis.barh(range(len(kinds)), width, left=left, color=colour, height=0.6, label=name)
                left += np.maximum(width, 0)
            rows_of(axis, kinds)
        key_above(canvas, axes)
        canvas.supxlabel("milliseconds", fontsize=9)
    return canvas


def where_time_went(sim: Simulated, measured: Measured) -> Figure:
    """Stacked bars: the mean response of each kind of operation by its parts, by cluster and play."""
    panels = panels_of(sim, measured)
    data = each(panels, parts)
    most = max(PARTS, key=lambda name: float(np.dot(data[name].to_numpy(np.float64), data["n"].to_numpy(np.float64))))
    shown = data.rename(columns={"kind": "operation", **{n: f"{n} (ms)" for n in [*PARTS, "response"]}})
    shown[[f"{n} (ms)" for n in [*PARTS, "response"]]] *= 1e3
    return Figure(
        key="where-time-went", title=f"Most of the response was: {most}",
        measure="Mean response by its parts, over operations that ended well", unit="milliseconds", place=sim.place,
        period=measured.period, how="measured",
        alt=f"Stacked bars, {a_panel(panels)}, one bar a kind of operation: mean response by its parts. The largest "
            f"part is: {most}.",
        band="Means, without an interval: percentiles and their intervals stand in the figures above.",
        source=measured.source, canvas=_draw_parts(sim, panels, data), row_heads=2 + heads(panels),
        data=with_plays(sim.named(shown), panels),
    )  # fmt: skip
