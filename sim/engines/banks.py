"""Banks: many like stations with their states, served a window at a time by the compiled kernels."""

import numpy as np
from numpy.typing import NDArray

from sim.engines.kernels.fifo import grouped_fifo
from sim.engines.kernels.priority import grouped_pools
from sim.engines.kernels.sharing import grouped_changing
from sim.engines.kernels.sort import by_station
from sim.engines.kernels.wiring import wanted
from sim.engines.outages import Blocks, Pieces

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Steps = NDArray[np.int16]
Numbers = NDArray[np.int32]


def _idle(servers: Ints) -> tuple[Floats, Ints]:
    """Free-again times of all servers, all free at the beginning, and where each station's begin."""
    offsets = np.concatenate([[0], np.cumsum(servers)]).astype(np.int64)
    return np.full(int(offsets[-1]), -np.inf), offsets


class _Blocked:
    """Blocks, and how far each station has come with its own."""

    def __init__(self, blocks: Blocks) -> None:
        self.columns = (blocks.begin, blocks.until, blocks.offsets, blocks.offsets[:-1].copy())


class ServerBank:
    """First come first served at k servers each."""

    def __init__(self, servers: Ints, blocks: Blocks | None = None) -> None:
        self._stations = len(servers)
        self._free, self._offsets = _idle(servers)
        self._blocks = _Blocked(blocks or Blocks.of([[] for _ in servers]))

    def serve(self, route: Steps, bit: int, entity: Numbers, ready: Floats, service: Floats, exam: Ints, start: Floats,
              end: Floats, horizon: float) -> None:  # fmt: skip
        """Serve what comes here, is ready before the horizon and not served yet; fills start and end."""
        here = wanted(route, bit, ready, end, horizon)
        order, offsets = by_station(entity, ready, exam, here, self._stations)
        grouped_fifo(order, offsets, ready, service, self._free, self._offsets, start, end, *self._blocks.columns)


def _padded(calendars: list[Floats]) -> Floats:
    out = np.zeros((len(calendars), max(len(c) for c in calendars), 2))
    for i, spans in enumerate(calendars):
        out[i, : len(spans)] = spans
    return out


class PriorityBank:
    """Emergencies first at k servers each, within opening hours; `which` names each pool's calendar."""

    def __init__(self, servers: Ints, emergency: list[Floats], routine: list[Floats], which: Ints, offset_s: float,
                 blocks: Blocks | None = None) -> None:  # fmt: skip
        self._stations, self._which, self._week = len(servers), which, offset_s
        self._free, self._offsets = _idle(servers)
        self._blocks = _Blocked(blocks or Blocks.of([[] for _ in servers]))
        self._emergency, self._routine = _padded(emergency), _padded(routine)
        self._spans = np.array([[len(e), len(r)] for e, r in zip(emergency, routine, strict=True)])

    def serve(self, route: Steps, bit: int, entity: Numbers, ready: Floats, service: Floats,
              priority: NDArray[np.int8], exam: Ints, start: Floats, end: Floats, horizon: float) -> None:  # fmt: skip
        """Serve what comes here, is ready and can start before the horizon; fills start and end."""
        here = wanted(route, bit, ready, end, horizon)
        order, offsets = by_station(entity, ready, exam, here, self._stations)
        grouped_pools(order, offsets, ready, service, priority, self._free, self._offsets, self._emergency,
                      self._routine, self._spans, self._which, self._week, horizon, start, end,
                      *self._blocks.columns)  # fmt: skip


class LinkBank:
    """Processor sharing on links of given bytes a second, which may change over time."""

    def __init__(self, bytes_s: Floats, pieces: Pieces | None = None) -> None:
        links = len(bytes_s)
        self._pieces = pieces or Pieces(np.full(links, -np.inf), bytes_s, np.arange(links + 1))
        self._states = np.zeros((links, 2))

    def send(self, route: Steps, bit: int, entity: Numbers, ready: Floats, work: Floats, order_of: Ints, tag: Floats,
             end: Floats, horizon: float) -> None:  # fmt: skip
        """Move what is ready before the horizon; transfers that end before it get their end, the others their tag."""
        here, p = wanted(route, bit, ready, end, horizon), self._pieces
        order, offsets = by_station(entity, ready, order_of, here, len(self._states))
        grouped_changing(order, offsets, ready, work, order_of, tag, self._states, p.since, p.rates, p.offsets, horizon,
                         end)  # fmt: skip
