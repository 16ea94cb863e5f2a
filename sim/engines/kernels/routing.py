"""Who goes where, with how much work: the rules of both pathways, one loop over the exams.

A queueing kernel knows nothing of hospitals; here stands what a hospital does with an exam.
"""

import numpy as np
from numba import njit

from sim.world.draw import COUNTRY, HERE, TRUST

# where the prior is, and how the first view is had
NO_PRIOR, AT_SITE, AT_CENTRE, IN_LIBRARY = range(4)
VIEW_HERE, VIEW_LINK, VIEW_ABROAD, VIEW_COURIER = range(4)
# bits of a route: what an exam is, and the stations it goes to
ON_PACS, FROM_UNIT, DOCTOR_FIRST = 1, 2, 4
TO_INGEST, UPLINK, LIBRARY, FETCH, VIEW_FETCHED, VIEW_DOWN, PROCESSOR = 8, 16, 32, 64, 128, 256, 512
MONTH_DAYS = 30.4375
RECALLS = ("none", "site", "cluster", "country")  # how far priors are recalled
RECALL_NONE, RECALL_SITE, RECALL_CLUSTER, RECALL_COUNTRY = range(4)
THIS_SITE, OTHER_CLUSTER = 1, 2  # where a prior was made; 0: elsewhere in the cluster


@njit(cache=True)
def _where_prior(months, here, pacs, central, day, live, cache, recall, back_load, fetched):
    """A PACS starts empty: what was made before go-live is on film, until the old archive is loaded back that far.

    What is older than the cache is at the centre only; `fetched`: it was brought to the site the night before. A prior
    of another cluster comes from that cluster's archive, for which this one's stands, as large, as far and as busy.
    """
    if np.isnan(months):
        return NO_PRIOR
    if not pacs or day - months * MONTH_DAYS < live - back_load * (day - live):
        return IN_LIBRARY
    if recall == RECALL_NONE:
        return IN_LIBRARY
    if here == THIS_SITE and not (central and months > cache):
        return AT_SITE
    if here != THIS_SITE and not (central and recall >= (RECALL_COUNTRY if here == OTHER_CLUSTER else RECALL_CLUSTER)):
        return IN_LIBRARY
    return AT_SITE if fetched else AT_CENTRE


@njit(cache=True)
def _how_viewed(where, linked, sharing):
    """Elsewhere: by the cluster's archive and a link where it may be, else the packet or a disc goes by courier."""
    if where == HERE:
        return VIEW_HERE
    if not linked or (where > TRUST and not sharing):
        return VIEW_COURIER
    return VIEW_ABROAD if where == COUNTRY else VIEW_LINK


@njit(cache=True, inline="always")
def _wrapped(x, n):
    """x modulo n, for x below 2 n; a division would take longer than all else."""
    return x - n * (x >= n)


@njit(cache=True)
def _other_site(site, where, u, trust, order, size, start, rank):
    """The site that a view elsewhere comes from: of the same trust, or any other of the cluster."""
    if where != TRUST:
        n = len(trust)
        return _wrapped(site + 1 + int(u * (n - 1)), n)
    t = trust[site]
    step = 1 + int(u * max(size[t] - 1, 1))
    return order[start[t] + _wrapped(_wrapped(rank[site] + step, size[t]), size[t])]


@njit(cache=True, error_model="numpy")
def route_exams(exams, live, places, archives, kept, first, booked, common, out):
    """Fill the columns `out` of `Jobs` from the columns `exams` of `Exams`.

    live i8[site] go-live day; places: by site trust, hub, archive i8, unit bool, then order i8[site], size and start
    i8[trust], rank i8[site]: sites by trust; archives f8[archive, 8] seconds and seconds a byte, months of cache, and
    1 where images are compressed; kept f8[modality] share of the bytes after that; first, booked bool[setting]; common
    f8[12] first day of the central store, sharing, LAN, desk and mean WAN in seconds a byte, seconds to pull a packet
    and to process a sheet, modalities, days of the old archive loaded back a day, prefetch of booked exams' priors, how
    far priors are recalled (`RECALLS`), seconds of a record lookup.
    """
    (_, sites, modality, setting, _, days, _, _, images, nbytes, _, _, _, months, here, _, where, view_u, _, _, sheets,
     lost, _, _, back, chase, porter, courier) = exams  # fmt: skip
    (route, room, archive, hub, trust, view_site, prior, view, store_s, wire_bytes, ingest_s, pull_s, prior_more_s,
     retrieve_s, process_s, read_more_s, view_more_s, film_to_view_s) = out  # fmt: skip
    trust_of, hub_of, archive_of, unit_of, order, size, start, rank = places
    central_from, sharing, lan, desk, wan, pull, process, n_mods, back_load, prefetch, recall, lookup = common
    for i in range(len(sites)):
        s, m = sites[i], modality[i]
        a = archive_of[s]
        pacs, unit, doctor_first = days[i] >= live[s], unit_of[s], first[setting[i]]
        central = pacs and days[i] >= central_from
        fetched_before = prefetch > 0 and booked[setting[i]]
        prior[i] = _where_prior(months[i], here[i], pacs, central, days[i], live[s], archives[a, 6], recall,
                                back_load, fetched_before)  # fmt: skip
        view[i] = _how_viewed(where[i], central, sharing > 0)
        fetched = view[i] == VIEW_LINK or view[i] == VIEW_ABROAD
        route[i] = (
            ON_PACS * pacs | FROM_UNIT * unit | DOCTOR_FIRST * doctor_first | TO_INGEST * central
            | UPLINK * (central or (pacs and unit)) | PROCESSOR * (not pacs)
            | LIBRARY * (prior[i] == IN_LIBRARY) | FETCH * (prior[i] == AT_CENTRE)
            | VIEW_FETCHED * fetched | VIEW_DOWN * (view[i] == VIEW_LINK)
        )  # fmt: skip
        room[i], archive[i], hub[i], trust[i] = s * int(n_mods) + m, a, hub_of[s], trust_of[s]
        view_site[i] = (
            s if where[i] == HERE else _other_site(s, where[i], view_u[i], trust_of, order, size, start, rank)
        )
        wire = nbytes[i] * kept[m] if archives[a, 7] > 0.0 else float(nbytes[i])
        wire_bytes[i] = wire
        store_s[i] = images[i] * archives[a, 5] + nbytes[i] * lan
        ingest_s[i] = images[i] * archives[a, 0] + wire * archives[a, 1]
        retrieve_s[i] = archives[a, 2] + images[i] * archives[a, 3] + wire * archives[a, 4]
        process_s[i], pull_s[i] = sheets[i] * process, pull
        if prior[i] == AT_CENTRE:
            prior_more_s[i] = lookup if here[i] == OTHER_CLUSTER else 0.0
        else:
            prior_more_s[i] = porter[i] + (0.0 if here[i] == THIS_SITE else courier[i])
        missing = chase[i] if lost[i] == 1 else 0.0
        carried = courier[i] if view[i] == VIEW_COURIER else 0.0
        read_more_s[i] = (back[i] + missing if doctor_first else porter[i]) + (courier[i] if unit else 0.0)
        if pacs:
            view_more_s[i] = nbytes[i] * desk + (wire * wan if view[i] == VIEW_ABROAD else 0.0) + carried
        else:
            view_more_s[i] = 0.0 if doctor_first else missing
        film_to_view_s[i] = porter[i] + carried
