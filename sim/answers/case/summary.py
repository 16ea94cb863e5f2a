"""What an option comes to: present values by class, net present value, ratio, payback, cost per exam.

Classes stand apart. Only the net present value brings them together, as the Green Book asks (G7); it is no saving.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.answers.case.catalogue import BENEFITS, CASH, COSTS
from sim.answers.case.draws import CLASSES
from sim.answers.case.options import NAMES

Floats = NDArray[np.float64]
ENDS = (0.025, 0.975)
DEFINITIONS = {
    "npv": "net present value: all classes of benefit, less dis-benefits, less public cost, against business as usual",
    "bcr": "benefit-cost ratio: present value of all benefits less dis-benefits, over present public cost (capital and "
           "running cost, less what business as usual would have spent); empty where that cost is not above 0",
    "net_cash": "present value of cash-releasing benefits less public cost: what budgets feel, without time and "
                "patients",
    "public_cost": "present value of capital and running cost, less what business as usual would have spent",
    "payback_year": "financial year from which the discounted sum of all years so far stays above 0; empty: never in "
                    "the years appraised",
    "cost_per_exam": "present public cost over the programme trusts' exams, discounted alike",
}  # fmt: skip


def pv_name(kind: str) -> str:
    """Id of a class's present value, such as `pv_cash_releasing`."""
    return "pv_" + kind.replace(" ", "_").replace("-", "_")


def payback(by_year: Floats, factors: Floats, first: int) -> Floats:
    """Financial year of payback, float64[draw]; infinite where there is none. by_year float64[year, draw]."""
    above = np.cumsum(by_year * factors[:, None], axis=0) > 0
    stays = np.logical_and.accumulate(above[::-1], axis=0)[::-1]
    return np.where(stays.any(axis=0), first + stays.argmax(axis=0), np.inf)


def measures(classes: Floats, by_year: Floats, factors: Floats, first: int, exams: float) -> dict[str, Floats]:
    """Every measure of an option, float64[draw] each; classes float64[class, draw] in the order of `CLASSES`."""
    by = dict(zip(CLASSES, classes, strict=True))
    benefit = sum((by[k] for k in BENEFITS), np.zeros(1))
    cost = -sum((by[k] for k in COSTS), np.zeros(1))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(cost > 0, benefit / cost, np.nan)
    return {
        **{pv_name(kind): value for kind, value in by.items()}, "public_cost": cost, "npv": benefit - cost,
        "net_cash": by[CASH] - cost, "bcr": ratio, "payback_year": payback(by_year, factors, first),
        "cost_per_exam": cost / exams if exams else np.full_like(cost, np.nan),
    }  # fmt: skip


def _row(option: str, measure: str, value: float, draws: Floats) -> dict[str, object]:
    known = draws[~np.isnan(draws)]
    low, high = np.quantile(known, ENDS, method="nearest") if len(known) else (np.nan, np.nan)
    finite = known[np.isfinite(known)]
    return {
        "option": option, "option_name": NAMES[option], "measure": measure,
        "value": value if np.isfinite(value) else np.nan, "low": low if np.isfinite(low) else np.nan,
        "high": high if np.isfinite(high) else np.nan, "mean": finite.mean() if len(finite) else np.nan,
        "n": len(draws), "chance_above_zero": float(np.mean(np.isfinite(draws) & (draws > 0))),
        "definition": DEFINITIONS.get(measure, "present value of this class, against business as usual"),
    }  # fmt: skip


def summary_table(base: dict[str, dict[str, Floats]], drawn: dict[str, dict[str, Floats]]) -> pd.DataFrame:
    """One row an option and measure: value at the base figures, 95 % interval (low, high) and mean of the draws, n,
    chance above zero (of `payback_year`: chance of a payback in the years appraised), definition."""
    return pd.DataFrame([
        _row(option, measure, float(base[option][measure][0]), values)
        for option in drawn for measure, values in drawn[option].items()
    ])  # fmt: skip


def realised(lines: pd.DataFrame, factors: Floats, first: int, year: int) -> pd.DataFrame:
    """Present value by option and class, split into what lies before a financial year and what is forecast (N9)."""
    worth = lines["amount_gbp"].to_numpy() * factors[lines["year"].to_numpy() - first]
    data = lines[["option", "class"]].assign(
        realised_gbp=np.where(lines["year"] < year, worth, 0.0),
        forecast_gbp=np.where(lines["year"] >= year, worth, 0.0),
    )
    return data.groupby(["option", "class"], observed=True, sort=False).sum().reset_index()
