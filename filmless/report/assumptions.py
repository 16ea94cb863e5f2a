"""What the run assumed: every figure of its scenario that nobody read at its source, with its range."""

from collections.abc import Iterator

import pandas as pd
from pydantic import BaseModel

from filmless.report.simulated import Simulated
from filmless.report.words import clean
from sim.world.quantity import ASSUMPTIONS, Profile, Quantity, Sourced

TABLES = ("trusts", "sites", "volumes", "mix", "prior_age")


def figures(model: BaseModel, prefix: str = "") -> Iterator[tuple[str, Sourced]]:
    """Every sourced figure below a model, with its dotted key."""
    for name in type(model).model_fields:
        value = getattr(model, name)
        key = f"{prefix}{name}"
        if isinstance(value, Sourced):
            yield key, value
        elif isinstance(value, BaseModel):
            yield from figures(value, f"{key}.")
        elif isinstance(value, dict):
            for part, item in value.items():
                if isinstance(item, BaseModel):
                    yield from figures(item, f"{key}.{part}.")


def _row(sim: Simulated, key: str, q: Sourced) -> dict[str, object]:
    known = sim.world.sources.get(q.source)
    out: dict[str, object] = {
        "quantity": key,
        "value": "profile",
        "unit": "relative weights",
        "low": None,
        "high": None,
    }
    if isinstance(q, Quantity):
        out |= {"value": f"{q.value:g}", "unit": q.unit, "low": f"{q.low:g}", "high": f"{q.high:g}"}
    elif isinstance(q, Profile):
        out |= {"low": f"{q.low:g}" if q.low else None, "high": f"{q.high:g}" if q.high else None}
    else:
        out |= {"value": "stated as a whole", "unit": "see scenario"}
    return out | {"status": q.status, "source": clean(known.source) if known else q.source}


def assumptions(sim: Simulated) -> pd.DataFrame:
    """One row a figure: quantity (dotted key), value, unit, low, high, status, source."""
    found = [(k, q) for k, q in figures(sim.world.scenario) if q.status in ASSUMPTIONS]
    return pd.DataFrame([_row(sim, k, q) for k, q in found],
                        columns=["quantity", "value", "unit", "low", "high", "status", "source"])  # fmt: skip


def statuses(sim: Simulated) -> pd.DataFrame:
    """How many figures there are of each status, in the scenario and in each of its tables."""
    rows = [("scenario", q.status) for _, q in figures(sim.world.scenario)]
    rows += [(f"table {name}", row.status) for name in TABLES for row in getattr(sim.world, name)]
    frame = pd.DataFrame(rows, columns=["where", "status"])
    counts = frame.groupby(["where", "status"]).size().rename("figures").reset_index()
    return counts.sort_values(["where", "figures"], ascending=[True, False], ignore_index=True)
