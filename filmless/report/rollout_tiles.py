"""Trusts live over time: a tile a trust in blocks by cluster, beside a bar chart (a map alone is not accessible)."""

from datetime import date, timedelta

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Rectangle

from filmless.report.figures import Figure
from filmless.report.palette import BLUE, PALE, TEAL, TEXT, look
from filmless.report.panels import WIDTH, wrapped
from filmless.report.simulated import Simulated
from filmless.report.tables import records

MOMENTS = 4  # small multiples
ACROSS = 16  # tiles in a row of a block
STATES = {"before": "had a PACS of its own", "live": "live", "not": "not yet live"}


def moments(sim: Simulated) -> list[date]:
    """Days between the first and the last go-live of the programme, the last one included."""
    lives = [t.live for t in sim.world.trusts if t.live and t.programme == "yes"]
    if not lives:
        return [sim.world.scenario.plan.start]
    step = (max(lives) - min(lives)) / MOMENTS
    return sorted({min(lives) + timedelta(days=round(step.days * (i + 1))) for i in range(MOMENTS - 1)} | {max(lives)})


def tiles(sim: Simulated) -> pd.DataFrame:
    """One row a trust and moment: cluster, trust, order (its place in the block), day, state; every trust has a "
    "tile."""
    rows = []
    for cluster in sim.clusters:
        own = [t for t in sim.world.trusts if t.cluster == cluster]
        own.sort(key=lambda t: (t.programme == "yes", t.live or date.max, t.trust))
        for day in moments(sim):
            for order, t in enumerate(own):
                on = t.live is not None and t.live <= day
                state = "before" if t.programme != "yes" and on else "live" if on else "not"
                rows.append((cluster, t.trust, order, day, state))
    return pd.DataFrame(rows, columns=["cluster", "trust", "order", "day", "state"])


def counts(data: pd.DataFrame) -> pd.DataFrame:
    """Trusts by cluster, day and state."""
    out = data.groupby(["cluster", "day", "state"], sort=False).size().unstack(fill_value=0)
    return out.reindex(columns=list(STATES), fill_value=0).reset_index()


def _tile(axis: Axes, x: float, y: float, state: str) -> None:
    """Filled: live; with a dot: had a PACS; empty: not yet. Not by colour alone."""
    fill = {"live": BLUE, "before": TEAL, "not": "white"}[state]
    axis.add_patch(Rectangle((x, y), 0.84, 0.84, facecolor=fill, edgecolor=PALE if state == "not" else fill, lw=0.7))
    if state == "before":
        axis.plot(x + 0.42, y + 0.42, marker=".", ms=3, color="white", ls="none")


def _blocks(axis: Axes, sim: Simulated, data: pd.DataFrame) -> None:
    top = 0.0
    for cluster in sim.clusters:
        own = data[data["cluster"] == cluster]
        axis.text(
            0, top - 0.2, wrapped(sim.cluster_name(cluster), 40), fontsize=7, color=TEXT, va="bottom", clip_on=False
        )
        for order, state in zip(own["order"], own["state"], strict=True):
            _tile(axis, order % ACROSS, top + order // ACROSS, str(state))
        top += int(own["order"].max()) // ACROSS + 2.8
    axis.set_xlim(-0.2, ACROSS)
    axis.set_ylim(top - 1.0, -1.6)
    axis.set_axis_off()


def _bars(axis: Axes, sim: Simulated, data: pd.DataFrame, day: date, first: bool) -> None:
    own = {str(r["cluster"]): r for r in records(data[data["day"] == day])}
    for at, cluster in enumerate(sim.clusters):
        live = int(own[cluster]["live"])
        whole = live + int(own[cluster]["not"])
        axis.barh(at, whole, 0.62, color="white", edgecolor=PALE, lw=0.7, zorder=2)
        axis.barh(at, live, 0.62, color=BLUE, zorder=3)
        axis.text(whole, at, f" {live} of {whole}", va="center", fontsize=7.5, color=TEXT)
    axis.set_yticks(range(len(sim.clusters)), [wrapped(sim.cluster_name(c), 24) for c in sim.clusters] if first else [])
    axis.tick_params(axis="y", labelsize=7.5, length=0)
    axis.set_ylim(len(sim.clusters) - 0.5, -0.6)
    axis.grid(axis="y", visible=False)


def _draw(sim: Simulated, data: pd.DataFrame) -> Canvas:
    days, table = list(dict.fromkeys(data["day"])), counts(data)
    with look():
        canvas = Canvas(figsize=(WIDTH, 5.6), layout="constrained")
        axes = canvas.subplots(2, len(days), squeeze=False, gridspec_kw={"height_ratios": [3, 2]})
        most = int((table["live"] + table["not"]).max())
        for i, day in enumerate(days):
            axes[0, i].set_title(f"{day.day} {day:%B %Y}", loc="left", fontsize=9)
            _blocks(axes[0, i], sim, data[data["day"] == day])
            _bars(axes[1, i], sim, table, day, i == 0)
            axes[1, i].set_xlim(0, 1.45 * max(most, 1))
        canvas.supxlabel("programme trusts", fontsize=9)
    return canvas


def rollout(sim: Simulated) -> Figure:
    """Trusts live at four moments of the plan, as tiles by cluster and as bars."""
    data = tiles(sim)
    table, days = counts(data), list(dict.fromkeys(data["day"]))
    half = next((d for d in days if table[table["day"] == d]["live"].sum() * 2
                 >= (table[table["day"] == d][["live", "not"]].to_numpy().sum())), days[-1])  # fmt: skip
    live = int(table[table["day"] == half]["live"].sum())
    total = int(table[table["day"] == half][["live", "not"]].to_numpy().sum())
    shown = sim.named(table).assign(day=[d.isoformat() for d in table["day"]])
    return Figure(
        key="case-rollout", title=f"By {half:%B %Y} {live} of {total} programme trusts are live",
        measure="Trusts live at four moments of the scenario's plan", unit="trusts", place=sim.place,
        period=f"{days[0].year} to {days[-1].year}", how="estimated",
        alt="Tiles, one a trust, in blocks by cluster at four moments, above bar charts of programme trusts live. "
            f"By {half:%B %Y} {live} of {total} are live.",
        band="Filled tile: live; with a dot: had a PACS of its own before; empty: not yet live. Dates are the "
             "scenario's "
             "plan, not an outcome; no interval.",
        source=sim.source, canvas=_draw(sim, data), row_heads=2,
        data=shown.rename(columns={s: f"{words} (trusts)" for s, words in STATES.items()}),
    )  # fmt: skip
