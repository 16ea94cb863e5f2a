"""Figures of the planner's chapter from a simulated run: use by hour and site, stores filling, trusts live, a map."""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from filmless.report.figures import Figure
from filmless.report.palette import BLUE, MUTED, ORANGE, PALE, PLUM, TEXT, look
from filmless.report.panels import direct_label, panels, ribbon
from filmless.report.simulated import Simulated
from filmless.report.storage import TIER_COLOUR, TIERS
from filmless.report.tables import number, records
from filmless.report.words import clean
from sim.answers.intervals import student
from sim.answers.rollout import Pace, completion_table, live_table, pace_of
from sim.world.calendar import day_number
from sim.world.demand import yearly_exams
from sim.world.estate import build_estate
from sim.world.pace import Rollout

Floats = NDArray[np.float64]
SITES = 8  # of each cluster in the heat map, the busiest
SHADES = (20.0, 40.0, 60.0, 80.0)  # per cent; five shades of one colour
PACED = 200  # replications of the rollout
TB = 1e12
TILES = Path(__file__).parent / "tiles.csv"
MODES = {"announced": "announced", "table": "as in the trusts table", "paced": "paced by its teams"}
MODE_COLOUR = {"announced": MUTED, "table": PLUM, "paced": BLUE}
MODE_DASH = {"announced": ":", "table": "--", "paced": "-"}


# --- use by hour and site ------------------------------------------------------------------------------


def room_use(sim: Simulated) -> pd.DataFrame:
    """Rooms in use on PACS (%) by cluster, site and hour: mean of the run's weekdays, busiest sites first."""
    rows = sim.run.table("hourly")
    rows = rows[(rows["world"] == "pacs") & (rows["station"] == "room")].astype({"cluster": str, "entity": str})
    if (rows["hour"].dt.day_of_week < 5).any():
        rows = rows[rows["hour"].dt.day_of_week < 5]
    site, clock = rows["entity"].str.split().str[0], rows["hour"].dt.hour
    rows = rows.assign(site=site, clock=clock, work=rows["busy_s"] / rows["hours_pooled"] / 3600)
    servers = rows.drop_duplicates(["cluster", "entity"]).groupby(["cluster", "site"])["servers"].sum()
    by_hour = rows.groupby(["cluster", "site", "clock", "hour"])["work"].sum()
    found = by_hour.groupby(["cluster", "site", "clock"]).agg(["mean", "min", "max", "size"]).reset_index()
    capacity = servers.reindex(pd.MultiIndex.from_frame(found[["cluster", "site"]])).to_numpy()
    for column in ("mean", "min", "max"):
        found[column] = 100 * found[column].to_numpy() / capacity
    top = found.groupby(["cluster", "site"])["mean"].max().rename("top").reset_index()
    whole = found.merge(top, on=["cluster", "site"])
    return sim.in_order(whole.sort_values(["top", "site", "clock"], ascending=[False, True, True], ignore_index=True))


def _shade(value: float) -> float:
    return 0.06 + 0.22 * float(np.searchsorted(SHADES, value, side="right"))


def _heat(axis: Axes, part: pd.DataFrame, sites: Sequence[str]) -> None:
    boxes, faces = [], []
    rgb = tuple(int(BLUE[i : i + 2], 16) / 255 for i in (1, 3, 5))
    for r in records(part):
        boxes.append(Rectangle((float(r["clock"]), sites.index(r["site"]) - 0.45), 0.96, 0.9))
        faces.append((*rgb, _shade(r["mean"])))
    axis.add_collection(PatchCollection(boxes, facecolors=faces, edgecolors="none"))
    axis.set_yticks(range(len(sites)), sites)
    axis.set_ylim(SITES - 0.5, -0.5)
    axis.set_xlim(0, 24)
    axis.set_xticks([0, 6, 12, 18, 24])
    axis.grid(visible=False)


def heat_map(sim: Simulated) -> Figure:
    """Rooms in use by hour of the day, the busiest sites of each cluster."""
    data = room_use(sim)
    canvas, axes = panels([sim.cluster_name(c) for c in sim.clusters], 2.9, share_y=False)
    shown = []
    with look():
        for axis, cluster in zip(axes, sim.clusters, strict=True):
            part = data[data["cluster"] == cluster]
            sites = list(dict.fromkeys(part["site"]))[:SITES]
            part = part[part["site"].isin(sites)]
            _heat(axis, part, sites)
            shown.append(part)
        steps = ", ".join(f"{s:g}" for s in SHADES)
        canvas.supxlabel(f"hour of the day; five shades, darker above {steps} %", fontsize=9)
    kept = pd.concat(shown, ignore_index=True)
    top = kept.iloc[int(kept["mean"].to_numpy().argmax())]
    most, where = f"{number(top['mean'], 2)} %", f"{top['site']}, {sim.cluster_name(top['cluster'])}"
    table = sim.named(kept)[["cluster", "site", "clock", "mean", "min", "max", "size"]].rename(columns={
        "clock": "hour of the day", "mean": "in use (%)", "min": "quietest day (%)", "max": "busiest day (%)",
        "size": "n (days)"})  # fmt: skip
    return Figure(
        key="heat-rooms", title=f"Rooms are fullest at {int(top['clock'])}:00: {most} in use",
        measure=f"Use of all rooms of a site by hour of a weekday, on PACS, the {SITES} busiest sites of each cluster",
        unit="per cent of the rooms' time", place=sim.place, period=sim.period, how="simulated",
        alt=f"Heat map, one panel a cluster, a row a site, a column an hour: rooms in use. Highest: {most} at "
            f"{int(top['clock'])}:00 in {where}.",
        band=f"Means of the weekdays over {sim.replications} replications; the quietest and the busiest day of each "
             "hour are in the table.",
        source=sim.source, canvas=canvas, data=table, row_heads=2,
    )  # fmt: skip


# --- stores over the years -----------------------------------------------------------------------------


def _bytes_an_exam(sim: Simulated) -> pd.DataFrame:
    keys = ["replication", "cluster", "modality"]
    flows, stored = (sim.run.table(n) for n in ("flows", "storage"))
    exams = flows[flows["world"] == "pacs"].groupby(keys, observed=True)["exams"].sum().reset_index()
    added = stored[stored["world"] == "pacs"].groupby([*keys, "tier"], observed=True)["bytes"].sum().reset_index()
    each = added.merge(exams, on=keys).astype({"cluster": str, "modality": str, "tier": str})
    return each.assign(each=each["bytes"] / each["exams"])


def _live_exams(sim: Simulated, cluster: str, year: int, tier: str) -> Floats:
    """Expected exams by modality of a financial year at sites that are live, float64[modality]."""
    estate = build_estate(sim.world, cluster)
    first, stop = day_number(date(year, 4, 1)), day_number(date(year + 1, 4, 1))
    begin = estate.live_day
    if tier == "central":
        begin = np.maximum(begin, day_number(sim.world.scenario.clusters[cluster].central_store_from))
    live = np.clip((stop - begin) / (stop - first), 0.0, 1.0)
    exams: Floats = (yearly_exams(sim.world, cluster, estate.sites, year).sum(axis=2) * live[:, None]).sum(axis=0)
    return exams


def _cache_years(sim: Simulated, cluster: str) -> float:
    archives = sim.world.scenario.clusters[cluster].archives
    return float(np.mean([sim.world.scenario.archives[a].cache.value for a in archives])) / 12


def stored_by_year(sim: Simulated) -> pd.DataFrame:
    """Terabytes kept at the end of each financial year of the plan, by cluster and tier, with Student's t.

    Bytes an exam as simulated; exams as expected of each year at sites live by the trusts table. Sites keep the
    months of their cache, the cluster's archive keeps all; one copy, old archives not loaded.
    """
    plan, each = sim.world.scenario.plan, _bytes_an_exam(sim)
    years, mods, rows = range(plan.start.year, plan.end.year), [str(m) for m in sim.world.scenario.modalities], []
    for cluster in sim.clusters:
        for tier in TIERS:
            mine = each[(each["cluster"] == cluster) & (each["tier"] == tier)]
            sizes = mine.pivot_table(index="replication", columns="modality", values="each", fill_value=0.0)
            size = sizes.reindex(columns=mods, fill_value=0.0).to_numpy(dtype=np.float64)
            added = np.array([size @ _live_exams(sim, cluster, y, tier) / TB for y in years])  # [year, replication]
            for i, year in enumerate(years):
                kept = added[: i + 1].sum(axis=0)
                if tier == "site":
                    keep = _cache_years(sim, cluster)
                    share = np.clip(keep - np.arange(i + 1), 0, 1)  # the newest year first
                    kept = (added[: i + 1][::-1] * share[:, None]).sum(axis=0)
                found = student(kept, 0.95)
                rows.append({"cluster": cluster, "tier": tier, "year": year + 1, "value": found.value,
                             "low": found.low, "high": found.high, "n": found.n})  # fmt: skip
    return sim.in_order(pd.DataFrame(rows))


def stores(sim: Simulated) -> Figure:
    """Images kept on site and in the cluster's archive at each year's end."""
    data = stored_by_year(sim)
    last = int(data["year"].max())
    central = data[(data["tier"] == "central") & (data["year"] == last)]["value"].sum()
    canvas, axes = panels([sim.cluster_name(c) for c in sim.clusters], 2.7)
    with look():
        for i, (axis, cluster) in enumerate(zip(axes, sim.clusters, strict=True)):
            for tier, name in TIERS.items():
                part = data[(data["cluster"] == cluster) & (data["tier"] == tier)]
                ribbon(axis, part["year"], part["low"], part["high"], TIER_COLOUR[tier])
                axis.plot(part["year"], part["value"], color=TIER_COLOUR[tier], ls="--" if tier == "site" else "-")
                if i == 0:
                    direct_label(axis, last, float(part["value"].iloc[-1]), name.split()[-1], "right", "bottom")
            axis.set_xticks([int(data["year"].min()), last])
        axes[0].set_ylim(0, 1.12 * float(data["value"].max()))
        axes[0].set_ylabel("terabytes kept")
        canvas.supxlabel("end of the financial year (31 March)", fontsize=9)
    table = sim.named(data).assign(tier=data["tier"].map(TIERS)).rename(columns={
        "value": "kept (TB)", "low": "lower end (TB)", "high": "upper end (TB)", "year": "31 March of"})  # fmt: skip
    table["31 March of"] = table["31 March of"].astype(str)
    return Figure(
        key="stores", title=f"By {last} the archives hold {number(float(central))} TB, one copy",
        measure="Images kept at the year's end by tier, sites live by the trusts table", unit="terabytes (10^12 bytes)",
        place=sim.place, period=f"bytes of {sim.period} scaled to the exams of each year", how="simulated",
        alt="Line chart, one panel a cluster: terabytes kept on site, which level off, and in the cluster's archive, "
            f"which grow. By March {last} the archives hold {number(float(central))} TB together.",
        band=f"{sim.band('Ribbons')} Old film is not loaded; further copies are not counted.",
        source=sim.source, canvas=canvas, data=table, row_heads=2,
    )  # fmt: skip


# --- trusts live ---------------------------------------------------------------------------------------


@lru_cache(4)
def _paces(sim: Simulated) -> dict[str, Pace]:
    return {mode: pace_of(sim.world, mode, PACED) for mode in MODES}


def has_rollout(sim: Simulated) -> bool:
    """Does the scenario say how fast trusts go live?"""
    return sim.world.scenario.rollout is not None


def live(sim: Simulated) -> pd.DataFrame:
    """Trusts live at each month's end by cluster and mode: median and 5 to 95 % of the paced replications."""
    parts = [live_table(sim.world, pace).assign(mode=mode) for mode, pace in _paces(sim).items()]
    whole = pd.concat(parts, ignore_index=True)
    return whole[whole["cluster"].isin(["all", *sim.clusters])].reset_index(drop=True)


def completion(sim: Simulated) -> pd.DataFrame:
    """When the last trust is live, by cluster and mode."""
    parts = [completion_table(sim.world, pace).assign(mode=MODES[mode]) for mode, pace in _paces(sim).items()]
    whole = pd.concat(parts, ignore_index=True)
    whole = whole[whole["cluster"].isin(["all", *sim.clusters])]
    names = [sim.cluster_name(c) if c != "all" else "all clusters" for c in whole["cluster"]]
    return whole.assign(cluster=names, late=100 * (1 - whole["in_time"]))[
        ["cluster", "mode", "trusts", "median", "low", "high", "mean", "mean_low", "mean_high", "late", "n"]
    ].rename(columns={
        "low": "5 % of replications", "high": "95 % of replications", "mean": "mean", "mean_low": "mean, lower end",
        "mean_high": "mean, upper end", "late": "after the deadline (%)"})  # fmt: skip


def _rollout(sim: Simulated) -> Rollout:
    found = sim.world.scenario.rollout
    assert found is not None
    return found


def trusts_live(sim: Simulated) -> Figure:
    """Trusts live by date as announced, as in the table, and paced with its band."""
    data = live(sim)
    canvas, axes = panels([sim.cluster_name(c) for c in sim.clusters], 2.8)
    ends = completion_table(sim.world, _paces(sim)["paced"]).set_index("cluster").loc["all"]
    with look():
        for i, (axis, cluster) in enumerate(zip(axes, sim.clusters, strict=True)):
            for mode in MODES:
                part = data[(data["cluster"] == cluster) & (data["mode"] == mode)]
                years = part["date"].dt.year + part["date"].dt.day_of_year / 365.25
                if mode == "paced":
                    ribbon(axis, years, part["low"], part["high"], BLUE)
                axis.plot(years, part["median"], color=MODE_COLOUR[mode], ls=MODE_DASH[mode])
                if i == 0:
                    at = {"announced": 0.55, "table": 0.3, "paced": 0.5}[mode]
                    row = part.iloc[int(at * (len(part) - 1))]
                    label_x = float(years.iloc[int(at * (len(part) - 1))])
                    direct_label(axis, label_x, float(row["median"]), mode, "right" if mode != "paced" else "left")
            deadline = _rollout(sim).deadline
            axis.axvline(deadline.year + deadline.timetuple().tm_yday / 365.25, color=PALE, lw=1.2)
        axes[0].set_ylim(0, None)
        axes[0].set_ylabel("trusts live")
        canvas.supxlabel("year; the grey line is the deadline", fontsize=9)
    half = data[data["date"].dt.month.isin([6, 12])]
    names = [sim.cluster_name(c) if c != "all" else "all clusters" for c in half["cluster"]]
    table = half.assign(cluster=names, mode=half["mode"].map(MODES), date=half["date"].dt.strftime("%d %B %Y"))[
        ["cluster", "mode", "date", "median", "low", "high", "trusts", "n"]
    ].rename(columns={"median": "live (median)", "low": "live (5 %)", "high": "live (95 %)", "trusts": "of"})
    words = f"Paced, the last trust is live by {_month(str(ends['median']))}"
    return Figure(
        key="trusts-live", title=words, measure="Programme trusts live, announced, in the trusts table and paced",
        unit="trusts", place=sim.place, period=f"from {sim.world.scenario.plan.start:%B %Y}", how="simulated",
        alt=f"Line chart, one panel a cluster: trusts live as announced, as in the table, and paced by teams with a "
            f"band. {words} over all clusters, 5 to 95 % of replications: {_month(str(ends['low']))} to "
            f"{_month(str(ends['high']))}.",
        band=f"Ribbons: 5 to 95 % of {PACED} simulated rollouts, chance alone; the ranges of the assumed teams and "
             "times are not in them.",
        source=f"filmless, [rollout] of '{clean(sim.world.scenario.title)}'", canvas=canvas, data=table, row_heads=3,
    )  # fmt: skip


def _month(day: str) -> str:
    return f"{date.fromisoformat(day):%B %Y}" if day else "never"


def live_sentence(sim: Simulated) -> str:
    """The rollout in a sentence, with its band."""
    done = completion_table(sim.world, _paces(sim)["paced"])
    r = records(done[done["cluster"] == "all"])[0]
    return (
        f"Paced by its teams, the programme's last trust is live by {_month(str(r['median']))} (5 to 95 % of "
        f"{PACED} simulated rollouts: {_month(str(r['low']))} to {_month(str(r['high']))}); the deadline is "
        f"{_rollout(sim).deadline:%d %B %Y}, met in {100 * float(r['in_time']):.0f} % of the simulated."
    )


# --- a map of tiles --------------------------------------------------------------------------------------


def tile_rows(country: str) -> pd.DataFrame:
    """Hand-laid tiles of a country's regions: cluster, region, row, column; empty where none are laid."""
    rows = pd.read_csv(TILES)
    return rows[rows["country"] == country].reset_index(drop=True)


def _map(axis: Axes, rows: pd.DataFrame, shade: dict[str, float]) -> None:
    for r in records(rows):
        known = r["cluster"] in shade
        x, y = float(r["column"]), float(r["row"])
        face = BLUE if known else PALE
        axis.add_patch(Rectangle((x, y), 0.94, 0.94, fc=face, alpha=shade.get(r["cluster"], 0.3), ec="none"))
        dark = known and shade[r["cluster"]] > 0.5
        initials = "".join(w[0] for w in str(r["region"]).replace(",", " ").split() if w[0].isupper())[:4]
        axis.text(x + 0.47, y + 0.47, initials, ha="center", va="center", fontsize=7, color="white" if dark else TEXT)
    axis.set_xlim(float(rows["column"].min()), float(rows["column"].max()) + 1)
    axis.set_ylim(float(rows["row"].max()) + 1, float(rows["row"].min()))
    axis.set_aspect("equal")
    axis.axis("off")


def tile_map(sim: Simulated) -> Figure:
    """Terabytes that each cluster's archive holds at the plan's end: tiles of its regions beside bars."""
    data = stored_by_year(sim)
    data = data[(data["tier"] == "central") & (data["year"] == data["year"].max())].reset_index(drop=True)
    rows, last = tile_rows(sim.world.scenario.country), int(data["year"].max())
    rank = data["value"].rank() / len(data)
    shade = {c: 0.15 + 0.85 * float(x) for c, x in zip(data["cluster"], rank, strict=True)}
    with look():
        canvas = Canvas(figsize=(9.6, 3.4), layout="constrained")
        left, right = canvas.subplots(1, 2, width_ratios=[1, 1.3])
        _map(left, rows, shade)
        order = data.sort_values("value", ascending=False, ignore_index=True)
        for at, r in enumerate(records(order)):
            right.barh(at, r["value"], 0.6, color=BLUE, alpha=shade[r["cluster"]])
            right.plot([r["low"], r["high"]], [at, at], color=ORANGE, lw=2)
            direct_label(right, max(r["value"], r["high"]), at, number(float(r["value"])))
        right.set_yticks(range(len(order)), [sim.cluster_name(c) for c in order["cluster"]])
        right.set_ylim(len(order) - 0.4, -0.6)
        right.set_xlim(0, 1.25 * float(order["value"].max()))
        right.grid(axis="y", visible=False)
        right.set_xlabel("terabytes in the cluster's archive")
    most = sim.cluster_name(str(order["cluster"].iloc[0]))
    regions = rows.groupby("cluster")["region"].agg("; ".join)
    table = (
        sim.named(order)
        .assign(regions=[regions.get(c, "none laid out") for c in order["cluster"]])[
            ["cluster", "regions", "value", "low", "high", "n"]
        ]
        .rename(columns={"value": "kept (TB)", "low": "lower end (TB)", "high": "upper end (TB)"})
    )
    return Figure(
        key="tiles", title=f"{most} holds the most: {number(float(order['value'].iloc[0]))} TB",
        measure="Images in each cluster's archive at the plan's end, one copy, by region of health authority",
        unit="terabytes (10^12 bytes)", place=sim.place, period=f"31 March {last}", how="simulated",
        alt=f"Map of square tiles, one a health authority, shaded by cluster, beside a bar chart of terabytes. {most} "
            f"holds the most, {number(float(order['value'].iloc[0]))} TB.",
        band=f"{sim.band('Orange bars')} Tiles are laid by hand to look like the country; darker: more.",
        source=sim.source, canvas=canvas, data=table,
    )  # fmt: skip
