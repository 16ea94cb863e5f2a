"""The uncertain inputs of the case, and their draws: each from its own named stream, correlated ones through a factor.

A draw of an input hangs on (seed, key) alone: one more input, option or trust changes nobody's draws, so that all
options and all what-ifs are compared on common random numbers.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from sim.answers.case.discount import optimism
from sim.world.quantity import Quantity
from sim.world.rules import figures
from sim.world.streams import stream_key
from sim.world.toml_places import Path_
from sim.world.world import World

Floats = NDArray[np.float64]
SECTIONS = ("prices", "counterfactual", "costs", "effects")  # whole sections
FILM = ("pull", "filing", "porter_time", "residual_print", "lost")
MODALITY = ("sheets", "reject_film", "reject_digital")
SHARES = ("attribution", "realisation", "cash")
FIXED = ("costs.vat", "costs.typical_trust")  # a statute, and a yardstick
BIASES = ("capital", "duration", "running", "benefits")
WIDE = 1.959964  # of a normal distribution's standard deviations, either side: 95 %


@dataclass(frozen=True)
class Input:
    """One input: value, range and distribution. `triangular`: low and high are its ends, value its mode."""

    key: str
    value: float
    low: float
    high: float
    distribution: str
    unit: str
    source: str
    status: str
    note: str = ""

    @property
    def uncertain(self) -> bool:
        """Has it a range?"""
        return self.high > self.low

    def quantile(self, u: Floats) -> Floats:
        """The value below which a share u of its distribution lies."""
        if not self.uncertain:
            return np.full_like(u, self.value)
        if self.distribution == "normal":
            spread = (self.high - self.value) / WIDE
            return np.maximum(self.value + spread * ndtri(u), 0.0)
        width, left = self.high - self.low, self.value - self.low
        mode = left / width
        below = self.low + np.sqrt(u * width * left)
        above = self.high - np.sqrt((1 - u) * width * (width - left))
        return np.where(u < mode, below, above)


Values = dict[str, Floats]


def _wanted(at: Path_) -> bool:
    head, last = at[0], at[-1]
    if head in SECTIONS:
        return True
    return (
        (head == "film" and last in FILM) or (head == "modalities" and last in MODALITY)
        or (head == "benefits" and last in SHARES) or at in (("plan", "ramp"), ("appraisal", "demand"))
    )  # fmt: skip


def _figure(at: Path_, q: Quantity) -> Input:
    key = ".".join(map(str, at))
    low, high = (q.value if bound is None or key in FIXED else bound for bound in (q.low, q.high))
    kind = "triangular" if high > low else "fixed"
    return Input(key, q.value, low, high, kind, q.unit, q.source, q.status, q.note)


def _biases(world: World) -> Iterator[Input]:
    """Each bias by its formula, between its bounds."""
    appraisal = world.scenario.appraisal
    weights = np.array([c.weight.value for c in appraisal.causes.values()])
    managed = np.array([c.managed.value for c in appraisal.causes.values()])
    for kind in BIASES:
        bounds = getattr(appraisal.bias, kind)
        value = optimism(bounds.upper.value, bounds.lower.value, weights, managed)
        yield Input(f"appraisal.bias.{kind}", value, bounds.lower.value, bounds.upper.value, "triangular", "ratio",
                    bounds.upper.source, bounds.upper.status, "upper bound, less what is managed")  # fmt: skip


def _evidence(world: World) -> Iterator[Input]:
    """What few source trusts leave open (N8): the standard error of their mean, about 1."""
    for code, row in world.scenario.benefits.rows():
        error = row.spread.value / np.sqrt(max(row.source_trusts.value, 1.0))
        kind = "normal" if error > 0 else "fixed"
        yield Input(f"benefits.{code}.evidence", 1.0, max(0.0, 1 - WIDE * error), 1 + WIDE * error, kind, "ratio",
                    row.spread.source, row.spread.status, f"{row.source_trusts.value:g} source trusts")  # fmt: skip


def inputs_of(world: World) -> list[Input]:
    """All inputs of the money model in the order of the scenario, those without a range too."""
    found = [_figure(at, q) for at, q in figures(world.scenario) if isinstance(q, Quantity) and _wanted(at)]
    return [*found, *_biases(world), *_evidence(world)]


def table_of(inputs: list[Input]) -> pd.DataFrame:
    """One row an input."""
    return pd.DataFrame([vars(i) for i in inputs])


def base_values(inputs: list[Input]) -> Values:
    """The scenario's own figures, float64[1] each."""
    return {i.key: np.array([i.value]) for i in inputs}


def _normals(seed: int, name: str, n: int) -> Floats:
    bits = np.random.Philox(key=stream_key(seed, 0, f"money {name}", "", ""))
    uniform = np.random.Generator(bits).random(n)
    return np.asarray(ndtri(np.clip(uniform, 1e-12, 1 - 1e-12)), dtype=np.float64)


def correlated(world: World, own: Floats, key: str, common: dict[str, Floats]) -> Floats:
    """Standard normal values of an input: its own, mixed with its group's common factor."""
    for name, group in world.scenario.correlations.items():
        if key in group.members:
            rho = group.correlation.value
            mixed: Floats = np.sqrt(rho) * common[name] + np.sqrt(1 - rho) * own
            return mixed
    return own


def uniforms(world: World, inputs: list[Input], n: int, seed: int) -> Values:
    """A share of its distribution for each uncertain input and draw, float64[n] each."""
    common = {name: _normals(seed, f"factor {name}", n) for name in world.scenario.correlations}
    out = {}
    for i in inputs:
        if i.uncertain:
            out[i.key] = np.asarray(ndtr(correlated(world, _normals(seed, i.key, n), i.key, common)))
    return out


def draw(world: World, inputs: list[Input], n: int, seed: int) -> Values:
    """n draws of every input, float64[n] each; inputs without a range stay as they are."""
    u = uniforms(world, inputs, n, seed)
    return {i.key: i.quantile(u[i.key]) if i.uncertain else np.full(n, i.value) for i in inputs}


def at_end(inputs: list[Input], key: str, end: str) -> Values:
    """The base values, with one input at its low or high end."""
    return base_values([replace(i, value=getattr(i, end)) if i.key == key else i for i in inputs])
