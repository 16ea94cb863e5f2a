"""The jobs that each station was given, read off the finished exams: for hourly use and for theory."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.engines.jobs import VIEW_LINK, Jobs, Stations
from sim.engines.times import Load, Times
from sim.world.exams import Exams

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
STATIONS = ("room", "store", "wan_up", "ingest", "retrieve", "wan_down", "library", "processor", "reading")


def _load(station: str, entity: Ints, ready: Floats, start: Floats, end: Floats, work: Floats) -> Load:
    """A station's jobs without the exams that never came there."""
    rows = np.flatnonzero(~np.isnan(end))
    return Load(station, entity[rows].astype(np.int64), ready[rows], start[rows], end[rows], work[rows])


def loads_of(e: Exams, j: Jobs, t: Times) -> list[Load]:
    """One `Load` a station (two where it is used in two ways). A link's busy time is its transfer at full rate."""
    none = np.zeros(len(e))
    site = e.site.astype(np.int64)
    wire = j.wire_bytes
    return [
        _load("room", j.room, e.arrival_s, t.room_start, t.room_end, none),
        _load("store", site, t.room_end, t.store_start, t.store_end, e.bytes.astype(np.float64)),
        _load("wan_up", site, t.store_end, t.store_end, t.up_end, wire),
        _load("ingest", j.archive, t.up_end, t.ingest_start, t.ingest_end, wire),
        _load("retrieve", j.archive, e.arrival_s, t.fetch_start, t.fetch_end, wire),
        _load("retrieve", j.archive, t.view_start, t.view_start, t.view_end, wire),
        _load("wan_down", j.hub, t.fetch_end, t.fetch_end, t.fetch_down, wire),
        _load(
            "wan_down", j.view_site, t.view_end, t.view_end, np.where(j.view == VIEW_LINK, t.view_down, np.nan), wire
        ),
        _load("library", j.hub, e.arrival_s, t.pull_start, t.pull_end, none),
        _load("processor", site, t.room_end, t.process_start, t.process_end, none),
        _load("reading", j.trust, t.read_ready, t.read_start, t.read_end, none),
    ]


def servers_of(st: Stations) -> dict[str, NDArray[Any]]:
    """Servers of each station's entities; of a link its bytes a second."""
    return {
        "room": st.rooms, "store": st.stores, "wan_up": st.up_bytes_s, "ingest": st.ingest,
        "retrieve": st.retrieve, "wan_down": st.down_bytes_s, "library": st.clerks,
        "processor": st.processors, "reading": st.readers,
    }  # fmt: skip
