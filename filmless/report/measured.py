"""Measured runs as the notebooks see them: what each operation took, from the moment it was due.

Response counts from the due time, so that an archive that stalls is charged for all that waited behind it.
One run is one series of answers that depend on each other; its percentiles have intervals by the ranks of the
sorted responses, with n lowered by the lag-1 correlation of "slower than the percentile or not". Five runs or more
of the same cluster are repetitions: Student's t over them.
"""

from collections.abc import Collection, Sequence
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from filmless.report.simulated import KeptRun
from filmless.report.words import clean
from sim.answers.intervals import Interval, student
from sim.runs.store import RunProblem

Floats = NDArray[np.float64]
KINDS = {"store": "store", "find": "query", "qido": "query", "get": "retrieve", "move": "retrieve", "wado": "retrieve"}
KIND_ORDER = ("store", "query", "retrieve")
QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
BEYOND = 10  # operations slower than a percentile, before it may be relied on
REPEATS = 5  # runs that count as repetitions
CLOCKS = {"response": ("due_s", "end_s"), "service": ("start_s", "end_s"), "first_byte": ("due_s", "first_byte_s"),
          "lag": ("due_s", "start_s"), "first_image": ("due_s", "first_object_s")}  # fmt: skip
FIRST_IMAGE = "retrieve, first image"


COLUMNS = ("op", "cluster", "supplier", "operation", "purpose", "modality", "exam", "due_s", "start_s", "first_byte_s",
           "end_s", "objects", "bytes", "outcome")  # fmt: skip
LEDGER = ("cluster", "exam", "state")


def parts_of(run: KeptRun, key: str) -> dict[str, Any]:
    """A value of the manifest that is kept by cluster."""
    found = run.manifest.get(key)
    return {str(k): v for k, v in found.items()} if isinstance(found, dict) else {}


def validity(run: KeptRun) -> str:
    """VALID or INVALID, as the run says of itself."""
    return clean(str(run.manifest.get("measurement", run.manifest.get("verdict", "not recorded"))))


def archive_name(target: Any) -> str:
    """The product of a target, or its name where that was not said."""
    found = target if isinstance(target, dict) else {"name": target}
    return clean(str(found.get("software") or found.get("name") or "not recorded"))


def needed(q: float) -> int:
    """Operations needed before the q-quantile may be relied on: n (1 - q) >= 10."""
    return int(np.ceil(BEYOND / (1 - q) - 1e-9))


def _effective(slow: NDArray[np.bool_]) -> float:
    """n of independent operations that tell as much as these, by the lag-1 correlation of a 0/1 series."""
    n = len(slow)
    if n < 3 or slow.all() or not slow.any():
        return float(n)
    x = slow - slow.mean()
    r = min(max(float(np.dot(x[:-1], x[1:]) / np.dot(x, x)), 0.0), 0.99)
    return max(1.0, n * (1 - r) / (1 + r))


def _rank_ends(sorted_s: Floats, q: float, n: float, ci: float) -> tuple[float, float]:
    """Order statistics whose ranks enclose the quantile (binomial); NaN where no rank is far enough out."""
    a = (1 - ci) / 2
    whole = max(1, round(n))
    low, high = stats.binom.ppf(a, whole, q) / whole, (stats.binom.ppf(1 - a, whole, q) + 1) / whole
    top = len(sorted_s)
    i = int(np.floor(low * top)) - 1
    j = int(np.ceil(high * top)) - 1
    return (float(sorted_s[i]) if i >= 0 else np.nan), (float(sorted_s[j]) if j < top else np.nan)


def percentile(series_s: Floats, q: float, ci: float = 0.95) -> Interval:
    """The q-quantile of one series in order of time, in seconds, with its interval by ranks."""
    n = len(series_s)
    if n == 0:
        return Interval(np.nan, np.nan, np.nan, 0, "nothing was measured")
    ordered = np.sort(series_s)
    value = float(ordered[max(0, int(np.ceil(q * n - 1e-9)) - 1)])
    effective = _effective(series_s > value)
    low, high = _rank_ends(ordered, q, effective, ci)
    return Interval(value, low, high, n, f"ranks, {effective:.0f} effective operations of {n}")


class Measured:
    """The load runs of one rehearsal, together."""

    def __init__(self, folders: Sequence[Path | str]) -> None:
        self.runs = [KeptRun(f) for f in folders]
        for run in self.runs:
            if run.manifest.get("kind") != "load":
                raise RunProblem(f"{run.folder} is a {run.manifest.get('kind')} run; a load run is needed here")
        whole, self.ledger = self._together("operations", COLUMNS), self._together("ledger", LEDGER)
        if "phase" in whole:  # what was stored before the clock started is in the ledger, and not measured
            whole = whole[whole["phase"] != "prefill"].reset_index(drop=True)
        if len(whole):
            whole["kind"] = whole["operation"].map(KINDS)
        self.operations = whole

    def __bool__(self) -> bool:
        return len(self.operations) > 0

    def _together(self, name: str, needed_columns: tuple[str, ...]) -> pd.DataFrame:
        for run in self.runs:
            missing = set(needed_columns) - set(run.table(name).columns)
            if missing:
                raise RunProblem(f"{run.folder}: table '{name}' has no column {', '.join(sorted(missing))}")
        frames = [r.table(name).assign(run=i) for i, r in enumerate(self.runs)]
        whole = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
        for column in whole.columns:
            if isinstance(whole[column].dtype, pd.CategoricalDtype):
                whole[column] = whole[column].astype(str)
        return whole

    def alone(self, number: int) -> "Measured":
        """One run of these as if it were the only one, without reading it again."""
        one = copy(self)
        one.runs = [self.runs[number]]
        for name in ("operations", "ledger"):
            whole: pd.DataFrame = getattr(self, name)
            setattr(one, name, whole[whole["run"] == number].assign(run=0).reset_index(drop=True))
        return one

    @property
    def targets(self) -> str:
        """What was measured, as the runs' manifests name it."""
        found = [archive_name(t) for r in self.runs for t in parts_of(r, "targets").values()]
        return ", ".join(dict.fromkeys(found)) or "not recorded"

    @property
    def invalid(self) -> list[str]:
        """Runs whose own verdict says that they cannot be trusted, with the reasons."""
        return [f"{clean(r.folder.name)}: {'; '.join(clean(str(x)) for x in r.manifest.get('reasons', []))}"
                for r in self.runs if validity(r) == "INVALID"]  # fmt: skip

    @property
    def source(self) -> str:
        """The line below each figure."""
        names = ", ".join(clean(r.folder.name) for r in self.runs[:3])
        more = f" and {len(self.runs) - 3} more" if len(self.runs) > 3 else ""
        return f"filmless load runs {names}{more}, played against: {self.targets}"

    @property
    def period(self) -> str:
        """How long was played, and of which hour."""
        starts = [clean(str(s))[:10] for r in self.runs for s in parts_of(r, "starts").values()]
        length = self.operations["end_s"].max() / 60 if len(self.operations) else 0.0
        days = sorted(dict.fromkeys(starts))
        of = f" of the traffic of {days[0]}{f' to {days[-1]}' if len(days) > 1 else ''}" if days else ""
        return f"{length:.1f} minutes{of}"

    def answered(self) -> pd.DataFrame:
        """Operations that ended well; the others are in `outcomes`."""
        return self.operations[self.operations["outcome"] == "ok"]

    def outcomes(self) -> pd.DataFrame:
        """Every operation by what came of it: one row a cluster and kind, one column an outcome."""
        rows = self.operations
        names = ["ok", "refused", "failed", "unknown", "dropped"]
        counts = pd.crosstab([rows["cluster"], rows["kind"]], rows["outcome"])
        counts = counts.reindex(columns=[*names, *sorted(set(counts.columns) - set(names))], fill_value=0)
        return counts.reset_index()

    def table(self, stat: str, by: Sequence[str], clock: str = "response", ci: float = 0.95,
              clusters: Collection[str] = ()) -> pd.DataFrame:  # fmt: skip
        """One row a group: *by, measure, stat, over, value, low, high, slowest in seconds, n, method, unit, enough.

        `by` may hold run, cluster, supplier, kind, operation, modality, purpose; `clusters` are those looked at (none:
        all). enough says "yes" or how many operations it takes; a percentile that n neither bears nor bounds is NaN.
        """
        begin, end = CLOCKS[clock]
        rows, q = self.answered().sort_values(["run", "due_s"], kind="stable"), QUANTILES[stat]
        rows = rows[rows["cluster"].isin(clusters)] if clusters else rows
        rows = rows.assign(took_s=rows[end] - rows[begin]).dropna(subset=["took_s"])
        out = []
        for key, part in rows.groupby(list(by), sort=False):
            i, enough = self._one(part, q, ci), "yes" if len(part) >= needed(q) else f"no: {needed(q)} needed"
            if enough != "yes" and not np.isfinite(i.high):
                i = Interval(np.nan, np.nan, np.nan, i.n, "not shown: too few operations to bound it")
            out.append({**dict(zip(by, key, strict=True)), "measure": clock, "stat": stat, "over": "operations",
                        "value": i.value, "low": i.low, "high": i.high, "n": len(part),
                        "n_exams": part["exam"].nunique(), "method": i.method, "unit": "s",
                        "enough": enough, "slowest": float(part["took_s"].max())})  # fmt: skip
        return pd.DataFrame(out)

    def first_images(self, ci: float = 0.95) -> pd.DataFrame:
        """As `table` by cluster and kind, for retrieves until their first image; empty where runs do not tell it."""
        if "first_object_s" not in self.operations:
            return pd.DataFrame()
        found = [self.table(stat, ["cluster", "kind"], "first_image", ci) for stat in QUANTILES]
        every = pd.concat(found, ignore_index=True)
        return every[every["kind"] == "retrieve"].assign(kind=FIRST_IMAGE) if len(every) else every

    def objects(self) -> pd.DataFrame:
        """Service time of single stored objects: cluster, stat, value, low, high in seconds, n, method, enough.

        From the first byte sent of an object until its answer; empty where the runs keep no table of objects.
        """
        found = [self._objects_of(i, run) for i, run in enumerate(self.runs) if run.has("objects")]
        out = []
        for cluster, part in pd.concat(found).groupby("cluster", sort=False) if found else ():
            series = (part["end_s"] - part["start_s"]).to_numpy(dtype=np.float64)
            for stat, q in QUANTILES.items():
                enough = "yes" if len(series) >= needed(q) else f"no: {needed(q)} needed"
                i = percentile(series, q)
                out.append({"cluster": cluster, "stat": stat, "value": i.value, "low": i.low, "high": i.high, "n": i.n,
                            "method": i.method, "enough": enough})  # fmt: skip
        return pd.DataFrame(out)

    def _objects_of(self, number: int, run: KeptRun) -> pd.DataFrame:
        rows = run.table("objects")
        rows = rows[rows["kind"].astype(str) == "store"] if "kind" in rows else rows  # one of a STOW-RS has no own time
        rows = rows[["cluster", "op", "start_s", "end_s", "outcome"]].astype({"cluster": str, "outcome": str})
        played = self.operations[(self.operations["run"] == number) & (self.operations["kind"] == "store")]
        rows = rows[rows["outcome"] == "ok"].merge(played[["cluster", "op"]], on=["cluster", "op"])
        return rows.sort_values("start_s", kind="stable")

    def _one(self, rows: pd.DataFrame, q: float, ci: float) -> Interval:
        series = [part["took_s"].to_numpy(dtype=np.float64) for _, part in rows.groupby("run")]
        if len(series) >= REPEATS and min(map(len, series)) >= needed(q):
            return student(np.array([percentile(s, q).value for s in series]), ci, "load runs")
        return percentile(np.concatenate(series), q, ci)

    def sorted_responses(self, cluster: str, kind: str) -> Floats:
        """Responses of the answered operations in seconds, ascending."""
        rows = self.answered()
        rows = rows[(rows["cluster"] == cluster) & (rows["kind"] == kind)]
        return np.sort((rows["end_s"] - rows["due_s"]).to_numpy(dtype=np.float64))
