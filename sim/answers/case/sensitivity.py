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

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Net = Callable[[Values], dict[str, Floats]]  # net present value of each option for columns of inputs
INTERACTION = 0.10  # of the variance, above which the tornado alone misleads
STEPS = 60  # of the root search, at most
CLOSE = 1e-9  # of the bracket: near enough to the root


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


def repeated(base: Values, n: int) -> Values:
    """The base values in n columns."""
    return {key: np.repeat(value, n) for key, value in base.items()}


def one_by_one(base: Values, inputs: list[Input], ends: list[Callable[[Input], float]]) -> Values:
    """Columns in which one input at a time stands at each of its ends; first the base itself."""
    x = repeated(base, 1 + len(inputs) * len(ends))
    for i, item in enumerate(inputs):
        for e, end in enumerate(ends):
            x[item.key][1 + i * len(ends) + e] = end(item)
    return x


def tornado(net: Net, base: Values, inputs: list[Input], option: str) -> pd.DataFrame:
    """One input at a time at its low and its high end (A6, step 1)."""
    found = net(one_by_one(base, inputs, [lambda i: i.low, lambda i: i.high]))[option]
    ends = found[1:].reshape(-1, 2)
    table = pd.DataFrame({
        "input": [i.key for i in inputs], "value": [i.value for i in inputs], "low": [i.low for i in inputs],
        "high": [i.high for i in inputs], "unit": [i.unit for i in inputs], "status": [i.status for i in inputs],
        "npv_gbp": found[0], "npv_low_gbp": ends[:, 0], "npv_high_gbp": ends[:, 1],
        "swing_gbp": np.abs(ends[:, 1] - ends[:, 0]),
    })  # fmt: skip
    return table.sort_values("swing_gbp", ascending=False, kind="stable", ignore_index=True)


def together(net: Net, base: Values, inputs: list[Input], option: str, groups: dict[str, list[str]]) -> pd.DataFrame:
    """Correlated inputs at their low and high ends at once: one by one they would understate what they do together."""
    known = {i.key: i for i in inputs}
    x, names = repeated(base, 1 + 2 * len(groups)), list(groups)
    for g, name in enumerate(names):
        for key in groups[name]:
            if key in known:
                x[key][1 + 2 * g], x[key][2 + 2 * g] = known[key].low, known[key].high
    found = net(x)[option]
    ends = found[1:].reshape(-1, 2)
    table = pd.DataFrame({
        "group": names, "inputs": [", ".join(groups[n]) for n in names], "npv_gbp": found[0],
        "npv_low_gbp": ends[:, 0], "npv_high_gbp": ends[:, 1], "swing_gbp": np.abs(ends[:, 1] - ends[:, 0]),
    })  # fmt: skip
    return table.sort_values("swing_gbp", ascending=False, kind="stable", ignore_index=True)


def shares(draws: Draws, option: str) -> pd.DataFrame:
    """First-order share of each input in the variance (A6, step 2)."""
    y = draws.net[option].to_numpy()
    found = [{"input": key, "share": first_order(draws.inputs[key].to_numpy(), y)} for key in draws.inputs]
    return pd.DataFrame(found).sort_values("share", ascending=False, kind="stable", ignore_index=True)


At = Callable[[Ints, Floats], Floats]  # net present value with the numbered inputs, one by one, at these values


def roots(at: At, low: Floats, high: Floats) -> Floats:
    """Zeros between brackets, all at once (regula falsi, Illinois); NaN where both ends have the same sign."""
    every = np.arange(len(low))
    f_low, f_high = at(every, low), at(every, high)
    out = np.full(len(low), np.nan)
    left = every[np.signbit(f_low) != np.signbit(f_high)]
    a, b, fa, fb = low[left], high[left], f_low[left], f_high[left]
    for _ in range(STEPS):
        if len(left) == 0:
            break
        middle = (a * fb - b * fa) / (fb - fa)
        value = at(left, middle)
        turned = np.signbit(value) != np.signbit(fb)
        # b is always the newest point; an end that stays for a second time weighs half, or it would stay for ever
        a, fa = np.where(turned, b, a), np.where(turned, fb, fa / 2)
        b, fb = middle, value
        out[left] = middle
        more = (np.abs(b - a) > CLOSE * np.abs(high - low)[left]) & (value != 0)
        left, a, b, fa, fb = left[more], a[more], b[more], fa[more], fb[more]
    return out


def _bounds(i: Input) -> tuple[float, float]:
    """Three times the range either side; a share, and anything that is never below 0, stays in its own bounds."""
    least = -1.0 if i.low < 0 else 0.0
    most = 1.0 if i.unit == "share" else np.inf
    return max(least, i.value - 3 * (i.value - i.low)), min(most, i.value + 3 * (i.high - i.value))


def switching(net: Net, base: Values, inputs: list[Input], option: str) -> pd.DataFrame:
    """The value of each input at which the net present value is 0 (G8), looked for over three times its range."""

    def at(which: Ints, values: Floats) -> Floats:
        x = repeated(base, len(which))
        for column, (n, value) in enumerate(zip(which, values, strict=True)):
            x[inputs[n].key][column] = value
        return net(x)[option]

    bounds = np.array([_bounds(i) for i in inputs])
    zeros = roots(at, bounds[:, 0], bounds[:, 1])
    inside = np.array([bool(i.low <= z <= i.high) for i, z in zip(inputs, zeros, strict=True)])
    return pd.DataFrame({
        "input": [i.key for i in inputs], "value": [i.value for i in inputs], "low": [i.low for i in inputs],
        "high": [i.high for i in inputs], "unit": [i.unit for i in inputs], "switching_value": zeros,
        "inside_range": np.where(np.isnan(zeros), "no value turns it", np.where(inside, "inside", "outside")),
    })  # fmt: skip


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
