"""The PACS tab's figures: due against done, to the operation, under names that the plan alone gives."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from loadtest.play.board import Board, milliseconds, quantile
from loadtest.play.plan import make_plan
from loadtest.play.recorder import planned_row
from loadtest.play.traffic import read_traffic
from tests.loadtest.traffic_factory import mixed, write


def test_due_against_done(tmp_path: Path) -> None:
    plan, now = make_plan([read_traffic(write(tmp_path / "t.parquet", mixed()))]), [0.0]
    board = Board(plan, lambda: now[0])
    assert sorted(row["name"] for row in board.rows()) == plan.names
    assert all(row["planned"] > 0 and row["open"] == row["due"] for row in board.rows())
    now[0] = 0.11
    for n, one in enumerate(plan.play[:3]):
        outcome = ("ok", "unknown", "dropped")[n]
        row = replace(planned_row(one), start_s=one.due_s + 0.002, end_s=one.due_s + 0.05, outcome=outcome)
        board.heard(row)
    (stores,) = [row for row in board.rows() if row["name"] == "south store"]
    told = {key: stores[key] for key in ("planned", "due", "done", "open", "failed", "dropped", "lag", "response")}
    assert told == {"planned": 3, "due": 3, "done": 1, "open": 0, "failed": 1, "dropped": 1, "lag": 2.0, "response": 50}


def test_an_operation_that_is_not_of_the_plan_makes_no_new_name(tmp_path: Path) -> None:
    plan = make_plan([read_traffic(write(tmp_path / "t.parquet", mixed()))])
    board = Board(plan, lambda: 0.0)
    board.heard(replace(planned_row(plan.play[0]), cluster="<script>"))
    assert sorted(row["name"] for row in board.rows()) == plan.names


@pytest.mark.parametrize("q", [0.5, 0.95, 0.99, 1.0])
def test_percentiles_are_those_of_all_values_to_three_digits(q: float) -> None:
    values = np.random.default_rng(1).lognormal(-4, 1, 5000)
    exact = np.quantile(values, q, method="inverted_cdf") * 1000
    assert quantile(Counter(map(milliseconds, values)), q) == pytest.approx(exact, rel=0.005)
    assert quantile(Counter(), q) == 0.0
