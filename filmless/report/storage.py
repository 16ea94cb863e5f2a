"""Figures of the storage chapter: bytes kept by tier, cluster and modality."""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from filmless.report.figures import Figure
from filmless.report.measured import Measured
from filmless.report.palette import BLUE, ORANGE, look
from filmless.report.panels import direct_label, panels, rows_of, wrapped
from filmless.report.simulated import Simulated
from filmless.report.tables import number, records
from sim.answers.intervals import student
from sim.world.demand import yearly_exams
from sim.world.estate import build_estate
from sim.world.financial_year import financial_year

TB = 1e12
TIERS = {"site": "on site", "central": "in the cluster's archive"}
TIER_COLOUR = {"site": ORANGE, "central": BLUE}


def year_of(sim: Simulated) -> int:
    """The financial year (from April of it) whose expected exams the run is scaled to, as the savings are."""
    return financial_year(date.fromisoformat(str(sim.manifest("start"))))


def year_name(sim: Simulated) -> str:
    """That year as people write it: 2007-08."""
    return f"{year_of(sim)}-{(year_of(sim) + 1) % 100:02d}"


def expected_exams(sim: Simulated) -> pd.DataFrame:
    """Exams of that year by cluster and modality."""
    year, rows = year_of(sim), []
    for cluster in sim.clusters:
        exams = yearly_exams(sim.world, cluster, build_estate(sim.world, cluster).sites, year).sum(axis=(0, 2))
        rows += [(cluster, str(m), float(n)) for m, n in zip(sim.world.scenario.modalities, exams, strict=True)]
    return pd.DataFrame(rows, columns=["cluster", "modality", "exams_a_year"])


def yearly_bytes(sim: Simulated) -> pd.DataFrame:
    """Bytes a year on PACS by replication, cluster, tier and modality: bytes an exam times a year's expected exams."""
    keys = ["replication", "cluster", "modality"]
    flows, stored = (sim.run.table(n) for n in ("flows", "storage"))
    exams = flows[flows["world"] == "pacs"].groupby(keys, observed=True)["exams"].sum()
    added = stored[stored["world"] == "pacs"].groupby([*keys, "tier"], observed=True)["bytes"].sum()
    each = added.reset_index().merge(exams.reset_index(), on=keys)
    each = each.astype({"cluster": str, "modality": str, "tier": str}).merge(expected_exams(sim))
    return each.assign(tb=each["bytes"] / each["exams"] * each["exams_a_year"] / TB)


def summed(sim: Simulated, by: list[str]) -> pd.DataFrame:
    """Terabytes a year by some of cluster, tier and modality, with Student's t over replications."""
    totals = yearly_bytes(sim).groupby([*by, "replication"], sort=False)["tb"].sum().reset_index()
    rows = []
    for key, part in totals.groupby(by, sort=False):
        i = student(part["tb"].to_numpy(dtype=np.float64), 0.95)
        rows.append({**dict(zip(by, key, strict=True)), "value": i.value, "low": i.low, "high": i.high, "n": i.n})
    return sim.in_order(pd.DataFrame(rows))


def _bars(axis: Axes, at: float, r: dict[str, Any], colour: str, height: float) -> None:
    axis.barh(at, r["value"], height, color=colour, zorder=2)
    if np.isfinite(r["low"]):
        axis.plot([r["low"], r["high"]], [at, at], color="white", lw=3.5, solid_capstyle="butt", zorder=3)
        axis.plot([r["low"], r["high"]], [at, at], color="#262626", lw=1.5, solid_capstyle="butt", zorder=4)


def _table(sim: Simulated, data: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    named = sim.named(data)
    if "tier" in named:
        named["tier"] = named["tier"].map(TIERS)
    return named[[*by, "value", "low", "high", "n"]].rename(columns={
        "value": "stored (TB a year)", "low": "lower end (TB a year)", "high": "upper end (TB a year)"})  # fmt: skip


def by_tier(sim: Simulated) -> Figure:
    """Terabytes a year on site and in the cluster's archive, by cluster."""
    data = summed(sim, ["cluster", "tier"])
    central = data[data["tier"] == "central"]
    total = float(central["value"].sum())
    canvas, axes = panels([sim.cluster_name(c) for c in sim.clusters], 1.9)
    with look():
        for axis, cluster in zip(axes, sim.clusters, strict=True):
            for r in records(data[data["cluster"] == cluster]):
                at = list(TIERS).index(r["tier"])
                _bars(axis, at, r, TIER_COLOUR[r["tier"]], 0.6)
                direct_label(axis, max(r["value"], np.nan_to_num(r["high"])), at, number(r["value"]))
            rows_of(axis, ["on site", "in the archive"])
        axes[0].set_xlim(0, 1.3 * float(data["value"].max()))
        canvas.supxlabel("terabytes a year", fontsize=9)
    return Figure(
        key="bytes-tier", title=f"The clusters' archives take in {number(total)} TB a year",
        measure="Image data added a year by tier, every site on PACS, one copy", unit="terabytes (10^12 bytes)",
        place=sim.place, period=f"{sim.period} scaled to the exams of {year_name(sim)}",
        how="simulated",
        alt="Bar chart, one panel a cluster: terabytes added a year on site and in the cluster's archive. "
            f"The archives together take in {number(total)} TB a year.",
        band=f"{sim.band()} Losslessly compressed where the archive does so; further copies are not counted.",
        source=sim.source, canvas=canvas, data=_table(sim, data, ["cluster", "tier"]), row_heads=2,
    )  # fmt: skip


def by_modality(sim: Simulated) -> Figure:
    """Terabytes a year in the cluster's archive by modality and cluster."""
    data = summed(sim, ["cluster", "tier", "modality"])
    data = data[data["tier"] == "central"].reset_index(drop=True)
    order = list(data.groupby("modality")["value"].sum().sort_values(ascending=False).index)
    top = sim.modality_name(order[0])
    part = 100 * float(data.loc[data["modality"] == order[0], "value"].sum() / data["value"].sum())
    canvas, axes = panels([sim.cluster_name(c) for c in sim.clusters], 3.6)
    with look():
        for axis, cluster in zip(axes, sim.clusters, strict=True):
            for r in records(data[data["cluster"] == cluster]):
                _bars(axis, order.index(r["modality"]), r, BLUE, 0.65)
            rows_of(axis, [wrapped(sim.modality_name(m), 22) for m in order])
        axes[0].set_xlim(0, 1.08 * float(data["value"].max()))
        canvas.supxlabel("terabytes a year", fontsize=9)
    return Figure(
        key="bytes-modality", title=f"{top} makes {number(part, 2)} % of the bytes",
        measure="Image data added a year to the cluster's archive, by modality", unit="terabytes (10^12 bytes)",
        place=sim.place, period=f"{sim.period} scaled to the exams of {year_name(sim)}",
        how="simulated",
        alt=f"Bar chart, one panel a cluster, one bar a modality, largest first: terabytes added a year. {top} makes "
            f"{number(part, 2)} % of them.",
        band=sim.band(), source=sim.source, canvas=canvas, data=_table(sim, data, ["cluster", "modality"]), row_heads=2,
    )  # fmt: skip


def daily(sim: Simulated) -> pd.DataFrame:
    """Gigabytes added to each cluster's archive on each simulated day, with Student's t over replications."""
    rows = sim.run.table("storage")
    rows = rows[(rows["world"] == "pacs") & (rows["tier"] == "central")].astype({"cluster": str})
    sums = rows.groupby(["cluster", "day", "replication"])[["objects", "bytes"]].sum().reset_index()
    out = []
    for (cluster, day), part in sums.groupby(["cluster", "day"]):
        i = student(part["bytes"].to_numpy(dtype=np.float64) / 1e9, 0.95)
        out.append({"cluster": cluster, "day": f"{day:%A %d %B %Y}", "images": round(part["objects"].mean()),
                    "stored (GB)": i.value, "lower end (GB)": i.low, "upper end (GB)": i.high, "n": i.n})  # fmt: skip
    return sim.named(sim.in_order(pd.DataFrame(out)))


def played(sim: Simulated, measured: Measured) -> pd.DataFrame:
    """Studies, images and bytes that the archives took in the played minutes."""
    rows = measured.answered()
    rows = rows[rows["kind"] == "store"]
    sums = rows.groupby("cluster").agg(studies=("exam", "size"), images=("objects", "sum"), size=("bytes", "sum"))
    found = sim.named(sim.in_order(sums.reset_index()))
    return found.assign(size=found["size"] / 1e9).rename(columns={"size": "pixel data sent (GB)"})
