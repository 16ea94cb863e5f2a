"""The savings case of a run: `build_case(run)` gives every table that a report, a spreadsheet or an outcome reads."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import ValidationError

from sim.answers.case.discount import factors
from sim.answers.case.draws import Draws, Progress, Totals, at_means, class_matrix, sample
from sim.answers.case.evaluate import Model, model_of
from sim.answers.case.financial import financial_table
from sim.answers.case.groups import groups_table
from sim.answers.case.inputs import Input, Values, base_values, draw, inputs_of, table_of
from sim.answers.case.options import NAMES
from sim.answers.case.places import CaseProblem, Place, places_of
from sim.answers.case.register import OPTION, register_table
from sim.answers.case.sensitivity import Sensitivity, sensitivity
from sim.answers.case.summary import measures, summary_table
from sim.answers.case.table import lines_table
from sim.answers.case.total_order import total_order
from sim.answers.case.trusts import TRUST_DRAWS, trusts_table
from sim.answers.case.unmonetised import unmonetised_table
from sim.runs.manifest import world_of
from sim.runs.store import Run
from sim.world.streams import stream_key
from sim.world.world import World

Floats = NDArray[np.float64]


GROUP_DRAWS = 1_000


def quiet(done: int, whole: int, text: str) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True)
class Case:
    """The whole case; money in GBP, real prices of `price_base`, benefit positive.

    `lines`     one row an option, cluster, trust, year and line at the base figures: amount (credited difference to
                business as usual), both levels, undiscounted; sums are exact to the penny
    `summary`   one row an option and measure: value, low, high, mean, n, chance above zero, definition
    `draws`     the Monte Carlo sample; `register` the benefits register; `inputs` every input with range and source
    `sensitivity` and `trusts` are computed when first asked for: they take as long as the rest.
    """

    world: World
    options: dict[str, str]
    first_year: int
    years: int
    price_base: int
    currency: str
    factors: Floats  # of each year
    lines: pd.DataFrame
    summary: pd.DataFrame
    draws: Draws
    register: pd.DataFrame
    inputs: pd.DataFrame
    exams: Floats  # of the programme's trusts, each year
    unmonetised: pd.DataFrame  # what is not in money, with size and direction (G11)
    financial: pd.DataFrame  # cash with VAT, reconciled line by line with the economic case (G5)
    work: "Work"

    @cached_property
    def sensitivity(self) -> Sensitivity:
        """What the programme's answer hangs on."""
        return self.sensitivity_of(OPTION)

    def sensitivity_of(self, option: str, progress: Progress = quiet) -> Sensitivity:
        """The same for another option."""
        w = self.work
        return sensitivity(
            w.net, w.base, w.inputs, self.draws, option, _shuffle(w.seed, len(self.draws.net)),
            {name: group.members for name, group in self.world.scenario.correlations.items()},
            lambda bars: total_order(w.net, self.world, w.inputs, w.base, bars, option, w.seed), progress,
        )  # fmt: skip

    @cached_property
    def trusts(self) -> pd.DataFrame:
        """Present value of each class in each programme trust, with its interval (`trusts_table`)."""
        w = self.work
        x = draw(self.world, w.inputs, TRUST_DRAWS, w.seed)
        return trusts_table(w.model, w.places, w.base, x, w.factors)

    @cached_property
    def groups(self) -> pd.DataFrame:
        """Who gains and who pays: groups of trusts, with intervals (`groups_table`)."""
        w = self.work
        return groups_table(w.model, w.places, w.base, draw(self.world, w.inputs, GROUP_DRAWS, w.seed), w.factors)


@dataclass(frozen=True)
class Work:
    """What a case is computed from."""

    model: Model
    places: list[Place]
    inputs: list[Input]
    base: Values
    factors: Floats
    seed: int

    def net(self, x: Values) -> dict[str, Floats]:
        """Net present value of each option, for columns of inputs, at the mean simulated units."""
        found = at_means(self.model, self.places, x, self.factors)
        return {o: found.net(o) for o in NAMES}


def run_world(run: Run) -> World:
    """The scenario that a run was made of.

    Raises:
        CaseProblem: it is no simulation run, or its scenario has no money side.
    """
    if run.manifest["kind"] != "simulation":
        raise CaseProblem(f"{run.folder} is a measured run: a savings case needs a simulation run")
    try:
        return world_of(run.manifest["scenario"], Path(run.manifest["scenario_file"]))
    except ValidationError as error:
        first = ".".join(map(str, error.errors()[0]["loc"]))
        words = f"the scenario in {run.folder} is of another version of filmless ({first}): simulate it again"
        raise CaseProblem(words) from error


def _work(run: Run, world: World) -> Work:
    model, inputs = model_of(world), inputs_of(world)
    d = world.scenario.appraisal.discount
    each = factors(model.years, d.rate.value, d.rate_31.value, d.rate_76.value)
    return Work(model, places_of(run, world), inputs, base_values(inputs), each, int(run.manifest["seed"]))


def exams_of(places: list[Place]) -> Floats:
    """Expected exams of the programme's trusts, float64[year]."""
    return sum((p.units[0, p.unit("exams")][p.programme[p.trust]].sum(axis=0) for p in places), np.zeros(1))


def _measures(work: Work, classes: dict[str, Floats], by_year: dict[str, Floats]) -> dict[str, dict[str, Floats]]:
    exams = float(exams_of(work.places) @ work.factors)
    return {o: measures(classes[o], by_year[o], work.factors, work.model.first, exams) for o in NAMES}


def _summary(work: Work, base: Totals, draws: Draws) -> pd.DataFrame:
    kinds = class_matrix(work.model)
    at_base = _measures(work, {o: kinds @ v for o, v in base.by_line.items()},
                        {o: v.sum(axis=0) for o, v in base.by_year.items()})  # fmt: skip
    drawn = _measures(work, {o: v.to_numpy().T for o, v in draws.classes.items()},
                      {o: v.T for o, v in draws.yearly.items()})  # fmt: skip
    return summary_table(at_base, drawn)


def _shuffle(seed: int, n: int) -> NDArray[np.int64]:
    bits = np.random.Philox(key=stream_key(seed, 0, "money permutation", "", ""))
    return np.random.Generator(bits).permutation(n)


def build_case(run: Run, draws: int = 10_000, progress: Progress = quiet) -> Case:
    """The savings case of a simulation run with its film and PACS worlds.

    Raises:
        CaseProblem: the run lacks one of the two worlds, is no simulation, or has no money side.
    """
    world = run_world(run)
    work = _work(run, world)
    progress(0, draws, "base case")
    lines = lines_table(work.model, work.places, work.base)
    base = at_means(work.model, work.places, work.base, work.factors)
    x = draw(world, work.inputs, draws, work.seed)
    drawn = sample(work.model, work.places, work.inputs, x, work.base, work.factors, progress)
    by_line = pd.Series(base.by_line[OPTION][:, 0], index=[line.id for line in work.model.lines])
    return Case(
        world, dict(NAMES), work.model.first, work.model.years, world.scenario.price_base, world.scenario.currency,
        work.factors, lines, _summary(work, base, drawn), drawn, register_table(world, by_line, drawn),
        table_of(work.inputs), exams_of(work.places), unmonetised_table(base, drawn),
        financial_table(lines, world.scenario.costs.vat.value), work,
    )  # fmt: skip
