"""Many variants as one collection: the accessor of one run, with one more index level, and paired differences."""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pandas as pd

from sim.answers.measures import TITLES, Measures, Over, Stat
from sim.runs.store import Run

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
    tables = [a.difference(b, measure, stat, over, ("cluster", "world"), ci=ci)
              for measure in measures for stat, over in STATS]  # fmt: skip
    found = pd.concat(tables, ignore_index=True)
    found["method"] = "paired " + found["method"]
    return found.rename(columns={"value": "difference_s", "low": "low_s", "high": "high_s"})
