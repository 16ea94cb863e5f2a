"""The tidy table of lines: one row an option, trust, year and line, in whole pennies, so that sums are exact."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.answers.case.evaluate import Model, mean_place, money
from sim.answers.case.inputs import Values
from sim.answers.case.options import BAU
from sim.answers.case.places import Place

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def pennies(pounds: Floats) -> Ints:
    """Whole pennies, each cell by itself: a sum of cells is then exact however it is grouped."""
    return np.rint(pounds * 100).astype(np.int64)


def shared_out(parts: Floats) -> Ints:
    """Pennies of what is paid once and carried by share, float[trust, ...]: their sum is the whole's, to the penny.

    Largest remainder: each trust has its share rounded down, the pennies left go to the largest remainders.
    """
    exact = parts * 100
    down = np.floor(exact)
    left = np.rint(exact.sum(axis=0)) - down.sum(axis=0)
    rank = np.argsort(np.argsort(-(exact - down), axis=0, kind="stable"), axis=0)
    out: Ints = (down + (rank < left)).astype(np.int64)
    return out


def _names(model: Model, place: Place, option: str) -> pd.DataFrame:
    lines, years = len(model.lines), model.years
    return pd.DataFrame({
        "option": option, "cluster": place.cluster, "trust": place.trusts[0],
        "year": np.tile(np.arange(model.first, model.first + years, dtype=np.int64), lines),
        "line": np.repeat([line.id for line in model.lines], years),
        "name": np.repeat([line.name for line in model.lines], years),
        "class": np.repeat([line.kind for line in model.lines], years),
    })  # fmt: skip


def _of_trust(model: Model, place: Place, x: Values) -> list[pd.DataFrame]:
    found, out = money(model, place, x), []
    for option, amount in found.amounts.items():
        out.append(_names(model, place, option).assign(
            amount=amount[..., 0].ravel(), level=found.levels[option][..., 0].ravel(),
            bau=found.levels[BAU][..., 0].ravel(),
        ))  # fmt: skip
    return out


def lines_table(model: Model, places: list[Place], x: Values) -> pd.DataFrame:
    """The base case: option, cluster, trust, year, line, name, class, amount_gbp, level_gbp, bau_level_gbp, amount_p.

    `amount_gbp` is the credited difference against business as usual, real, undiscounted, benefit positive; `level_gbp`
    and `bau_level_gbp` are what is spent or spared in the option and in business as usual, before any share of credit.
    """
    parts = []
    for place in map(mean_place, places):
        for t in range(len(place.trusts)):
            parts += _of_trust(model, place.part(np.array([t])), x)
    table = pd.concat(parts, ignore_index=True)
    for name in ("amount", "level", "bau"):
        table[name + "_p"] = pennies(table[name].to_numpy())
    _share_out_office(table)
    for name, column in (("amount", "amount_gbp"), ("level", "level_gbp"), ("bau", "bau_level_gbp")):
        table[column] = table[name + "_p"] / 100
    keep = ["option", "cluster", "trust", "year", "line", "name", "class", "amount_gbp", "level_gbp", "bau_level_gbp",
            "amount_p"]  # fmt: skip
    return table[keep].astype(dict.fromkeys(("option", "cluster", "trust", "line", "name", "class"), "category"))


def _share_out_office(table: pd.DataFrame) -> None:
    """What the nation pays once is carried by the trusts to the penny."""
    rows = np.flatnonzero(table["line"] == "office")
    for name in ("amount", "level", "bau"):
        wide = table.iloc[rows].pivot_table(index="trust", columns=["option", "year"], values=name, sort=True)
        exact = pd.DataFrame(shared_out(wide.to_numpy()), index=wide.index, columns=wide.columns)
        keys = table.iloc[rows][["trust", "option", "year"]]
        at_row = exact.index.get_indexer(pd.Index(keys["trust"]))
        at_column = exact.columns.get_indexer(pd.MultiIndex.from_frame(keys[["option", "year"]]))
        table.loc[rows, name + "_p"] = exact.to_numpy()[at_row, at_column]
