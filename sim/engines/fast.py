"""The fast engine: the stations of `process.py` as column recursions, window by window.

A window's horizon H: a job is decided when nothing that comes after H can change it. Every station decides all
its jobs that are ready before H and start (or, on a link, end) before H; a job left undecided ends after H, so
what follows it is ready after H too. Undecided exams are carried into the next window; servers' and links' states
stay in their banks. The answer does not depend on where the windows are cut.
"""

import numpy as np
from numpy.typing import NDArray

from sim.engines.banks import LinkBank, PriorityBank, ServerBank
from sim.engines.jobs import AT_CENTRE, AT_SITE, IN_LIBRARY, NO_PRIOR, VIEW_ABROAD, VIEW_LINK, Jobs, Stations, join_jobs
from sim.engines.times import Times, join_times
from sim.world.calendar import ALWAYS
from sim.world.exams import Exams, concatenate

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class FastEngine:
    """One cluster in one world; `window` is called with ascending horizons, the last of them infinite."""

    def __init__(self, st: Stations) -> None:
        week, n_mods = st.week_offset_s, len(st.room_hours)
        hours = np.arange(len(st.rooms)) % n_mods
        always = [ALWAYS] * n_mods
        self._rooms = PriorityBank(st.rooms, always, st.room_hours, hours, week)
        none = np.zeros(len(st.readers), dtype=np.int64)
        self._readers = PriorityBank(st.readers, [st.reader_emergency_hours], [st.reader_hours], none, week)
        none = np.zeros(len(st.clerks), dtype=np.int64)
        self._clerks = PriorityBank(st.clerks, [st.library_hours], [st.library_hours], none, week)
        self._stores, self._processors = ServerBank(st.stores), ServerBank(st.processors)
        self._ingest, self._retrieve = ServerBank(st.ingest), ServerBank(st.retrieve)
        self._up, self._down = LinkBank(st.up_bytes_s), LinkBank(st.down_bytes_s)
        self._carried: tuple[Exams, Jobs, Times] | None = None

    def window(self, exams: Exams, jobs: Jobs, horizon: float) -> tuple[Exams, Jobs, Times, Ints]:
        """Take the window's new exams; give all in hand, and the rows of those that are now done."""
        times = Times.empty(len(exams))
        if self._carried is not None:
            e, j, t = self._carried
            exams, jobs, times = concatenate([e, exams]), join_jobs([j, jobs]), join_times([t, times])
        self._advance(exams, jobs, times, horizon)
        open_ = np.isnan(times.reported) | np.isnan(times.viewed) | (jobs.central & np.isnan(times.ingest_end))
        keep, done = np.flatnonzero(open_), np.flatnonzero(~open_)
        self._carried = (exams.take(keep), jobs.take(keep), times.take(keep))
        return exams, jobs, times, done

    def _advance(self, e: Exams, j: Jobs, t: Times, horizon: float) -> None:
        self._rooms.serve(j.room, e.arrival_s, e.room_s, e.priority, e.exam, t.room_start, t.room_end, horizon)
        self._clerks.serve(
            j.hub, np.where(j.prior == IN_LIBRARY, e.arrival_s, np.nan), j.pull_s, e.priority, e.exam,
            t.pull_start, t.pull_end, horizon,
        )  # fmt: skip
        self._to_the_archive(e, j, t, horizon)
        self._from_the_archive(e, j, t, horizon)
        self._film(e, j, t, horizon)
        self._read(e, j, t, horizon)

    def _to_the_archive(self, e: Exams, j: Jobs, t: Times, horizon: float) -> None:
        site = e.site.astype(np.int64)
        ready = np.where(j.pacs, t.room_end, np.nan)
        self._stores.serve(site, ready, j.store_s, e.exam, t.store_start, t.store_end, horizon)
        sent = np.where(j.central | j.miu, t.store_end, np.nan)
        self._up.send(site, sent, j.wire_bytes, e.exam, t.up_tag, t.up_end, horizon)
        self._ingest.serve(j.archive, np.where(j.central, t.up_end, np.nan), j.ingest_s, e.exam,
                           t.ingest_start, t.ingest_end, horizon)  # fmt: skip
        np.copyto(t.available, np.where(j.miu, t.up_end, t.store_end), where=j.pacs)

    def _from_the_archive(self, e: Exams, j: Jobs, t: Times, horizon: float) -> None:
        """Priors and views share the archive's servers and the links down: two jobs an exam at most."""
        want = t.room_end + e.view_delay_s
        linked = (j.view == VIEW_LINK) | (j.view == VIEW_ABROAD)
        asked = np.concatenate([
            np.where(j.prior == AT_CENTRE, e.arrival_s, np.nan),
            np.where(j.pacs & linked, np.maximum(t.ingest_end, want), np.nan),
        ])  # fmt: skip
        start, end = np.concatenate([t.fetch_start, t.view_start]), np.concatenate([t.fetch_end, t.view_end])
        # a prior and a view of one exam are two jobs: even and odd numbers keep them apart
        twice = np.concatenate([2 * e.exam, 2 * e.exam + 1])
        self._retrieve.serve(np.tile(j.archive, 2), asked, np.tile(j.retrieve_s, 2), twice, start, end, horizon)
        n = len(e)
        t.fetch_start[:], t.view_start[:] = start[:n], start[n:]
        t.fetch_end[:], t.view_end[:] = end[:n], end[n:]
        down, tag = np.concatenate([t.fetch_down, t.view_down]), np.concatenate([t.fetch_tag, t.view_tag])
        leaves = end.copy()
        leaves[n:][j.view != VIEW_LINK] = np.nan
        sites = np.concatenate([j.hub, j.view_site])
        self._down.send(sites, leaves, np.tile(j.wire_bytes, 2), twice, tag, down, horizon)
        t.fetch_down[:], t.view_down[:], t.fetch_tag[:], t.view_tag[:] = down[:n], down[n:], tag[:n], tag[n:]
        local = np.maximum(t.available, want)
        seen = np.where(linked, np.where(j.view == VIEW_LINK, t.view_down, t.view_end), local) + j.view_more_s
        np.copyto(t.viewed, seen, where=j.pacs)

    def _film(self, e: Exams, j: Jobs, t: Times, horizon: float) -> None:
        film = ~j.pacs
        self._processors.serve(e.site.astype(np.int64), np.where(film, t.room_end, np.nan), j.process_s, e.exam,
                               t.process_start, t.process_end, horizon)  # fmt: skip
        np.copyto(t.available, t.process_end, where=film)
        want = t.room_end + e.view_delay_s
        seen = np.maximum(t.process_end + j.film_to_view_s, want) + j.view_more_s
        np.copyto(t.viewed, seen, where=film)

    def _read(self, e: Exams, j: Jobs, t: Times, horizon: float) -> None:
        after_pull = t.pull_end + j.prior_more_s
        prior = np.select(
            [j.prior == AT_CENTRE, j.prior == IN_LIBRARY, j.prior == AT_SITE], [t.fetch_down, after_pull, e.arrival_s],
            default=np.nan,
        )  # fmt: skip
        t.prior_ready[:] = prior
        film_at = np.where(j.film_first, t.viewed, t.available) + j.read_more_s
        images = np.where(j.pacs, t.available, film_at)
        ready = np.where(j.prior == NO_PRIOR, images, np.maximum(images, prior))
        t.read_ready[:] = ready
        self._readers.serve(j.trust, ready, e.read_s, e.priority, e.exam, t.read_start, t.read_end, horizon)
        t.reported[:] = t.read_end + e.typing_s
