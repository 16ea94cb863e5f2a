"""What an outcome is: one value with its interval, its n, its unit, and the inputs that drive it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from sim.answers.intervals import Interval
from sim.answers.outcomes.inputs import Input, Levels, ranged
from sim.world.quantity import Status

Kind = Literal["simulation interval", "parameter range", "simulation interval and parameter range", "none"]
NATION = "all"
RANGE_METHOD = "each input at its low and its high, one at a time; root of the sum of squares"


class Driver(BaseModel):
    """An input as it is told: an assumption is named as one."""

    model_config = ConfigDict(extra="forbid")
    key: str
    value: float
    low: float
    high: float
    unit: str
    status: Status
    assumption: bool
    source: str


class Told(BaseModel):
    """One figure of an outcome, as `filmless outcomes --json` gives it."""

    model_config = ConfigDict(extra="forbid")
    id: str
    title: str
    date: str
    cluster: str = Field(description="code of a cluster, or 'all' for every cluster of the run")
    split: dict[str, str] = Field(description="what the figure is of: pathway, setting, modality, statistic, ...")
    value: float | None = Field(description="null: the run does not hold it")
    low: float | None
    high: float | None
    interval: Kind
    method: str = Field(description="how the interval was made; why there is none")
    n: int = Field(description="replications or draws; 0 for a parameter range alone")
    unit: str
    inputs: list[Driver]
    note: str = ""


class Report(BaseModel):
    """All figures of one call."""

    model_config = ConfigDict(extra="forbid")
    run: str
    scenario: str
    scenario_hash: str
    date: str
    clusters: list[str]
    blind: str = "model mechanisms, not fitted to any outcome after August 2006"
    outcomes: list[Told]


@dataclass(frozen=True)
class Figure:
    """A value with its interval; `split` says which of an outcome's figures it is."""

    value: float
    low: float
    high: float
    interval: Kind
    method: str
    n: int
    split: Mapping[str, str] = field(default_factory=dict)
    inputs: Sequence[Input] = ()
    note: str = ""


def of_inputs(formula: Callable[[Levels], float], inputs: Sequence[Input], note: str = "", **split: str) -> Figure:
    """A figure that follows from inputs alone."""
    value, low, high = ranged(formula, inputs)
    kind: Kind = "parameter range" if low < high else "none"
    why = RANGE_METHOD if low < high else "no input of it has a range"
    return Figure(value, low, high, kind, why, 0, split, inputs, note)


def simulated(i: Interval, inputs: Sequence[Input], split: Mapping[str, str], scale: float = 1.0,
              note: str = "") -> Figure:  # fmt: skip
    """A figure measured in the run; chance alone is in its interval."""
    kind: Kind = "simulation interval" if i.low == i.low else "none"
    return Figure(i.value * scale, i.low * scale, i.high * scale, kind, i.method, i.n, split, inputs, note)
