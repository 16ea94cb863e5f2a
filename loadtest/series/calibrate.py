"""From a measured archive to an archive profile of a scenario: what one object costs, and what its bytes cost.

Storing: service of an object (sent until answered) = overhead + bytes / rate. Retrieving: time to the first byte of a
study, then objects x overhead + bytes / rate; the same terms as a scenario's archive has. Both by least squares over
objects of at least two sizes. Intervals: the run in ten sections in time, each with its own fit, spread about the fit
of the whole, t with 9. Queueing inside the archive is in its service time: calibrate from a run at low load; the load
stands in the note.
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
FEWEST = 10 * SECTIONS  # objects stored, or studies retrieved, below which there is no profile
LEAST_RANGE = 1.5  # largest size of an object over the smallest, for a rate
QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
RETRIEVES = ("get", "move", "wado")
METHOD = f"least squares, {SECTIONS} sections in time"
FIRST = f"mean, {SECTIONS} sections in time"
Fit = Callable[[NDArray[np.intp]], tuple[float, ...]]  # rows -> what they say


@dataclass(frozen=True)
class Direction:
    """One direction of one archive: `figures` by key of a scenario's archive, each with its unit.

    `quantiles_s` of an object stored, or of a study retrieved; `counts` of operations; `busy` under way on average.
    """

    figures: dict[str, tuple[Interval, str]]
    quantiles_s: dict[str, float]
    counts: dict[str, int]
    busy: float

    def words(self) -> str:
        """What it was measured on, for the note of a figure."""
        counted = ", ".join(f"{count} {name}" for name, count in self.counts.items())
        return f"measured on {counted}, on average {self.busy:.2f} under way"

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        figures = {key: {**vars_of(i), "unit": unit} for key, (i, unit) in self.figures.items()}
        return {**figures, "quantiles_s": self.quantiles_s, "counts": self.counts, "under_way": self.busy}


@dataclass(frozen=True)
class Profile:
    """One archive; a direction that the run cannot bear is None, and `lacking` says why."""

    cluster: str
    supplier: str
    ingest: Direction | None
    retrieval: Direction | None
    lacking: list[str]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        both = {"ingest": self.ingest, "retrieval": self.retrieval}
        return {"cluster": self.cluster, "supplier": self.supplier, "lacking": self.lacking,
                **{name: one.to_json() if one else None for name, one in both.items()}}  # fmt: skip


def vars_of(i: Interval) -> dict[str, Any]:
    """An interval as plain data; ends that are not known are null."""
    ends = {name: None if value != value else value for name, value in (("low", i.low), ("high", i.high))}
    return {"value": i.value, **ends, "n": i.n, "method": i.method}


def calibrate(run: Run) -> list[Profile]:
    """A profile for each cluster of a load run. Raises TrafficProblem where the run bears none, with the reasons."""
    if run.manifest.get("kind") != "load":
        raise TrafficProblem(f"{run.folder} is a {run.manifest.get('kind')} run: calibrate reads a load run")
    operations = run.table("operations")
    played = operations[(operations["phase"] == "play") & (operations["outcome"] == "ok")]
    stores = played.loc[played["operation"] == "store", ["cluster", "op"]]
    objects = run.table("objects").merge(stores, on=["cluster", "op"])
    stored = objects[objects["outcome"] == "ok"]
    found = [
        _profile(str(cluster), part, stored[stored["cluster"] == cluster].sort_values("start_s"), _by_images(run))
        for cluster, part in played.sort_values("start_s").groupby("cluster", sort=False)
    ]
    if not any(one.ingest or one.retrieval for one in found):
        why = [f"{one.cluster}: {reason}" for one in found for reason in one.lacking]
        raise TrafficProblem(f"{run.folder}: {'; '.join(why) or 'nothing that was played ended well'}")
    return found


def _by_images(run: Run) -> bool:
    """Whether WADO-RS was image after image: such a view is no retrieve of a study."""
    return bool((run.manifest.get("settings") or {}).get("view_by", "instances") != "instances")


def _profile(cluster: str, played: pd.DataFrame, stored: pd.DataFrame, by_images: bool) -> Profile:
    wanted = RETRIEVES[:2] if by_images else RETRIEVES
    lacking: list[str] = []
    ingest = _try(lacking, _ingest, stored)
    retrieval = _try(lacking, _retrieval, played[played["operation"].isin(wanted)])
    return Profile(cluster, str(played["supplier"].iloc[0]), ingest, retrieval, lacking)


def _try(lacking: list[str], fit: Callable[[pd.DataFrame], Direction], rows: pd.DataFrame) -> Direction | None:
    try:
        return fit(rows)
    except TrafficProblem as error:
        lacking.append(str(error))
        return None


def _ingest(rows: pd.DataFrame) -> Direction:
    if "stow" in set(rows.get("kind", ())):
        why = "objects were stored by STOW-RS, several a request, whose time is not an object's"
        raise TrafficProblem(f"{why}: play with --store-by dimse")
    sizes, seconds = rows["bytes"].to_numpy(np.float64), (rows["end_s"] - rows["start_s"]).to_numpy(np.float64)
    _check("objects were stored", len(rows), sizes)
    one = np.ones(len(sizes))
    overhead, slope = _fitted(lambda i: least_squares((one[i], sizes[i]), seconds[i]), sizes)
    figures = {"ingest_overhead": (_scaled(overhead, 1e3), "ms"), "ingest_rate": (_rate(slope), "MB/s")}
    return Direction(figures, _quantiles(seconds), {"objects": len(rows)}, _busy(rows))


def _retrieval(rows: pd.DataFrame) -> Direction:
    """First byte and rest are fitted apart: the wait for a study does not hang on its size."""
    rows = rows[(rows["objects"] > 0) & rows["first_byte_s"].notna()]
    count, size = rows["objects"].to_numpy(np.float64), rows["bytes"].to_numpy(np.float64)
    _check("studies were retrieved", len(rows), size / count)
    first = (rows["first_byte_s"] - rows["start_s"]).to_numpy(np.float64)
    rest = (rows["end_s"] - rows["first_byte_s"]).to_numpy(np.float64)
    overhead, slope = _fitted(lambda i: least_squares((count[i], size[i]), rest[i]), size / count)
    (wait,) = _fitted(lambda i: (float(first[i].mean()),), np.arange(len(first), dtype=np.float64))
    figures = {
        "retrieve_first": (_scaled(wait, 1.0, FIRST), "s"), "retrieve_overhead": (_scaled(overhead, 1e3), "ms"),
        "retrieve_rate": (_rate(slope), "MB/s"),
    }  # fmt: skip
    counts = {str(name): int(n) for name, n in rows["operation"].value_counts().items()}
    return Direction(figures, _quantiles((rows["end_s"] - rows["start_s"]).to_numpy(np.float64)), counts, _busy(rows))


def _check(what: str, n: int, sizes: Floats) -> None:
    """Raise TrafficProblem where so few, or sizes so much alike, cannot bear a profile."""
    if n < FEWEST:
        raise TrafficProblem(f"{n} {what}; a profile takes {FEWEST}")
    if sizes.max() < LEAST_RANGE * sizes.min():
        kinds = what.partition(" ")[2]
        raise TrafficProblem(f"all objects that {kinds} have about {sizes.mean() / 1e3:.0f} kB, so that overhead and "
                             "rate cannot be told apart: play traffic of several modalities")  # fmt: skip


def least_squares(columns: tuple[Floats, ...], seconds: Floats) -> tuple[float, ...]:
    """Coefficients of the columns; bytes are scaled on the way, for they are a million times the counts."""
    scales = [float(np.abs(one).max()) or 1.0 for one in columns]
    design = np.column_stack([one / scale for one, scale in zip(columns, scales, strict=True)])
    found = np.linalg.lstsq(design, seconds, rcond=None)[0]
    return tuple(float(x) / scale for x, scale in zip(found, scales, strict=True))


def _fitted(fit: Fit, varied: Floats) -> list[Interval]:
    """Each coefficient of the whole, with the spread of the sections in which `varied` does vary."""
    whole = fit(np.arange(len(varied)))
    sections = [fit(i) for i in np.array_split(np.arange(len(varied)), SECTIONS) if np.ptp(varied[i]) > 0]
    each = np.array(sections).reshape(len(sections), len(whole))
    return [sectioned(value, each[:, k], len(sections), 0.95) for k, value in enumerate(whole)]


def _quantiles(seconds: Floats) -> dict[str, float]:
    return {name: float(np.quantile(seconds, q, method="inverted_cdf")) for name, q in QUANTILES.items()}


def _busy(rows: pd.DataFrame) -> float:
    took = (rows["end_s"] - rows["start_s"]).to_numpy(np.float64)
    return float(took.sum() / np.ptp(rows["end_s"].to_numpy(np.float64)))


def _scaled(i: Interval, by: float, method: str = METHOD) -> Interval:
    return Interval(i.value * by, max(i.low * by, 0.0), i.high * by, i.n, method)


def _rate(i: Interval) -> Interval:
    """MB/s from seconds a byte; an end beyond which the rate is not bounded is NaN."""

    def turned(slope: float) -> float:
        return 1e-6 / slope if slope > 0 else nan

    return Interval(turned(i.value), turned(i.high), turned(i.low), i.n, METHOD)


def profile_toml(run: Run, profiles: list[Profile]) -> str:
    """Figures for [archives.NAME] of a scenario; what was not measured is left for a person to fill in."""
    blocks = [f"# Calibrated from the load run {run.folder.name}: {run.manifest.get('title', '')}, "
              f"{run.manifest.get('version', '')}. Paste over the same keys of an archive in your scenario.",
              "# Servers, site stores, cache and copies were not measured by this.", ""]  # fmt: skip
    for one in profiles:
        blocks.append(f"[archives.{one.supplier}]  # {one.cluster}")
        for direction in filter(None, (one.ingest, one.retrieval)):
            blocks += [_figure(key, i, unit, direction.words()) for key, (i, unit) in direction.figures.items()]
        blocks += [*(f"# {reason}" for reason in one.lacking), ""]
    return "\n".join(blocks)


def _figure(key: str, i: Interval, unit: str, note: str) -> str:
    if i.value != i.value or i.value < 0:
        return f"# {key}: not told by this run ({note}); sizes are too much alike for the noise"
    ends = "".join(f", {name} = {value:.6g}" for name, value in (("low", i.low), ("high", i.high)) if value == value)
    return (f'{key} = {{ value = {i.value:.6g}, unit = "{unit}", source = "measured", status = "derived"{ends}, '
            f'note = "{note}; 95 % interval, {i.method}" }}')  # fmt: skip
