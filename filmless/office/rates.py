"""Which inputs a line is proportional to, found by trying: what a spreadsheet may then compute by itself.

Each level of a line is a quantity times a rate; the rate is the product of all inputs x for which the level changes
exactly as x, 1 - x or 1 + x does, in every year and cluster, at two other values. What is left, the quantity, holds
everything else (dates, exams, whole posts) as the model computed it. Nothing here knows what the lines mean, so that
the spreadsheet cannot drift from the model.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.answers.case.case import run_world
from sim.answers.case.discount import factors
from sim.answers.case.evaluate import Model, credit, mean_place, model_of, money, programme_part
from sim.answers.case.inputs import Input, Values, base_values, inputs_of
from sim.answers.case.options import NAMES
from sim.answers.case.places import places_of
from sim.runs.store import Run
from sim.world.world import World

Floats = NDArray[np.float64]
TRIED = (0.9, 0.7)  # of an input's value
EXACT = 1e-11
FORMS: dict[str, Callable[[Floats], Floats]] = {"x": lambda x: x, "1-x": lambda x: 1 - x, "1+x": lambda x: 1 + x}


@dataclass(frozen=True)
class Rate:
    """A product of inputs, each in one of the `FORMS`: (key, form)."""

    terms: tuple[tuple[str, str], ...]

    def value(self, x: Values) -> Floats:
        """The product, float64[draw]."""
        parts = [FORMS[form](x[key]) for key, form in self.terms]
        return np.prod(np.stack(parts), axis=0) if parts else np.ones(1)


@dataclass(frozen=True)
class Grid:
    """The case as quantities and rates. Arrays of levels are float64[cluster, line, year] by option."""

    world: World
    model: Model
    inputs: list[Input]
    clusters: list[str]
    quantities: dict[str, Floats]
    rates: dict[str, list[Rate]]  # option: of each line
    credits: list[Rate]  # of each line; a line that is not counted has quantity 0 instead
    counted: list[bool]
    factors: Floats

    @property
    def options(self) -> list[str]:
        """Business as usual first."""
        return list(self.quantities)

    def levels(self, option: str, x: Values) -> Floats:
        """Levels at other inputs, float64[cluster, line, year]; right for inputs that are in a rate."""
        each = np.array([float(rate.value(x)[0]) for rate in self.rates[option]])
        out: Floats = self.quantities[option] * each[None, :, None]
        return out

    def amounts(self, option: str, x: Values) -> Floats:
        """Credited differences to business as usual, float64[cluster, line, year]."""
        share = np.array([float(c.value(x)[0]) * on for c, on in zip(self.credits, self.counted, strict=True)])
        out: Floats = share[None, :, None] * (self.levels(option, x) - self.levels("bau", x))
        return out

    def npv(self, option: str, x: Values) -> float:
        """Net present value."""
        return float((self.amounts(option, x).sum(axis=(0, 1)) * self.factors).sum())

    @property
    def live(self) -> set[str]:
        """Inputs that may be changed in the spreadsheet."""
        rates = [r for option in self.rates.values() for r in option] + self.credits
        return {key for rate in rates for key, _ in rate.terms}


def _tried(inputs: Sequence[Input]) -> Values:
    """Base in column 0, then each input at each of `TRIED`, one at a time."""
    n = 1 + len(TRIED) * len(inputs)
    out = {i.key: np.full(n, i.value) for i in inputs}
    for k, item in enumerate(inputs):
        for t, part in enumerate(TRIED):
            out[item.key][1 + len(TRIED) * k + t] = item.value * part
    return out


def _form(value: float, base: Floats, others: list[Floats]) -> str:
    """How a level hangs on an input; "" where in none of the ways that a rate knows. Arrays are of any shape."""
    if value == 0 or not np.any(base):
        return ""
    for name, form in FORMS.items():
        at = float(form(np.array(value)))
        wanted = [base * (float(form(np.array(value * part))) / at) for part in TRIED] if at else []
        scale = EXACT * float(np.abs(base).max())
        if wanted and all(np.allclose(w, o, rtol=EXACT, atol=scale) for w, o in zip(wanted, others, strict=True)):
            return name
    return ""


def _rate(tried: Floats, inputs: Sequence[Input]) -> Rate:
    """Of one level, float64[..., column]."""
    n, terms = len(TRIED), []
    for k, item in enumerate(inputs):
        others = [tried[..., 1 + n * k + t] for t in range(n)]
        if form := _form(item.value, tried[..., 0], others):
            terms.append((item.key, form))
    return Rate(tuple(terms))


def grid_of(run: Run) -> Grid:
    """The grid of a run with its film and PACS worlds."""
    world = run_world(run)
    model, inputs = model_of(world), inputs_of(world)
    x, base, d = _tried(inputs), base_values(inputs), world.scenario.appraisal.discount
    places = [mean_place(programme_part(p)) for p in places_of(run, world)]
    found = [money(model, p, x).levels for p in places if p.trusts]
    rates, quantities = dict[str, list[Rate]](), dict[str, Floats]()
    for option in NAMES:
        tried = np.stack([levels[option] for levels in found])  # [cluster, line, year, column]
        rates[option] = [_rate(tried[:, i], inputs) for i in range(len(model.lines))]
        each = np.array([float(r.value(base)[0]) for r in rates[option]])
        quantities[option] = tried[..., 0] / each[None, :, None]
    shares = [np.broadcast_to(credit(model, line, x), len(x["plan.ramp"])) for line in model.lines]
    return Grid(
        world, model, inputs, [p.cluster for p in places if p.trusts], quantities, rates,
        [_rate(s, inputs) if line.row else Rate(()) for s, line in zip(shares, model.lines, strict=True)],
        [bool(s[0] != 0) for s in shares],
        factors(model.years, d.rate.value, d.rate_31.value, d.rate_76.value),
    )  # fmt: skip
