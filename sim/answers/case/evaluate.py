"""The money of every option and line in a place, for any number of draws at once."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sim.answers.case.activity import Activity, activity
from sim.answers.case.catalogue import DIS, Line, lines_of
from sim.answers.case.inputs import Values, inputs_of
from sim.answers.case.options import BAU, NAMES, timelines
from sim.answers.case.places import Place, years_between
from sim.world.calendar import financial_year
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
    return {o: activity(place, o, x, courses[o], replication, model.base) for o in NAMES}


def levels(model: Model, a: Activity, draws: int) -> Floats:
    """Level of every line, float64[line, year, draw]."""
    shape, known = (model.years, draws), dict[Callable[[Activity], Floats], Floats]()
    for line in model.lines:
        if line.level not in known:
            known[line.level] = np.broadcast_to(line.level(a), shape)
    return np.stack([known[line.level] for line in model.lines])


@dataclass(frozen=True)
class Money:
    """Of each option: levels and credited differences against business as usual, float64[line, year, draw]."""

    levels: dict[str, Floats]
    amounts: dict[str, Floats]


def money(model: Model, place: Place, x: Values, replication: int = 0) -> Money:
    """Everything in pounds of the price base, undiscounted, benefit positive."""
    draws = len(x["plan.ramp"])
    found = {o: levels(model, a, draws) for o, a in activities(model, place, x, replication).items()}
    shares = np.stack([np.broadcast_to(credit(model, line, x), draws) for line in model.lines])[:, None, :]
    return Money(found, {o: shares * (level - found[BAU]) for o, level in found.items()})


def mean_place(place: Place) -> Place:
    """The place with the mean units of all replications."""
    return replace(place, units=place.units.mean(axis=0, keepdims=True))


def programme_part(place: Place) -> Place:
    """Only the trusts of the programme: the others are the same in every option."""
    return place.part(np.flatnonzero(place.programme))
