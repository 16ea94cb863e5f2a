"""The door to the wire: what a cluster's archive is asked for in a window, as timed DICOM operations.

The archive gets every image of its sites (store), and is asked for what the sites do not hold: priors
older than their cache, views from elsewhere, and the reading of units without readers; each retrieval is
preceded by its query. Reading and viewing from the site's own store is not this archive's traffic.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.engines.jobs import Jobs
from sim.engines.kernels.routing import AT_CENTRE, VIEW_ABROAD, VIEW_LINK
from sim.engines.times import Times
from sim.world.demand import yearly_exams
from sim.world.estate import Estate
from sim.world.exams import Exams
from sim.world.financial_year import financial_year
from sim.world.load import World

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
PRIOR_OF = 5_000  # added to an exam's id: the id of its prior
QUERY_BEFORE_S = 2.0  # a query goes out this long before its retrieval
COLUMNS = (
    "op", "due_s", "phase", "cluster", "supplier", "site", "ae_title", "operation", "purpose",
    "exam", "patient", "modality", "objects", "bytes", "acquired",
)  # fmt: skip


@dataclass(frozen=True)
class Window:
    """A cluster's exams with their times, and the window asked for; t0_s is in the exams' own time."""

    world: World
    estate: Estate
    exams: Exams
    jobs: Jobs
    times: Times
    zero: datetime  # time 0 of the exams
    t0_s: float
    hours: float


def device(modality: str, number: int, room: int) -> str:
    """AE title of a modality: kind, site number, room."""
    return f"{modality}{number:04d}R{room}"


def workstation(kind: str, number: int) -> str:
    """AE title of a site's reading or viewing workstations: READ or WARD and the site number."""
    return f"{kind}{number:04d}"


def _rows(w: Window, rows: Ints, due: Floats, operation: str, purpose: str, ae: list[str]) -> pd.DataFrame:
    e, mods = w.exams, np.array(list(w.world.scenario.modalities))
    acquired = pd.Timestamp(w.zero) + pd.to_timedelta(w.times.room_end[rows], unit="s").round("us")
    return pd.DataFrame({
        "due_s": due - w.t0_s, "phase": "play", "cluster": w.estate.cluster,
        "supplier": np.array(w.estate.archives)[w.jobs.archive[rows]],
        "site": [w.estate.sites[i].site for i in e.site[rows]], "ae_title": ae, "operation": operation,
        "purpose": purpose, "exam": e.exam[rows], "patient": e.patient[rows], "modality": mods[e.modality[rows]],
        "objects": e.images[rows].astype(np.int32), "bytes": e.bytes[rows],
        "acquired": pd.Series(acquired).astype("datetime64[us]"),
    })  # fmt: skip


def _inside(w: Window, due: Floats, mask: NDArray[np.bool_]) -> Ints:
    return np.flatnonzero(mask & (due >= w.t0_s) & (due < w.t0_s + 3600 * w.hours))


def _stores(w: Window) -> pd.DataFrame:
    due, e = w.times.room_end, w.exams
    rows = _inside(w, due, w.jobs.central)
    mods, numbers = list(w.world.scenario.modalities), [row.number for row in w.estate.sites]
    rooms = np.maximum(w.estate.rooms[e.site[rows], e.modality[rows]], 1)
    ae = [device(mods[m], numbers[s], int(x % k) + 1)
          for m, s, x, k in zip(e.modality[rows], e.site[rows], e.exam[rows], rooms, strict=True)]  # fmt: skip
    return _rows(w, rows, due[rows], "store", "store", ae)


def _retrievals(w: Window, due: Floats, mask: NDArray[np.bool_], purpose: str, at: NDArray[np.int32]) -> pd.DataFrame:
    """Query and retrieval; readers use DIMSE (C-MOVE, or C-GET at odd site numbers), doctors DICOMweb."""
    rows = _inside(w, due, mask)
    numbers = np.array([row.number for row in w.estate.sites])[at[rows]]
    if purpose == "view":
        ae = [workstation("WARD", n) for n in numbers]
        ask, get = "qido", np.full(len(rows), "wado")
    else:
        ae = [workstation("READ", n) for n in numbers]
        ask, get = "find", np.where(numbers % 2 == 1, "get", "move")
    fetch = _rows(w, rows, due[rows], "", purpose, ae).assign(operation=get)
    query = _rows(w, rows, due[rows] - QUERY_BEFORE_S, ask, purpose, ae)
    return pd.concat([query[query["due_s"] >= 0], fetch])


def _as_prior(w: Window, frame: pd.DataFrame) -> pd.DataFrame:
    """The same rows, asking for the exam's prior: its own id, and the date it was made."""
    months = pd.Series(w.exams.prior_months, index=w.exams.exam)[frame["exam"]].to_numpy()
    made = frame["acquired"] - pd.to_timedelta(np.floor(months * 30.4375), unit="D")
    return frame.assign(exam=frame["exam"] + PRIOR_OF, acquired=made.astype("datetime64[us]"))


def _later_views(w: Window) -> list[pd.DataFrame]:
    out, linked = [], np.isin(w.jobs.view, (VIEW_LINK, VIEW_ABROAD)) & w.jobs.central
    for k in range(1, int(w.exams.views.max(initial=0)) + 1):
        due = w.times.viewed + k * w.exams.view_gap_s
        out.append(_retrievals(w, due, linked & (w.exams.views >= k), "view", w.jobs.view_site))
    return out


def _prefill(frame: pd.DataFrame) -> pd.DataFrame:
    """Stores of the studies that are retrieved and not stored in the window itself before they are asked for."""
    stored = set(frame.loc[frame["operation"] == "store", "exam"])
    asked = frame[frame["operation"] != "store"].drop_duplicates("exam")
    return asked[~asked["exam"].isin(stored)].assign(
        due_s=np.nan, phase="prefill", operation="store", purpose="store", ae_title="PREFILL"
    )


def traffic_of(w: Window) -> pd.DataFrame:
    """The window's operations, ordered by due time, prefill first; columns as `COLUMNS`."""
    t, j = w.times, w.jobs
    linked = np.isin(j.view, (VIEW_LINK, VIEW_ABROAD)) & j.central
    parts = [
        _stores(w),
        _retrievals(w, t.read_start, j.miu & j.central, "read", j.hub),
        _as_prior(w, _retrievals(w, w.exams.arrival_s + j.prior_more_s, j.prior == AT_CENTRE, "prior", j.hub)),
        _retrievals(w, t.view_start, linked, "view", j.view_site),
        *_later_views(w),
    ]
    play = pd.concat(parts, ignore_index=True).sort_values(["due_s", "exam", "operation"], kind="stable")
    whole = pd.concat([_prefill(play), play], ignore_index=True)
    whole["op"] = np.arange(len(whole), dtype=np.int64)
    return whole[list(COLUMNS)]


def busiest_hour(w: Window) -> tuple[datetime, int]:
    """The clock hour in which the cluster's archive is sent most bytes, and its bytes."""
    rows = np.flatnonzero(w.jobs.central & (w.times.room_end >= w.t0_s)
                          & (w.times.room_end < w.t0_s + 3600 * w.hours))  # fmt: skip
    if len(rows) == 0:
        raise ValueError(f"cluster '{w.estate.cluster}' sends nothing to its archive in this period")
    hour = np.floor(w.times.room_end[rows] / 3600).astype(np.int64)
    totals = np.bincount(hour - hour.min(), weights=w.exams.bytes[rows].astype(np.float64))
    return w.zero + timedelta(hours=int(hour.min() + totals.argmax())), int(totals.max())


def year_of(w: Window, start: datetime) -> float:
    """Exams that the scenario expects of the window's cluster in the financial year of `start`."""
    return float(yearly_exams(w.world, w.estate.cluster, w.estate.sites, financial_year(start.date())).sum())


QUANTILES = np.linspace(0.0, 1.0, 101)


def simulated(w: Window) -> dict[str, dict[str, Any]]:
    """How long the simulation says that the window's operations take: per kind n and 101 quantiles in s.

    `store`: from arrival at the cluster's archive to its end there, waiting included; `taken to stored`: from the end
    of the scan, over the site's store and link. `retrieve`: views and priors in the archive's hands; their waiting
    there lies before the due time.
    """
    t, j = w.times, w.jobs
    stored = _inside(w, t.room_end, j.central)
    linked = _inside(w, t.view_start, np.isin(j.view, (VIEW_LINK, VIEW_ABROAD)) & j.central)
    prior = _inside(w, w.exams.arrival_s, j.prior == AT_CENTRE)
    views, priors = (t.view_end - t.view_start)[linked], (t.fetch_end - t.fetch_start)[prior]
    took = {
        "store": (t.ingest_end - t.up_end)[stored], "taken to stored": (t.ingest_end - t.room_end)[stored],
        "retrieve": np.concatenate([views, priors]),
    }  # fmt: skip
    whole = {kind: values[np.isfinite(values)] for kind, values in took.items()}
    return {kind: {"n": len(values), "quantiles_s": np.quantile(values, QUANTILES).tolist()}
            for kind, values in whole.items() if len(values)}  # fmt: skip


def metadata(world: World, cluster: str, start: datetime, hours: float, scenario_hash: str) -> dict[str, Any]:
    """What the wire must know beside the rows."""
    shapes = {c: [m.matrix.rows, m.matrix.columns, m.matrix.bytes_per_pixel]
              for c, m in world.scenario.modalities.items()}  # fmt: skip
    return {
        "seed": world.scenario.seed, "scenario": world.scenario.title, "scenario_hash": scenario_hash,
        "start": start.isoformat(), "hours": hours, "cluster": cluster, "matrices": shapes,
        "wan_bytes_s": _links(world), "faults": _faults(world, start, hours),
    }  # fmt: skip


def _faults(world: World, start: datetime, hours: float) -> list[dict[str, Any]]:
    """The scenario's faults that touch the window, as plain data; `since_s` counts from the window's start."""
    found = []
    for name, fault in world.scenario.faults.items():
        at = (fault.start - start).total_seconds()
        since = [at + 3600 * hour for hour in fault.recovery.hours]
        if since[0] < 3600 * hours and since[-1] > 0:
            found.append({"name": name, "what": fault.what, "station": fault.station, "cluster": fault.cluster,
                          "sites": fault.sites, "since_s": since, "capacity": fault.recovery.capacity})  # fmt: skip
    return found


def _links(world: World) -> dict[str, float]:
    """Usable bytes a second of each site's link, as the estate has them."""
    usable = world.scenario.network.usable.value
    return {row.site: row.wan_mbit_s * 1e6 / 8 * usable for row in world.sites}
