"""The case by class, line, year, cluster or trust: each figure with its interval and the number of draws."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.answers.case.case import Case
from sim.answers.case.draws import CLASSES
from sim.answers.case.summary import ENDS

Floats = NDArray[np.float64]


def _with_interval(rows: pd.DataFrame, draws: Floats) -> pd.DataFrame:
    """Rows with low, high and n of draws[row, draw]."""
    low, high = np.quantile(draws, ENDS, axis=1)
    return rows.assign(low=low, high=high, n=draws.shape[1])


def _lines(case: Case, option: str) -> pd.DataFrame:
    rows = case.lines[case.lines["option"] == option]
    return rows.assign(pv=rows["amount_gbp"] * case.factors[rows["year"].to_numpy() - case.first_year])


def by_class(case: Case, option: str) -> pd.DataFrame:
    """Present value of each class; classes stand apart."""
    sums = _lines(case, option).groupby("class", observed=True)["pv"].sum()
    rows = pd.DataFrame({"class": list(CLASSES), "value": [float(sums.get(k, 0.0)) for k in CLASSES]})
    return _with_interval(rows, case.draws.classes[option].to_numpy().T)


def by_line(case: Case, option: str) -> pd.DataFrame:
    """Present value of each line."""
    sums = _lines(case, option).groupby(["line", "name", "class"], observed=True)["pv"].sum().reset_index()
    rows = sums.set_index("line").loc[list(case.draws.by_line[option])].reset_index()
    return _with_interval(rows.rename(columns={"pv": "value"})[["class", "line", "name", "value"]],
                          case.draws.by_line[option].to_numpy().T)  # fmt: skip


def by_year(case: Case, option: str) -> pd.DataFrame:
    """Each class in each financial year, undiscounted."""
    sums = _lines(case, option).groupby(["class", "year"], observed=True)["amount_gbp"].sum()
    years = range(case.first_year, case.first_year + case.years)
    keys = [(k, y) for k in CLASSES for y in years]
    rows = pd.DataFrame(keys, columns=["class", "year"])
    rows["value"] = [float(sums.get(key, 0.0)) for key in keys]
    return _with_interval(rows, case.draws.yearly_classes[option].reshape(len(keys), -1))


def by_cluster(case: Case, option: str) -> pd.DataFrame:
    """Present value of each class in each cluster."""
    sums = _lines(case, option).groupby(["cluster", "class"], observed=True)["pv"].sum()
    clusters = list(dict.fromkeys(case.lines["cluster"].astype(str)))
    keys = [(c, k) for c in clusters for k in CLASSES]
    rows = pd.DataFrame(keys, columns=["cluster", "class"])
    rows["value"] = [float(sums.get(key, 0.0)) for key in keys]
    return _with_interval(rows, case.draws.by_cluster[option].reshape(len(keys), -1))


def by_trust(case: Case, option: str) -> pd.DataFrame:
    """Present value of each class, and net, in each programme trust."""
    rows = case.trusts[case.trusts["option"] == option]
    return rows.drop(columns="option").reset_index(drop=True)


def by_group(case: Case, option: str) -> pd.DataFrame:
    """Present value of each class, and net, in groups of trusts (G10)."""
    rows = case.groups[case.groups["option"] == option]
    return rows.drop(columns="option").reset_index(drop=True)


VIEWS: dict[str, Callable[[Case, str], pd.DataFrame]] = {
    "class": by_class, "line": by_line, "year": by_year, "cluster": by_cluster, "trust": by_trust,
    "group": by_group,
}  # fmt: skip
