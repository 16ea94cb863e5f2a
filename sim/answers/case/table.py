"""The tidy table of lines: one row an option, trust, year and line, in whole pennies, so that sums are exact."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.answers.case.evaluate import Model, mean_place, money
from sim.answers.case.inputs import Values
from sim.answers.case.options import BAU, NAMES
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


def _levels(model: Model, places: list[Place], x: Values) -> tuple[Floats, Floats, Floats]:
    """Amounts, levels and business as usual's levels, float64[place, option, line, year] each."""
    amounts, own = [], []
    for place in places:
        found = money(model, place, x, things=False)
        amounts.append(np.stack(list(found.amounts.values()))[..., 0])
        own.append(np.stack(list(found.levels.values()))[..., 0])
    levels = np.stack(own)
    usual = levels[:, [list(NAMES).index(BAU)]]
    return np.stack(amounts), levels, np.broadcast_to(usual, levels.shape)


def _column(names: list[str], axis: int, shape: tuple[int, ...]) -> "pd.Categorical[str]":
    """A label that changes along one axis, for every cell of an array."""
    known = list(dict.fromkeys(names))
    codes = np.array([known.index(n) for n in names]).reshape([-1 if i == axis else 1 for i in range(len(shape))])
    return pd.Categorical.from_codes(np.broadcast_to(codes, shape).ravel(), pd.Index(known))


def _labels(model: Model, places: list[Place], shape: tuple[int, ...]) -> pd.DataFrame:
    years = np.arange(model.first, model.first + model.years, dtype=np.int64)
    return pd.DataFrame({
        "option": _column(list(NAMES), 1, shape), "cluster": _column([p.cluster for p in places], 0, shape),
        "trust": _column([p.trusts[0] for p in places], 0, shape), "year": np.broadcast_to(years, shape).ravel(),
        "line": _column([line.id for line in model.lines], 2, shape),
        "name": _column([line.name for line in model.lines], 2, shape),
        "class": _column([line.kind for line in model.lines], 2, shape),
    })  # fmt: skip


def lines_table(model: Model, places: list[Place], x: Values) -> pd.DataFrame:
    """The base case: option, cluster, trust, year, line, name, class, amount_gbp, level_gbp, bau_level_gbp, amount_p.

    `amount_gbp` is the credited difference against business as usual, real, undiscounted, benefit positive; `level_gbp`
    and `bau_level_gbp` are what is spent or spared in the option and in business as usual, before any share of credit.
    """
    alone = [p.part(np.array([t])) for p in map(mean_place, places) for t in range(len(p.trusts))]
    office = [line.id for line in model.lines].index("office")
    found = _levels(model, alone, x)
    table = _labels(model, alone, found[0].shape)
    for name, pounds in zip(("amount_gbp", "level_gbp", "bau_level_gbp"), found, strict=True):
        whole = pennies(pounds)
        whole[:, :, office] = shared_out(pounds[:, :, office])  # the nation pays it once
        table[name] = whole.ravel() / 100
        if name == "amount_gbp":
            table["amount_p"] = whole.ravel()
    return table
