"""Tables of stations and sites of a whole run."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd

from sim.engines.jobs import stations_of
from sim.engines.loads import servers_of
from sim.runs.records import moments
from sim.runs.spec import Spec
from sim.runs.store import Run
from sim.world.estate import Estate, build_estate
from sim.world.load import World

Key = tuple[str, str, str]  # cluster, world, station
STATION_SUMS = {"jobs": 1.0, "wait_s": 1e6, "queue_s": 1e6, "service_s": 1e6, "service_squared_s2": 1e6}  # per unit


def loads_of_run(world: World, spec: Spec, run: Run) -> dict[Key, tuple[Any, ...]]:
    """The loads of all replications of a finished run. Its means are whole numbers over n, so the sums are exact."""
    return {
        (str(cluster), str(which), str(station)): _sums(world, spec, run, rows, int(run.manifest["replications"]))
        for (cluster, which, station), rows in run.table("hourly").groupby(["cluster", "world", "station"])
    }


def _sums(world: World, spec: Spec, run: Run, hourly: pd.DataFrame, n: int) -> tuple[Any, ...]:
    """The arrays of one station, as `add_use` filled them, from the tables of a run of n replications."""
    cluster, which, station = (str(hourly[name].iloc[0]) for name in ("cluster", "world", "station"))
    names = list(_entities(world, build_estate(world, cluster), station))
    slot, starts, pooled = spec.period.slots()
    entity, hour = hourly["entity"].map(names.index).to_numpy(), moments(starts).get_indexer(pd.Index(hourly["hour"]))
    use = np.zeros((3, len(names), len(starts)), np.int64)
    for i, (column, unit) in enumerate((("arrivals", 1.0), ("busy_s", 1e6), ("work_bytes", 1.0))):
        use[i, entity, hour] = np.rint(hourly[column].to_numpy() * n * unit)
    long = bool((pooled > 1).any())
    turns = np.zeros((len(names), 0 if long else len(slot) + 1), np.int64)
    if not long:
        waiting = np.zeros((len(names), len(slot)), np.int64)
        waiting[entity, hour] = np.rint(hourly["waiting"].to_numpy() * n)
        turns[:, :-1] = np.diff(waiting, axis=1, prepend=0)
    rows = run.table("stations")
    rows = rows[(rows["cluster"] == cluster) & (rows["world"] == which) & (rows["station"] == station)]
    sums = np.zeros((len(names), 5), np.int64)
    at = rows["entity"].map(names.index).to_numpy()
    for i, (column, unit) in enumerate(STATION_SUMS.items()):
        sums[at, i] = np.rint(rows[column].to_numpy() * unit)
    return use, sums, turns


def sites_table(world: World, clusters: Iterable[str]) -> pd.DataFrame:
    """Who is who: one row a site."""
    trusts = {row.trust: row for row in world.trusts}
    rows = []
    for site in world.sites:
        trust = trusts[site.trust]
        if trust.cluster not in clusters:
            continue
        cluster = world.scenario.clusters[trust.cluster]
        rows.append({
            "site": site.site, "number": site.number, "name": site.name, "trust": trust.trust,
            "trust_name": trust.name, "cluster": trust.cluster, "cluster_name": cluster.name, "lsp": cluster.lsp,
            "supplier": trust.archive, "kind": site.kind, "rural": site.rural, "programme": trust.programme,
            "live": trust.live.isoformat() if trust.live else "", "invented": site.invented,
        })  # fmt: skip
    return pd.DataFrame(rows)


def _entities(world: World, estate: Estate, station: str) -> pd.api.extensions.ExtensionArray:
    sites = [row.site for row in estate.sites]
    names = {
        "room": [f"{s} {m}" for s in sites for m in world.scenario.modalities],
        "reading": [row.trust for row in estate.trusts], "ingest": estate.archives, "retrieve": estate.archives,
    }.get(station, sites)  # fmt: skip
    return pd.array(list(names), dtype="str")


def _each_station(world: World, spec: Spec, loads: dict[Key, tuple[Any, ...]]) -> Iterable[tuple[Any, ...]]:
    """Labels, names of the entities, servers and the arrays of each station."""
    for cluster, group in groupby(sorted(loads.items()), key=lambda one: one[0][0]):
        estate = build_estate(world, cluster)
        servers = servers_of(stations_of(world, estate, spec.period.first))
        for (_, which, station), arrays in group:
            labels = {"world": which, "cluster": cluster, "station": station}
            yield labels, _entities(world, estate, station), servers[station].astype(float), arrays


def _repeated(labels: dict[str, str], n: int) -> dict[str, pd.api.extensions.ExtensionArray]:
    return {name: pd.array([text], dtype="str")[np.zeros(n, np.int8)] for name, text in labels.items()}


def hourly_table(world: World, spec: Spec, loads: dict[Key, tuple[Any, ...]], replications: int) -> pd.DataFrame:
    """Hourly use, mean over replications; hours of a long run are pooled by hour of the week and quarter or year.

    `waiting`: how many wait (on a link: are under way) at the beginning of the hour; not kept where hours are pooled.
    """
    _, starts, pooled = spec.period.slots()
    hours, frames = moments(starts), []
    for labels, names, servers, (use, _, turns) in _each_station(world, spec, loads):
        waiting = np.cumsum(turns, axis=1)[:, :-1] if turns.shape[1] else np.zeros(use.shape[1:])
        entity, slot = (use[0] + use[1] + waiting).nonzero()
        frames.append(pd.DataFrame({
            **_repeated(labels, len(entity)), "entity": names[entity], "hour": hours[slot],
            "hours_pooled": pooled[slot], "arrivals": use[0, entity, slot] / replications,
            "busy_s": use[1, entity, slot] / 1e6 / replications, "work_bytes": use[2, entity, slot] / replications,
            "waiting": waiting[entity, slot] / replications if turns.shape[1] else np.full(len(entity), np.nan),
            "servers": servers[entity],
        }))  # fmt: skip
    return pd.concat(frames, ignore_index=True)


def stations_table(world: World, spec: Spec, loads: dict[Key, tuple[Any, ...]], replications: int) -> pd.DataFrame:
    """What theory asks of each server pool and link: sums over the replications, of jobs that came in the period.

    jobs; wait_s, service_s and service_squared_s2 of them; queue_s: time waited within the period, whoever came when.
    """
    frames = []
    for labels, names, servers, (_, sums, _) in _each_station(world, spec, loads):
        used = np.flatnonzero(sums[:, 0])
        frames.append(pd.DataFrame({
            **_repeated(labels, len(used)), "entity": names[used], "servers": servers[used],
            "replications": np.full(len(used), replications),
            **{name: sums[used, i] / unit for i, (name, unit) in enumerate(STATION_SUMS.items())},
        }))  # fmt: skip
    return pd.concat(frames, ignore_index=True)
