"""Each mechanism by hand: its level on film and on PACS, in a trust of round numbers (a year, prices of 2004)."""

import numpy as np
import pytest

from sim.answers.case import cost_lines, film_lines, people_lines
from sim.answers.case.activity import whole_posts
from sim.answers.case.evaluate import Model, model_of
from sim.answers.case.inputs import Values, base_values, inputs_of
from sim.world.load import World
from tests.sim.answers.case.hand import FILM, PACS, course, doing

# line: on film, on PACS. Prices and minutes: tests/sim/tiny.py and tiny_money.py; units: hand.py
BY_HAND = {
    "film": (-1.5 * 2000, -1.5 * 2000 * 0.1),
    "repeat_film": (-1.5 * 100, -1.5 * 60 * 0.1),
    "chemicals": (-0.3 * 2100, -0.3 * (2000 + 60) * 0.1),
    "packets": (-0.3 * 1000, 0),
    "copies": (-5 * 0.01 * 100_000, 0),
    "couriers": (-2 * 80, -2 * 20),
    "upkeep": (-2000 * 2, 0),
    "library_posts": (-22_000 * 5, -22_000 * 4),  # 5 posts at 100,000 exams; a quarter of them is one whole post
    "space": (-100 * 300, 0),
    "porter_time": (-9 * 5 / 60 * 1500, -9 * 5 / 60 * 100),
    "silver": (0.1 * 0.1 * 5 * 0.5 * 2100, 0.1 * 0.1 * 5 * 0.5 * 206),
    "radiographer_time": (-30 * 1.2 / 60 * 100_000, -30 * 0.6 / 60 * 100_000),
    "repeat_time": (-30 * 10 / 60 * 100, -30 * 10 / 60 * 60),
    "doctor_time": (-40 * 1.5 / 60 * 3000, -40 * 1 / 60 * 3000),
    "radiologist_time": (-100 * 40, -100 * 40 * (1 - 0.08)),
    "missing_time": (-40 * 5 / 60 * 120, 0),
    "missing_exams": (-20 * 0.02 * 120, 0),
    "missing_visits": (-60 * 0.04 * 60, 0),
    "missing_journeys": (-15 * 0.04 * 60, 0),
    "miu_journeys": (-15 * 0.05 * 50, 0),
    "waiting": (-5 * 30, -5 * 18),
    "length_of_stay": (0, 200 * 0.02 * 200),
    "cd_exchange": (0, -8 * 0.03 * 100_000),
    "downtime": (0, -40 * 20 / 60 * 0.003 * 100_000),
}  # fmt: skip
RUNNING = 0.41 * (1 - (0.5 * 0.5 + 0.5 * 0.3))  # optimism bias of the tiny scenario: 40 % managed
CAPITAL = 2 * (1 - 0.4)
COSTS = {  # programme, local
    "service": (-4e5 * (1 + RUNNING), 0),
    "store": (-2e5 * (1 + RUNNING), 0),
    "network": (-4e4, 0),
    "unit_links": (-3e3, -3e3),
    "support": (-8e4, -8e4),
    "maintenance": (0, -0.1 * 2e6),
    "storage": (0, -20 * 2 * 25),
}


@pytest.fixture(scope="module")
def model(world: World) -> Model:
    return model_of(world)


@pytest.fixture(scope="module")
def x(world: World) -> Values:
    return base_values(inputs_of(world))


def function(name: str):
    return next(getattr(m, name) for m in (film_lines, people_lines, cost_lines) if hasattr(m, name))


@pytest.mark.parametrize("line", BY_HAND)
def test_a_line_by_hand(model: Model, x: Values, line: str) -> None:
    for timeline, expected in zip((FILM, PACS), BY_HAND[line], strict=True):
        level = function(line)(doing(model, x, timeline))
        assert np.broadcast_to(level, (2, 1))[0, 0] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("line", COSTS)
def test_a_cost_by_hand(model: Model, x: Values, line: str) -> None:
    for option, expected in zip(("programme", "local"), COSTS[line], strict=True):
        level = function(line)(doing(model, x, PACS, option))
        assert np.broadcast_to(level, (2, 1))[0, 0] == pytest.approx(expected)


def test_capital_carries_its_bias_in_the_year_of_go_live(model: Model, x: Values) -> None:
    """G6: (1 + 120 %) of 800,000 for the trust's part of the programme, of 2,000,000 for a PACS of its own."""
    begun = course(0.5, started=1.0)
    assert cost_lines.pacs_capital(doing(model, x, begun))[0, 0] == pytest.approx(-8e5 * (1 + CAPITAL))
    assert cost_lines.pacs_capital(doing(model, x, begun, "local"))[0, 0] == pytest.approx(-2e6 * (1 + CAPITAL))
    assert cost_lines.project_team(doing(model, x, begun))[0, 0] == pytest.approx(-1e5 * (1 + CAPITAL))
    assert cost_lines.displays(doing(model, x, course(1, renewed=1.0)))[0, 0] == pytest.approx(-2e5 * (1 + CAPITAL))


def test_a_known_price_carries_no_bias(model: Model, x: Values) -> None:
    """As paid: a priced risk is not counted twice (G6)."""
    assert cost_lines.service(doing(model, x, PACS, "programme_paid"))[0, 0] == pytest.approx(-5e5)


def test_film_grows_dearer_in_real_terms(model: Model, x: Values) -> None:
    """G3: a relative price change, on evidence: 2 % a year in the tiny scenario."""
    level = film_lines.film(doing(model, x, FILM))[:, 0]
    assert level[1] == pytest.approx(1.02 * level[0])


def test_storage_prices_fall_while_charges_stay(model: Model, x: Values) -> None:
    local = cost_lines.storage(doing(model, x, PACS, "local"))[:, 0]
    assert local[1] == pytest.approx(local[0] * 0.7)
    store = cost_lines.store(doing(model, x, PACS))[:, 0]
    assert store[1] == store[0]


def test_the_office_is_shared_and_ends_with_the_rollout(model: Model, x: Values) -> None:
    """Half of 5 million a year, until the last trust is live: a year from the start, and late by its bias."""
    begun, late = model.plan_start, 0.54 * (1 - 0.4)
    until = begun + (1.0 - begun) * (1 + late) + 60 / 365.25
    level = cost_lines.office(doing(model, x, PACS))[:, 0]
    assert level == pytest.approx([-2.5e6, -2.5e6 * (until - 1)])
    assert (cost_lines.office(doing(model, x, PACS, "local")) == 0).all()


def test_images_are_moved_once_in_the_last_year(model: Model, x: Values) -> None:
    assert cost_lines.migration(doing(model, x, PACS))[:, 0] == pytest.approx([0, -1e5])


def test_training_and_the_dip_come_at_go_live(model: Model, x: Values) -> None:
    """300 people for two hours; a tenth of reading and room time for a quarter of the year."""
    begun = doing(model, x, course(0.5, started=1.0, dip=0.25))
    assert people_lines.training_time(begun)[0, 0] == pytest.approx(-40 * 2 * 300)
    assert people_lines.golive_dip(begun)[0, 0] == pytest.approx(-0.1 * 0.25 * (100 * 40 + 30 * 160))


def test_a_minute_is_spent_once(model: Model, x: Values) -> None:
    """N4: hours of clerks freed and hours of the post that went add up to the hours that film took."""
    film, pacs = doing(model, x, FILM), doing(model, x, PACS, pulls=50_000, packets=60_000)
    hours = 500 * 5 / 60 + 1000 * 5 / 60 + 120 * 30 / 60
    assert film_lines.library_time(film)[0, 0] == pytest.approx(-10 * hours)
    before = 50_000 * 5 / 60 + 60_000 * 5 / 60 + 120 * 30 / 60
    assert film_lines.library_time(pacs)[0, 0] == pytest.approx(-10 * 1600)  # one post of 1,600 hours took them along
    freed = before - 1600
    assert freed + 1600 * float(whole_posts(pacs)[0, 0, 0]) == pytest.approx(before)


def test_hours_that_a_post_takes_are_never_more_than_were_freed(model: Model, x: Values) -> None:
    """N4: the post has 1,600 hours, film took 227: no time is left to be counted as freed."""
    level = film_lines.library_time(doing(model, x, PACS))[0, 0]
    assert level == pytest.approx(film_lines.library_time(doing(model, x, FILM))[0, 0])


@pytest.mark.parametrize(("released", "posts"), [(0.0, 0), (0.19, 0), (0.2, 1), (0.39, 1), (0.5, 2)])
def test_posts_go_whole_or_not_at_all(model: Model, x: Values, released: float, posts: int) -> None:
    """N7: five posts; cash from the library can be exactly 0."""
    changed = {**x, "prices.library_released": np.array([released])}
    assert whole_posts(doing(model, changed, PACS))[0, 0, 0] == posts


def test_good_sheets_and_spoilt_ones_are_all_sheets(model: Model, x: Values) -> None:
    """N5: what a repeat spoils is not in the film line too."""
    a = doing(model, x, PACS)
    both = film_lines.film(a) + film_lines.repeat_film(a)
    assert both[0, 0] == pytest.approx(-1.5 * film_lines.all_sheets(a)[0, 0])


def test_digital_ends_exposure_errors_not_positioning(model: Model, x: Values) -> None:
    """Of 100 rejects on film 50 are of exposure: even a digital reject rate near 0 leaves the other 50."""
    changed = {**x, "modalities.CR.reject_digital": np.array([1e-6])}
    assert film_lines.repeats_of(doing(model, changed, PACS), "CR")[0, 0] == pytest.approx(50)


def test_printing_beyond_the_residual_needs_packets_and_clerks(model: Model, x: Values) -> None:
    """N6: parallel running."""
    parallel = doing(model, x, course(1.0, printed=0.4))
    assert film_lines.packets(parallel)[0, 0] == pytest.approx(-0.3 * 1000 * 0.3)
    assert film_lines.library_time(parallel)[0, 0] == pytest.approx(-10 * 1000 * 5 / 60 * 0.3)


def test_old_films_are_asked_for_after_go_live(model: Model, x: Values) -> None:
    asked = doing(model, x, course(1.0, printed=0.1, old=0.5))
    assert film_lines.library_time(asked)[0, 0] == pytest.approx(-10 * 500 * 5 / 60 * 0.5)
