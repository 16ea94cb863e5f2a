"""From a measured archive to an archive profile of a scenario: what one object costs, and what its bytes cost.

Service of a stored object (sent until answered) = overhead + bytes / rate, by least squares over answered objects of at
least two sizes. Intervals: the run in ten sections in time, each with its own fit, spread about the fit of the whole, t
with 9. Queueing inside the archive is in the service time: calibrate from a run at low load; the manifest's load stands
in the note.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from loadtest.play.problems import TrafficProblem
from sim.answers.intervals import SECTIONS, Interval, sectioned
from sim.runs.store import Run

Floats = NDArray[np.float64]
FEWEST = 10 * SECTIONS  # objects, below which there is no profile
LEAST_RANGE = 1.5  # largest size over smallest, for a rate
QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
Fit = Callable[[Floats, Floats], tuple[float, float]]  # sizes, seconds -> overhead in s, seconds a byte


@dataclass(frozen=True)
class Profile:
    """One direction of one archive: overhead in ms, rate in MB/s of one server, percentiles of an object in s."""

    cluster: str
    supplier: str
    overhead_ms: Interval
    rate_mb_s: Interval
    quantiles_s: dict[str, float]
    objects: int
    busy: float

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"cluster": self.cluster, "supplier": self.supplier, "overhead_ms": vars_of(self.overhead_ms),
                "rate_mb_s": vars_of(self.rate_mb_s), "quantiles_s": self.quantiles_s, "objects": self.objects,
                "under_way": self.busy}  # fmt: skip


def vars_of(i: Interval) -> dict[str, Any]:
    """An interval as plain data; ends that are not known are null."""
    ends = {name: None if value != value else value for name, value in (("low", i.low), ("high", i.high))}
    return {"value": i.value, **ends, "n": i.n, "method": i.method}


def line(sizes: Floats, seconds: Floats) -> tuple[float, float]:
    """Least squares: overhead in s, and seconds a byte."""
    x = sizes - sizes.mean()
    slope = float(np.dot(x, seconds) / np.dot(x, x))
    return float(seconds.mean() - slope * sizes.mean()), slope


def calibrate(run: Run) -> list[Profile]:
    """A profile of ingest for each cluster of a load run. Raises TrafficProblem where the run cannot bear one."""
    if run.manifest.get("kind") != "load":
        raise TrafficProblem(f"{run.folder} is a {run.manifest.get('kind')} run: calibrate reads a load run")
    operations = run.table("operations")[["cluster", "op", "supplier", "phase"]]
    objects = run.table("objects").merge(operations, on=["cluster", "op"])
    stored = objects[(objects["phase"] == "play") & (objects["outcome"] == "ok")]
    found = [
        _profile(run, str(key), part.sort_values("start_s")) for key, part in stored.groupby("cluster", sort=False)
    ]
    if not found:
        raise TrafficProblem(f"{run.folder}: no object was stored while it played: calibrate from a run that stores")
    return found


def _profile(run: Run, cluster: str, part: pd.DataFrame) -> Profile:
    sizes, seconds = part["bytes"].to_numpy(np.float64), (part["end_s"] - part["start_s"]).to_numpy(np.float64)
    if len(part) < FEWEST:
        raise TrafficProblem(f"{run.folder}, {cluster}: {len(part)} objects were stored; a profile takes {FEWEST}")
    if sizes.max() < LEAST_RANGE * sizes.min():
        raise TrafficProblem(f"{run.folder}, {cluster}: all objects have about {sizes.mean() / 1e3:.0f} kB, so that "
                             "overhead and rate cannot be told apart: play traffic of several modalities")  # fmt: skip
    overhead, slope = line(sizes, seconds)
    parts = [line(sizes[i], seconds[i]) for i in np.array_split(np.arange(len(part)), SECTIONS)
             if np.ptp(sizes[i]) > 0]  # fmt: skip
    each = np.array(parts)
    return Profile(
        cluster, str(part["supplier"].iloc[0]), _scaled(sectioned(overhead, each[:, 0], len(each), 0.95), 1e3),
        _rate(sectioned(slope, each[:, 1], len(each), 0.95)),
        {name: float(np.quantile(seconds, q, method="inverted_cdf")) for name, q in QUANTILES.items()},
        len(part), float(seconds.sum() / np.ptp(part["end_s"].to_numpy(np.float64))),
    )  # fmt: skip


METHOD = f"least squares, {SECTIONS} sections in time"


def _scaled(i: Interval, by: float) -> Interval:
    return Interval(i.value * by, max(i.low * by, 0.0), i.high * by, i.n, METHOD)


def _rate(i: Interval) -> Interval:
    """MB/s from seconds a byte; an end beyond which the rate is not bounded is NaN."""

    def turned(slope: float) -> float:
        return 1e-6 / slope if slope > 0 else nan

    return Interval(turned(i.value), turned(i.high), turned(i.low), i.n, METHOD)


def profile_toml(run: Run, profiles: list[Profile]) -> str:
    """Figures for [archives.NAME] of a scenario; what was not measured is left for a person to fill in."""
    blocks = [f"# Calibrated from the load run {run.folder.name}: {run.manifest.get('title', '')}, "
              f"{run.manifest.get('version', '')}. Paste over the same keys of an archive in your scenario.",
              "# Retrieval, site stores, cache and copies were not measured by this.", ""]  # fmt: skip
    for one in profiles:
        note = f"measured on {one.objects} objects, on average {one.busy:.2f} under way"
        blocks += [f"[archives.{one.supplier}]  # {one.cluster}",
                   _figure("ingest_overhead", one.overhead_ms, "ms", note),
                   _figure("ingest_rate", one.rate_mb_s, "MB/s", note), ""]  # fmt: skip
    return "\n".join(blocks)


def _figure(key: str, i: Interval, unit: str, note: str) -> str:
    if i.value != i.value or i.value < 0:
        return f"# {key}: not told by this run ({note}); sizes are too much alike for the noise"
    ends = "".join(f", {name} = {value:.6g}" for name, value in (("low", i.low), ("high", i.high)) if value == value)
    return (f'{key} = {{ value = {i.value:.6g}, unit = "{unit}", source = "measured", status = "derived"{ends}, '
            f'note = "{note}; 95 % interval, {i.method}" }}')  # fmt: skip
