"""The simulation's distribution of a window over the measured one of the same window, on one axis.

`filmless traffic` writes what the simulation says of its window into the file; a play keeps it. Only plays at speed 1
are compared: at another speed the load was another.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from numpy.typing import NDArray

from filmless.report.figures import Figure
from filmless.report.measured import Measured, parts_of
from filmless.report.palette import BLUE, MUTED, ORANGE, look
from filmless.report.panels import aside, key_above, time_axis
from filmless.report.per_play import Panel, a_panel, each, heads, left_of, panels_of, play_panels, with_plays
from filmless.report.simulated import Simulated
from filmless.report.tables import number
from filmless.report.words import short_duration

Floats = NDArray[np.float64]
LINES = {  # kind of operation measured, drawn solid -> what of the simulation lies over it, dashed or dotted
    "store": (("store", "--"), ("taken to stored", ":")),
    "retrieve": (("retrieve", "--"),),
}  # fmt: skip
QUANTILES = np.linspace(0.0, 1.0, 101)  # as `filmless traffic` writes them
COLOUR = {"store": BLUE, "retrieve": ORANGE}
SHOWN = (0.05, 0.25, 0.5, 0.75, 0.95)
LEAST_S = 1e-4  # a logarithmic axis shows nothing shorter


def told(measured: Measured) -> dict[tuple[int, str], dict[str, Any]]:
    """(run, cluster) -> what the simulation says of the window that was played there in real time."""
    return {
        (number, cluster): dict(found)
        for number, run in enumerate(measured.runs)
        if run.manifest.get("speed") == 1.0
        for cluster, found in parts_of(run, "simulated").items()
    }


def pairs(measured: Measured) -> pd.DataFrame:
    """A row a cluster, kind, side and quantile: cluster, kind, how, line, q, seconds, n."""
    rows = measured.answered().assign(took_s=lambda d: d["end_s"] - d["due_s"])
    out: list[dict[str, Any]] = []
    for (number_, cluster), found in told(measured).items():
        here = rows[(rows["run"] == number_) & (rows["cluster"] == cluster)]
        for kind, lines in LINES.items():
            took = here.loc[here["kind"] == kind, "took_s"].to_numpy(dtype=np.float64)
            if not len(took):
                continue
            out += _rows(cluster, kind, "measured", kind, np.quantile(took, QUANTILES), len(took))
            for name, _ in lines:
                if name in found:
                    told_s = np.array(found[name]["quantiles_s"], dtype=np.float64)
                    out += _rows(cluster, kind, "simulated", name, told_s, int(found[name]["n"]))
    return pd.DataFrame(out)


def _rows(cluster: str, kind: str, how: str, line: str, seconds: Floats, n: int) -> list[dict[str, Any]]:
    return [{"cluster": cluster, "kind": kind, "how": how, "line": line, "q": float(q), "seconds": float(s), "n": n}
            for q, s in zip(QUANTILES, seconds, strict=True)]  # fmt: skip


def _panel(axis: Axes, part: pd.DataFrame) -> None:
    for (kind, how, line), one in part.groupby(["kind", "how", "line"], sort=False):
        dash = "-" if how == "measured" else dict(LINES[str(kind)])[str(line)]
        name = f"{kind}, measured" if how == "measured" else f"{line}, simulated"
        axis.plot(np.maximum(one["seconds"], LEAST_S), 100 * one["q"], color=COLOUR[str(kind)], ls=dash, label=name)


def _draw(sim: Simulated, shown: Sequence[Panel], data: pd.DataFrame) -> Canvas:
    canvas, axes = play_panels(sim, shown, 3.2)
    with look():
        for at, axis in enumerate(axes):
            part = data[data["panel"] == at]
            if part.empty:
                aside(axis, "no play of a window in real time")
            _panel(axis, part)
            axis.axhline(50, color=MUTED, lw=0.5)
        seconds = np.maximum(data["seconds"].to_numpy(dtype=np.float64), LEAST_S)
        time_axis(axes[0], float(seconds.min()) / 1.3, float(seconds.max()) * 1.3)
        for axis in left_of(axes):
            axis.set_ylabel("operations done, %")
        key_above(canvas, axes)
        canvas.supxlabel("time, logarithmic", fontsize=9)
    return canvas


def _table(sim: Simulated, shown: Sequence[Panel], data: pd.DataFrame) -> pd.DataFrame:
    """Some quantiles of each line, in seconds."""
    kept, line = data[data["q"].isin(np.round(SHOWN, 2))], ["cluster", "play", "panel", "kind", "how", "line", "n"]
    wide = kept.pivot_table(index=line, columns="q", values="seconds", sort=False)
    wide.columns = pd.Index([f"{100 * q:.0f} % within (s)" for q in wide.columns])
    named = sim.named(with_plays(wide.reset_index(), shown))
    return named.rename(columns={"kind": "operation", "line": "what"})


def simulated_over_measured(sim: Simulated, measured: Measured) -> Figure:
    """Cumulative curves of the same window: dashed as simulated, solid as measured, by cluster and play."""
    panels = panels_of(sim, measured)
    data = each(panels, pairs)
    data["q"] = data["q"].round(2)
    stores = data[(data["kind"] == "store") & (data["line"] == "store") & (data["q"] == 0.5)]
    middle = {how: float(part["seconds"].median()) for how, part in stores.groupby("how")}
    words = f"Storing a study: {short_duration(middle['measured'])} measured" if "measured" in middle else "Retrievals"
    words += f", {short_duration(middle['simulated'])} simulated (medians)" if "simulated" in middle else ""
    runs = number(len({run for run, _ in told(measured)}))
    return Figure(
        key="simulated-over-measured", title=words,
        measure="Time of operations of the same window, share done within each time", unit="per cent of operations",
        place=sim.place, period=measured.period, how="simulated and measured",
        alt=f"Cumulative curves, {a_panel(panels)}, time on a logarithmic axis: measured solid, simulated dashed. "
            f"{words}.",
        band="No intervals: every operation of the window, both times. Simulated store: from arrival at the archive, "
             "waiting included; taken to stored: over the site's store and link as well; retrieve: in the archive's "
             "hands. Measured: due until answered in full, on this machine, over a link only where sites were shaped. "
             f"Plays in real time: {runs}.",
        source=f"{sim.source}; {measured.source}", canvas=_draw(sim, panels, data), data=_table(sim, panels, data),
        row_heads=4 + heads(panels),
    )  # fmt: skip
