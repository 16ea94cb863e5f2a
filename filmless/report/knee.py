"""The knee: load against response, from searches for an archive's breaking point."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from filmless.report.figures import Figure
from filmless.report.palette import BLUE, ORANGE, look
from filmless.report.panels import direct_label, time_axis
from filmless.report.simulated import KeptRun, Simulated
from filmless.report.tables import number
from filmless.report.words import clean
from sim.runs.store import RunProblem

YEAR = " Exams a year: of a cluster that loads its archive so in the traffic's window; all is scaled."


SHOWN = {
    "search": "search", "per_s": "asked (1/s)", "exams_a_year": "exams a year", "achieved_per_s": "done (1/s)",
    "p50_s": "median (s)", "p95_s": "p95 (s)", "n": "n", "held": "objects held before", "verdict": "verdict",
    "why": "why",
}  # fmt: skip


class Limits:
    """Searches for breaking points (`filmless load --find-limit`)."""

    def __init__(self, folders: Sequence[Path | str]) -> None:
        self.runs = [KeptRun(f) for f in folders]
        for run in self.runs:
            if run.manifest.get("kind") != "limit":
                raise RunProblem(f"{run.folder} is a {run.manifest.get('kind')} run: a limit search is needed")

    def __bool__(self) -> bool:
        return bool(self.runs)

    def steps(self) -> pd.DataFrame:
        """All steps with their search."""
        return pd.concat([r.table("steps").assign(search=clean(r.folder.name)) for r in self.runs], ignore_index=True)


def _exams_an_operation(data: pd.DataFrame) -> float:
    """Exams a year that one operation a second stands for; NaN where steps do not tell it, or do not agree."""
    if "exams_a_year" not in data:
        return float("nan")
    each = (data["exams_a_year"] / data["per_s"]).to_numpy(dtype=np.float64)
    return float(each[0]) if np.allclose(each, each[0], rtol=1e-6) else float("nan")


def _second_axis(axis: Axes, each: float) -> None:
    """The same loads as exams a year, above."""
    millions = each / 1e6
    above = axis.secondary_xaxis(
        "top", functions=(lambda x: np.multiply(x, millions), lambda x: np.divide(x, millions))
    )
    above.set_xlabel("exams a year of a cluster with this load, millions")
    above.tick_params(length=0)


def knee(sim: Simulated, limits: Limits) -> Figure:
    """Load against response: what was asked a second, and the median and 95th percentile at it."""
    data = limits.steps().sort_values(["search", "per_s"])
    canvas = Canvas(figsize=(9.6, 3.2), layout="constrained")
    with look():
        axis = canvas.subplots()
        for search, part in data.groupby("search", sort=False):
            axis.plot(part["per_s"], part["p50_s"], color=BLUE, marker="o", ms=4)
            axis.plot(part["per_s"], part["p95_s"], color=ORANGE, ls="--", marker="s", ms=4)
            last = part.iloc[-1]
            direct_label(axis, float(last["per_s"]), float(last["p95_s"]), f"p95, {search}", "left")
            direct_label(axis, float(last["per_s"]), float(last["p50_s"]), "median", "left")
        values = data[["p50_s", "p95_s"]].to_numpy(dtype=np.float64)
        time_axis(axis, float(np.nanmin(values)) / 1.5, float(np.nanmax(values)) * 1.5, "y", 6)
        axis.set_xlabel("operations asked for a second")
        axis.set_ylabel("response time, logarithmic")
        axis.margins(x=0.15)
        if np.isfinite(each := _exams_an_operation(data)):
            _second_axis(axis, each)
    words = clean(str(limits.runs[0].manifest.get("sentence", "")))
    shown = data[[name for name in SHOWN if name != "exams_a_year" or np.isfinite(each)]].rename(columns=SHOWN)
    between = [limits.runs[0].manifest.get(side) or {} for side in ("below", "above")]
    ends = [number(float(one["per_s"])) if "per_s" in one else "?" for one in between]
    names = ", ".join(clean(r.folder.name) for r in limits.runs)
    return Figure(
        key="knee", title=f"The thresholds break between {ends[0]} and {ends[1]} operations a second",
        measure="Response of DICOM operations against the rate asked for", unit="seconds", place=sim.place,
        period="steps of seconds", how="measured",
        alt=f"Line chart: median and 95th percentile of response against operations asked for a second. {words[:150]}",
        band="Each point is one play of its own, without an interval; its verdict by interval stands in the table."
             + (YEAR if np.isfinite(each) else ""),
        source=f"filmless limit searches {names}", canvas=canvas, data=shown,
    )  # fmt: skip
