"""What an engine answers: when each exam started and ended at each station. Seconds; NaN: never there."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from sim.world.columns import take_rows

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Times:
    """Columns of length n, one row an exam."""

    room_start: Floats
    room_end: Floats  # acquired
    store_start: Floats  # at the site's store
    store_end: Floats
    up_end: Floats  # arrived over the WAN
    up_tag: Floats  # virtual finish time on a link, see kernels/sharing.py
    ingest_start: Floats  # at the cluster's archive
    ingest_end: Floats
    pull_start: Floats  # prior packet in the library
    pull_end: Floats
    fetch_start: Floats  # prior at the archive
    fetch_end: Floats
    fetch_tag: Floats
    fetch_down: Floats  # prior arrived over the WAN
    process_start: Floats  # film processor
    process_end: Floats
    view_start: Floats  # view at the archive
    view_end: Floats
    view_tag: Floats
    view_down: Floats
    available: Floats  # to the local reader
    prior_ready: Floats
    read_ready: Floats
    read_start: Floats
    read_end: Floats
    reported: Floats
    viewed: Floats

    @classmethod
    def empty(cls, n: int) -> "Times":
        """All NaN."""
        return cls(*np.full((len(fields(cls)), n), np.nan))

    @classmethod
    def after(cls, first: "Times", n: int) -> "Times":
        """The rows of `first`, then NaN up to row n."""
        out, kept = cls.empty(n), len(first.room_start)
        for f in fields(cls):
            getattr(out, f.name)[:kept] = getattr(first, f.name)
        return out

    def take(self, rows: NDArray[np.int64]) -> "Times":
        """The same columns for some rows."""
        return take_rows(self, rows)


def join_times(parts: list[Times]) -> Times:
    """One table of several."""
    return Times(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Times)))


@dataclass(frozen=True)
class Load:
    """Jobs that a station was given, for its hourly use: the `rows` of the columns; without an end: never there."""

    station: str
    rows: NDArray[np.int64]
    entity: NDArray[np.integer]
    ready: Floats
    start: Floats
    end: Floats
    work: Floats  # bytes
