"""Shares of variance and value of information on functions whose answers are known."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from sim.answers.case.inputs import Input, Values, inputs_of
from sim.answers.case.sensitivity import Sensitivity
from sim.answers.case.spline import design, explained, first_order, interaction, quadratic, worth
from sim.answers.case.total_order import total_order
from sim.answers.case.what_if import one_by_one, roots, switching, together, tornado
from sim.world.load import World

N = 10_000
RNG = np.random.Generator(np.random.Philox(5))
X = RNG.uniform(-1, 1, (N, 4))
SHUFFLE = RNG.permutation(N)
COEFFICIENTS = np.array([3.0, 2.0, 1.0, 0.0])  # the last input is not used
LINEAR = X @ COEFFICIENTS
PRODUCT = X[:, 0] * X[:, 1]


@pytest.mark.parametrize("j", range(4))
def test_a_linear_model_returns_its_shares(j: int) -> None:
    """G9, A6: S_j = a_j squared over their sum, to 0.02; an unused input below 0.01."""
    share = first_order(X[:, j], LINEAR)
    assert share == pytest.approx(COEFFICIENTS[j] ** 2 / 14, abs=0.02)
    if j == 3:
        assert abs(share) < 0.01


def test_an_additive_model_has_no_interaction() -> None:
    assert interaction(X, LINEAR) == pytest.approx(0, abs=0.02)
    curved = np.exp(X[:, 0]) + X[:, 1] ** 2
    assert interaction(X, curved) == pytest.approx(0, abs=0.02)


def test_a_product_is_all_interaction() -> None:
    assert first_order(X[:, 0], PRODUCT) == pytest.approx(0, abs=0.01)
    assert interaction(X, PRODUCT) > 0.95
    assert explained(quadratic(X[:, :2]), PRODUCT) == pytest.approx(1)  # as a group they explain it all


def test_interaction_of_independent_inputs_is_one_less_the_shares() -> None:
    y = LINEAR + 2 * PRODUCT
    shares = sum(first_order(X[:, j], y) for j in range(4))
    assert interaction(X, y) == pytest.approx(1 - shares, abs=0.02)


def test_correlated_inputs_count_what_they_share_once() -> None:
    both = np.column_stack([X[:, 0], X[:, 0] + 0.1 * X[:, 1]])
    y = both.sum(axis=1)
    assert first_order(both[:, 0], y) + first_order(both[:, 1], y) > 1.5
    assert interaction(both, y) == pytest.approx(0, abs=0.02)


def test_value_of_information_against_its_integral() -> None:
    """Do it (worth x + noise) or not: knowing x is worth E max(0, x) - max(0, E x) = 1/4, x uniform in -1 to 1."""
    net = np.column_stack([np.zeros(N), X[:, 0] + 0.5 * X[:, 1]])
    found = worth(design(X[:, 0]), net, SHUFFLE)
    assert found.value == pytest.approx(0.25, abs=0.01)
    assert 0 < found.error < 0.01
    assert abs(found.bias) < 0.01


def test_an_unused_input_is_worth_nothing() -> None:
    net = np.column_stack([np.zeros(N), 0.3 + X[:, 0] + X[:, 1]])
    found = worth(design(X[:, 3]), net, SHUFFLE)
    assert found.value < max(2 * found.error, 1e-9)


def test_a_decision_that_never_turns_makes_nothing_worth_knowing() -> None:
    net = np.column_stack([np.zeros(N), 10 + X[:, 0]])
    assert worth(design(X[:, 0]), net, SHUFFLE).value == pytest.approx(0, abs=1e-9)


# --- what-ifs on a model of two inputs --------------------------------------------------------------


def an_input(key: str, value: float, low: float, high: float) -> Input:
    return Input(key, value, low, high, "triangular", "GBP", "x", "assumed")


TWO = [an_input("a", 2, 1, 4), an_input("b", 10, 5, 12)]
BASE = {"a": np.array([2.0]), "b": np.array([10.0])}


def net(x: Values) -> dict[str, np.ndarray]:
    return {"o": x["a"] ** 2 * 3 - x["b"]}


def test_a_tornado_moves_one_input_at_a_time() -> None:
    table = tornado(net, BASE, TWO, "o").set_index("input")
    assert list(table.index) == ["a", "b"]
    assert table.loc["a", ["npv_gbp", "npv_low_gbp", "npv_high_gbp", "swing_gbp"]].tolist() == [2, -7, 38, 45]
    assert table.loc["b", ["npv_low_gbp", "npv_high_gbp"]].tolist() == [7, 0]


def test_correlated_inputs_move_together() -> None:
    """One by one they would be -7 to 38 and 7 to 0: together 3 - 5 to 48 - 12."""
    table = together(net, BASE, TWO, "o", {"both": ["a", "b"]})
    assert table.loc[0, ["npv_gbp", "npv_low_gbp", "npv_high_gbp", "swing_gbp"]].tolist() == [2, -2, 36, 38]


def test_a_switching_value_is_where_the_net_present_value_is_nothing() -> None:
    """G8: 3 a^2 = 10, and b = 12, which is the end of its range."""
    table = switching(net, BASE, TWO, "o").set_index("input")
    assert table.loc["a", "switching_value"] == pytest.approx(np.sqrt(10 / 3), abs=1e-6)
    assert table.loc["a", "inside_range"] == "inside"
    assert table.loc["b", "switching_value"] == pytest.approx(12)


def test_what_never_turns_has_no_switching_value() -> None:
    table = switching(lambda x: {"o": 1 + x["a"] * 0}, BASE, TWO, "o")
    assert table["switching_value"].isna().all()
    assert (table["inside_range"] == "no value turns it").all()


CURVES = [lambda v: v**3 - 2, lambda v: np.exp(v) - 3, lambda v: np.where(v < 1.3, -1.0, v - 1)]


@pytest.mark.parametrize("curve", CURVES)
def test_roots_of_hard_curves(curve: Callable[[np.ndarray], np.ndarray]) -> None:
    root = roots(lambda which, values: curve(values), np.array([0.0]), np.array([5.0]))[0]
    assert curve(np.array([root - 1e-6]))[0] < 0 < curve(np.array([root + 1e-6]))[0]


def test_one_by_one_starts_with_the_base() -> None:
    x = one_by_one(BASE, TWO, [lambda i: i.low, lambda i: i.high])
    assert x["a"].tolist() == [2, 1, 4, 2, 2]
    assert x["b"].tolist() == [10, 10, 10, 5, 12]


def test_total_order_finds_a_product(world: World) -> None:
    """Two inputs that act through their product only: nothing alone, everything together (A6, step 4)."""
    inputs = [i for i in inputs_of(world) if i.key in ("costs.visit", "costs.exam", "costs.cd")]
    base = {i.key: np.array([i.value]) for i in inputs}
    middle = {i.key: float(i.quantile(np.array([(np.arange(1000) + 0.5) / 1000]))[0].mean()) for i in inputs}

    def product(x: Values) -> dict[str, np.ndarray]:
        return {"o": (x["costs.visit"] - middle["costs.visit"]) * (x["costs.exam"] - middle["costs.exam"])}

    bars = pd.DataFrame({"input": [i.key for i in inputs]})
    table = total_order(product, world, inputs, base, bars, "o", 7, size=1024).set_index("input")
    for key in ("costs.visit", "costs.exam"):
        assert table.loc[key, "first"] == pytest.approx(0, abs=0.1)
        assert table.loc[key, "total"] == pytest.approx(1, abs=0.1)
    assert table.loc["costs.cd", "total"] == pytest.approx(0, abs=0.01)


def test_the_case_answers_all_of_it(case) -> None:
    found: Sensitivity = case.sensitivity
    assert set(found.tornado["input"]) == set(case.draws.inputs.columns) == set(found.evppi["input"])
    assert found.tornado["swing_gbp"].is_monotonic_decreasing
    assert found.advice
    assert (found.evppi["standard_error_gbp"] >= 0).all()
    assert "film prices" in set(found.groups["group"])
    assert list(found.together["group"]) == ["film"]
