"""Kernels called as a bank of stations calls them: grouped, and a window at a time."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sim.engines.kernels.fifo import grouped_fifo
from sim.engines.kernels.priority import grouped_pools
from sim.engines.kernels.sharing import grouped_changing
from sim.engines.kernels.sort import by_station

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
WHOLE: tuple[float, ...] = (np.inf,)


@dataclass
class Columns:
    """Jobs of several stations, in any order; ties go by row number."""

    entity: Ints
    ready: Floats
    work: Floats
    priority: NDArray[np.int8]
    start: Floats = field(init=False)
    end: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.start, self.end = np.full(len(self.ready), np.nan), np.full(len(self.ready), np.nan)

    def rows(self, stations: int, horizon: float) -> tuple[Ints, Ints]:
        """What is ready and not done, by station and readiness."""
        wanted = (self.ready < horizon) & np.isnan(self.end)
        order, offsets = by_station(self.entity, self.ready, np.arange(len(self.ready)), wanted, stations)
        return order, offsets

    def copy(self) -> "Columns":
        """The same jobs, nothing done yet."""
        return Columns(self.entity, self.ready, self.work, self.priority)


def _idle(servers: Sequence[int]) -> tuple[Floats, Ints]:
    offsets = np.concatenate([[0], np.cumsum(servers)]).astype(np.int64)
    return np.full(int(offsets[-1]), -np.inf), offsets


def unblocked(stations: int) -> tuple[Floats, Floats, Ints, Ints]:
    """No server is ever out: begins, untils, where each station's begin, how many are taken."""
    return np.zeros(0), np.zeros(0), np.zeros(stations + 1, np.int64), np.zeros(stations, np.int64)


def fifo(jobs: Columns, servers: Sequence[int], horizons: Sequence[float] = WHOLE) -> Columns:
    """First come first served at stations of so many servers each."""
    out, (free, at), blocked = jobs.copy(), _idle(servers), unblocked(len(servers))
    for horizon in horizons:
        order, offsets = out.rows(len(servers), horizon)
        grouped_fifo(order, offsets, out.ready, out.work, free, at, out.start, out.end, *blocked)
    return out


def pools(
    jobs: Columns, servers: Sequence[int], hours: tuple[Floats, Floats], offset_s: float = 0.0,
    horizons: Sequence[float] = WHOLE,
) -> tuple[Columns, list[int]]:  # fmt: skip
    """Priority pools of one calendar; also how many were undecided after each window."""
    out, (free, at), undecided, blocked = jobs.copy(), _idle(servers), [], unblocked(len(servers))
    which, spans = np.zeros(len(servers), np.int64), np.array([[len(h) for h in hours]])
    for horizon in horizons:
        order, offsets = out.rows(len(servers), horizon)
        undecided.append(grouped_pools(
            order, offsets, out.ready, out.work, out.priority, free, at, hours[0][None], hours[1][None], spans, which,
            offset_s, horizon, out.start, out.end, *blocked,
        ))  # fmt: skip
    return out, undecided


def links(
    jobs: Columns, capacity: Sequence[tuple[Sequence[float], Sequence[float]]], horizons: Sequence[float] = WHOLE
) -> tuple[Columns, list[int]]:
    """Links of (since, rates) each; also how many transfers were under way after each window."""
    out, tag, states, under_way = jobs.copy(), np.full(len(jobs.ready), np.nan), np.zeros((len(capacity), 2)), []
    since, rates = (np.concatenate([np.asarray(c[i], float) for c in capacity]) for i in range(2))
    pieces = np.concatenate([[0], np.cumsum([len(c[0]) for c in capacity])])
    for horizon in horizons:
        order, offsets = out.rows(len(capacity), horizon)
        under_way.append(grouped_changing(
            order, offsets, out.ready, out.work, np.arange(len(tag)), tag, states, since, rates, pieces, horizon,
            out.end,
        ))  # fmt: skip
    return out, under_way
