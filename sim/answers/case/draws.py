"""Monte Carlo: draws of the money inputs over the replications of the simulation, on common random numbers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.answers.case.catalogue import BENEFITS, COSTS
from sim.answers.case.evaluate import Model, Money, mean_place, money, programme_part
from sim.answers.case.inputs import Input, Values
from sim.answers.case.options import NAMES
from sim.answers.case.physical import PHYSICAL
from sim.answers.case.places import Place

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Progress = Callable[[int, int, str], None]
CHUNK = 200  # draws at a time: what fits a core's cache is six times faster than all at once
CLASSES = (*BENEFITS, *COSTS)


@dataclass(frozen=True)
class Totals:
    """Of each option, over all places, one column a draw."""

    by_line: dict[str, Floats]  # [line, draw] present values
    by_year: dict[str, Floats]  # [class, year, draw] undiscounted
    by_cluster: dict[str, Floats]  # [cluster, class, draw] present values
    spared: dict[str, Floats]  # [measure, draw] what is not in money, all years

    def net(self, option: str) -> Floats:
        """Net present value of each draw."""
        out: Floats = self.by_line[option].sum(axis=0)
        return out


def class_matrix(model: Model) -> Floats:
    """Which line is of which class, float64[class, line] of 0 and 1."""
    return np.array([[float(line.kind == kind) for line in model.lines] for kind in CLASSES])


def _empty(model: Model, places: list[Place], n: int) -> Totals:
    lines, years = len(model.lines), model.years
    kinds = len(CLASSES)
    shapes = ((lines, n), (kinds, years, n), (len(places), kinds, n), (len(PHYSICAL), n))
    return Totals(*({o: np.zeros(shape) for o in NAMES} for shape in shapes))


def _add(model: Model, totals: Totals, c: int, at: Ints, found: Money, factors: Floats) -> None:
    kinds = class_matrix(model)
    for option, amount in found.amounts.items():
        discounted = np.einsum("lyd,y->ld", amount, factors)
        totals.by_line[option][:, at] += discounted
        totals.by_year[option][:, :, at] += np.tensordot(kinds, amount, axes=1)
        totals.by_cluster[option][c][:, at] += kinds @ discounted
        totals.spared[option][:, at] += found.spared[option].sum(axis=1)


def chunks(n: int, replications: int) -> Iterator[tuple[int, Ints]]:
    """Replication and numbers of its draws: draw i looks at replication i modulo their number."""
    for r in range(replications):
        mine = np.arange(r, n, replications)
        for first in range(0, len(mine), CHUNK):
            yield r, mine[first : first + CHUNK]


def total(model: Model, places: list[Place], x: Values, factors: Floats,
          progress: Progress = lambda done, whole, text: None) -> Totals:  # fmt: skip
    """Money of all draws of x over the places' replications. Only programme trusts differ between options."""
    parts, n = [programme_part(p) for p in places], len(x["plan.ramp"])
    totals, done = _empty(model, parts, n), 0
    for r, at in chunks(n, len(places[0].units)):
        some = {key: value[at] for key, value in x.items()}
        for c, place in enumerate(parts):
            if place.trusts:
                _add(model, totals, c, at, money(model, place, some, r), factors)
        done += len(at)
        progress(done, n, "draws of the money inputs")
    return totals


def at_means(model: Model, places: list[Place], x: Values, factors: Floats) -> Totals:
    """The same with the mean units of all replications: no chance of the simulation in it."""
    return total(model, [mean_place(p) for p in places], x, factors)


@dataclass(frozen=True)
class Draws:
    """The Monte Carlo sample. Row i of every table is draw i."""

    inputs: pd.DataFrame  # draw x uncertain input
    net: pd.DataFrame  # draw x option: net present value
    yearly: dict[str, Floats]  # option: float64[draw, year], net benefit, undiscounted
    yearly_classes: dict[str, Floats]  # option: float64[class, year, draw], undiscounted
    classes: dict[str, pd.DataFrame]  # option: draw x class, present values
    by_line: dict[str, pd.DataFrame]  # option: draw x line, present values
    by_cluster: dict[str, Floats]  # option: float64[cluster, class, draw], present values
    spared: dict[str, pd.DataFrame]  # option: draw x measure of what is not in money, all years
    replication: Ints
    variance: pd.DataFrame  # option: its two parts


def variance_parts(net: pd.DataFrame, by_replication: pd.DataFrame) -> pd.DataFrame:
    """How much of the variance of the net present value comes from the inputs, how much from the simulation.

    The simulation's part is the variance over replications at the base inputs (one replication's, not their mean's);
    the inputs' part is the rest. NaN where there is one replication.
    """
    rows = []
    for option in net:
        whole, n = float(net[option].var(ddof=1)), len(by_replication)
        simulated = float(by_replication[option].var(ddof=1)) if n > 1 else np.nan
        rows.append({"option": option, "variance": whole, "simulation": simulated, "inputs": whole - simulated,
                     "simulation_share": simulated / whole if whole else 0.0, "replications": n,
                     "draws": len(net)})  # fmt: skip
    return pd.DataFrame(rows)


def by_replication(model: Model, places: list[Place], base: Values, factors: Floats) -> pd.DataFrame:
    """Net present value of each replication at the base inputs."""
    n = len(places[0].units)
    found = total(model, places, {k: np.repeat(v, n) for k, v in base.items()}, factors)
    return pd.DataFrame({o: found.net(o) for o in NAMES})


def sample(model: Model, places: list[Place], inputs: list[Input], x: Values, base: Values, factors: Floats,
           progress: Progress = lambda done, whole, text: None) -> Draws:  # fmt: skip
    """Evaluate all draws of x."""
    found, n = total(model, places, x, factors, progress), len(x["plan.ramp"])
    net = pd.DataFrame({o: found.net(o) for o in NAMES})
    kinds, names = class_matrix(model), [line.id for line in model.lines]
    return Draws(
        pd.DataFrame({i.key: x[i.key] for i in inputs if i.uncertain}), net,
        {o: v.sum(axis=0).T for o, v in found.by_year.items()}, found.by_year,
        {o: pd.DataFrame((kinds @ v).T, columns=list(CLASSES)) for o, v in found.by_line.items()},
        {o: pd.DataFrame(v.T, columns=names) for o, v in found.by_line.items()}, found.by_cluster,
        {o: pd.DataFrame(v.T, columns=[p.id for p in PHYSICAL]) for o, v in found.spared.items()},
        np.arange(n) % len(places[0].units),
        variance_parts(net, by_replication(model, places, base, factors)),
    )  # fmt: skip
