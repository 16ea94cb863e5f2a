"""The search: bisection of one part after another, then exchanges of one step up for steps down elsewhere.

More of any part never makes a level worse (the same exams, more servers, faster links), so a part can be bisected;
each step is judged by the rule on the same replications, and compared with the design in hand by a paired t. A design
is judged only as far as needed: as soon as more replications have failed than may, it fails.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import permutations

import numpy as np

from sim.answers.intervals import Interval
from sim.answers.sizing.bench import Bench, Floats, paired, worst
from sim.answers.sizing.design import Design
from sim.answers.sizing.rule import Rule, smallest_rule, wilson

EXCHANGES = 12  # judgements kept for exchanges


@dataclass(frozen=True)
class Step:
    """One judgement of the search."""

    number: int
    part: str
    design: Design
    holds: bool
    replications: int
    met: int
    low: float  # Wilson, at the error of one step
    high: float
    worst_level: str
    worst_ratio: float
    against: Interval  # worst ratio less that of the design in hand, paired


@dataclass
class Found:
    """What the search came to."""

    rule: Rule
    design: Design | None
    steps: list[Step] = field(default_factory=list)
    exchanges_left_out: int = 0


def most_steps(sizes: list[int]) -> int:
    """Judgements that a search can need: the largest design, each part's bisection, and the exchanges."""
    return 1 + sum(math.ceil(math.log2(n)) for n in sizes if n > 1) + EXCHANGES


class Search:
    """One search on a bench."""

    def __init__(self, bench: Bench, rule: Rule) -> None:
        self._bench, self._cost, self.found = bench, bench.catalogue.cost, Found(rule, None)
        self._hand: Design = bench.catalogue.largest
        self._known: dict[Design, bool] = {}

    def run(self) -> Found:
        """The largest design first: if it fails, none in range can hold."""
        if not self._holds(self._hand, "largest"):
            return self.found
        for i in self._by_saving():
            self._bisect(i)
        while self._exchange():
            pass
        self.found.design = self._hand
        return self.found

    def _with(self, design: Design, i: int, value: int) -> Design:
        return (*design[:i], value, *design[i + 1 :])

    def _by_saving(self) -> list[int]:
        """Parts, the one that can save most first."""
        whole = self._cost(self._hand).value
        saving = [whole - self._cost(self._with(self._hand, i, 0)).value for i in range(len(self._hand))]
        return sorted(range(len(saving)), key=lambda i: -saving[i])

    def _bisect(self, i: int) -> None:
        """The smallest value of a part that holds, all others as they are."""
        fails = -1
        while self._hand[i] - fails > 1:
            middle = (self._hand[i] + fails) // 2
            smaller = self._with(self._hand, i, middle)
            if self._holds(smaller, self._bench.catalogue.parts[i].name):
                self._hand = smaller
            else:
                fails = middle

    def _exchange(self) -> bool:
        """One part a step up pays for another some steps down: the first such cheaper design that holds, if any.

        Those that cost nearly as much come first: where one fails, all below it fail unseen.
        """
        for cost, other, name in sorted(self._offers(), key=lambda offer: -offer[0]):
            if self._hopeless(other):
                continue
            if len(self.found.steps) >= self.found.rule.steps:
                self.found.exchanges_left_out = sum(not self._hopeless(o) and c <= cost for c, o, _ in self._offers())
                return False
            if self._holds(other, f"exchange for {name}"):
                self._hand = other
                return True
        return False

    def _offers(self) -> Iterator[tuple[float, Design, str]]:
        """Cheaper designs, one part a step larger and another smaller: cost, design, name of the smaller part."""
        now, parts = self._cost(self._hand).value, self._bench.catalogue.parts
        for i, j in permutations(range(len(parts)), 2):
            if self._hand[i] < self._bench.catalogue.largest[i]:
                up = self._with(self._hand, i, self._hand[i] + 1)
                for value in range(self._hand[j]):
                    other = self._with(up, j, value)
                    cost = self._cost(other).value
                    if cost < now:
                        yield cost, other, parts[j].name

    def _hopeless(self, design: Design) -> bool:
        """Is it no larger in any part than one that has failed?"""
        failed = (d for d, holds in self._known.items() if not holds)
        return any(all(a <= b for a, b in zip(design, d, strict=True)) for d in failed)

    def _holds(self, design: Design, part: str) -> bool:
        """Judge a design, and write it down."""
        if design not in self._known:
            ratios = self._judged(design)
            met = (ratios <= 1).all(axis=1)
            holds = len(ratios) == self.found.rule.replications and int((~met).sum()) <= self.found.rule.may_fail
            self._known[design] = holds
            self.found.steps.append(self._step(design, part, ratios, holds))
        return self._known[design]

    def _judged(self, design: Design) -> Floats:
        self._bench.stage = (len(self.found.steps), self.found.rule.steps + 4)  # four more look around the answer
        n, batch, ratios = self.found.rule.replications, 2 * self._bench.workers, np.zeros((0, 0))
        for stop in [*range(batch, n, batch), n]:
            ratios = self._bench.ratios(design, range(stop))
            if int((ratios > 1).any(axis=1).sum()) > self.found.rule.may_fail:
                break
        return ratios

    def _step(self, design: Design, part: str, ratios: Floats, holds: bool) -> Step:
        rule, met = self.found.rule, int((ratios <= 1).all(axis=1).sum())
        low, high = wilson(met, len(ratios), rule.z)
        at, names = int(ratios.mean(axis=0).argmax()), list(self._bench.trial.levels)
        hand = self._bench.all_known(self._hand)
        against = paired(worst(hand), worst(ratios), 1 - rule.error / rule.steps)
        return Step(len(self.found.steps) + 1, part, design, holds, len(ratios), met, low, high, names[at],
                    float(ratios.mean(axis=0)[at]), against)  # fmt: skip


def search(bench: Bench, share: float, confidence: float, replications: int = 0) -> Found:
    """The cheapest design that the search finds (see the module); replications 0: as few as allow two to miss."""
    steps = most_steps([len(part.values) for part in bench.catalogue.parts])
    rule = smallest_rule(share, 1 - confidence, steps)
    if replications:
        rule = Rule(share, 1 - confidence, steps, replications)
    return Search(bench, rule).run()
