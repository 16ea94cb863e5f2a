"""Figures and tables of the savings chapter: the programme against business as usual, by class, line and trust.

Classes of benefit stand apart everywhere; only the net present value, in the table of measures, brings them together.
"""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Canvas

from filmless.report.figures import Figure
from filmless.report.palette import BLUE, ORANGE, TEXT, look
from filmless.report.panels import panels, rows_of
from filmless.report.simulated import Simulated
from filmless.report.tables import records
from filmless.report.words import clean, money, symbol
from sim.answers.case import Case
from sim.answers.case.catalogue import BENEFITS, CASH, COSTS
from sim.answers.case.register import OPTION
from sim.answers.case.views import by_cluster, by_line

BAND = "Whiskers hold 95 % of the draws of the money inputs, most of them assumptions."
MILLION = 1e6
ENDS = {"value": "value", "low": "95 %, lower end", "high": "95 %, upper end"}


def million(sim: Simulated) -> str:
    """The unit of an axis: £ million."""
    return f"{symbol(sim.currency).strip()} million"


def unit_of(sim: Simulated, case: Case) -> str:
    """The unit of a figure, with its price base."""
    return f"{million(sim)}, present value, prices of {case.price_base}"


def period_of(case: Case) -> str:
    """The years appraised."""
    last = case.first_year + case.years - 1
    return f"financial years {case.first_year}/{(case.first_year + 1) % 100:02} to {last}/{(last + 1) % 100:02}"


def readable(sim: Simulated, table: pd.DataFrame) -> pd.DataFrame:
    """A view of the case with heads for readers, in whole thousands."""
    out = sim.named(table) if "cluster" in table else table
    out = out.assign(**{c: out[c].round(-3) for c in ENDS})
    return out.rename(columns={c: f"{head} ({sim.currency})" for c, head in ENDS.items()} | {"n": "n (draws)"})


def _total(case: Case, kind: str) -> float:
    table = case.summary.set_index(["option", "measure"])["value"]
    return float(table[OPTION, "pv_" + kind.replace("-", "_").replace(" ", "_")])


def _draw(sim: Simulated, data: pd.DataFrame) -> Canvas:
    canvas, axes = panels([sim.cluster_name(c) for c in sim.clusters], 3.2)
    with look():
        for axis, cluster in zip(axes, sim.clusters, strict=True):
            for at, r in enumerate(records(data[data["cluster"] == cluster])):
                colour = ORANGE if r["class"] in COSTS else BLUE
                axis.barh(at, r["value"] / MILLION, 0.62, color=colour, zorder=2)
                axis.plot([r["low"] / MILLION, r["high"] / MILLION], [at, at], color=TEXT, lw=1.4, zorder=4)
            rows_of(axis, [*BENEFITS, *COSTS])
        canvas.supxlabel(f"{million(sim)}, present value, benefit to the right", fontsize=9)
    return canvas


def by_class(sim: Simulated, case: Case) -> Figure:
    """Each class of the programme in each cluster."""
    data = by_cluster(case, OPTION)
    cash = money(_total(case, CASH), sim.currency)
    return Figure(
        key="savings-class", title=f"Cash-releasing: {cash} in present value, before what PACS costs",
        measure="Programme less business as usual, by class", unit=unit_of(sim, case), place=sim.place,
        period=period_of(case), how="simulated",
        alt="Bar chart, one panel a cluster, one bar a class, benefits above costs. Cash-releasing lines come to "
            f"{cash} over all clusters.",
        band=BAND, source=sim.source, canvas=_draw(sim, data), data=readable(sim, data), row_heads=2,
    )  # fmt: skip


def trust_rows(sim: Simulated, case: Case) -> pd.DataFrame:
    """Cash released by each programme trust, largest first in a cluster."""
    rows = case.trusts[(case.trusts["option"] == OPTION) & (case.trusts["class"] == CASH)]
    rows = rows.sort_values("value", ascending=False, kind="stable", ignore_index=True)
    return sim.in_order(rows[["cluster", "trust", "class", "value", "low", "high", "n"]])


def trusts(sim: Simulated, case: Case) -> Figure:
    """Cash released by each trust, by cluster, largest first."""
    wide = trust_rows(sim, case)
    canvas, axes = panels([sim.cluster_name(c) for c in sim.clusters], 2.9)
    with look():
        for axis, cluster in zip(axes, sim.clusters, strict=True):
            rows = wide[wide["cluster"] == cluster]
            at = np.arange(1, len(rows) + 1)
            axis.vlines(at, rows["low"] / MILLION, rows["high"] / MILLION, color="#BFBFBF", lw=1.6)
            axis.plot(at, rows["value"] / MILLION, ls="none", marker="o", ms=3.6, color=BLUE, mec="white", mew=0.3)
        axes[0].set_ylabel(million(sim))
        canvas.supxlabel("trusts of the programme, largest first", fontsize=9)
    middle = money(float(wide["value"].median()), sim.currency)
    return Figure(
        key="savings-trust", title=f"Half of the {len(wide)} trusts release over {middle} in present value",
        measure="Programme less business as usual, cash-releasing lines, by trust", unit=unit_of(sim, case),
        place=sim.place, period=period_of(case), how="simulated",
        alt=f"Dot plot, one panel a cluster, one dot a trust, largest first. Median of {len(wide)} trusts: {middle}.",
        band=BAND, source=sim.source, canvas=canvas, data=_named_trusts(sim, wide), row_heads=2,
    )  # fmt: skip


def _named_trusts(sim: Simulated, wide: pd.DataFrame) -> pd.DataFrame:
    sites = sim.run.table("sites").astype({"trust": str, "trust_name": str})
    names = sites.drop_duplicates("trust").set_index("trust")["trust_name"]
    return readable(sim, wide.assign(trust=[clean(names.get(t, t)) for t in wide["trust"]]))


def lines(sim: Simulated, case: Case) -> pd.DataFrame:
    """Each line of the programme."""
    return readable(sim, by_line(case, OPTION)[["class", "name", "value", "low", "high", "n"]])


def summary(case: Case) -> pd.DataFrame:
    """Every measure of every option, with its definition."""
    keep = ["option_name", "measure", "value", "low", "high", "n", "chance_above_zero", "definition"]
    return case.summary[keep].rename(columns={"option_name": "option", "chance_above_zero": "chance above 0"})


def register(case: Case) -> pd.DataFrame:
    """The benefits register, the columns that fit a page."""
    words = ["name", "class", "owner", "baseline", "mechanism", "state", "confidence"]
    return case.register[[*words, "pv_gbp", "pv_low_gbp", "pv_high_gbp", "n"]]


def inputs(sim: Simulated, case: Case) -> pd.DataFrame:
    """Every uncertain input with its range, source and status."""
    rows = case.inputs[case.inputs["distribution"] != "fixed"]
    known = sim.world.sources
    named = [clean(known[s].source) if s in known else s for s in rows["source"]]
    return rows.assign(source=named)[["key", "value", "low", "high", "unit", "distribution", "source", "status"]]
