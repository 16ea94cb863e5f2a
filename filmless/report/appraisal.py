"""Figures of the economic case: waterfall, tornado with switching values, and the fan of cumulative money."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from numpy.typing import NDArray

from filmless.report.figures import Figure
from filmless.report.palette import BLUE, MUTED, ORANGE, PLUM, TEXT, look
from filmless.report.panels import direct_label, panels, ribbon, rows_of
from filmless.report.savings import BAND, MILLION, million, period_of, unit_of
from filmless.report.simulated import Simulated
from filmless.report.tables import number, records
from filmless.report.words import money_within
from sim.answers.case import Case
from sim.answers.case.catalogue import BENEFITS, COSTS
from sim.answers.case.draws import CLASSES
from sim.answers.case.register import OPTION
from sim.answers.case.summary import ENDS
from sim.answers.case.views import by_class
from sim.world.quantity import ASSUMPTIONS

Floats = NDArray[np.float64]
NET = "net present value"
BARS = 14  # of the tornado


def measure(case: Case, name: str, option: str = OPTION) -> dict[str, float]:
    """value, low, high, n, chance_above_zero of a measure of an option."""
    rows = case.summary[(case.summary["option"] == option) & (case.summary["measure"] == name)]
    return {k: float(rows[k].iloc[0]) for k in ("value", "low", "high", "n", "chance_above_zero")}


# --- waterfall ---------------------------------------------------------------------------------------


def steps(case: Case) -> pd.DataFrame:
    """Each class and the net present value: class, value, low, high, n, and where its bar begins."""
    rows = by_class(case, OPTION)[["class", "value", "low", "high", "n"]]
    net = measure(case, "npv")
    last = pd.DataFrame([{"class": NET, **{k: net[k] for k in ("value", "low", "high")}, "n": int(net["n"])}])
    begin = np.append(np.concatenate([[0.0], np.cumsum(rows["value"].to_numpy())[:-1]]), 0.0)
    return pd.concat([rows, last], ignore_index=True).assign(begin=begin)


def _draw_steps(sim: Simulated, data: pd.DataFrame) -> Canvas:
    canvas, axes = panels([""], 3.4)
    axis = axes[0]
    with look():
        for at, r in enumerate(records(data)):
            colour = PLUM if r["class"] == NET else ORANGE if r["value"] < 0 else BLUE
            begin, value = r["begin"] / MILLION, r["value"] / MILLION
            axis.barh(at, value, 0.62, left=begin, color=colour, zorder=2)
            ends = [begin + r[e] / MILLION for e in ("low", "high")]
            axis.plot(ends, [at, at], color="white", lw=3.4, solid_capstyle="butt", zorder=3)
            axis.plot(ends, [at, at], color=TEXT, lw=1.4, solid_capstyle="butt", zorder=4)
            direct_label(axis, max(begin, begin + value, *ends), at, f"{value:+,.0f}")
        axis.axvline(0, color=TEXT, lw=0.8)
        rows_of(axis, [str(c) for c in data["class"]])
        axis.margins(x=0.12)
        canvas.supxlabel(f"{million(sim)}, present value; each bar begins where the one above ends", fontsize=9)
    return canvas


def waterfall(sim: Simulated, case: Case) -> Figure:
    """From cash-releasing benefits to the net present value."""
    data, net = steps(case), measure(case, "npv")
    words = money_within(net["value"], net["low"], net["high"], sim.currency)
    return Figure(
        key="case-waterfall", title=f"Net present value of the programme: {words}, most inputs assumed",
        measure="Programme less business as usual, by class", unit=unit_of(sim, case), place=sim.place,
        period=period_of(case), how="estimated",
        alt=f"Waterfall chart: benefits to the right, dis-benefits and costs to the left, ending at {words}.",
        band=f"{BAND} Classes are different things; only the net present value brings them together.",
        source=sim.source, canvas=_draw_steps(sim, data), data=_money_table(sim, data.drop(columns="begin")),
    )  # fmt: skip


def _money_table(sim: Simulated, data: pd.DataFrame) -> pd.DataFrame:
    """Whole thousands, each bound in its own column."""
    heads = {"value": "value", "low": "95 %, lower end", "high": "95 %, upper end"}
    out = data.assign(**{c: data[c].round(-3) for c in heads})
    return out.rename(columns={c: f"{h} ({sim.currency})" for c, h in heads.items()} | {"n": "n (draws)"})


# --- tornado -----------------------------------------------------------------------------------------


def bars(case: Case) -> pd.DataFrame:
    """The inputs that move the net present value most, with the value at which it is 0."""
    found = case.sensitivity
    rows = found.tornado.head(BARS)
    zero = found.switching.set_index("input")[["switching_value", "inside_range"]]
    share = found.first_order.set_index("input")["share"]
    return rows.join(zero, on="input").join(share, on="input")


def _draw_bars(sim: Simulated, data: pd.DataFrame) -> Canvas:
    canvas, axes = panels([""], 4.6)
    axis, base = axes[0], float(data["npv_gbp"].iloc[0]) / MILLION
    right = float(data[["npv_low_gbp", "npv_high_gbp"]].to_numpy(dtype=np.float64).max()) / MILLION
    with look():
        for at, r in enumerate(records(data)):
            assumed = r["status"] in ASSUMPTIONS
            low, high = sorted((r["npv_low_gbp"] / MILLION, r["npv_high_gbp"] / MILLION))
            axis.barh(at, high - low, 0.62, left=low, color=ORANGE if assumed else BLUE, zorder=2)
            mark = "assumed" if assumed else "sourced"
            axis.text(right + 0.02 * (right - base), at, f"  {mark}; {_zero(r)}", va="center", fontsize=7.5, color=TEXT)
        axis.axvline(base, color=TEXT, lw=1.0, zorder=3)
        axis.axvline(0, color=MUTED, lw=0.8, ls=":", zorder=3)
        rows_of(axis, [f"{r['input']} ({number(r['low'])} to {number(r['high'])})" for r in records(data)])
        axis.tick_params(axis="y", labelsize=7.5)
        canvas.supxlabel(f"net present value, {million(sim)}; solid line: base, dotted line: 0", fontsize=9)
    return canvas


def _zero(r: dict[str, object]) -> str:
    value = float(str(r["switching_value"]))
    return f"0 at {number(value)}, {r['inside_range']}" if np.isfinite(value) else "no value turns it"


def tornado(sim: Simulated, case: Case) -> Figure:
    """One input at a time, low and high, with switching values."""
    data, rest = bars(case), case.sensitivity.interaction
    top = str(data["input"].iloc[0])
    left = f" Share of the variance that single inputs leave open: {100 * rest:.0f} %;" if np.isfinite(rest) else ""
    note = f"{left} {case.sensitivity.advice}".rstrip(".") + "."
    return Figure(
        key="case-tornado", title=f"The answer hangs most on {top}", measure="Net present value of the programme, "
        "each input at its low and high end, the others at base", unit=unit_of(sim, case), place=sim.place,
        period=period_of(case), how="estimated",
        alt=f"Tornado chart of the {len(data)} inputs that move the net present value most; {top} first. "
            "Each row says whether the input is assumed, and the value at which the result is 0.",
        band="Bars: one input at a time, no interval; orange: assumed input, blue: sourced." + note,
        source=sim.source, canvas=_draw_bars(sim, data), data=_bar_table(sim, data),
    )  # fmt: skip


def _bar_table(sim: Simulated, data: pd.DataFrame) -> pd.DataFrame:
    keep = ["input", "status", "unit", "value", "low", "high", "npv_low_gbp", "npv_high_gbp", "switching_value",
            "inside_range", "share"]  # fmt: skip
    out = data[keep].assign(**{c: data[c].round(-3) for c in ("npv_low_gbp", "npv_high_gbp")})
    return out.rename(columns={
        "npv_low_gbp": f"net present value at low ({sim.currency})", "inside_range": "within its range?",
        "npv_high_gbp": f"net present value at high ({sim.currency})", "switching_value": "switching value",
        "share": "first-order share of the variance",
    })  # fmt: skip


# --- cumulative money --------------------------------------------------------------------------------


def cumulative(case: Case) -> pd.DataFrame:
    """Discounted sums up to each year: what (benefit, cost, net), year, value (median), ends of 50 and 95 %, chance."""
    drawn, rows = case.draws.yearly_classes[OPTION], []
    parts = {"benefit": [CLASSES.index(k) for k in BENEFITS], "cost": [CLASSES.index(k) for k in COSTS],
             "net": list(range(len(CLASSES)))}  # fmt: skip
    for what, kinds in parts.items():
        sums = np.cumsum(drawn[kinds].sum(axis=0) * case.factors[:, None], axis=0)
        sums = -sums if what == "cost" else sums
        marks = np.quantile(sums, [0.5, *ENDS, 0.25, 0.75], axis=1)
        for y in range(case.years):
            rows.append((what, case.first_year + y, *marks[:, y], float(np.mean(sums[y] > 0)), sums.shape[1]))
    return pd.DataFrame(rows, columns=["what", "year", "value", "low", "high", "q25", "q75", "chance", "n"])


def _draw_fan(sim: Simulated, data: pd.DataFrame) -> Canvas:
    canvas, axes = panels(["Benefit and cost", "Benefit less cost"], 3.4, share_y=False)
    with look():
        for what, colour, dash in (("benefit", BLUE, "-"), ("cost", ORANGE, "--")):
            _fan(axes[0], data[data["what"] == what], colour, dash, what)
        net = data[data["what"] == "net"]
        _fan(axes[1], net, PLUM, "-", f"net: {100 * float(net['chance'].iloc[-1]):.0f} % of draws above 0")
        axes[1].axhline(0, color=TEXT, lw=0.8)
        for axis in axes:
            axis.set_xticks(sorted(set(data["year"]))[::3])
            axis.grid(axis="y")
        axes[0].set_ylabel(f"{million(sim)}, discounted, cumulative")
        canvas.supxlabel("financial year that begins in", fontsize=9)
    return canvas


def _fan(axis: Axes, rows: pd.DataFrame, colour: str, dash: str, name: str) -> None:
    x = rows["year"].to_numpy()
    ribbon(axis, x, rows["low"] / MILLION, rows["high"] / MILLION, colour)
    ribbon(axis, x, rows["q25"] / MILLION, rows["q75"] / MILLION, colour)
    axis.plot(x, rows["value"] / MILLION, color=colour, ls=dash)
    at = len(x) // 2
    direct_label(axis, x[at], float(rows["high"].iloc[at]) / MILLION, name, "center", "bottom")


def fan(sim: Simulated, case: Case) -> Figure:
    """Cumulative benefit against cost, and the chance that the one passes the other."""
    data = cumulative(case)
    last = data[data["what"] == "net"].iloc[-1]
    chance = f"{100 * last['chance']:.0f} %"
    table = data.assign(chance=(100 * data["chance"]).round(1), **{
        c: data[c].round(-3) for c in ("value", "low", "high", "q25", "q75")})  # fmt: skip
    return Figure(
        key="case-fan", title=f"In {chance} of draws benefits pass costs by {int(last['year']) + 1}",
        measure="Cumulative discounted benefit, cost and their difference, programme less business as usual",
        unit=unit_of(sim, case), place=sim.place, period=period_of(case), how="estimated",
        alt="Two fan charts over financial years: cumulative benefit and cost, and benefit less cost. At the end "
            f"{chance} of draws lie above zero.",
        band=f"Lines: median of draws; ribbons: 50 and 95 % of {int(last['n']):,} draws of the inputs, most of them "
             "assumptions. The model's form is in none of them.",
        source=sim.source, canvas=_draw_fan(sim, data), row_heads=2,
        data=table.rename(columns={
            "what": "sum", "year": "financial year from", "value": f"median ({sim.currency})",
            "low": f"95 %, lower end ({sim.currency})", "high": f"95 %, upper end ({sim.currency})",
            "q25": f"50 %, lower end ({sim.currency})", "q75": f"50 %, upper end ({sim.currency})",
            "chance": "above 0 (% of draws)", "n": "n (draws)"}),
    )  # fmt: skip
