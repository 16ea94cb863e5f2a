"""Figures and tables of the savings chapter: what film no longer costs, by trust and cluster.

Cash and time are separate classes and stand apart everywhere; the range of the prices (assumptions) and the
interval of the simulation (chance) are separate columns.
"""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from filmless.report.figures import Figure
from filmless.report.palette import BLUE, ORANGE, TEXT, look
from filmless.report.panels import panels, rows_of
from filmless.report.simulated import Simulated
from filmless.report.storage import year_name
from filmless.report.tables import number, records
from filmless.report.words import clean, money, symbol
from sim.answers.savings import CASH, TIME, summed

CLASS_COLOUR = {CASH: BLUE, TIME: ORANGE}
BAND = (
    "Whiskers: range from the lowest to the highest prices and times thought possible (assumptions). The simulation's "
    "own 95 % interval is far narrower and stands in the table. Gross: what PACS costs is not taken off."
)
MILLION = 1e6


def million(sim: Simulated) -> str:
    """The unit of an axis: £ million."""
    return f"{symbol(sim.currency).strip()} million"


def unit_of(sim: Simulated) -> str:
    """The unit of a figure, with its price base."""
    return f"{million(sim)} a year, prices of {sim.world.scenario.price_base}"


def period_of(sim: Simulated) -> str:
    """A full year, everything live."""
    return f"a full year with the exams of {year_name(sim)}, prices of {sim.world.scenario.price_base}"


def components(table: pd.DataFrame) -> pd.DataFrame:
    """Sums by cluster, class and component."""
    return summed(table, ["cluster", "class", "component"])


def _bar(axis: Axes, at: int, r: dict[str, Any], colour: str, unit: float) -> None:
    axis.barh(at, r["value_gbp"] / unit, 0.62, color=colour, zorder=2)
    ends = [r["price_low_gbp"] / unit, r["price_high_gbp"] / unit]
    axis.plot(ends, [at, at], color="white", lw=3.6, solid_capstyle="butt", zorder=3)
    axis.plot(ends, [at, at], color=TEXT, lw=1.4, solid_capstyle="butt", zorder=4)


def _draw(sim: Simulated, data: pd.DataFrame) -> Canvas:
    order = data.groupby(["class", "component"], sort=False)["value_gbp"].sum().reset_index()
    order = order.sort_values(["class", "value_gbp"], ascending=[True, False])
    names = list(order["component"])
    canvas, axes = panels([sim.cluster_name(c) for c in sim.clusters], 3.6)
    with look():
        for axis, cluster in zip(axes, sim.clusters, strict=True):
            for r in records(data[data["cluster"] == cluster]):
                _bar(axis, names.index(r["component"]), r, CLASS_COLOUR[r["class"]], MILLION)
            rows_of(axis, names)
            axis.axhline((order["class"] == CASH).sum() - 0.5, color="#BFBFBF", lw=0.8)
        axes[0].set_xlim(0, None)
        canvas.supxlabel(f"{million(sim)} a year; above the line cash-releasing, below it time freed", fontsize=9)
    return canvas


def by_component(sim: Simulated, table: pd.DataFrame) -> Figure:
    """Each component by cluster, cash apart from time."""
    data = components(table)
    total = summed(table, ["class"]).set_index("class")["value_gbp"]
    title = f"Cash-releasing: {money(float(total[CASH]), sim.currency)} a year, before what PACS costs"
    return Figure(
        key="savings-component", title=title, measure="Film pathway less PACS, by component, programme trusts",
        unit=unit_of(sim), place=sim.place, period=period_of(sim),
        how="simulated",
        alt="Bar chart, one panel a cluster, one bar a component, cash-releasing above time freed. "
            f"Cash-releasing components come to {money(float(total[CASH]), sim.currency)} a year over all clusters.",
        band=BAND, source=sim.source, canvas=_draw(sim, data), data=component_table(sim, data), row_heads=3,
    )  # fmt: skip


def component_table(sim: Simulated, data: pd.DataFrame) -> pd.DataFrame:
    """Sums with both kinds of uncertainty, each bound in its own column."""
    named, code = sim.named(data), sim.currency
    keep = [c for c in ("cluster", "class", "component") if c in named]
    return named[[*keep, "value_gbp", "low_gbp", "high_gbp", "n", "price_low_gbp", "price_high_gbp"]].rename(columns={
        "value_gbp": f"value ({code} a year)", "low_gbp": f"simulation, lower end ({code} a year)",
        "high_gbp": f"simulation, upper end ({code} a year)", "n": "n (replications)",
        "price_low_gbp": f"lowest prices ({code} a year)", "price_high_gbp": f"highest prices ({code} a year)",
    }).astype({"n (replications)": int})  # fmt: skip


def by_trust(sim: Simulated, table: pd.DataFrame) -> pd.DataFrame:
    """One row a trust: cash-releasing and time, money a year, with the prices' range; largest first in a cluster."""
    sums = table.groupby(["cluster", "trust", "class"], sort=False)[["value_gbp", "low_gbp", "high_gbp"]].sum()
    kinds = [sums.xs(kind, level="class").add_suffix(f":{kind}") for kind in (CASH, TIME)]
    wide = kinds[0].join(kinds[1], how="outer").fillna(0.0).reset_index()
    return sim.in_order(wide.sort_values(f"value_gbp:{CASH}", ascending=False, kind="stable", ignore_index=True))


def trust_table(sim: Simulated, wide: pd.DataFrame) -> pd.DataFrame:
    """`by_trust` with names and heads for readers."""
    sites = sim.run.table("sites").astype({"trust": str, "trust_name": str, "supplier": str})
    firsts = sites.drop_duplicates("trust").set_index("trust")
    out = pd.DataFrame({
        "cluster": [sim.cluster_name(c) for c in wide["cluster"]],
        "trust": [clean(firsts["trust_name"].get(t, t)) for t in wide["trust"]],
        "supplier": [sim.supplier_name(firsts["supplier"].get(t, "")) for t in wide["trust"]],
    })  # fmt: skip
    for kind in (CASH, TIME):
        for column, head in (("value", "value"), ("low", "lowest prices"), ("high", "highest prices")):
            out[f"{kind}: {head} ({sim.currency} a year)"] = wide[f"{column}_gbp:{kind}"].round(-2)
    return out


def trusts(sim: Simulated, table: pd.DataFrame) -> Figure:
    """Cash-releasing saving of each trust, by cluster, largest first."""
    wide = by_trust(sim, table)
    value, low, high = (wide[f"{c}_gbp:{CASH}"] / MILLION for c in ("value", "low", "high"))
    canvas, axes = panels([sim.cluster_name(c) for c in sim.clusters], 2.9)
    with look():
        for axis, cluster in zip(axes, sim.clusters, strict=True):
            rows = np.flatnonzero(wide["cluster"] == cluster)
            at = np.arange(1, len(rows) + 1)
            axis.vlines(at, low.iloc[rows], high.iloc[rows], color="#BFBFBF", lw=1.6)
            axis.plot(at, value.iloc[rows], ls="none", marker="o", ms=3.6, color=BLUE, mec="white", mew=0.3)
        axes[0].set_ylim(0, None)
        axes[0].set_ylabel(f"{million(sim)} a year")
        canvas.supxlabel("trusts of the programme, largest saving first", fontsize=9)
    middle = float(value.median())
    title = f"Half of the {len(wide)} trusts release over {money(middle * MILLION, sim.currency)} a year"
    return Figure(
        key="savings-trust", title=title, measure="Film pathway less PACS, cash-releasing components, by trust",
        unit=unit_of(sim), place=sim.place, period=period_of(sim),
        how="simulated",
        alt=f"Dot plot, one panel a cluster, one dot a trust, largest saving first. Median of {len(wide)} trusts: "
            f"{money(middle * MILLION, sim.currency)} a year.",
        band=BAND.replace("The simulation's own 95 % interval is far narrower and stands in the table. ", ""),
        source=sim.source, canvas=canvas, data=trust_table(sim, wide), row_heads=2,
    )  # fmt: skip


def sources(sim: Simulated, table: pd.DataFrame) -> pd.DataFrame:
    """Components with where their prices come from, and how far that is to be trusted."""
    known = sim.world.sources
    rows = table[["component", "class", "source"]].drop_duplicates()

    def words(text: str) -> str:
        parts = []
        for item in dict.fromkeys(text.split("; ")):
            code, _, status = item.partition(" (")
            parts.append(f"{clean(known[code].source) if code in known else code} ({status}")
        return "; ".join(parts)

    return rows.assign(source=[words(str(s)) for s in rows["source"]]).rename(
        columns={"source": "source of the price (status)"})  # fmt: skip


def prices(sim: Simulated) -> pd.DataFrame:
    """Every price with its unit, range, source and status."""
    rows = []
    for name, q in sim.world.scenario.prices:
        found = sim.world.sources.get(q.source)
        rows.append({"price": name.replace("_", " "), "value": q.value, "unit": q.unit, "low": q.low, "high": q.high,
                     "source": clean(found.source) if found else q.source, "status": q.status})  # fmt: skip
    return pd.DataFrame(rows).astype({"value": float, "low": float, "high": float})


def total(sim: Simulated, table: pd.DataFrame, kind: str) -> str:
    """A class's sum over all clusters in a sentence."""
    r = summed(table[table["class"] == kind], ["class"]).iloc[0]
    value, least, most = (money(r[c], sim.currency) for c in ("value_gbp", "price_low_gbp", "price_high_gbp"))
    ends = f"{number(r['low_gbp'] / MILLION, 4)} to {number(r['high_gbp'] / MILLION, 4)} million"
    return (f"{value} a year (range of the prices: {least} to {most}; 95 % interval of the simulation: {ends}, "
            f"{int(r['n'])} replications)")  # fmt: skip
