"""What measured runs say when they are held to thresholds: verdicts, stalls, figures with and without them."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from filmless.report.measured import KIND_ORDER, KINDS, Measured
from filmless.report.palette import BLUE, MUTED, ORANGE, TEAL
from filmless.report.panels import direct_label
from filmless.report.per_play import panels_of, with_plays
from filmless.report.simulated import KeptRun, Simulated
from filmless.report.tables import MISSING, number, records
from filmless.report.words import clean, ranged, short_duration

KIND_COLOUR = {"store": BLUE, "query": TEAL, "retrieve": ORANGE}


def lines(measured: Measured) -> pd.DataFrame:
    """Every threshold of every run: what it asks, measured value, interval, n, verdict, what decides, source."""
    rows = []
    for run in measured.runs:
        if run.has("verdict"):
            scale = clean(str(run.manifest.get("scale") or ""))
            rows += [_line(run, r, scale) for r in records(run.table("verdict"))]
    return pd.DataFrame(rows)


def _line(run: KeptRun, r: dict[str, Any], scale: str) -> dict[str, Any]:
    unit = clean(str(r["unit"]))
    shown = f"{number(r['value'])} {unit}" if np.isfinite(r["value"]) else MISSING
    return {
        "run": clean(run.folder.name), "threshold": clean(str(r["words"])), "verdict": clean(str(r["verdict"])),
        "measured": shown, "95 % interval": ranged(r["low"], r["high"], unit), "n": int(r["n"]),
        "what decides": clean(str(r["why"])), "scale": scale or "as planned", "source of the limit": clean(
            f"{r['source']} ({r['status']})"),
    }  # fmt: skip


def told(measured: Measured, key: str) -> list[dict[str, Any]]:
    """Dictionaries that manifests keep under a key; a single one counts as a list of one."""
    return [one for run in measured.runs for one in _told_by(run, key)]


def _told_by(run: KeptRun, key: str) -> list[dict[str, Any]]:
    found = run.manifest.get(key)
    return [x for x in (found if isinstance(found, list) else [found]) if isinstance(x, dict)]


def _with_runs(measured: Measured, key: str) -> list[dict[str, Any]]:
    return [{**one, "play": clean(run.folder.name)} for run in measured.runs for one in _told_by(run, key)]


def stalls(sim: Simulated, measured: Measured) -> pd.DataFrame:
    """Stalls by cluster and play: when, how long, and how many operations each held up; empty where there were none."""
    rows = [{"cluster": clean(str(s["cluster"])), "play": s["play"], "from (s)": float(s["from_s"]),
             "lasted (s)": float(s["lasted_s"]), "operations held up": int(s["hit"])}
            for s in _with_runs(measured, "stalls")]  # fmt: skip
    data = pd.DataFrame(rows)
    if data.empty:
        return data
    return with_plays(sim.named(data[data["cluster"].isin(sim.clusters)]), panels_of(sim, measured))


def with_and_without(sim: Simulated, measured: Measured) -> pd.DataFrame:
    """Percentiles of response with and without what stalls touched, seconds; empty where no run tells them."""
    data = pd.DataFrame(_with_runs(measured, "figures"))
    if data.empty or not told(measured, "stalls"):
        return pd.DataFrame()
    data = data[data["cluster"].isin(sim.clusters)]
    names = {f"{p}{end}_s": f"{p}{words} (s)" for p in ("p50", "p95", "p99")
             for end, words in (("", ""), ("_without", " without stalls"))}  # fmt: skip
    shown = data.rename(columns={**names, "n_without": "n without stalls"})
    kept = ["cluster", "play", "operation", *sorted(names.values()), "n", "n without stalls"]
    return with_plays(sim.named(shown[kept].reset_index(drop=True)), panels_of(sim, measured))


def limits_of(measured: Measured) -> list[tuple[str, float, float, str]]:
    """(kind, share, seconds, verdict) of each threshold on a response percentile, for the curve on nines."""
    shares, scale = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p99.9": 0.999}, {"s": 1.0, "ms": 1e-3, "min": 60.0}
    out = []
    for run in measured.runs:
        for r in records(run.table("verdict")) if run.has("verdict") else []:
            words = str(r["words"])
            kind, stat = words.partition(":")[0].partition(",")[0], words.partition(": ")[2].partition(" ")[0]
            if stat in shares and r["unit"] in scale and "first image" not in words:
                kinds = [KINDS.get(kind, kind)] if kind != "any" else list(KIND_ORDER)
                out += [(k, shares[stat], float(r["limit"]) * scale[r["unit"]], str(r["verdict"])) for k in kinds]
    return out


def mark_limits(axis: Axes, measured: Measured, nines: Any) -> None:
    """Steps of the thresholds on a panel of percentile curves."""
    for kind, share, seconds, _ in limits_of(measured):
        x = nines(np.array([share]))[0]
        axis.plot(
            [0, x, x], [seconds, seconds, seconds * 1.25], color=KIND_COLOUR[kind], lw=0.9, ls=(0, (1, 1)), zorder=1
        )


def mark_stalls(axis: Axes, measured: Measured, cluster: str) -> None:
    """The longest stall of a cluster, as a level."""
    found = [float(s["lasted_s"]) for s in told(measured, "stalls") if s["cluster"] == cluster]
    if found:
        axis.axhline(max(found), color=MUTED, lw=0.9, ls="--", zorder=1)
        direct_label(axis, 0.0, 1.05 * max(found), f"longest stall {short_duration(max(found))}", "left", "bottom")


def highest_mark(measured: Measured) -> float:
    """The highest of limits and stalls in seconds; 0 where there are none."""
    levels = [seconds for _, _, seconds, _ in limits_of(measured)]
    return max([0.0, *levels, *(float(s["lasted_s"]) for s in told(measured, "stalls"))])
