"""The fast engine: the stations of `process.py` as column recursions, window by window.

A window's horizon H: a job is decided when nothing that comes after H can change it. Every station decides all
its jobs that are ready before H and start (or, on a link, end) before H; a job left undecided ends after H, so
what follows it is ready after H too. Undecided exams are carried into the next window; servers' and links' states
stay in their banks. The answer does not depend on where the windows are cut.
"""

import numpy as np
from numpy.typing import NDArray

from sim.engines.banks import LinkBank, PriorityBank, ServerBank
from sim.engines.jobs import Jobs, Stations
from sim.engines.kernels.routing import LIBRARY, PROCESSOR, TO_INGEST, UPLINK
from sim.engines.kernels.routing import ON_PACS as STORE
from sim.engines.kernels.wiring import archive_requests, finish, link_requests, ready_to_read
from sim.engines.times import Times
from sim.world.calendar import ALWAYS
from sim.world.exams import Exams

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class FastEngine:
    """One cluster in one world. For each window: `window` with ascending horizons, the last infinite, then `keep`."""

    def __init__(self, st: Stations) -> None:
        week, n_mods = st.week_offset_s, len(st.room_hours)
        hours = np.arange(len(st.rooms)) % n_mods
        always = [ALWAYS] * n_mods
        self._rooms = PriorityBank(st.rooms, always, st.room_hours, hours, week, st.blocks["room"])
        none = np.zeros(len(st.readers), dtype=np.int64)
        self._readers = PriorityBank(st.readers, [st.reader_emergency_hours], [st.reader_hours], none, week)
        none = np.zeros(len(st.clerks), dtype=np.int64)
        self._clerks = PriorityBank(st.clerks, [st.library_hours], [st.library_hours], none, week)
        self._stores, self._processors = ServerBank(st.stores, st.blocks["store"]), ServerBank(st.processors)
        self._ingest = ServerBank(st.ingest, st.blocks["ingest"])
        self._retrieve = ServerBank(st.retrieve, st.blocks["retrieve"])
        self._up, self._down = LinkBank(st.up_bytes_s, st.up_pieces), LinkBank(st.down_bytes_s, st.down_pieces)
        self._times, self._given = Times.empty(0), np.zeros(0, dtype=np.bool_)
        self.open = self._given  # of the last window: is something of the exam still to come?

    def window(self, exams: Exams, jobs: Jobs, horizon: float) -> tuple[Times, Ints]:
        """Times of all exams in hand, and the rows done that were not given before; the rows kept come first."""
        self._times, kept = Times.after(self._times, len(exams)), len(self._given)
        self.open = np.empty(len(exams), dtype=np.bool_)
        self._advance(exams, jobs, self._times, horizon)
        done = ~self.open
        done[:kept] &= ~self._given
        return self._times, np.flatnonzero(done)

    def keep(self, rows: Ints) -> None:
        """These exams come again with the next window; one that is done already will not be given twice."""
        self._times, self._given = self._times.take(rows), ~self.open[rows]

    def _advance(self, e: Exams, j: Jobs, t: Times, horizon: float) -> None:
        self._rooms.serve(
            j.route, 0, j.room, e.arrival_s, e.room_s, e.priority, e.exam, t.room_start, t.room_end, horizon
        )
        self._clerks.serve(j.route, LIBRARY, j.hub, e.arrival_s, j.pull_s, e.priority, e.exam, t.pull_start, t.pull_end,
                           horizon)  # fmt: skip
        self._stores.serve(j.route, STORE, e.site, t.room_end, j.store_s, e.exam, t.store_start, t.store_end, horizon)
        self._up.send(j.route, UPLINK, e.site, t.store_end, j.wire_bytes, e.exam, t.up_tag, t.up_end, horizon)
        self._ingest.serve(j.route, TO_INGEST, j.archive, t.up_end, j.ingest_s, e.exam, t.ingest_start, t.ingest_end,
                           horizon)  # fmt: skip
        self._from_the_archive(e, j, t, horizon)
        self._processors.serve(j.route, PROCESSOR, e.site, t.room_end, j.process_s, e.exam, t.process_start,
                               t.process_end, horizon)  # fmt: skip
        ready_to_read(
            (j.route, j.prior, j.prior_more_s, j.read_more_s, j.view_more_s, j.film_to_view_s), e.arrival_s,
            e.view_delay_s,
            (t.room_end, t.store_end, t.up_end, t.pull_end, t.fetch_down, t.process_end, t.view_end, t.view_down,
             t.available, t.prior_ready, t.read_ready, t.viewed),
        )  # fmt: skip
        self._readers.serve(j.route, 0, j.trust, t.read_ready, e.read_s, e.priority, e.exam, t.read_start, t.read_end,
                            horizon)  # fmt: skip
        finish(j.route, t.read_end, e.typing_s, t.ingest_end, t.viewed, t.reported, self.open)

    def _from_the_archive(self, e: Exams, j: Jobs, t: Times, horizon: float) -> None:
        """Priors and views share the archive's servers and the links down: two jobs an exam at most."""
        rows, view, ready = archive_requests(
            j.route, e.arrival_s, j.prior_more_s, t.room_end, t.ingest_end, e.view_delay_s, t.fetch_end, t.view_end,
            horizon,
        )  # fmt: skip
        if len(rows):
            start, end = np.full((2, len(rows)), np.nan)  # two rows
            twice, every = 2 * e.exam[rows] + view, j.route[rows]  # even and odd numbers keep the two jobs apart
            self._retrieve.serve(every, 0, j.archive[rows], ready, j.retrieve_s[rows], twice, start, end, horizon)
            _put(view, rows, start, t.fetch_start, t.view_start)
            _put(view, rows, end, t.fetch_end, t.view_end)
        rows, view, ready = link_requests(j.route, t.fetch_end, t.view_end, t.fetch_down, t.view_down, horizon)
        if len(rows):
            twice, every = 2 * e.exam[rows] + view, j.route[rows]
            sites = np.where(view == 1, j.view_site[rows], j.hub[rows])
            tag, down = np.where(view == 1, t.view_tag[rows], t.fetch_tag[rows]), np.full(len(rows), np.nan)
            self._down.send(every, 0, sites, ready, j.wire_bytes[rows], twice, tag, down, horizon)
            _put(view, rows, tag, t.fetch_tag, t.view_tag)
            _put(view, rows, down, t.fetch_down, t.view_down)


def _put(view: Ints, rows: Ints, values: Floats, of_priors: Floats, of_views: Floats) -> None:
    """Write back what two kinds of requests were given."""
    of_priors[rows[view == 0]] = values[view == 0]
    of_views[rows[view == 1]] = values[view == 1]
