"""The sourced figures of a scenario, and how many there are of each status; the assumptions are in `assumption_log`."""

from collections.abc import Iterator

import pandas as pd
from pydantic import BaseModel

from filmless.report.simulated import Simulated
from sim.world.quantity import Sourced

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


def statuses(sim: Simulated) -> pd.DataFrame:
    """How many figures there are of each status, in the scenario and in each of its tables."""
    rows = [("scenario", q.status) for _, q in figures(sim.world.scenario)]
    rows += [(f"table {name}", row.status) for name in TABLES for row in getattr(sim.world, name)]
    frame = pd.DataFrame(rows, columns=["where", "status"])
    counts = frame.groupby(["where", "status"]).size().rename("figures").reset_index()
    return counts.sort_values(["where", "figures"], ascending=[True, False], ignore_index=True)
