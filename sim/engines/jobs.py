"""What each exam asks of each station, for a pathway: the rules, written once for both engines.

An engine only queues; who goes where, with how much work, is decided here from the exam table.
"""

from dataclasses import dataclass, fields
from datetime import date

import numpy as np
from numpy.typing import NDArray

from sim.engines.kernels.routing import DOCTOR_FIRST, FROM_UNIT, ON_PACS, RECALLS, TO_INGEST, route_exams
from sim.engines.outages import Blocks, Pieces, blocks, pieces
from sim.world.calendar import day_number, week_offset_s, weekly_spans
from sim.world.columns import columns_of, empty_columns, take_rows
from sim.world.estate import NEVER, Estate
from sim.world.exams import Exams
from sim.world.load import World
from sim.world.scenario import Cluster, Recall

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Steps = NDArray[np.int16]
Numbers = NDArray[np.int32]
Codes = NDArray[np.int8]
WORLDS = ("film", "pacs", "plan")


@dataclass(frozen=True)
class Jobs:
    """One row an exam. Work in seconds at a server, in bytes on a link."""

    route: Steps  # bits of `kernels.routing`: where it goes
    room: Numbers  # room pool: site * modalities + modality
    archive: Numbers  # ingest and retrieve pool
    hub: Numbers  # site that reads, and whose library and WAN serve the reader
    trust: Numbers  # reader pool
    view_site: Numbers  # whose link the view comes down on
    prior: Codes  # NO_PRIOR, AT_SITE, AT_CENTRE, IN_LIBRARY
    view: Codes  # VIEW_HERE, VIEW_LINK, VIEW_ABROAD, VIEW_COURIER
    store_s: Floats  # at the site's store
    wire_bytes: Floats  # as sent over the WAN and kept
    ingest_s: Floats
    pull_s: Floats  # at a library clerk
    prior_more_s: Floats  # library: porter and courier after it; centre: record lookup before the request
    retrieve_s: Floats  # at the archive, prior or view
    process_s: Floats  # film processor
    read_more_s: Floats  # film: back from the doctor, courier from a unit, chase
    view_more_s: Floats  # opening on the desk, porter, courier or chase
    film_to_view_s: Floats  # porter, and courier where the view is elsewhere

    @property
    def pacs(self) -> Bools:
        """On PACS, not on film."""
        return self._has(ON_PACS)

    @property
    def miu(self) -> Bools:
        """Of a unit without readers."""
        return self._has(FROM_UNIT)

    @property
    def central(self) -> Bools:
        """Sent to the cluster's archive."""
        return self._has(TO_INGEST)

    @property
    def film_first(self) -> Bools:
        """The asking doctor sees the film before the reader."""
        return self._has(DOCTOR_FIRST)

    def _has(self, bit: int) -> Bools:
        found: Bools = self.route & bit != 0
        return found

    def take(self, rows: Ints) -> "Jobs":
        """The same columns for some rows."""
        return take_rows(self, rows)


def join_jobs(parts: list[Jobs]) -> Jobs:
    """One table of several."""
    return Jobs(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Jobs)))


@dataclass(frozen=True)
class Stations:
    """Servers, rates and calendars of one cluster's stations."""

    rooms: Ints  # [site * modality]
    room_hours: list[Floats]  # [modality] weekly spans of routine exams
    stores: Ints  # [site]
    up_bytes_s: Floats  # [site], bulk class
    down_bytes_s: Floats  # [site], interactive class
    ingest: Ints  # [archive]
    retrieve: Ints
    readers: Ints  # [trust]
    reader_hours: Floats
    reader_emergency_hours: Floats
    processors: Ints  # [site]
    clerks: Ints
    library_hours: Floats
    week_offset_s: float
    blocks: dict[str, Blocks]  # of room, store, ingest and retrieve
    up_pieces: Pieces
    down_pieces: Pieces


def stations_of(
    world: World, estate: Estate, first: date, last: date | None = None, seed: int = 0, replication: int = 0
) -> Stations:
    """The stations of an estate for a run whose time 0 is the start of `first`.

    `last`: day until which breakdowns are drawn, for this seed and replication (default: none but named faults).
    """
    sc = world.scenario
    profiles = [sc.archives[name] for name in estate.archives]
    share = sc.network.interactive.value
    servers = {
        "room": estate.rooms.reshape(-1),
        "store": np.array([int(p.site_servers.value) for p in profiles])[estate.archive],
        "ingest": np.array([int(p.ingest_servers.value) for p in profiles]),
        "retrieve": np.array([int(p.retrieve_servers.value) for p in profiles]),
    }
    up, down = estate.wan_bytes_s * (1 - share), estate.wan_bytes_s * share
    return Stations(
        rooms=servers["room"],
        room_hours=[weekly_spans(m.hours) for m in sc.modalities.values()],
        stores=servers["store"],
        up_bytes_s=up,
        down_bytes_s=down,
        ingest=servers["ingest"],
        retrieve=servers["retrieve"],
        readers=estate.readers,
        reader_hours=weekly_spans(sc.reading.hours),
        reader_emergency_hours=weekly_spans(sc.reading.emergency_hours),
        processors=estate.processors,
        clerks=estate.clerks,
        library_hours=weekly_spans(sc.film.library_hours),
        week_offset_s=week_offset_s(first),
        blocks={n: blocks(world, estate, n, k, first, last or first, seed, replication) for n, k in servers.items()},
        up_pieces=pieces(world, estate, up, first),
        down_pieces=pieces(world, estate, down, first),
    )


def live_days(estate: Estate, which: str) -> Ints:
    """Go-live day of each site in a world: never on film, always on PACS, as planned."""
    if which == "plan":
        return estate.live_day
    return np.full(len(estate.sites), NEVER if which == "film" else -NEVER, dtype=np.int64)


def _places(world: World, estate: Estate) -> tuple[Ints | Floats, ...]:
    """Columns by site, in the order of `kernels.routing.Sites`."""
    order = np.argsort(estate.trust, kind="stable")
    size = np.bincount(estate.trust, minlength=len(estate.trusts))
    start = np.concatenate([[0], np.cumsum(size)[:-1]])
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order)) - start[estate.trust[order]]
    unit = np.array([row.kind == "miu" for row in estate.sites])
    return estate.trust, estate.hub, estate.archive, unit, order, size, start, rank


def _profiles(world: World, estate: Estate) -> Floats:
    """float64[archive, 8], in the order of `kernels.routing`."""
    return np.array([
        [p.ingest_overhead.value / 1e3, 1e-6 / p.ingest_rate.value, p.retrieve_first.value,
         p.retrieve_overhead.value / 1e3, 1e-6 / p.retrieve_rate.value, p.site_overhead.value / 1e3, p.cache.value,
         float(p.compress)]
        for p in (world.scenario.archives[name] for name in estate.archives)
    ])  # fmt: skip


def recall_of(cluster: Cluster) -> Recall:
    """How far a cluster's priors are recalled."""
    return cluster.recall or ("cluster" if cluster.sharing else "site")


def jobs_of(world: World, estate: Estate, exams: Exams, which: str) -> Jobs:
    """Jobs of the exams in one of the `WORLDS`."""
    sc = world.scenario
    cluster, usable = sc.clusters[estate.cluster], sc.network.usable.value * 1e6 / 8
    common = np.array([
        day_number(cluster.central_store_from), cluster.sharing, 1 / (sc.network.lan.value * usable),
        1 / (sc.network.desk.value * usable), 1 / estate.wan_bytes_s.mean(), sc.film.pull.value * 60,
        sc.film.process.value * 60, len(sc.modalities),
        0.0 if cluster.back_load is None else cluster.back_load.value, cluster.prefetch,
        RECALLS.index(recall_of(cluster)), 0.0 if sc.demand.lookup is None else sc.demand.lookup.value,
    ])  # fmt: skip
    kept = np.array([1 / m.lossless_ratio.value for m in sc.modalities.values()])
    first = np.array([s.film_goes_first for s in sc.settings.values()])
    booked = np.array([s.booked for s in sc.settings.values()])
    out = empty_columns(Jobs, len(exams))
    route_exams(
        columns_of(exams), live_days(estate, which), _places(world, estate), _profiles(world, estate), kept, first,
        booked, common, columns_of(out),
    )  # fmt: skip
    return out
