"""Figures of hourly use: how busy the clusters' archives and the sites' links are by hour of the day, on PACS."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Canvas

from filmless.report.figures import Figure
from filmless.report.palette import BLUE, ORANGE, look
from filmless.report.panels import direct_label, panels, ribbon
from filmless.report.simulated import Simulated
from filmless.report.tables import number


@dataclass(frozen=True)
class Use:
    """What one figure of hourly use shows: its stations in words, and of which entity."""

    key: str
    stations: dict[str, str]
    whole: bool  # all servers of the cluster together, or the busiest entity
    measure: str
    what: str


ARCHIVES = Use("use-archives", {"ingest": "storing", "retrieve": "retrieving"}, True,
               "Use of the cluster's archive servers by hour of the day", "archive")  # fmt: skip
LINKS = Use("use-links", {"wan_up": "up", "wan_down": "down"}, False,
            "Use of the busiest site's link by hour of the day", "link")  # fmt: skip
COLOUR = {"ingest": BLUE, "retrieve": ORANGE, "wan_up": BLUE, "wan_down": ORANGE}
DASH = {"ingest": "-", "retrieve": "--", "wan_up": "-", "wan_down": "--"}


def hourly_use(sim: Simulated, use: Use) -> pd.DataFrame:
    """Share of capacity in use (%): cluster, station, clock (hour of the day), value, low, high over the days, n days.

    Servers by the seconds they worked, links by the bytes they carried.
    """
    rows = sim.run.table("hourly")
    rows = rows[(rows["world"] == "pacs") & rows["station"].isin(list(use.stations))]
    rows = rows.astype({"cluster": str, "station": str, "entity": str})
    work = np.where(rows["station"].str.startswith("wan"), rows["work_bytes"], rows["busy_s"])
    rows = rows.assign(work=work / rows["hours_pooled"] / 3600)
    if use.whole:
        capacity = (
            rows.drop_duplicates(["cluster", "station", "entity"]).groupby(["cluster", "station"])["servers"].sum()
        )
        share = rows.groupby(["cluster", "station", "hour"])["work"].sum() / capacity
    else:
        share = (rows["work"] / rows["servers"]).groupby([rows[c] for c in ("cluster", "station", "hour")]).max()
    slots = share.rename("share").reset_index().assign(clock=lambda d: d["hour"].dt.hour)
    days = slots.groupby(["cluster", "station", "clock"])["share"].agg(["mean", "min", "max", "size"]).reset_index()
    named = days.rename(columns={"mean": "value", "min": "low", "max": "high", "size": "n"})
    return sim.in_order(named.assign(**{c: 100 * named[c] for c in ("value", "low", "high")}))


def _draw(sim: Simulated, data: pd.DataFrame, use: Use) -> Canvas:
    canvas, axes = panels([sim.cluster_name(c) for c in sim.clusters], 2.7)
    with look():
        for i, (axis, cluster) in enumerate(zip(axes, sim.clusters, strict=True)):
            for station, name in use.stations.items():
                part = data[(data["cluster"] == cluster) & (data["station"] == station)]
                if part.empty:
                    continue
                ribbon(axis, part["clock"], part["low"], part["high"], COLOUR[station])
                axis.plot(part["clock"], part["value"], color=COLOUR[station], ls=DASH[station])
                if i == 0:
                    top = part.iloc[int(part["value"].argmax())]
                    direct_label(axis, top["clock"], top["high"], name, "center", "bottom")
            axis.set_xticks([0, 6, 12, 18, 24])
        axes[0].set_xlim(0, 24)
        axes[0].set_ylim(0, 1.15 * float(data["high"].max()))
        axes[0].set_ylabel("share of capacity (%)")
        canvas.supxlabel("hour of the day", fontsize=9)
    return canvas


def hourly(sim: Simulated, use: Use) -> Figure:
    """Use by hour of the day, by cluster."""
    data = hourly_use(sim, use)
    if data.empty:
        raise ValueError(f"the run has no hourly use of {', '.join(use.stations)}: simulate with --world pacs")
    top = data.iloc[int(data["value"].argmax())]
    where, at = sim.cluster_name(top["cluster"]), f"{int(top['clock'])}:00"
    title = f"Busiest {use.what}: {number(top['value'], 2)} % in use at {at}, {where}"
    shown = sim.named(data).assign(station=data["station"].map(use.stations))
    return Figure(
        key=use.key, title=title, measure=use.measure, unit="per cent of capacity", place=sim.place, period=sim.period,
        how="simulated",
        alt=f"Line chart, one panel a cluster: use by hour of the day of each {use.what}, "
            f"{' and '.join(use.stations.values())}. Highest: {number(top['value'], 2)} % at {at} in {where}.",
        band="Ribbons: quietest and busiest day of the run at that hour; lines: mean of the days, over "
             f"{sim.replications} replications.",
        source=sim.source, canvas=_draw(sim, data, use), row_heads=3,
        data=shown[["cluster", "station", "clock", "value", "low", "high", "n"]].rename(columns={
            "station": "direction", "clock": "hour of the day", "value": "in use (%)", "low": "quietest day (%)",
            "high": "busiest day (%)", "n": "n (days)"}),
    )  # fmt: skip
