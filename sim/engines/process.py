"""The readable engine: a SimPy process an exam, through the stations of its pathway.

PACS   room -> site store -> WAN -> cluster archive;  prior -> (archive, WAN | library) ; both -> reading
film   room -> processor -> doctor or reader;         prior -> library;                  both -> reading
"""

from collections.abc import Generator
from typing import Any

import numpy as np
from simpy import AllOf, Environment, Event, PriorityResource

from sim.engines.jobs import Jobs, Stations
from sim.engines.kernels.routing import AT_CENTRE, IN_LIBRARY, NO_PRIOR, VIEW_ABROAD, VIEW_LINK
from sim.engines.outages import Blocks
from sim.engines.resources import Link, Pool, Turn, Wait
from sim.engines.times import Times
from sim.world.calendar import ALWAYS
from sim.world.exams import Exams


def _pools(env: Environment, servers: Any, emergency: Any, routine: Any, offset_s: float) -> list[Pool]:
    return [Pool(env, int(k), emergency, routine, offset_s) for k in servers]


def _servers(env: Environment, servers: Any, blocks: Blocks | None = None) -> list[PriorityResource | None]:
    found = [PriorityResource(env, int(k)) if k else None for k in servers]
    for g, server in enumerate(found):
        if blocks is not None and server is not None:
            for begin, until in blocks.at(g):
                env.process(_block(env, server, begin, until))
    return found


def _block(env: Environment, server: PriorityResource, begin: float, until: float) -> Wait:
    """Take a server out, ahead of every job."""
    yield env.timeout(max(0.0, begin))
    with server.request(priority=0) as turn:
        yield turn
        yield env.timeout(max(0.0, until - env.now))


class Hospital:
    """All stations of one cluster and the exams that go through them."""

    def __init__(self, env: Environment, exams: Exams, jobs: Jobs, st: Stations) -> None:
        self.env, self.e, self.j, self.t = env, exams, jobs, Times.empty(len(exams))
        n_mods, week = len(st.room_hours), st.week_offset_s
        self.rooms = [Pool(env, int(k), ALWAYS, st.room_hours[i % n_mods], week) for i, k in enumerate(st.rooms)]
        self.readers = _pools(env, st.readers, st.reader_emergency_hours, st.reader_hours, week)
        self.clerks = _pools(env, st.clerks, st.library_hours, st.library_hours, week)
        for g, pool in enumerate(self.rooms):
            for begin, until in st.blocks["room"].at(g):
                env.process(pool.block(begin, until))
        self.stores, self.processors = _servers(env, st.stores, st.blocks["store"]), _servers(env, st.processors)
        self.ingest = _servers(env, st.ingest, st.blocks["ingest"])
        self.retrieve = _servers(env, st.retrieve, st.blocks["retrieve"])
        self.up = [Link(env, st.up_pieces.at(g)) for g in range(len(st.up_bytes_s))]
        self.down = [Link(env, st.down_pieces.at(g)) for g in range(len(st.down_bytes_s))]

    def arrivals(self) -> Wait:
        """Start each exam when it arrives."""
        for i in np.lexsort((self.e.exam, self.e.arrival_s)):
            yield self.env.timeout(self.e.arrival_s[i] - self.env.now)
            self.env.process(self._exam(int(i)))

    def _exam(self, i: int) -> Wait:
        prior = self.env.process(self._prior(i))
        yield from self._pool(self.rooms[self.j.room[i]], i, self.e.room_s[i], self.t.room_start, self.t.room_end)
        yield from self._pacs(i, prior) if self.j.pacs[i] else self._film(i, prior)

    def _pool(self, pool: Pool, i: int, service_s: float, start: Any, end: Any) -> Wait:
        began: list[float] = []
        yield from pool.serve(int(self.e.priority[i]), int(self.e.exam[i]), service_s, began)
        start[i], end[i] = began[0], self.env.now

    def _fifo(self, server: PriorityResource | None, i: int, service_s: float, start: Any, end: Any) -> Wait:
        assert server is not None, "a job at a station without servers"
        yield Turn(self.env, int(self.e.exam[i]))
        with server.request(priority=1) as turn:
            yield turn
            start[i] = self.env.now
            yield self.env.timeout(service_s)
        end[i] = self.env.now

    def _prior(self, i: int) -> Wait:
        """The prior is sent for when the exam is asked for."""
        t, j, where = self.t, self.j, self.j.prior[i]
        if where == AT_CENTRE:
            yield self.env.timeout(j.prior_more_s[i])  # a record lookup, where it is in another cluster
            yield from self._fifo(self.retrieve[j.archive[i]], i, j.retrieve_s[i], t.fetch_start, t.fetch_end)
            yield self.down[j.hub[i]].send(int(self.e.exam[i]), j.wire_bytes[i])
            t.fetch_down[i] = self.env.now
        elif where == IN_LIBRARY:
            yield from self._pool(self.clerks[j.hub[i]], i, j.pull_s[i], t.pull_start, t.pull_end)
            yield self.env.timeout(j.prior_more_s[i])
        if where != NO_PRIOR:
            t.prior_ready[i] = self.env.now

    def _pacs(self, i: int, prior: Event) -> Wait:
        t, j = self.t, self.j
        yield from self._fifo(self.stores[self.e.site[i]], i, j.store_s[i], t.store_start, t.store_end)
        if not j.miu[i]:
            self._available(i, prior)
        if j.central[i] or j.miu[i]:
            yield self.up[self.e.site[i]].send(int(self.e.exam[i]), j.wire_bytes[i])
            t.up_end[i] = self.env.now
        if j.miu[i]:
            self._available(i, prior)
        if j.central[i]:
            yield from self._fifo(self.ingest[j.archive[i]], i, j.ingest_s[i], t.ingest_start, t.ingest_end)
            if j.view[i] in (VIEW_LINK, VIEW_ABROAD):
                yield from self._remote_view(i)

    def _available(self, i: int, prior: Event) -> None:
        t, j = self.t, self.j
        t.available[i] = self.env.now
        if j.view[i] not in (VIEW_LINK, VIEW_ABROAD):
            want = max(self.env.now, t.room_end[i] + self.e.view_delay_s[i])
            t.viewed[i] = want + j.view_more_s[i]
        self.env.process(self._read(i, prior, 0.0))

    def _remote_view(self, i: int) -> Wait:
        t, j = self.t, self.j
        yield self.env.timeout(max(0.0, t.room_end[i] + self.e.view_delay_s[i] - self.env.now))
        yield from self._fifo(self.retrieve[j.archive[i]], i, j.retrieve_s[i], t.view_start, t.view_end)
        if j.view[i] == VIEW_LINK:
            yield self.down[j.view_site[i]].send(int(self.e.exam[i]), j.wire_bytes[i])
            t.view_down[i] = self.env.now
        t.viewed[i] = self.env.now + j.view_more_s[i]

    def _film(self, i: int, prior: Event) -> Wait:
        t, j = self.t, self.j
        yield from self._fifo(self.processors[self.e.site[i]], i, j.process_s[i], t.process_start, t.process_end)
        t.available[i] = self.env.now
        want = t.room_end[i] + self.e.view_delay_s[i]
        t.viewed[i] = max(self.env.now + j.film_to_view_s[i], want) + j.view_more_s[i]
        more = t.viewed[i] - self.env.now if j.film_first[i] else 0.0
        yield from self._read(i, prior, more + j.read_more_s[i])

    def _read(self, i: int, prior: Event, more_s: float) -> Generator[Event, Any, None]:
        t = self.t
        yield AllOf(self.env, [prior, self.env.timeout(more_s)])
        t.read_ready[i] = self.env.now
        yield from self._pool(self.readers[self.j.trust[i]], i, self.e.read_s[i], t.read_start, t.read_end)
        t.reported[i] = self.env.now + self.e.typing_s[i]


def run_process(exams: Exams, jobs: Jobs, stations: Stations) -> Times:
    """All exams through SimPy, until the last is done."""
    env = Environment()
    hospital = Hospital(env, exams, jobs, stations)
    env.process(hospital.arrivals())
    env.run()
    return hospital.t
