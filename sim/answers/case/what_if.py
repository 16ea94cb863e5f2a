"""What if one input were another: tornado, correlated groups, switching values. No draws are needed for these."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.answers.case.inputs import Input, Values

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Net = Callable[[Values], dict[str, Floats]]  # net present value of each option for columns of inputs
STEPS = 60  # of the root search, at most
CLOSE = 1e-9  # of the bracket: near enough to the root


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
