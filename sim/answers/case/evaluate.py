"""The money of every option and line in a place, for any number of draws at once."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sim.answers.case.activity import Activity, activity
from sim.answers.case.catalogue import DIS, Line, lines_of
from sim.answers.case.inputs import Values, inputs_of
from sim.answers.case.options import BAU, timelines
from sim.answers.case.physical import PHYSICAL
from sim.answers.case.places import Place, years_between
from sim.world.financial_year import financial_year
from sim.world.world import World

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Model:
    """What all evaluations share."""

    world: World
    lines: list[Line]
    base: dict[str, float]
    ages: tuple[Floats, Floats]
    years: int
    first: int  # financial year

    @property
    def plan_start(self) -> float:
        """Years from the first financial year's start to the plan's."""
        return self.base["plan.start"]


def model_of(world: World) -> Model:
    """The money model of a scenario."""
    first = financial_year(world.scenario.plan.start)
    base = {i.key: i.value for i in inputs_of(world)}
    base |= {f"modalities.{m}.dose": v.dose.value for m, v in world.scenario.modalities.items()}
    base |= {f"film.{name}": getattr(world.scenario.film, name).value for name in ("developer", "fixer")}
    base["plan.start"] = years_between(first, world.scenario.plan.start)
    ages = (np.array([row.months for row in world.prior_age]) / 12, np.array([row.share for row in world.prior_age]))
    years = int(world.scenario.appraisal.years.value)
    return Model(world, lines_of(world), base, ages, years, first)


def credit(model: Model, line: Line, x: Values) -> Floats:
    """The part of a level's difference that is credited to an option (A4's formula), float64[draw].

    A benefit without a baseline, or switched off, is shown and not counted (N1). What is credited to the programme is
    credited to business as usual too, so that the same shares hold on both sides of the difference.
    """
    if not line.row:
        return np.ones(1)
    row, key = getattr(model.world.scenario.benefits, line.row), f"benefits.{line.row}."
    if not row.counted or not row.baseline.strip():
        return np.zeros(1)
    part = x[key + "attribution"] * x[key + "realisation"] * x[key + "evidence"]
    if row.kind != DIS:
        part = part * (1 - x["appraisal.bias.benefits"])
    split = {"part": x[key + "cash"], "rest": 1 - x[key + "cash"]}.get(line.cash, 1.0)
    return part * split


def activities(model: Model, place: Place, x: Values, replication: int) -> dict[str, Activity]:
    """What each option does in a place."""
    courses = timelines(place, model.years, model.plan_start, x, model.ages)
    found = dict[int, Activity]()
    for option, course in courses.items():
        if id(course) not in found:
            found[id(course)] = activity(place, option, x, course, replication, model.base)
    return {o: replace(found[id(course)], option=o) for o, course in courses.items()}


Known = dict[tuple[int, Callable[[Activity], Floats]], Floats]


def levels(model: Model, a: Activity, known: Known) -> Floats:
    """Level of every line, float64[line, year, draw].

    What film costs and what people do hang on the course alone, not on who pays: `known` keeps them for other options
    of the same course.
    """
    shape, out = (model.years, len(a.x["plan.ramp"])), []
    own: Known = {}
    for line in model.lines:
        key, kept = (id(a.timeline), line.level), known if line.row else own
        if key not in kept:
            kept[key] = np.broadcast_to(line.level(a), shape)
        out.append(kept[key])
    return np.stack(out)


def _things(model: Model, a: Activity, known: Known) -> Floats:
    """Counts of what is not in money, float64[measure, year, draw]."""
    shape, out = (model.years, len(a.x["plan.ramp"])), []
    for thing in PHYSICAL:
        key = (id(a.timeline), thing.count)
        if key not in known:
            known[key] = np.broadcast_to(thing.count(a), shape)
        out.append(known[key])
    return np.stack(out)


@dataclass(frozen=True)
class Money:
    """Of each option: levels and credited differences against business as usual, and what is spared of things."""

    levels: dict[str, Floats]  # [line, year, draw]
    amounts: dict[str, Floats]  # [line, year, draw]
    spared: dict[str, Floats]  # [measure, year, draw], in their own units, business as usual less the option


def money(model: Model, place: Place, x: Values, replication: int = 0, things: bool = True) -> Money:
    """Everything in pounds of the price base, undiscounted, benefit positive; counts of things only if asked for."""
    draws, known = len(x["plan.ramp"]), Known()
    done = activities(model, place, x, replication)
    found = {o: levels(model, a, known) for o, a in done.items()}
    counts = {o: _things(model, a, known) for o, a in done.items()} if things else {}
    shares = np.stack([np.broadcast_to(credit(model, line, x), draws) for line in model.lines])[:, None, :]
    amounts = {o: shares * (level - found[BAU]) for o, level in found.items()}
    return Money(found, amounts, {o: counts[BAU] - count for o, count in counts.items()})


def mean_place(place: Place) -> Place:
    """The place with the mean units of all replications."""
    return replace(place, units=place.units.mean(axis=0, keepdims=True))


def programme_part(place: Place) -> Place:
    """Only the trusts of the programme: the others are the same in every option."""
    return place.part(np.flatnonzero(place.programme))
