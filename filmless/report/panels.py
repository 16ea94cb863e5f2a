"""Small multiples: one panel a cluster with shared axes, drawn alike throughout the report."""

from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import NullLocator

from filmless.report.palette import MUTED, TEXT, look

matplotlib.use("agg")
WIDTH = 9.6  # inches
WRAP = 20  # characters of a panel's name


def wrapped(name: str, width: int = WRAP) -> str:
    """A name on lines of at most `width` characters where its words allow."""
    lines: list[str] = []
    for word in name.split():
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return "\n".join(lines)


def panels(names: Sequence[str], height: float, share_y: bool = True,
           across: int = 0) -> tuple[Canvas, list[Axes]]:  # fmt: skip
    """A row of panels with these names and the same axes, or rows of `across`; draw in them within `look()`.

    height: inches of a row.
    """
    columns = min(len(names), across or len(names))
    rows = -(-len(names) // columns)
    with look():
        canvas = Canvas(figsize=(WIDTH, height * rows), layout="constrained")
        grid = canvas.subplots(rows, columns, sharex=True, sharey=share_y, squeeze=False).ravel()
        axes, spare = list(grid[: len(names)]), grid[len(names) :]
        for axis, name in zip(axes, names, strict=True):
            axis.set_title(wrapped(name), loc="left", fontsize=9, parse_math=False)
            axis.tick_params(length=0)
        for axis in spare:
            axis.remove()
        for axis in axes[-columns:] if len(spare) else ():
            axis.tick_params(labelbottom=True)  # the lowest of its column
        return canvas, axes


def key_above(canvas: Canvas, axes: Sequence[Axes]) -> None:
    """What the lines and bars of all panels are, above them: inside it would lie on what is drawn."""
    found: dict[str, Any] = {}
    for axis in axes:
        handles, labels = axis.get_legend_handles_labels()
        found |= dict(zip(labels, handles, strict=True))
    canvas.legend(found.values(), found.keys(), loc="outside upper center", ncols=5, fontsize=8, frameon=False)


MARKS = (
    (0.001, "1 ms"), (0.01, "10 ms"), (0.1, "0.1 s"), (1, "1 s"), (10, "10 s"), (60, "1 min"), (600, "10 min"),
    (3600, "1 h"), (21_600, "6 h"), (86_400, "1 day"), (604_800, "1 wk"), (2_592_000, "30 d"), (31_536_000, "1 yr"),
)  # fmt: skip


def time_axis(axis: Axes, low_s: float, high_s: float, which: str = "x", most: int = 4) -> None:
    """A logarithmic axis in seconds from low to high, marked with times that people know."""
    (axis.set_xscale if which == "x" else axis.set_yscale)("log")
    inside = [(at, name) for at, name in MARKS if low_s <= at <= high_s]
    kept = inside[:: max(1, -(-len(inside) // most))]
    (axis.set_xlim if which == "x" else axis.set_ylim)(low_s, high_s)
    (axis.set_xticks if which == "x" else axis.set_yticks)([at for at, _ in kept], [name for _, name in kept])
    (axis.xaxis if which == "x" else axis.yaxis).set_minor_locator(NullLocator())


def whisker(axis: Axes, row: float, value: float, low: float, high: float, colour: str, marker: str = "o") -> None:
    """A dot with its interval on one row of a panel; a white edge keeps short whiskers apart from the dot."""
    if not np.isfinite(value):
        return
    if np.isfinite(low) and np.isfinite(high):
        axis.plot([low, high], [row, row], color=colour, lw=2.2, solid_capstyle="butt", zorder=2)
        for end in (low, high):
            axis.plot([end, end], [row - 0.14, row + 0.14], color=colour, lw=1.2, zorder=2)
    axis.plot([value], [row], marker=marker, ms=6, color=colour, mec="white", mew=0.7, ls="none", zorder=3)


def rows_of(axis: Axes, names: Sequence[str]) -> None:
    """Name the rows of a panel, first one on top."""
    axis.set_yticks(range(len(names)), list(names))
    axis.set_ylim(len(names) - 0.5, -0.6)
    axis.grid(axis="x")
    axis.grid(axis="y", visible=False)


def direct_label(axis: Axes, x: float, y: float, text: str, ha: str = "left", va: str = "center") -> None:
    """Words at the mark itself, in dark grey: the palette's lighter colours are too pale for letters."""
    axis.annotate(text, (x, y), xytext=(4 if ha == "left" else -4 if ha == "right" else 0, 0),
                  textcoords="offset points", ha=ha, va=va, fontsize=8.5, color=TEXT, zorder=4)  # fmt: skip


def aside(axis: Axes, text: str) -> None:
    """A remark where a panel has nothing to draw."""
    axis.text(0.5, 0.5, text, transform=axis.transAxes, ha="center", va="center", fontsize=8.5, color=MUTED, wrap=True)


def ribbon(axis: Axes, x: object, low: object, high: object, colour: str) -> None:
    """The interval about a line."""
    axis.fill_between(np.asarray(x, dtype=float), np.asarray(low, dtype=float), np.asarray(high, dtype=float),
                      color=colour, alpha=0.25, lw=0, zorder=1)  # fmt: skip


def intervals(data: pd.DataFrame, unit_s: float, unit: str) -> pd.DataFrame:
    """The columns value, low, high of an accessor's table in a named unit, each bound in its own column."""
    out = data.drop(columns=[c for c in ("measure", "unit", "value", "low", "high") if c in data])
    at = [c for c in out.columns if c not in ("n", "n_exams", "method", "stat", "over", "enough")]
    shown = out[at].copy()
    for column, head in (("value", "value"), ("low", "lower end"), ("high", "upper end")):
        shown[f"{head} ({unit})"] = data[column].astype(float) / unit_s
    for column, head in (("n", "n"), ("n_exams", "exams"), ("method", "interval by")):
        if column in data:
            shown[head] = data[column]
    return shown.rename(columns={"world": "pathway", "kind": "operation"})
