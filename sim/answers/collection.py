"""Many variants as one collection: the accessor of one run, with one more index level, and paired differences."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.answers.buckets import N_BUCKETS, quantiles
from sim.answers.intervals import Interval, sectioned, sections, student
from sim.answers.measures import TITLES, Measures, Over, Stat
from sim.runs.store import Run

Floats = NDArray[np.float64]
STATS: tuple[tuple[Stat, Over], ...] = (("mean", "exams"), ("p95", "exams"), ("p95", "day"))


class _Part:
    """A variant's rows of the collection's tables, as a run of its own."""

    def __init__(self, run: Run, variant: str) -> None:
        self.manifest, self._run, self._variant = run.manifest, run, variant

    def table(self, name: str, columns: list[str] | None = None) -> pd.DataFrame:
        rows = self._run.table(name)
        return rows[rows["variant"] == self._variant].drop(columns="variant")


class Collection:
    """The variants of one sweep."""

    def __init__(self, run: Run) -> None:
        self.run, self.base = run, str(run.manifest["base"])
        self.variants: list[str] = list(run.manifest["variants"])
        self._measures = {v: Measures(cast(Run, _Part(run, v))) for v in self.variants}

    @classmethod
    def open(cls, folder: Path | str) -> "Collection":
        """Of a sweep's `collection` folder."""
        return cls(Run(folder))

    def table(self, measure: str, stat: Stat = "mean", over: Over = "exams", by: Sequence[str] = (),
              world: str | None = None, ci: float = 0.95) -> pd.DataFrame:  # fmt: skip
        """As `Measures.table`, with the variant as first index level."""
        parts = {v: m.table(measure, stat, over, by, world, ci) for v, m in self._measures.items()}
        whole = pd.concat(parts, names=["variant", "row"]).reset_index("row", drop=True)
        return whole.set_index(list(by), append=True) if by else whole

    def differences(self, measures: Sequence[str] = tuple(TITLES)) -> pd.DataFrame:
        """Each variant less the base, by measure, statistic, cluster and world; the same exams, so paired."""
        return pd.concat([between(self._measures[self.base], self._measures[v], measures).assign(variant=v)
                          for v in self.variants], ignore_index=True)  # fmt: skip


def between(a: Measures, b: Measures, measures: Sequence[str] = tuple(TITLES), ci: float = 0.95) -> pd.DataFrame:
    """b less a in seconds, by measure, statistic, cluster and world, with 95 % intervals (credibility A5.2).

    Means and means of daily percentiles by a paired t over replications; percentiles over exams by sectioning.
    """
    rows = []
    for measure in measures:
        for stat, over in STATS:
            x, y = (_by_group(m, measure, stat, over) for m in (a, b))
            for key in [k for k in x if k in y]:
                i = _difference(x[key], y[key], stat, over, ci)
                rows.append({"measure": measure, "stat": stat, "over": over, "cluster": key[0], "world": key[1],
                             "difference_s": i.value, "low_s": i.low, "high_s": i.high, "n": i.n,
                             "method": i.method})  # fmt: skip
    return pd.DataFrame(rows)


def _by_group(m: Measures, measure: str, stat: Stat, over: Over) -> dict[tuple[str, str], Floats]:
    """By cluster and world: a value a replication, or for percentiles over exams the counts [replication, bucket]."""
    name = "daily" if over == "day" else "moments" if stat == "mean" else "histograms"
    rows = m.run.table(name)
    rows = rows[rows["measure"] == measure]
    found: dict[tuple[str, str], Floats] = {}
    for key, part in rows.groupby(["cluster", "world"], sort=False, observed=True):
        found[str(key[0]), str(key[1])] = _values(part, stat, over, m.replications)
    return found


def _values(part: pd.DataFrame, stat: Stat, over: Over, replications: int) -> Floats:
    if over == "day":
        return np.asarray(part.groupby("replication")[f"{stat}_s"].mean(), dtype=np.float64)
    if stat == "mean":
        sums = part.groupby("replication")[["n", "sum_s"]].sum()
        return np.asarray(sums["sum_s"] / sums["n"], dtype=np.float64)
    counts = np.zeros((replications, N_BUCKETS))
    np.add.at(counts, (part["replication"].to_numpy(), part["bucket"].to_numpy()), part["count"].to_numpy())
    return counts


def _difference(x: Floats, y: Floats, stat: Stat, over: Over, ci: float) -> Interval:
    if x.ndim == 1:
        if len(x) != len(y):
            return Interval(np.nan, np.nan, np.nan, 0, "no pairs: a replication had none")
        i = student(y - x, ci)
        return Interval(i.value, i.low, i.high, i.n, f"paired {i.method}")
    q = {"p50": 0.5, "p95": 0.95, "p99": 0.99}[stat]

    def at(counts: Any) -> float:
        return float(quantiles(counts.sum(axis=0).astype(np.int64)[None], (q,))[0, 0])

    by_section = np.array([at(y[s]) - at(x[s]) for s in sections(len(x))])
    return sectioned(at(y) - at(x), by_section, len(x), ci)
