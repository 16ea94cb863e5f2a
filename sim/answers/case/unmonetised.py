"""The table of what is not in money (G11)."""

import numpy as np
import pandas as pd

from sim.answers.case.draws import Draws, Totals
from sim.answers.case.options import NAMES
from sim.answers.case.physical import PHYSICAL
from sim.answers.case.summary import ENDS


def unmonetised_table(base: Totals, draws: Draws) -> pd.DataFrame:
    """One row an option and thing: what is spared over all years against business as usual; value, low, high, n."""
    rows = []
    for option in NAMES:
        drawn = draws.spared[option]
        for i, thing in enumerate(PHYSICAL):
            low, high = np.quantile(drawn[thing.id], ENDS)
            value = float(base.spared[option][i, 0])
            rows.append({
                "option": option, "measure": thing.id, "name": thing.name, "unit": thing.unit, "value": value,
                "low": low, "high": high, "n": len(drawn),
                "direction": "spared" if value > 0 else ("added" if value < 0 else "no change"),
            })  # fmt: skip
    return pd.DataFrame(rows)
