"""Present values of each programme trust, by class, with intervals: from fewer draws than the nation's."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.answers.case.draws import CHUNK, CLASSES, Progress, class_matrix
from sim.answers.case.evaluate import Model, mean_place, money, programme_part
from sim.answers.case.inputs import Values
from sim.answers.case.options import BAU, NAMES
from sim.answers.case.places import Place
from sim.answers.case.summary import ENDS

Floats = NDArray[np.float64]
TRUST_DRAWS = CHUNK  # one cache-sized piece a trust


def _classes(model: Model, place: Place, x: Values, factors: Floats) -> dict[str, Floats]:
    """Present values, float64[class, draw] of each option."""
    kinds = class_matrix(model)
    found = money(model, place, x, things=False).amounts
    return {o: kinds @ np.einsum("lyd,y->ld", amount, factors) for o, amount in found.items() if o != BAU}


def _rows(place: Place, base: dict[str, Floats], drawn: dict[str, Floats]) -> pd.DataFrame:
    parts = []
    for option, values in drawn.items():
        every = np.vstack([values, values.sum(axis=0)])
        low, high = np.quantile(every, ENDS, axis=1)
        own = np.append(base[option][:, 0], base[option][:, 0].sum())
        parts.append(pd.DataFrame({
            "option": option, "cluster": place.cluster, "trust": place.trusts[0], "class": [*CLASSES, "npv"],
            "value": own, "low": low, "high": high, "n": values.shape[1],
        }))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def trusts_table(model: Model, places: list[Place], base: Values, x: Values, factors: Floats,
                 progress: Progress = lambda done, whole, text: None) -> pd.DataFrame:  # fmt: skip
    """option, cluster, trust, class (and npv), value, low, high in GBP, n draws; options beside business as usual."""
    parts, alone = [], [programme_part(mean_place(p)) for p in places]
    every = [p.part(np.array([t])) for p in alone for t in range(len(p.trusts))]
    for i, place in enumerate(every):
        parts.append(_rows(place, _classes(model, place, base, factors), _classes(model, place, x, factors)))
        progress(i + 1, len(every), "trusts")
    if not parts:
        return pd.DataFrame(columns=["option", "cluster", "trust", "class", "value", "low", "high", "n"])
    order = {o: i for i, o in enumerate(NAMES)}
    return pd.concat(parts, ignore_index=True).sort_values(
        "option", key=lambda column: column.map(order), kind="stable", ignore_index=True
    )
