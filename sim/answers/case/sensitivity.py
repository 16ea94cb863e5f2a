"""Which inputs the answer hangs on: tornado, shares of variance, interactions, switching values, value of information.

Everything is for one option against business as usual, except the value of information, which is for the choice among
all of them. All what-ifs are at the same mean simulated units, so nothing of chance stands between two of them.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.answers.case.draws import Draws, Progress
from sim.answers.case.inputs import Input, Values
from sim.answers.case.options import DECISIONS
from sim.answers.case.spline import design, explained, first_order, interaction, quadratic, worth
from sim.answers.case.what_if import Net, switching, together, tornado

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
INTERACTION = 0.10  # of the variance, above which the tornado alone misleads


@dataclass(frozen=True)
class Sensitivity:
    """Answers of one option."""

    option: str
    tornado: pd.DataFrame  # input, value, low, high, npv_low, npv_high, swing, status; largest first
    together: pd.DataFrame  # the same for groups of correlated inputs
    first_order: pd.DataFrame  # input, share
    interaction: float  # share of the variance that no sum of single inputs explains
    advice: str
    total_order: pd.DataFrame | None  # where the interaction passes INTERACTION
    switching: pd.DataFrame  # input, value, switching_value (NaN: none), inside its range
    evppi: pd.DataFrame  # input, evppi_gbp, standard_error_gbp, bias_gbp, n
    groups: pd.DataFrame  # the same for groups of inputs


def shares(draws: Draws, option: str) -> pd.DataFrame:
    """First-order share of each input in the variance (A6, step 2)."""
    y = draws.net[option].to_numpy()
    found = [{"input": key, "share": first_order(draws.inputs[key].to_numpy(), y)} for key in draws.inputs]
    return pd.DataFrame(found).sort_values("share", ascending=False, kind="stable", ignore_index=True)


def _decisions(draws: Draws) -> Floats:
    return np.column_stack([np.zeros(len(draws.net)), *(draws.net[o].to_numpy() for o in DECISIONS)])


def information(draws: Draws, shuffle: Ints) -> pd.DataFrame:
    """Value of knowing each input before choosing among all options (A6, step 6)."""
    net, rows = _decisions(draws), []
    for key in draws.inputs:
        found = worth(design(draws.inputs[key].to_numpy()), net, shuffle)
        rows.append({"input": key, "evppi_gbp": found.value, "standard_error_gbp": found.error,
                     "bias_gbp": found.bias, "n": len(net)})  # fmt: skip
    return pd.DataFrame(rows).sort_values("evppi_gbp", ascending=False, kind="stable", ignore_index=True)


GROUPS: dict[str, tuple[str, ...]] = {
    "film prices": ("prices.sheet", "prices.chemicals", "prices.packet", "costs.silver"),
    "sheets an exam": tuple(f"modalities.{m}.sheets" for m in ("CR", "DX", "CT", "MR", "US", "RF", "NM", "MG")),
    "staff rates": ("prices.clerk", "prices.clerk_year", "prices.porter", "costs.radiographer", "costs.radiologist",
                    "costs.doctor"),
    "minutes of staff": ("film.pull", "film.filing", "film.porter_time", "effects.search", "effects.radiographer_film",
                         "effects.radiographer_pacs", "effects.doctor_film", "effects.doctor_pacs"),
    "providers' charges": ("costs.service_announced", "costs.store", "costs.network"),
    "a PACS of the trust's own": ("costs.local_capital", "costs.local_maintenance", "costs.storage"),
    "adoption without the programme": ("counterfactual.start_share", "counterfactual.rate", "counterfactual.ceiling"),
    "optimism bias": ("appraisal.bias.capital", "appraisal.bias.duration", "appraisal.bias.running",
                      "appraisal.bias.benefits"),
}  # fmt: skip


def grouped(draws: Draws, option: str, shuffle: Ints) -> pd.DataFrame:
    """The same for groups of inputs: share of variance and value of information, by a quadratic surface."""
    net, y, rows = _decisions(draws), draws.net[option].to_numpy(), []
    for name, keys in GROUPS.items():
        known = [k for k in keys if k in draws.inputs]
        if not known:
            continue
        basis = quadratic(draws.inputs[known].to_numpy())
        found = worth(basis, net, shuffle)
        rows.append({"group": name, "inputs": len(known), "share": explained(basis, y),
                     "evppi_gbp": found.value, "standard_error_gbp": found.error, "bias_gbp": found.bias,
                     "n": len(net)})  # fmt: skip
    return pd.DataFrame(rows)


def advice_of(interaction: float, evppi: pd.DataFrame) -> str:
    """What the numbers mean, in a sentence."""
    if np.isnan(interaction):
        words = "too few draws to tell whether inputs act together"
    elif interaction > INTERACTION:
        words = "inputs act together: the tornado alone misleads, read the total-order shares"
    else:
        words = "inputs act one by one: the tornado can be read as it stands"
    telling = (evppi["evppi_gbp"] - evppi["bias_gbp"]) > 2 * evppi["standard_error_gbp"]
    if not telling.any():
        words += "; no single input is worth measuring for the choice among these options"
    return words


def sensitivity(net: Net, base: Values, inputs: list[Input], draws: Draws, option: str, shuffle: Ints,
                correlated: dict[str, list[str]], total_order: Callable[[pd.DataFrame], pd.DataFrame],
                progress: Progress = lambda done, whole, text: None) -> Sensitivity:  # fmt: skip
    """All of it; `total_order` is asked only where the interaction is above `INTERACTION`."""
    moving = [i for i in inputs if i.uncertain]
    progress(0, 4, "tornado")
    bars, joint = tornado(net, base, moving, option), together(net, base, moving, option, correlated)
    progress(1, 4, "shares of variance")
    alone = shares(draws, option)
    rest = interaction(draws.inputs.to_numpy(), draws.net[option].to_numpy())
    progress(2, 4, "switching values")
    zeros = switching(net, base, moving, option)
    progress(3, 4, "value of information")
    evppi, groups = information(draws, shuffle), grouped(draws, option, shuffle)
    whole = total_order(bars) if rest > INTERACTION else None
    progress(4, 4, "sensitivity")
    return Sensitivity(option, bars, joint, alone, rest, advice_of(rest, evppi), whole, zeros, evppi, groups)
