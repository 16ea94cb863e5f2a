"""The size search: its rule by published values, its way where the answer is known, its answer on fresh seeds."""

from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.answers.levels import busiest
from sim.answers.sizing.answer import Ask, run_size
from sim.answers.sizing.bench import Bench, Trial
from sim.answers.sizing.design import Catalogue, Design, Money, Part, SizingProblem
from sim.answers.sizing.rule import Rule, smallest_rule, wilson
from sim.answers.sizing.search import search
from sim.runs.store import Run
from sim.runs.unit import Unit, finished_exams
from sim.world.load import load_world
from sim.world.service_levels import levels_of, load_levels
from sim.world.world import World

SMOKE = Path(__file__).parents[4] / "scenarios" / "smoke.toml"
LEVELS = """\
title = "t"
description = "d"
[levels.copy]
measure = "in_cluster_store"
statistic = "p95"
over = "exams"
limit = { value = 40, unit = "s", source = "assumption", status = "assumed", low = 10, high = 100 }
[levels.prior]
measure = "prior_on_screen"
statistic = "p95"
over = "exams"
limit = { value = 30, unit = "s", source = "assumption", status = "assumed", low = 10, high = 100 }
[levels.reading]
measure = "reading_wait"
statistic = "p90"
over = "exams"
limit = { value = 24, unit = "h", source = "assumption", status = "assumed", low = 8, high = 72 }
"""
FEW = ("sizing.rooms=[1.0]", "sizing.ingest_servers=[1.0, 2.0]", "sizing.retrieve_servers=[1.0, 2.0]",
       "sizing.readers=[0.8, 1.0, 1.5]", "sizing.cache_months=[0.0, 12.0]")  # fmt: skip


def test_wilson_by_the_published_example() -> None:
    """81 of 263: 0.2553 to 0.3662 (Newcombe 1998, table I, method 3)."""
    low, high = wilson(81, 263, 1.959964)
    assert low == pytest.approx(0.2553, abs=5e-5)
    assert high == pytest.approx(0.3662, abs=5e-5)


@pytest.mark.parametrize("may_fail", [0, 1, 2, 5])
def test_the_fewest_replications_are_the_fewest(may_fail: int) -> None:
    rule = smallest_rule(0.8, 0.05, 33, may_fail)
    assert rule.may_fail == may_fail
    assert Rule(0.8, 0.05, 33, rule.replications - 1).may_fail < may_fail
    assert Rule(0.8, 0.05, 33, 10).may_fail == -1  # ten replications can never be enough


def test_a_design_that_is_not_good_enough_seldom_holds() -> None:
    """The error of one judgement, at the edge: exactly the share, by the binomial law."""
    from scipy import stats

    for share in (0.6, 0.8, 0.9):
        rule = smallest_rule(share, 0.05, 20)
        passes = stats.binom.cdf(rule.may_fail, rule.replications, 1 - share)
        assert passes <= 1.5 * 0.05 / 20  # Wilson is approximate in the tail


# --- the search on benches whose answer is known -----------------------------------------------------


@dataclass
class Table:
    """A bench by formula: level k needs sum_i weight[k, i] * chosen_i of at least its need."""

    weights: list[list[int]]
    needs: list[int]
    prices: list[int]
    sizes: list[int]
    workers: int = 2
    stage: tuple[int, int] = (0, 1)
    asked: set[Design] = field(default_factory=set)

    @property
    def catalogue(self) -> Any:
        parts = [Part(f"p{i}", tuple(float(v) for v in range(n)), "") for i, n in enumerate(self.sizes)]
        largest = tuple(n - 1 for n in self.sizes)
        return SimpleNamespace(parts=parts, largest=largest, cost=self.cost)

    @property
    def trial(self) -> Any:
        return SimpleNamespace(levels={f"l{k}": None for k in range(len(self.needs))})

    def cost(self, design: Design) -> Money:
        value = float(sum(p * d for p, d in zip(self.prices, design, strict=True)))
        return Money(value, value, value)

    def holds(self, design: Design) -> bool:
        return all(sum(w * d for w, d in zip(row, design, strict=True)) >= need
                   for row, need in zip(self.weights, self.needs, strict=True))  # fmt: skip

    def ratios(self, design: Design, replications: range) -> Any:
        self.asked.add(design)
        each = [0.5 if sum(w * d for w, d in zip(row, design, strict=True)) >= need else 2.0
                for row, need in zip(self.weights, self.needs, strict=True)]  # fmt: skip
        return np.tile(each, (len(replications), 1))

    def all_known(self, design: Design) -> Any:
        return self.ratios(design, range(12))


def answer_of(table: Table) -> Design | None:
    return search(cast(Bench, table), 0.8, 0.95).design


def test_parts_that_act_alone_come_to_the_cheapest_design() -> None:
    table = Table([[1, 0, 0], [0, 1, 0], [0, 0, 1]], [3, 5, 0], [10, 1, 7], [8, 8, 8])
    assert answer_of(table) == (3, 5, 0)
    assert len(table.asked) <= 1 + 9 + 12


def test_exchanges_find_what_bisection_alone_does_not() -> None:
    """x + 2 y must reach 6. Bisection empties y first, which saves most, and is left with 6 x for 60."""
    table = Table([[1, 2]], [6], [10, 15], [7, 7])
    found = search(cast(Bench, table), 0.8, 0.95)
    assert found.design == (0, 3)
    assert [s.design for s in found.steps if s.part.startswith("exchange") and s.holds] == [(4, 1), (2, 2), (0, 3)]


def test_no_design_in_range_is_said_so() -> None:
    table = Table([[1, 1]], [99], [1, 1], [3, 3])
    assert answer_of(table) is None
    assert table.asked == {(2, 2)}


@given(st.integers(2, 3).flatmap(lambda n: st.tuples(
    st.lists(st.lists(st.integers(0, 2), min_size=n, max_size=n), min_size=1, max_size=3),
    st.lists(st.integers(1, 30), min_size=n, max_size=n), st.lists(st.integers(2, 6), min_size=n, max_size=n),
)), st.integers(0, 8))  # fmt: skip
@settings(max_examples=30, deadline=None)
def test_no_step_smaller_holds(shape: tuple[list[list[int]], list[int], list[int]], need: int) -> None:
    """Whatever the levels: the answer holds, is within the best by exhaustion or dearer, and nothing below it holds."""
    weights, prices, sizes = shape
    table = Table(weights, [need] * len(weights), prices, sizes)
    found, every = answer_of(table), [d for d in product(*(range(n) for n in sizes)) if table.holds(d)]
    assert (found is None) == (not every)
    if found is not None:
        assert table.holds(found)
        for i in range(len(found)):
            assert found[i] == 0 or not table.holds((*found[:i], found[i] - 1, *found[i + 1 :]))
        assert table.cost(found).value >= min(table.cost(d).value for d in every)


# --- a real cluster ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def smoke() -> World:
    return load_world(SMOKE, FEW)


def test_a_design_changes_no_draw(smoke: World) -> None:
    catalogue = Catalogue(smoke, "london")
    period, _ = busiest(smoke, "london", 1, 1, 1)
    drawn = []
    for design in (catalogue.largest, tuple(0 for _ in catalogue.parts)):
        unit = Unit("london", 0, 3, "fast", ("pacs",), period)
        rows = [(e.exam[done], e.arrival_s[done], e.bytes[done], e.read_s[done])
                for _, e, _, _, done in finished_exams(catalogue.world_of(design), unit)]  # fmt: skip
        columns = [np.concatenate(c) for c in zip(*rows, strict=True)]
        drawn.append([c[np.argsort(columns[0])] for c in columns])
    assert all(np.array_equal(a, b) for a, b in zip(*drawn, strict=True))


def test_a_larger_design_costs_more(smoke: World) -> None:
    catalogue = Catalogue(smoke, "london")
    for i in range(len(catalogue.parts)):
        if catalogue.largest[i]:
            less = (*catalogue.largest[:i], catalogue.largest[i] - 1, *catalogue.largest[i + 1 :])
            saved = catalogue.cost(catalogue.largest) - catalogue.cost(less)
            assert 0 < saved.low <= saved.value <= saved.high


def test_the_cost_by_hand(smoke: World) -> None:
    """Three hospitals at 622, a unit at 34 Mbit/s; one archive with two servers of each kind."""
    parts = Catalogue(smoke, "london").cost_parts(Catalogue(smoke, "london").largest)
    assert parts["links"].value == 3 * 120_000 + 25_000
    assert parts["links"].low == parts["links"].value / 2
    assert parts["archive servers"].value == 4 * 15_000
    assert parts["archive servers"].high == 4 * 50_000


@pytest.mark.timeout(120)
def test_the_answer_holds_on_fresh_seeds_and_one_step_smaller_does_not(smoke: World, tmp_path: Path) -> None:
    (tmp_path / "sla.toml").write_text(LEVELS)
    levels = load_levels(tmp_path / "sla.toml", smoke)
    ask = Ask("london", 11, share=0.8, confirm=50, warm_up_days=3, processes=2)
    answer = run_size(smoke, levels, ask, tmp_path / "size")
    design = answer.found.design
    assert design is not None
    met, n, low, _ = answer.confirmed
    assert n == 50
    assert low >= ask.share  # seeds that the search never saw
    catalogue = Catalogue(smoke, "london")
    period, hour = busiest(smoke, "london", 1, 3, 2)
    trial = Trial(levels_of(levels, "london"), period, hour, 977)
    smaller = [(*design[:i], design[i] - 1, *design[i + 1 :]) for i in range(len(design)) if design[i]]
    assert len(smaller) >= 2
    with Bench.open(catalogue, trial, 2) as bench:
        for one in smaller:
            met = int((bench.ratios(one, range(50)) <= 1).all(axis=1).sum())
            assert wilson(met, 50, 1.959964)[0] < ask.share, catalogue.words(one)
        again = bench.ratios(design, range(3))
    with Bench.open(catalogue, trial, 1) as bench:
        assert np.array_equal(again, bench.ratios(design, range(3)))  # a design against itself: exactly 0
    run = Run(tmp_path / "size")
    assert run.manifest["verdict"] == "PASS"
    assert set(run.manifest["files"]) == {f"{t}.parquet" for t in ("steps", "levels", "marginal", "frontier", "costs")}
    frontier = run.table("frontier")
    best = frontier[frontier["efficient"]]
    assert best["cost"].is_monotonic_increasing
    assert best["value"].is_monotonic_decreasing


def test_what_cannot_be_sized_is_said(smoke: World, tmp_path: Path) -> None:
    (tmp_path / "sla.toml").write_text(LEVELS.replace('over = "exams"', 'over = "exams"\nmodality = "NM"'))
    levels = load_levels(tmp_path / "sla.toml", smoke)
    with pytest.raises(SizingProblem, match="concerns too few exams"):
        run_size(smoke, levels, Ask("london", 1, warm_up_days=1), tmp_path / "size")
    assert not (tmp_path / "size").exists()  # whole or not at all
    with pytest.raises(SizingProblem, match="no such level"):
        run_size(smoke, levels, Ask("london", 1, frontier="x"), tmp_path / "size")
