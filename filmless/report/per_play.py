"""Panels of what was measured: one a cluster, and one a play as soon as some cluster has several.

Plays are never pooled in a figure: they may differ in archive, settings, speed or traffic, and even where they do not,
one curve of all of them hides the play that was slow. The front page alone has figures of repetitions together.
"""

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from filmless.report.measured import Measured
from filmless.report.panels import WRAP, panels
from filmless.report.simulated import Simulated
from filmless.report.words import clean

ACROSS = 5  # panels beside each other


@dataclass(frozen=True)
class Panel:
    """A cluster's part of `measured`; `play` is its run folder's name where clusters have several plays, else ''."""

    cluster: str
    measured: Measured
    play: str = ""


def titled(sim: Simulated, cluster: str) -> str:
    """A cluster with its suppliers, as the name of a panel."""
    rows = sim.suppliers[sim.suppliers["cluster"] == cluster]
    names = [sim.supplier_name(str(c)) for c in rows.sort_values("trusts", ascending=False)["supplier"]]
    return f"{sim.cluster_name(cluster)} ({', '.join(names)})" if names else sim.cluster_name(cluster)


def panels_of(sim: Simulated, measured: Measured) -> list[Panel]:
    """In the scenario's order, plays of a cluster in the order of the runs; each cluster has one panel at least."""
    played = measured.operations[["cluster", "run"]].drop_duplicates() if measured else pd.DataFrame({"cluster": []})
    if not played["cluster"].duplicated().any():
        return [Panel(cluster, measured) for cluster in sim.clusters]
    alone = [measured.alone(number) for number in range(len(measured.runs))]
    out = []
    for cluster in sim.clusters:
        numbers = sorted(int(n) for n in played.loc[played["cluster"] == cluster, "run"])
        own = [Panel(cluster, alone[n], clean(measured.runs[n].folder.name)) for n in numbers]
        out += own or [Panel(cluster, alone[0])]
    return out


def each(shown: Sequence[Panel], make: Callable[[Measured], pd.DataFrame]) -> pd.DataFrame:
    """A table of every panel's part, together: the columns of `make` and `play`, `panel` (its place in `shown`)."""
    views = {id(one.measured): one.measured for one in shown}
    made = {key: make(view) for key, view in views.items()}
    found = [(at, one, made[id(one.measured)]) for at, one in enumerate(shown)]
    parts = [table[table["cluster"] == one.cluster].assign(play=one.play, panel=at)
             for at, one, table in found if len(table)]  # fmt: skip
    filled = [part for part in parts if len(part)] or parts[:1]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame()


def with_plays(data: pd.DataFrame, shown: Sequence[Panel]) -> pd.DataFrame:
    """For readers: `play` behind `cluster` where clusters have several, else without it; and without `panel`."""
    rest = data.drop(columns=["play", "panel"], errors="ignore")
    if heads(shown) and len(data):
        rest.insert(list(rest.columns).index("cluster") + 1, "play", data["play"])
    return rest


def heads(shown: Sequence[Panel]) -> int:
    """How many columns more name a row: 1 where clusters have several plays."""
    return int(any(one.play for one in shown))


def a_panel(shown: Sequence[Panel]) -> str:
    """What has a panel of its own, in a sentence."""
    return "one panel a play" if heads(shown) else "one panel a cluster"


def play_panels(sim: Simulated, shown: Sequence[Panel], height: float) -> tuple[Canvas, list[Axes]]:
    """Their panels, in rows of five where they are plays, each named by cluster, suppliers and play."""
    names = [" ".join([titled(sim, one.cluster), *textwrap.wrap(one.play, WRAP)]) for one in shown]
    return panels(names, height, across=max(ACROSS, len(sim.clusters)))


def left_of(axes: Sequence[Axes]) -> list[Axes]:
    """The panel at the left of each row."""
    return [axis for axis in axes if (spec := axis.get_subplotspec()) is not None and spec.is_first_col()]
