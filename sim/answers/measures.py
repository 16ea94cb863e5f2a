"""One accessor to a run's measures: `Measures.open(run).table("exam_to_report_s", "p95", by=["cluster"])`.

Percentiles carry their kind: over all exams together (`over="exams"`), or the mean of each day's (`over="day"`).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.answers.buckets import N_BUCKETS, quantiles
from sim.answers.intervals import Interval, sectioned, sections, student
from sim.runs.store import Run

Stat = Literal["mean", "p50", "p95", "p99"]
Over = Literal["exams", "day"]
QUANTILE = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
BY_SITE = ("site", "trust")
TITLES = {
    "room_wait_s": "wait for the room, from request",
    "time_to_image_s": "time to image, from request until the image is available to the reader",
    "stored_s": "time until stored at the cluster, from image taken",
    "exam_to_report_s": "exam to report, from image taken until the report is signed",
    "turnaround_s": "turnaround, from request until the report is signed",
    "first_view_s": "first view by the asking doctor, from image taken",
    "prior_wait_s": "prior ready for the reader, from request",
}


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

        `by` may hold world, cluster, modality, setting; for means also site and trust.
        """
        if measure not in TITLES:
            raise ValueError(f"no measure '{measure}'; there are {', '.join(TITLES)}")
        keys = list(by)
        rows = self._rows(measure, stat, over, keys, world)
        if rows.empty:
            return pd.DataFrame(columns=[*keys, "value", "low", "high", "n", "n_exams"])
        groups = rows.groupby(keys, sort=False) if keys else [((), rows)]
        found = [(key if isinstance(key, tuple) else (key,), self._one(part, stat, over, ci)) for key, part in groups]
        return pd.DataFrame([
            dict(zip(keys, key, strict=True)) | {
                "measure": measure, "stat": stat, "over": over, "value": i.value, "low": i.low, "high": i.high,
                "n": i.n, "n_exams": n_exams, "method": i.method, "unit": "s",
            } for key, (i, n_exams) in found
        ])  # fmt: skip

    def _rows(self, measure: str, stat: Stat, over: Over, keys: list[str], world: str | None) -> pd.DataFrame:
        name = "daily" if over == "day" else "moments" if stat == "mean" else "histograms"
        rows = self.run.table(name)
        rows = rows[rows["measure"] == measure]
        if world is not None:
            rows = rows[rows["world"] == world]
        if "trust" in keys:
            rows = rows.merge(self.run.table("sites")[["site", "trust"]], on="site")
        unknown = set(keys) - set(rows.columns)
        if unknown:
            allowed = sorted(set(rows.columns) & {"world", "cluster", "modality", "setting", "site", "trust"})
            raise ValueError(
                f"{stat} over {over} cannot be split by {', '.join(sorted(unknown))}; by {', '.join(allowed)}"
            )
        return rows

    def _one(self, rows: pd.DataFrame, stat: Stat, over: Over, ci: float) -> tuple[Interval, int]:
        if over == "day":
            return self._daily(rows, stat, ci), int(rows["n"].sum())
        if stat == "mean":
            total = rows.groupby("replication")[["n", "sum_s"]].sum()
            return student((total["sum_s"] / total["n"]).to_numpy(), ci), int(rows["n"].sum())
        counts = self._counts(rows)
        q = (QUANTILE[stat],)
        groups = sections(self.replications)
        by_section = quantiles(np.stack([counts[g].sum(axis=0) for g in groups]), q)[:, 0]
        pooled = float(quantiles(counts.sum(axis=0)[None], q)[0, 0])
        return sectioned(pooled, by_section, self.replications, ci), int(counts.sum())

    def _counts(self, rows: pd.DataFrame) -> NDArray[np.int64]:
        """int64[replication, bucket]."""
        out = np.zeros((self.replications, N_BUCKETS), np.int64)
        np.add.at(out, (rows["replication"].to_numpy(), rows["bucket"].to_numpy()), rows["count"].to_numpy())
        return out

    def _daily(self, rows: pd.DataFrame, stat: Stat, ci: float) -> Interval:
        if stat == "mean":
            raise ValueError('the mean over days is not kept; ask for over="exams"')
        column = f"{stat}_s"
        if self.replications >= 3:
            return student(rows.groupby("replication")[column].mean().to_numpy(), ci)
        return student(rows[column].to_numpy(), ci, "days")
