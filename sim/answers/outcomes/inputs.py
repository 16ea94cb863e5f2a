"""The inputs that drive an outcome: figures of the scenario by their dotted key, and how far they may move it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.world.load import World
from sim.world.quantity import ASSUMPTIONS, Quantity, Status

Levels = Mapping[str, float]


@dataclass(frozen=True)
class Input:
    """One input: its dotted key, its value, the range it may lie in, and how far its source is to be trusted."""

    key: str
    value: float
    low: float
    high: float
    unit: str
    status: Status
    source: str

    @property
    def assumption(self) -> bool:
        """Nobody has read it at its source."""
        return self.status in ASSUMPTIONS


def at_key(world: World, key: str) -> Quantity:
    """A figure of the scenario.

    Raises:
        KeyError: the scenario has no such figure.
    """
    found: Any = world.scenario
    for name in key.split("."):
        found = found.get(name) if isinstance(found, dict) else getattr(found, name, None)
        if found is None:
            raise KeyError(f"the scenario has no figure '{key}'")
    if not isinstance(found, Quantity):
        raise KeyError(f"'{key}' of the scenario is not a single figure")
    return found


def scenario_input(world: World, key: str) -> Input:
    """The input at a dotted key; without a range it is held at its value."""
    q = at_key(world, key)
    ends = [q.value if end is None else end for end in (q.low, q.high)]
    return Input(key, q.value, ends[0], ends[1], q.unit, q.status, q.source)


def scenario_inputs(world: World, *keys: str) -> list[Input]:
    """Several at once."""
    return [scenario_input(world, key) for key in keys]


def by_modality(world: World, *names: str) -> list[Input]:
    """The same figures of every modality, such as its images."""
    return [scenario_input(world, f"modalities.{m}.{name}") for name in names for m in world.scenario.modalities]


def volume_input(world: World, modality: str, year: int) -> Input:
    """A factor on a modality's volume: 1, between the low and high of the volumes table's row for the year."""
    rows = [row for row in world.volumes if row.modality == modality]
    known = [row for row in rows if row.year <= year] or rows[:1]
    row = max(known, key=lambda r: r.year)
    low, high = ((end / row.exams if end and row.exams else 1.0) for end in (row.low, row.high))
    # the table's range may lie to one side of its value (row CR of 2003): the value itself is always possible
    return Input(f"volumes.{modality}", 1.0, min(low, 1.0), max(high, 1.0), "ratio", row.status, row.source)


def ranged(formula: Callable[[Levels], float], inputs: Sequence[Input]) -> tuple[float, float, float]:
    """A formula's value and its parameter range.

    Each input goes to its low and its high, one at a time; the changes are put together as if independent (the root
    of the sum of squares, downward and upward apart), so that a range does not ask for all of the worst at once.
    """
    base = {i.key: i.value for i in inputs}
    value, down, up = formula(base), 0.0, 0.0
    for i in inputs:
        moved = [formula({**base, i.key: end}) - value for end in {i.low, i.high} - {i.value}]
        down += min([0.0, *moved]) ** 2
        up += max([0.0, *moved]) ** 2
    return value, value - float(np.sqrt(down)), value + float(np.sqrt(up))
