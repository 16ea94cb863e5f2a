"""Figures of the latency chapter that were simulated: the same exams on film and on PACS."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from filmless.report.figures import Figure
from filmless.report.palette import WORLD_COLOUR, WORLD_MARKER, WORLD_NAME, look
from filmless.report.panels import direct_label, intervals, panels, ribbon, rows_of, time_axis, whisker, wrapped
from filmless.report.simulated import Curve, Simulated
from filmless.report.tables import records
from filmless.report.words import change, duration, duration_unit
from sim.answers.measures import Stat

WORLDS = ("film", "pacs")
SHORT = {"time_to_image_s": "time to image", "exam_to_report_s": "exam to report", "first_view_s": "first view",
         "turnaround_s": "turnaround"}  # fmt: skip
FULL = {
    "time_to_image_s": "Time to image (request until the image can be read)",
    "exam_to_report_s": "Exam to report (image taken until the report is signed)",
    "turnaround_s": "Turnaround (request until the report is signed)",
    "first_view_s": "First view (image taken until the asking doctor sees it)",
    "stored_s": "Time until stored (image taken until it lies in the cluster's archive)",
}
STATS: dict[Stat, str] = {"p50": "median", "p95": "95th percentile"}
STAT_NAME = {"mean": "mean", **STATS, "p99": "99th percentile"}
OFFSET = {"film": -0.17, "pacs": 0.17}
KEPT = ["value", "low", "high", "n", "n_exams"]


@dataclass(frozen=True)
class Dots:
    """Film and PACS side by side: a panel a cluster, a row for each value of `data[column]`."""

    data: pd.DataFrame
    column: str
    rows: Sequence[str]
    unit_s: float
    unit: str

    def _mark(self, axis: Axes, part: pd.DataFrame) -> None:
        for r in records(part):
            at = list(self.rows).index(r[self.column]) + OFFSET[r["world"]]
            whisker(axis, at, r["value"] / self.unit_s, r["low"] / self.unit_s, r["high"] / self.unit_s,
                    WORLD_COLOUR[r["world"]], WORLD_MARKER[r["world"]])  # fmt: skip

    def _name_worlds(self, axis: Axes, part: pd.DataFrame) -> None:
        for r in records(part[part[self.column] == self.rows[0]]):
            direct_label(axis, r["value"] / self.unit_s, OFFSET[r["world"]], WORLD_NAME[r["world"]])

    def draw(self, sim: Simulated, height: float, labels: Sequence[str]) -> Canvas:
        """Draw it; `labels` name the rows."""
        canvas, axes = panels([sim.cluster_name(c) for c in sim.clusters], height)
        with look():
            for axis, cluster in zip(axes, sim.clusters, strict=True):
                self._mark(axis, self.data[self.data["cluster"] == cluster])
                rows_of(axis, labels)
            axes[0].set_xlim(0, 1.12 * float(self.data["value"].max()) / self.unit_s)
            self._name_worlds(axes[0], self.data[self.data["cluster"] == sim.clusters[0]])
            canvas.supxlabel(self.unit, fontsize=9)
        return canvas


def change_words(sim: Simulated, measure: str, stat: Stat = "p50", **where: str) -> tuple[str, str]:
    """How PACS changes a measure: "11.7 hours shorter", and the interval of that."""
    i = sim.difference(measure, stat, **where)
    return change(i.value, i.low, i.high)


def short(table: pd.DataFrame) -> str:
    """The one value of a table, in words: 7.52 days."""
    return duration(float(table["value"].iloc[0]))


def report_times(sim: Simulated) -> Figure:
    """Median and 95th percentile of exam to report, film and PACS, by cluster."""
    data = pd.concat([sim.table("exam_to_report_s", s, ["cluster", "world"]) for s in STATS], ignore_index=True)
    data = sim.in_order(data.assign(statistic=data["stat"].map(STATS)))
    unit_s, unit = duration_unit(data["value"].max())
    dots = Dots(data, "statistic", list(STATS.values()), unit_s, unit)
    ends = {w: short(sim.table("exam_to_report_s", "p95", [], w)) for w in WORLDS}
    return Figure(
        key="report-times", title=f"95 % of reports: within {ends['pacs']} on PACS, {ends['film']} on film",
        measure=FULL["exam_to_report_s"] + ", median and 95th percentile over exams", unit=unit, place=sim.place,
        period=sim.period, how="simulated",
        alt="Dot plot, one panel a cluster: median and 95th percentile of exam to report on film and on PACS. "
            f"Over all clusters 95 % of reports come within {ends['pacs']} on PACS and {ends['film']} on film.",
        band=sim.band(), source=sim.source, canvas=dots.draw(sim, 2.6, ["median", "95th\npercentile"]), row_heads=3,
        data=intervals(sim.named(data[["cluster", "world", "statistic", *KEPT]]), unit_s, unit),
    )  # fmt: skip


def by_modality(sim: Simulated, measure: str = "time_to_image_s") -> Figure:
    """Median of a measure by modality, film and PACS, by cluster."""
    data = sim.table(measure, "p50", ["cluster", "modality", "world"])
    codes = [m for m in sim.world.scenario.modalities if m in set(data["modality"])]
    unit_s, unit = duration_unit(data["value"].max())
    gains = {m: sim.difference(measure, "p50", modality=m) for m in codes}
    most = max(gains, key=lambda m: gains[m].value)
    words, _ = change(gains[most].value, gains[most].low, gains[most].high)
    name = sim.modality_name(most)
    canvas = Dots(data, "modality", codes, unit_s, unit).draw(
        sim, 4.6, [wrapped(sim.modality_name(m), 22) for m in codes]
    )
    return Figure(
        key=f"{SHORT[measure].replace(' ', '-')}-modality", title=f"{name} changes most: {words} on PACS",
        measure=FULL[measure] + ", median over exams, by modality", unit=unit, place=sim.place, period=sim.period,
        how="simulated",
        alt=f"Dot plot, one panel a cluster, one row a modality: median {SHORT[measure]} on film and on PACS. "
            f"{name} changes most: {words} on PACS.",
        band=sim.band(), source=sim.source, canvas=canvas, row_heads=3,
        data=intervals(sim.named(data[["cluster", "modality", "world", *KEPT]]), unit_s, unit),
    )  # fmt: skip


def _curve_rows(sim: Simulated, cluster: str, world: str, c: Curve, unit_s: float, unit: str) -> pd.DataFrame:
    at = np.unique(np.searchsorted(c.share, [0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99]).clip(0, len(c.share) - 1))
    return pd.DataFrame({
        "cluster": sim.cluster_name(cluster), "pathway": WORLD_NAME[world], f"within ({unit})": c.seconds[at] / unit_s,
        "share of exams (%)": 100 * c.share[at], "lower end (%)": 100 * c.low[at], "upper end (%)": 100 * c.high[at],
        "n": c.n, "exams": c.n_exams,
    })  # fmt: skip


def _draw_curves(sim: Simulated, curves: dict[tuple[str, str], Curve]) -> Canvas:
    canvas, axes = panels([sim.cluster_name(c) for c in sim.clusters], 2.9)
    with look():
        for axis, cluster in zip(axes, sim.clusters, strict=True):
            for world in WORLDS:
                c = curves[cluster, world]
                ribbon(axis, c.seconds, 100 * c.low, 100 * c.high, WORLD_COLOUR[world])
                axis.plot(c.seconds, 100 * c.share, color=WORLD_COLOUR[world],
                          ls="--" if world == "film" else "-")  # fmt: skip
            time_axis(axis, *_ends(curves))
        _name_curves(axes[0], {w: curves[sim.clusters[0], w] for w in WORLDS})
        axes[0].set_ylim(0, 101)
        axes[0].set_ylabel("share of exams done (%)")
        canvas.supxlabel("time, logarithmic", fontsize=9)
    return canvas


def _ends(curves: dict[tuple[str, str], Curve]) -> tuple[float, float]:
    """Where 0.5 % and 99.9 % of exams are done: the few beyond would squeeze the rest."""
    low = min(float(np.interp(0.005, c.share, c.seconds)) for c in curves.values())
    return low, max(float(np.interp(0.999, c.share, c.seconds)) for c in curves.values())


def _name_curves(axis: Axes, curves: dict[str, Curve]) -> None:
    """High up where the curves lie well apart, the earlier one is named on its left, the later one on its right."""
    shares = np.linspace(0.15, 0.85, 15)
    at = {w: np.interp(shares, c.share, c.seconds) for w, c in curves.items()}
    gap = np.abs(np.log(at["film"] / at["pacs"]))
    i = int(np.flatnonzero(gap >= 0.6 * gap.max())[-1])
    early, late = sorted(at, key=lambda w: float(at[w][i]))
    for world, ha in ((early, "right"), (late, "left")):
        direct_label(axis, float(at[world][i]), 100 * float(shares[i]), WORLD_NAME[world], ha)


def _span(curves: dict[tuple[str, str], Curve]) -> float:
    return max(float(np.interp(0.9, c.share, c.seconds)) for c in curves.values())


def distribution(sim: Simulated, measure: str) -> Figure:
    """Share of exams done within each time, film and PACS, by cluster."""
    curves = {(c, w): sim.curve(measure, cluster=c, world=w) for c in sim.clusters for w in WORLDS}
    unit_s, unit = duration_unit(_span(curves))
    rows = [_curve_rows(sim, c, w, curve, unit_s, unit) for (c, w), curve in curves.items()]
    words, ends = change_words(sim, measure)
    short = SHORT[measure]
    return Figure(
        key=f"{short.replace(' ', '-')}-distribution", title=f"On PACS the median {short} is {words}",
        measure=FULL[measure] + ", share of exams done within each time", unit="per cent of exams",
        place=sim.place, period=sim.period, how="simulated",
        alt=f"Cumulative curves of {short} on film and on PACS, one panel a cluster, time on a logarithmic axis. "
            f"The median on PACS is {words} ({ends}).",
        band=sim.band("Ribbons"), source=sim.source, canvas=_draw_curves(sim, curves),
        data=pd.concat(rows, ignore_index=True), row_heads=2,
    )  # fmt: skip


def by_supplier(sim: Simulated) -> Figure:
    """Mean time until stored at the cluster, on PACS, by cluster and supplier."""
    data = sim.mean_by("stored_s", ["cluster", "supplier"], "pacs")
    codes = list(dict.fromkeys(data["supplier"]))
    unit_s, unit = duration_unit(data["value"].max())
    slow = data.iloc[int(data["value"].argmax())]
    title = f"{sim.supplier_name(slow['supplier'])} in {sim.cluster_name(slow['cluster'])} stores last"
    return Figure(
        key="stored-supplier", title=title, measure=FULL["stored_s"] + ", mean over exams, by supplier",
        unit=unit, place=sim.place, period=sim.period, how="simulated",
        alt="Dot plot, one panel a cluster, one row a supplier: mean time until an image lies in the cluster's "
            f"archive. {title}, {slow['value'] / unit_s:.3g} {unit}.",
        band=f"{sim.band()} Archive profiles are assumed: no product was measured.", source=sim.source,
        canvas=_draw_suppliers(sim, data, codes, unit_s, unit), row_heads=2,
        data=intervals(sim.named(data[["cluster", "supplier", *KEPT]]), unit_s, unit),
    )  # fmt: skip


def _draw_suppliers(sim: Simulated, data: pd.DataFrame, codes: list[str], unit_s: float, unit: str) -> Canvas:
    canvas, axes = panels([sim.cluster_name(c) for c in sim.clusters], 0.9 + 0.42 * len(codes))
    with look():
        for axis, cluster in zip(axes, sim.clusters, strict=True):
            for r in records(data[data["cluster"] == cluster]):
                whisker(axis, codes.index(r["supplier"]), r["value"] / unit_s, r["low"] / unit_s, r["high"] / unit_s,
                        WORLD_COLOUR["pacs"])  # fmt: skip
            rows_of(axis, [sim.supplier_name(c) for c in codes])
        axes[0].set_xlim(0, 1.15 * float(data["value"].max()) / unit_s)
        canvas.supxlabel(unit, fontsize=9)
    return canvas


def changes(sim: Simulated) -> pd.DataFrame:
    """Film less PACS on the same exams, by cluster: mean, median and 95th percentile with paired intervals, hours."""
    rows = []
    stats: tuple[Stat, ...] = ("mean", "p50", "p95")
    for cluster in sim.clusters:
        for measure, name in SHORT.items():
            for stat in stats:
                i = sim.difference(measure, stat, cluster=cluster)
                rows.append({"cluster": sim.cluster_name(cluster), "measure": name, "statistic": STAT_NAME[stat],
                             "film less PACS (hours)": i.value / 3600, "lower end (hours)": i.low / 3600,
                             "upper end (hours)": i.high / 3600, "n": i.n, "interval by": i.method})  # fmt: skip
    return pd.DataFrame(rows)


def supplier_means(sim: Simulated) -> pd.DataFrame:
    """Means of the three measures by cluster, supplier and pathway, hours."""
    parts = [sim.mean_by(m, ["cluster", "supplier"], w).assign(measure=name, world=w)
             for m, name in SHORT.items() for w in WORLDS]  # fmt: skip
    whole = sim.named(sim.in_order(pd.concat(parts, ignore_index=True)))
    return intervals(whole.rename(columns={"measure": "what"})[["cluster", "supplier", "what", "world", *KEPT]],
                     3600, "hours").rename(columns={"what": "measure"})  # fmt: skip
