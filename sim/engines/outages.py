"""Faults and breakdowns of one cluster as the engines take them: servers blocked from when until when, links in pieces.

Both engines read the same lists, so a bad day is the same day in both.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from numpy.typing import NDArray

from sim.world.calendar import DAY_S, day_number
from sim.world.draw import lognormal, poisson
from sim.world.elementary import normal
from sim.world.estate import Estate
from sim.world.faults import Breakdown, Fault
from sim.world.load import World
from sim.world.streams import stream_key, uniforms

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Span = tuple[float, float]  # seconds
MOST_A_DAY = 3  # breakdowns of one server on one day that are drawn; the fourth at these rates never comes


@dataclass(frozen=True)
class Blocks:
    """Servers that are out: of station g the spans offsets[g] to offsets[g + 1], each of one server, as they begin.

    A span takes the first server that is free from its beginning on, ahead of every job, and holds it until its end.
    """

    begin: Floats
    until: Floats
    offsets: Ints

    @classmethod
    def of(cls, spans: list[list[Span]]) -> "Blocks":
        """Of the spans of each station, in any order."""
        ordered = [sorted(station) for station in spans]
        flat = np.array([span for station in ordered for span in station], dtype=np.float64).reshape(-1, 2)
        offsets = np.concatenate([[0], np.cumsum([len(station) for station in ordered])]).astype(np.int64)
        return cls(flat[:, 0].copy(), flat[:, 1].copy(), offsets)

    def at(self, station: int) -> list[Span]:
        """The spans of one station."""
        a, b = self.offsets[station], self.offsets[station + 1]
        return [(float(x), float(y)) for x, y in zip(self.begin[a:b], self.until[a:b], strict=True)]


@dataclass(frozen=True)
class Pieces:
    """Capacity of links over time: link g has rates[i] bytes a second from since[i] on, i of offsets[g : g + 2]."""

    since: Floats
    rates: Floats
    offsets: Ints

    def at(self, link: int) -> list[Span]:
        """(since, rate) of one link."""
        a, b = self.offsets[link], self.offsets[link + 1]
        return [(float(x), float(y)) for x, y in zip(self.since[a:b], self.rates[a:b], strict=True)]


def _steps(fault: Fault, zero: datetime) -> list[tuple[float, float, float]]:
    """(from, to, share) of a fault, in seconds of the run."""
    at = (fault.start - zero).total_seconds()
    edges = [at + 3600 * h for h in fault.recovery.hours]
    return list(zip(edges, edges[1:], fault.recovery.capacity, strict=False))


def _out(servers: int, steps: list[tuple[float, float, float]]) -> Iterator[Span]:
    """Spans for each server that does not work: of k servers, k less the whole part of share x k."""
    for rank in range(servers):
        begun = None
        for start, stop, share in steps:
            out = servers - int(share * servers + 1e-9) > rank
            if out and begun is None:
                begun = start
            if begun is not None and not out:
                yield begun, start
                begun = None
            last = stop
        if begun is not None:
            yield begun, last


def _breakdowns(breakdown: Breakdown, key: NDArray[np.uint64], servers: int, zero: date, days: range) -> Iterator[Span]:
    """Spans of one station's servers: how many begin each day, when, and how long each lasts."""
    mean = servers * breakdown.rate.value / 365.25
    for day in days if mean else ():
        u = uniforms(key, 0, day)
        for k in range(1, min(MOST_A_DAY, poisson(mean, u[0])) + 1):
            v = uniforms(key, k, day)
            start = (day - day_number(zero) + v[0]) * DAY_S
            repair = lognormal(np.log(breakdown.repair.value * 3600), breakdown.spread.value, normal(v[1]))
            yield start, start + repair


def _stations(estate: Estate, station: str, sites: list[str]) -> list[int]:
    """Which entities a fault is of; an archive's are its servers in the cluster."""
    if station == "archive":
        return list(range(len(estate.archives)))
    return [i for i, row in enumerate(estate.sites) if not sites or row.site in sites]


def _labels(world: World, estate: Estate, station: str) -> list[str]:
    if station == "room":
        return [f"{row.site} {m}" for row in estate.sites for m in world.scenario.modalities]
    return list(estate.archives) if station == "archive" else [row.site for row in estate.sites]


def blocks(world: World, estate: Estate, name: str, servers: Ints, first: date, last: date, seed: int,
           replication: int) -> Blocks:  # fmt: skip
    """Of the stations of one kind; `name`: room, store, ingest or retrieve, `servers` int[entity]."""
    kind = "archive" if name in ("ingest", "retrieve") else name
    spans: list[list[Span]] = [[] for _ in servers]
    zero, sc = datetime(first.year, first.month, first.day), world.scenario
    for fault in sc.faults.values():
        if fault.station == kind and fault.cluster == estate.cluster:
            for g in _stations(estate, kind, fault.sites):
                spans[g].extend(_out(int(servers[g]), _steps(fault, zero)))
    days = range(day_number(first), day_number(last) + 1)
    for key, breakdown in sc.breakdowns.items():
        if breakdown.station == kind:
            for g, label in enumerate(_labels(world, estate, kind)):
                stream = stream_key(seed, replication, f"breakdown {key} {name}", estate.cluster, label)
                spans[g].extend(_breakdowns(breakdown, stream, int(servers[g]), first, days))
    return Blocks.of(spans)


def pieces(world: World, estate: Estate, rates: Floats, first: date) -> Pieces:
    """Of the links of the cluster's sites, `rates` f8[site] bytes a second when all is well; faults multiply."""
    zero = datetime(first.year, first.month, first.day)
    faults = [f for f in world.scenario.faults.values() if f.station == "link" and f.cluster == estate.cluster]
    since, out = [], []
    for g, rate in enumerate(rates):
        steps = [s for f in faults if g in _stations(estate, "link", f.sites) for s in _steps(f, zero)]
        edges = [-np.inf, *sorted({e for a, b, _ in steps for e in (a, b)})]
        since.append(edges)
        out.append([rate * float(np.prod([share for a, b, share in steps if a <= e < b])) for e in edges])
    offsets = np.concatenate([[0], np.cumsum([len(e) for e in since])]).astype(np.int64)
    return Pieces(np.concatenate(since).astype(float), np.concatenate(out).astype(float), offsets)
