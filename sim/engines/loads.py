"""The jobs that each station was given, read off the finished exams: for hourly use and for theory."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.engines.jobs import Jobs, Stations
from sim.engines.times import Load, Times
from sim.world.exams import Exams

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
STATIONS = ("room", "store", "wan_up", "ingest", "retrieve", "wan_down", "library", "processor", "reading")


def loads_of(e: Exams, j: Jobs, t: Times, done: Ints) -> list[Load]:
    """One `Load` a station (two where it is used in two ways), of the rows `done`.

    A transfer's time on a link is its sojourn; the link's utilisation is its bytes over its rate.
    """

    def load(station: str, entity: NDArray[np.integer], ready: Floats, start: Floats, end: Floats,
             work: Floats) -> Load:  # fmt: skip
        return Load(station, done, entity, ready, start, end, work)

    none, site, wire = np.zeros(len(e)), e.site, j.wire_bytes
    return [
        load("room", j.room, e.arrival_s, t.room_start, t.room_end, none),
        load("store", site, t.room_end, t.store_start, t.store_end, none),
        load("wan_up", site, t.store_end, t.store_end, t.up_end, wire),
        load("ingest", j.archive, t.up_end, t.ingest_start, t.ingest_end, wire),
        load("retrieve", j.archive, e.arrival_s + j.prior_more_s, t.fetch_start, t.fetch_end, wire),
        load("retrieve", j.archive, t.view_start, t.view_start, t.view_end, wire),
        load("wan_down", j.hub, t.fetch_end, t.fetch_end, t.fetch_down, wire),
        load("wan_down", j.view_site, t.view_end, t.view_end, t.view_down, wire),
        load("library", j.hub, e.arrival_s, t.pull_start, t.pull_end, none),
        load("processor", site, t.room_end, t.process_start, t.process_end, none),
        load("reading", j.trust, t.read_ready, t.read_start, t.read_end, none),
    ]


def servers_of(st: Stations) -> dict[str, NDArray[Any]]:
    """Servers of each station's entities; of a link its bytes a second."""
    return {
        "room": st.rooms, "store": st.stores, "wan_up": st.up_bytes_s, "ingest": st.ingest,
        "retrieve": st.retrieve, "wan_down": st.down_bytes_s, "library": st.clerks,
        "processor": st.processors, "reading": st.readers,
    }  # fmt: skip
