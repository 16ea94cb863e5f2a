"""One accessor to a run's measures: `Measures.open(run).table("exam_to_report_s", "p95", by=["cluster"])`.

Percentiles carry their kind: over all exams together (`over="exams"`), or the mean of each day's (`over="day"`).
`difference` is of two designs on the same exams: replication by replication, so that what chance does to both cancels.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.answers.buckets import N_BUCKETS, quantiles
from sim.answers.intervals import FEWEST, SECTIONS, Interval, sectioned, student
from sim.runs.store import Run

Stat = Literal["mean", "p50", "p95", "p99", "p99.9"]
Floats = NDArray[np.float64]
Over = Literal["exams", "day"]
QUANTILE = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p99.9": 0.999}
BY_SITE = ("site", "trust", "supplier")
ALLOWED = {"world", "cluster", "modality", "setting", *BY_SITE}
TITLES = {
    "room_wait_s": "wait for the room, from request",
    "time_to_image_s": "time to image, from request until the image is available to the reader",
    "stored_s": "time until stored at the cluster, from image taken",
    "exam_to_report_s": "exam to report, from image taken until the report is signed",
    "turnaround_s": "turnaround, from request until the report is signed",
    "first_view_s": "first view by the asking doctor, from image taken",
    "prior_wait_s": "prior ready for the reader, from request",
}


@dataclass(frozen=True)
class _Figure:
    """One statistic of one group: all together, and the pieces that its interval is made of."""

    whole: float
    pieces: Floats  # a value a replication, a day (fewer than three replications) or a section
    n: int
    n_exams: int
    unit: str = "replications"
    pooled: bool = False  # a statistic of all replications together, with sections about it

    def interval(self, ci: float) -> Interval:
        """By the method that covers for this kind of figure."""
        if self.pooled:
            return sectioned(self.whole, self.pieces, self.n, ci)
        return student(self.pieces, ci, self.unit)

    def less(self, other: "_Figure") -> "_Figure":
        """The difference, piece by piece."""
        return replace(self, whole=self.whole - other.whole, pieces=self.pieces - other.pieces)


class Measures:
    """The measures of one simulated run."""

    def __init__(self, run: Run) -> None:
        self.run, self.replications = run, int(run.manifest["replications"])

    @classmethod
    def open(cls, folder: Path | str) -> "Measures":
        """Of a run folder."""
        return cls(Run(folder))

    def table(self, measure: str, stat: Stat = "mean", over: Over = "exams", by: Sequence[str] = (),
              world: str | None = None, ci: float = 0.95) -> pd.DataFrame:  # fmt: skip
        """One row a group: value, low, high in seconds, n, n_exams, method.

        `by` may hold world and cluster, and for exams modality and setting, or site, trust and supplier (means: all).
        """
        return _as_table(self._figures(measure, stat, over, by, world), measure, stat, over, by, ci)

    def difference(self, other: "Measures", measure: str, stat: Stat = "mean", over: Over = "exams",
                   by: Sequence[str] = (), world: str | None = None, ci: float = 0.95) -> pd.DataFrame:  # fmt: skip
        """The other design less this one, paired by replication; a row a group, as `table`.

        Raises:
            ValueError: the two runs have not the same number of replications.
        """
        if self.replications != other.replications:
            raise ValueError(
                f"{self.run.folder} has {self.replications} replications and {other.run.folder} {other.replications}: "
                "a paired difference needs the same (see `filmless simulate --expand`)"
            )
        mine, its = (m._figures(measure, stat, over, by, world) for m in (self, other))
        return _as_table({key: its[key].less(mine[key]) for key in mine if key in its}, measure, stat, over, by, ci)

    def _figures(
        self, measure: str, stat: Stat, over: Over, by: Sequence[str], world: str | None
    ) -> dict[tuple[str, ...], _Figure]:
        if measure not in TITLES:
            raise ValueError(f"no measure '{measure}'; there are {', '.join(TITLES)}")
        rows = self._rows(measure, stat, over, list(by), world)
        groups = rows.groupby(list(by), sort=False) if by and len(rows) else [((), rows)] if len(rows) else []
        return {tuple(map(str, key)): self._one(part, stat, over) for key, part in groups}

    def _rows(self, measure: str, stat: Stat, over: Over, keys: list[str], world: str | None) -> pd.DataFrame:
        sites = [key for key in keys if key in BY_SITE]
        exams = "moments" if stat == "mean" else "site_histograms" if sites else "histograms"
        rows = self.run.table("daily" if over == "day" else exams)
        rows = rows[rows["measure"] == measure]
        if world is not None:
            rows = rows[rows["world"] == world]
        if "site" in rows.columns and set(sites) - {"site"}:
            rows = rows.merge(self.run.table("sites")[["site", "trust", "supplier"]], on="site")
        unknown = set(keys) - (set(rows.columns) & ALLOWED)
        if unknown:
            raise ValueError(f"{stat} over {over} cannot be split by {', '.join(sorted(unknown))}"
                             f"; by {', '.join(sorted(set(rows.columns) & ALLOWED))}")  # fmt: skip
        return rows

    def _one(self, rows: pd.DataFrame, stat: Stat, over: Over) -> _Figure:
        if over == "day":
            return self._daily(rows, stat)
        if stat == "mean":
            total = rows.groupby("replication")[["n", "sum_s"]].sum()
            values = (total["sum_s"] / total["n"]).to_numpy()
            return _Figure(float(values.mean()), values, len(values), int(rows["n"].sum()))
        counts = self._counts(rows)
        q = (QUANTILE[stat],)
        pooled = float(quantiles(counts.sum(axis=0)[None], q)[0, 0])
        return _Figure(pooled, quantiles(counts, q)[:, 0], self.replications, int(counts.sum()), pooled=True)

    def _counts(self, rows: pd.DataFrame) -> NDArray[np.int64]:
        """int64[section, bucket]."""
        out = np.zeros((min(self.replications, SECTIONS), N_BUCKETS), np.int64)
        np.add.at(out, (rows["section"].to_numpy(), rows["bucket"].to_numpy()), rows["count"].to_numpy())
        return out

    def _daily(self, rows: pd.DataFrame, stat: Stat) -> _Figure:
        column = f"{stat}_s"
        if column not in rows:
            raise ValueError(f'the {stat} over days is not kept; ask for p50, p95 or p99, or over="exams"')
        n_exams = int(rows["n"].sum())
        if self.replications >= FEWEST:
            values = rows.groupby("replication")[column].mean().to_numpy()
            return _Figure(float(values.mean()), values, len(values), n_exams)
        days = rows[column].to_numpy()
        return _Figure(float(days.mean()), days, len(days), n_exams, "days")


def _as_table(figures: dict[tuple[str, ...], _Figure], measure: str, stat: Stat, over: Over, by: Sequence[str],
              ci: float) -> pd.DataFrame:  # fmt: skip
    if not figures:
        return pd.DataFrame(columns=[*by, "value", "low", "high", "n", "n_exams"])
    found = [(key, figure.interval(ci), figure.n_exams) for key, figure in figures.items()]
    return pd.DataFrame([
        dict(zip(by, key, strict=True)) | {
            "measure": measure, "stat": stat, "over": over, "value": i.value, "low": i.low, "high": i.high,
            "n": i.n, "n_exams": n_exams, "method": i.method, "unit": "s",
        } for key, i, n_exams in found
    ])  # fmt: skip
