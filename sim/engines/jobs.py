"""What each exam asks of each station, for a pathway: the rules, written once for both engines.

An engine only queues; who goes where, with how much work, is decided here from the exam table.
"""

from dataclasses import dataclass, fields
from datetime import date

import numpy as np
from numpy.typing import NDArray

from sim.world.calendar import day_number, week_offset_s, weekly_spans
from sim.world.estate import NEVER, Estate
from sim.world.exams import COUNTRY, HERE, TRUST, Exams
from sim.world.load import World
from sim.world.scenario import Archive

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
WORLDS = ("film", "pacs", "plan")
NO_PRIOR, AT_SITE, AT_CENTRE, IN_LIBRARY = range(4)
VIEW_HERE, VIEW_LINK, VIEW_ABROAD, VIEW_COURIER = range(4)


@dataclass(frozen=True)
class Jobs:
    """One row an exam. Work in seconds at a server, in bytes on a link."""

    pacs: Bools
    miu: Bools
    room: Ints  # room pool: site * modalities + modality
    store_s: Floats  # at the site's store
    wire_bytes: Floats  # as sent over the WAN and kept
    central: Bools  # sent to the cluster's archive
    archive: Ints  # ingest and retrieve pool
    ingest_s: Floats
    hub: Ints  # site that reads, and whose library and WAN serve the reader
    trust: Ints  # reader pool
    prior: Ints  # NO_PRIOR, AT_SITE, AT_CENTRE, IN_LIBRARY
    pull_s: Floats  # at a library clerk
    prior_more_s: Floats  # porter and courier after the library
    retrieve_s: Floats  # at the archive, prior or view
    process_s: Floats  # film processor
    film_first: Bools  # the asking doctor sees the film before the reader
    read_more_s: Floats  # film: back from the doctor, courier from a unit, chase
    view: Ints  # VIEW_HERE, VIEW_LINK, VIEW_ABROAD, VIEW_COURIER
    view_site: Ints  # whose link the view comes down on
    view_more_s: Floats  # opening on the desk, porter, courier or chase
    film_to_view_s: Floats  # porter, and courier where the view is elsewhere

    def take(self, rows: Ints) -> "Jobs":
        """The same columns for some rows."""
        return Jobs(*(getattr(self, f.name)[rows] for f in fields(self)))


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


def stations_of(world: World, estate: Estate, first: date) -> Stations:
    """The stations of an estate for a run whose time 0 is the start of `first`."""
    sc = world.scenario
    profiles = [sc.archives[name] for name in estate.archives]
    store = np.array([int(p.site_servers.value) for p in profiles])
    share = sc.network.interactive.value
    return Stations(
        rooms=estate.rooms.reshape(-1),
        room_hours=[weekly_spans(m.hours) for m in sc.modalities.values()],
        stores=store[estate.archive],
        up_bytes_s=estate.wan_bytes_s * (1 - share),
        down_bytes_s=estate.wan_bytes_s * share,
        ingest=np.array([int(p.ingest_servers.value) for p in profiles]),
        retrieve=np.array([int(p.retrieve_servers.value) for p in profiles]),
        readers=estate.readers,
        reader_hours=weekly_spans(sc.reading.hours),
        reader_emergency_hours=weekly_spans(sc.reading.emergency_hours),
        processors=estate.processors,
        clerks=estate.clerks,
        library_hours=weekly_spans(sc.film.library_hours),
        week_offset_s=week_offset_s(first),
    )


def live_days(estate: Estate, which: str) -> Ints:
    """Go-live day of each site in a world: never on film, always on PACS, as planned."""
    if which == "plan":
        return estate.live_day
    return np.full(len(estate.sites), NEVER if which == "film" else -NEVER, dtype=np.int64)


def _prior(world: World, estate: Estate, e: Exams, pacs: Bools, live: Ints, central: Bools) -> Ints:
    """Where the prior is: a PACS starts empty, so what was made before go-live is on film."""
    has = ~np.isnan(e.prior_months)
    made = e.day - np.nan_to_num(e.prior_months) * 30.4375
    here, digital = e.prior_here == 1, pacs & (made >= live[e.site])
    cache = np.array([world.scenario.archives[a].cache.value for a in estate.archives])[estate.archive[e.site]]
    aged = np.nan_to_num(e.prior_months) > cache
    sharing = world.scenario.clusters[estate.cluster].sharing
    centre = digital & central & ((here & aged) | (~here & sharing))
    return np.select(
        [~has, centre, digital & here], [NO_PRIOR, AT_CENTRE, AT_SITE], default=IN_LIBRARY
    ).astype(np.int64)  # fmt: skip


def _other_site(estate: Estate, e: Exams) -> Ints:
    """The site that a view elsewhere comes from: of the same trust, or any other of the cluster."""
    n = len(estate.sites)
    anywhere = (e.site + 1 + np.floor(e.view_site_u * (n - 1)).astype(np.int64)) % n
    order = np.argsort(estate.trust, kind="stable")
    size = np.bincount(estate.trust, minlength=len(estate.trusts))
    start = np.concatenate([[0], np.cumsum(size)[:-1]])
    rank = np.empty(n, np.int64)
    rank[order] = np.arange(n) - start[estate.trust[order]]
    t = estate.trust[e.site]
    step = 1 + np.floor(e.view_site_u * np.maximum(size[t] - 1, 1)).astype(np.int64)
    same = order[start[t] + (rank[e.site] + step) % size[t]]
    return np.where(e.view_where == TRUST, same, anywhere)


def _view(world: World, estate: Estate, e: Exams, pacs: Bools, central: Bools) -> Ints:
    sharing = world.scenario.clusters[estate.cluster].sharing
    link = pacs & central & ((e.view_where == TRUST) | ((e.view_where > TRUST) & sharing))
    return np.select(
        [e.view_where == HERE, link & (e.view_where == COUNTRY), link],
        [VIEW_HERE, VIEW_ABROAD, VIEW_LINK], default=VIEW_COURIER,
    ).astype(np.int64)  # fmt: skip


def _numbers(profiles: list[Archive], which: Ints, *names: str) -> list[Floats]:
    return [np.array([getattr(p, name).value for p in profiles])[which] for name in names]


def jobs_of(world: World, estate: Estate, exams: Exams, which: str) -> Jobs:
    """Jobs of the exams in one of the `WORLDS`."""
    sc, e, n_mods = world.scenario, exams, len(world.scenario.modalities)
    live = live_days(estate, which)
    pacs = e.day >= live[e.site]
    central = pacs & (e.day >= day_number(sc.clusters[estate.cluster].central_store_from))
    archive, profiles = estate.archive[e.site], [sc.archives[a] for a in estate.archives]
    ratio = np.array([m.lossless_ratio.value for m in sc.modalities.values()])[e.modality]
    compress = np.array([p.compress for p in profiles])[archive]
    wire = e.bytes / np.where(compress, ratio, 1.0)
    (in_ms, in_rate, first_s, out_ms, out_rate, site_ms) = _numbers(
        profiles, archive, "ingest_overhead", "ingest_rate", "retrieve_first", "retrieve_overhead",
        "retrieve_rate", "site_overhead",
    )  # fmt: skip
    lan = sc.network.lan.value * 1e6 / 8 * sc.network.usable.value
    desk = sc.network.desk.value * 1e6 / 8 * sc.network.usable.value
    miu = np.array([row.kind == "miu" for row in estate.sites])[e.site]
    first = np.array([s.film_goes_first for s in sc.settings.values()])[e.setting]
    prior, view = _prior(world, estate, e, pacs, live, central), _view(world, estate, e, pacs, central)
    elsewhere = np.where(view == VIEW_COURIER, e.courier_s, 0.0)
    abroad = np.where(view == VIEW_ABROAD, wire / estate.wan_bytes_s.mean(), 0.0)
    chase = np.where(e.lost == 1, e.chase_s, 0.0)
    return Jobs(
        pacs, miu, e.site.astype(np.int64) * n_mods + e.modality,
        store_s=e.images * site_ms / 1e3 + e.bytes / lan,
        wire_bytes=wire, central=central, archive=archive,
        ingest_s=e.images * in_ms / 1e3 + wire / (in_rate * 1e6),
        hub=estate.hub[e.site], trust=estate.trust[e.site], prior=prior,
        pull_s=np.full(len(e), sc.film.pull.value * 60.0),
        prior_more_s=e.porter_s + np.where(e.prior_here == 1, 0.0, e.courier_s),
        retrieve_s=first_s + e.images * out_ms / 1e3 + wire / (out_rate * 1e6),
        process_s=e.sheets.astype(np.float64) * (sc.film.process.value * 60.0),
        film_first=first,
        read_more_s=np.where(first, e.back_s + chase, e.porter_s) + np.where(miu, e.courier_s, 0.0),
        view=view, view_site=_other_site(estate, e),
        view_more_s=np.where(pacs, e.bytes / desk + abroad + elsewhere, np.where(first, 0.0, chase)),
        film_to_view_s=e.porter_s + elsewhere,
    )  # fmt: skip
