"""Who gains and who pays (G10): the programme's trusts by size, and with or without a Minor Injuries Unit."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.answers.case.draws import CLASSES, Totals, at_means
from sim.answers.case.evaluate import Model
from sim.answers.case.inputs import Values
from sim.answers.case.options import BAU, NAMES
from sim.answers.case.places import Place
from sim.answers.case.summary import ENDS

Floats = NDArray[np.float64]
Chosen = Callable[[Place], NDArray[np.bool_]]


def _with_unit(place: Place) -> NDArray[np.bool_]:
    return np.bincount(place.trust, place.miu, len(place.trusts)) > 0


GROUPS: dict[tuple[str, str], Chosen] = {
    ("size", "larger, with half of the exams"): lambda p: p.larger < 0.5,
    ("size", "smaller, with the other half"): lambda p: p.larger >= 0.5,
    ("units", "with a Minor Injuries Unit"): _with_unit,
    ("units", "without one"): lambda p: ~_with_unit(p),
}


def _classes(totals: Totals, option: str) -> Floats:
    """Present values by class and their sum, float64[class + 1, draw]."""
    values = totals.by_cluster[option].sum(axis=0)
    return np.vstack([values, values.sum(axis=0)])


def _rows(labels: dict[str, object], base: Totals, drawn: Totals) -> pd.DataFrame:
    parts = []
    for option in NAMES:
        if option == BAU:
            continue
        values = _classes(drawn, option)
        low, high = np.quantile(values, ENDS, axis=1)
        parts.append(pd.DataFrame({
            "option": option, **labels, "class": [*CLASSES, "npv"], "value": _classes(base, option)[:, 0], "low": low,
            "high": high, "n": values.shape[1],
        }))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def groups_table(model: Model, places: list[Place], base: Values, x: Values, factors: Floats) -> pd.DataFrame:
    """option, grouping, group, trusts, class (and npv), value, low, high in present value, n draws."""
    out = []
    for (grouping, group), chosen in GROUPS.items():
        parts = [p.part(np.flatnonzero(p.programme & chosen(p))) for p in places]
        parts = [p for p in parts if p.trusts]
        if parts:
            labels = {"grouping": grouping, "group": group, "trusts": sum(len(p.trusts) for p in parts)}
            out.append(_rows(labels, at_means(model, parts, base, factors), at_means(model, parts, x, factors)))
    return pd.concat(out, ignore_index=True) if out else pd.DataFrame()
