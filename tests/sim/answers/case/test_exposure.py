"""Integrals over the time since go-live, against plain sums of small steps; adoption against its own curve."""

from datetime import date

import numpy as np
import pytest

from sim.answers.case.evaluate import model_of
from sim.answers.case.exposure import Habits, after, exposures, happens
from sim.answers.case.inputs import base_values, inputs_of
from sim.answers.case.options import COHORTS, adopted, timelines
from sim.answers.case.places import years_between
from sim.world.load import World
from tests.sim.answers.case.hand import place

EDGES = np.arange(6.0)
AGES = (np.array([0.0, 0.5, 3.0]), np.array([0.0, 0.6, 1.0]))


def column(value: float) -> np.ndarray:
    return np.array([[value]])


HABITS = Habits(column(0.1), column(0.7), column(0.75), column(0.25), AGES)


def by_steps(share, start: float) -> np.ndarray:
    """The mean of a share of the time since go-live over each year."""
    t = (np.arange(500_000) + 0.5) / 100_000
    values = np.where(t >= start, share(np.maximum(t - start, 0)), 0.0)
    return values.reshape(5, -1).mean(axis=1)


@pytest.mark.parametrize("start", [0.0, 0.4, 1.9, 7.0])
def test_integrals_are_sums_of_small_steps(start: float) -> None:
    """N6: the film bill of the months after go-live is not 0."""
    live, printed, old, dip = exposures(EDGES, column(start), HABITS)[..., 0, 0]
    assert live == pytest.approx(by_steps(np.ones_like, start), abs=1e-4)
    assert printed == pytest.approx(by_steps(lambda t: 0.1 + 0.6 * np.maximum(1 - t / 0.75, 0), start), abs=1e-4)
    assert old == pytest.approx(by_steps(lambda t: 1 - np.interp(t, *AGES), start), abs=1e-4)
    assert dip == pytest.approx(by_steps(lambda t: t < 0.25, start), abs=1e-4)


def test_no_parallel_running_is_allowed() -> None:
    at_once = Habits(column(0.1), column(0.7), column(0.0), column(0.0), AGES)
    assert exposures(EDGES, column(0.0), at_once)[1, :, 0, 0] == pytest.approx(0.1)


def test_a_moment_falls_in_one_year() -> None:
    assert happens(EDGES, column(2.0))[:, 0, 0].tolist() == [0, 0, 1, 0, 0]
    assert happens(EDGES, column(np.inf)).sum() == 0
    assert after(EDGES, column(1.25))[:, 0, 0].tolist() == [0, 0.75, 1, 1, 1]


def test_years_count_from_april() -> None:
    assert years_between(2004, date(2005, 4, 1)) == pytest.approx(1, abs=0.001)


@pytest.mark.parametrize("year", [1, 3, 8])
def test_adoption_follows_the_logistic_curve(world: World, year: int) -> None:
    """G2: the share of all trusts, started at 20 %, growth 0.3 a year, ceiling 90 %."""
    x = base_values(inputs_of(world))
    when = adopted(0.0, x)[:, 0]
    assert len(when) == COHORTS
    got = 0.2 + 0.8 * np.mean(when <= year)
    logit = np.log(0.2 / 0.7) + 0.3 * year
    assert got == pytest.approx(0.9 / (1 + np.exp(-logit)), abs=0.8 / COHORTS)
    assert np.isinf(when[-1])  # above the ceiling: never


def test_optimism_bias_on_duration_delays_go_live(world: World) -> None:
    """G6: a plan of two years that is 32.4 % late starts 2.648 years after the plan's beginning."""
    model, x = model_of(world), base_values(inputs_of(world))
    start = model.plan_start
    found = timelines(place(live=start + 1.0), 2, start, {**x, "counterfactual.rate": np.array([1e-6])}, model.ages)
    late = start + 1 + 0.54 * 0.6
    assert found["programme"].trust_live[:, 0, 0] == pytest.approx([0, 2 - late])
    assert found["programme"].started[:, 0, 0].tolist() == [0, 1]


def test_do_minimum_helps_the_largest_only(world: World) -> None:
    model, x = model_of(world), base_values(inputs_of(world))
    large = place(live=0.5)
    small = place(live=0.5)
    object.__setattr__(small, "larger", np.array([0.9]))
    for who, like in ((large, "programme"), (small, "bau")):
        found = timelines(who, 2, model.plan_start, x, model.ages)
        assert (found["minimum"].sites == found[like].sites).all()


def test_cash_starts_when_the_contract_or_post_ends(world: World) -> None:
    """A4: parallel running of half a year, then six months until contracts end, twelve until a post has gone."""
    model = model_of(world)
    x = {**base_values(inputs_of(world)), "appraisal.bias.duration": np.array([0.0])}
    found = timelines(place(live=0.25), 4, model.plan_start, x, model.ages)["programme"]
    assert found.trust_live[:, 0, 0] == pytest.approx([0.75, 1, 1, 1])
    assert found.contracts_ended[:, 0, 0] == pytest.approx([0, 0.75, 1, 1])
    assert found.posts_gone[:, 0, 0] == pytest.approx([0, 0.25, 1, 1])
    assert found.space_free[:, 0, 0].sum() == 0  # four years more
