"""Sobol total-order shares (A6, step 4): what an input explains alone and together with others.

Drawn in the space of independent uniforms: a group of correlated inputs is moved by its common factor, which is an
input of its own, and by what is left to each member. Only the inputs with the largest bars are moved; the others stay
at their base.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from SALib.analyze import sobol as analyse
from SALib.sample import sobol as sample
from scipy.special import ndtr, ndtri

from sim.answers.case.inputs import Input, Values, correlated
from sim.world.world import World

Floats = NDArray[np.float64]
Net = Callable[[Values], dict[str, Floats]]
MOST = 24  # inputs moved
SIZE = 512  # a power of two; runs = SIZE x (moved + 2)


def _names(world: World, inputs: list[Input]) -> list[str]:
    keys = {i.key for i in inputs}
    factors = [f"factor {n}" for n, g in world.scenario.correlations.items() if keys & set(g.members)]
    return [*(i.key for i in inputs), *factors]


def total_order(net: Net, world: World, inputs: list[Input], base: Values, bars: pd.DataFrame, option: str, seed: int,
                most: int = MOST, size: int = SIZE) -> pd.DataFrame:  # fmt: skip
    """One row a moved input or common factor: first and total order, each with a 95 % bootstrap half width."""
    chosen = set(bars["input"].head(most))
    moved = [i for i in inputs if i.key in chosen]
    names = _names(world, moved)
    problem = {"num_vars": len(names), "names": names, "bounds": [[0.0, 1.0]] * len(names)}
    u = sample.sample(problem, size, calc_second_order=False, seed=seed)
    z = dict(zip(names, ndtri(np.clip(u, 1e-9, 1 - 1e-9)).T, strict=True))
    common = {name: z.get(f"factor {name}", np.zeros(len(u))) for name in world.scenario.correlations}
    x = {key: np.repeat(value, len(u)) for key, value in base.items()}
    for i in moved:
        x[i.key] = i.quantile(np.asarray(ndtr(correlated(world, z[i.key], i.key, common))))
    found = analyse.analyze(problem, net(x)[option], calc_second_order=False, seed=seed)
    table = pd.DataFrame({"input": names, "first": found["S1"], "first_half_width": found["S1_conf"],
                          "total": found["ST"], "total_half_width": found["ST_conf"], "runs": len(u)})  # fmt: skip
    return table.sort_values("total", ascending=False, kind="stable", ignore_index=True)
