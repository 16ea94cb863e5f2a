"""The benefits register as a table (A4): one row a benefit or dis-benefit, with what it comes to."""

import numpy as np
import pandas as pd

from sim.answers.case.catalogue import DIS, IN_KIND
from sim.answers.case.draws import Draws
from sim.answers.case.summary import ENDS
from sim.world.money import Benefit
from sim.world.world import World

OPTION = "programme"
DEADWEIGHT = "by the counterfactual: business as usual adopts too"
RAMP = "sites go live one after another within plan.ramp; parallel printing for effects.parallel"


def _row(code: str, row: Benefit) -> dict[str, object]:
    shares = dict[str, object]()
    for name in ("attribution", "realisation", "cash"):
        q = getattr(row, name)
        shares |= {f"{name}_share": q.value, f"{name}_low": q.low, f"{name}_high": q.high}
    counted = row.counted and bool(row.baseline.strip())
    state = "counted" if counted else ("switched off" if not row.counted else "claim: no baseline, not counted")
    return {
        "id": code, "name": row.name, "class": row.kind, "owner": row.owner, "beneficiary": row.beneficiary,
        "measure": row.measure, "baseline": row.baseline, "mechanism": row.mechanism, "unit": row.unit,
        "value_per_unit": row.value_per_unit, "ramp_up": RAMP, "start": "the trust's go-live",
        "end": "the last year appraised", "deadweight": DEADWEIGHT, **shares,
        "cash_date": "when the contract or post ends (effects.contract_lag, post_lag, space_lag)",
        "evidence_status": row.realisation.status, "confidence": row.confidence, "dependency": row.dependency,
        "double_counting": row.double_counting, "dis_benefit": row.kind == DIS, "state": state,
        "source_trusts": row.source_trusts.value,
    }  # fmt: skip


def register_table(world: World, base: pd.Series, draws: Draws) -> pd.DataFrame:
    """All rows, with the present value of each in the programme (GBP): value, low, high of the draws, n."""
    rows, drawn = [], draws.by_line[OPTION]
    for code, row in world.scenario.benefits.rows():
        own = [name for name in (code, code + IN_KIND) if name in drawn]
        sums = drawn[own].sum(axis=1)
        low, high = np.quantile(sums, ENDS)
        rows.append({**_row(code, row), "pv_gbp": float(base[own].sum()), "pv_low_gbp": low, "pv_high_gbp": high,
                     "n": len(sums)})  # fmt: skip
    return pd.DataFrame(rows)
