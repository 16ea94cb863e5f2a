"""Outcomes of the archive: how many priors it has to give, and how long it takes to give them."""

from collections.abc import Callable
from math import exp, lgamma, log

import numpy as np
from numpy.typing import NDArray

from sim.answers.outcomes.figure import Figure, of_inputs
from sim.answers.outcomes.inputs import Input, Levels, scenario_input, scenario_inputs
from sim.answers.outcomes.scene import Scene
from sim.world.demand import national_volume

Floats = NDArray[np.float64]
CACHES = (3, 6, 12, 18, 24, 36)
SITE, ARCHIVE = "site's own store", "cluster archive"
ALONE, BUSY = "alone", "busiest hour of the run"
TAIL = "prior_age"


def _younger(scene: Scene, months: Floats, bend: float) -> Floats:
    """Share of priors younger than so many months: the table, linear between its rows; old ones likelier by `bend`."""
    rows = scene.world.prior_age
    found = np.interp(months, [r.months for r in rows], [r.share for r in rows])
    out: Floats = np.clip(1 - (1 - found) * bend, 0.0, 1.0)
    return out


def _weights(scene: Scene) -> tuple[Floats, Floats]:
    """Months on PACS, and priors wanted by the exams of one day, of each site: float64[site] twice."""
    volume = np.array([national_volume(scene.world, m, scene.year) for m in scene.rollout.modalities])
    wanted = volume * scene.column("prior")
    months = [scene.rollout.months_live(s) for s in scene.rollout.sites]
    priors = [s.share.sum(axis=2) @ wanted for s in scene.rollout.sites]
    return np.concatenate(months), np.concatenate(priors)


def prior_from_archive_share(scene: Scene) -> list[Figure]:
    """Of the priors that are wanted on PACS and digital, the share older than the site's store keeps, by its months.

    A PACS starts empty: a prior made before go-live is on film, so that a site live for fewer months than its store
    keeps asks its archive for nothing. NaN where no site is live.
    """
    months, priors = _weights(scene)
    live = months > 0
    worst = {r.status for r in scene.world.prior_age}
    status = "assumed" if "assumed" in worst else next(iter(worst))
    age = Input(TAIL, 1.0, 0.75, 1.25, "ratio", status, scene.world.prior_age[-1].source)

    def share(cache: float, of_all: bool) -> Callable[[Levels], float]:
        def formula(x: Levels) -> float:
            digital = _younger(scene, months[live], x[TAIL])
            near = _younger(scene, np.minimum(months[live], cache), x[TAIL])
            whole = priors[live] * (1.0 if of_all else digital)
            total = float(whole.sum())
            return float((priors[live] * (digital - near)).sum()) / total if total > 0 else float("nan")

        return formula

    note = "from the age table and the go-live dates; the share of older priors moves by a quarter either way"
    split = ((False, "digital priors"), (True, "all priors wanted on PACS"))
    return [
        of_inputs(share(c, of_all), [age], note, cache_months=str(c), of=name) for c in CACHES for of_all, name in split
    ]


def erlang_wait_share(servers: int, load: float) -> float:
    """Probability that a job waits in M/M/c with offered load `load` (Erlang's C formula); 1 when overloaded."""
    if load <= 0:
        return 0.0
    if load >= servers:
        return 1.0
    terms = [exp(k * log(load) - lgamma(k + 1)) for k in range(servers)]
    last = exp(servers * log(load) - lgamma(servers + 1)) * servers / (servers - load)
    return last / (sum(terms) + last)


def _busiest(scene: Scene, station: str) -> tuple[float, float]:
    """Use of a station in its busiest hour (mean of its entities by their arrivals), and servers of an entity."""
    rows = scene.rows("hourly")
    rows = rows[(rows["world"] == "pacs") & (rows["station"] == station) & (rows["servers"] > 0)]
    if rows.empty:
        return float("nan"), float("nan")
    link = station.startswith("wan")
    used = rows["work_bytes"] if link else rows["busy_s"]
    rows = rows.assign(use=used / (rows["servers"] * rows["hours_pooled"] * 3600.0))
    busiest = rows.loc[rows.groupby("entity")["use"].idxmax()]
    weight = busiest["arrivals"].to_numpy()
    return float(np.average(busiest["use"], weights=weight)) if weight.sum() else 0.0, float(busiest["servers"].mean())


def retrieval_s(scene: Scene) -> list[Figure]:
    """Seconds until a whole earlier exam is on the desk, by modality, from where it lies and how busy that is.

    Alone: no queue anywhere, the sum of media latency, objects and bytes at the scenario's rates. Busiest hour: the
    wait of M/M/c at the archive's use in its busiest hour, and the link shared as that hour shares it.
    """
    out = []
    archive = next(iter(scene.rollout.archives()))
    profile = _archive_keys(scene, archive)
    for i, code in enumerate(scene.rollout.modalities):
        size = scenario_inputs(scene.world, f"modalities.{code}.images", f"modalities.{code}.lossless_ratio")
        out.append(of_inputs(_from_site(scene, i, code), [size[0], *_keys(scene, "network.usable")],
                             "bytes over the desk's link", tier=SITE, load=ALONE, modality=code))  # fmt: skip
        for load in (ALONE, BUSY) if scene.has("pacs") else (ALONE,):
            formula, note = (
                _from_archive(scene, i, code, archive, load == BUSY),
                f"profile '{archive}', {_note(scene, load)}",
            )
            out.append(of_inputs(formula, [*size, *profile], note, tier=ARCHIVE, load=load, modality=code))
    return out


def _keys(scene: Scene, *keys: str) -> list[Input]:
    return [scenario_input(scene.world, k) for k in keys]


def _archive_keys(scene: Scene, archive: str) -> list[Input]:
    names = ("retrieve_first", "retrieve_overhead", "retrieve_rate")
    return _keys(scene, *(f"archives.{archive}.{n}" for n in names), "network.usable", "network.interactive")


def _note(scene: Scene, load: str) -> str:
    if load == ALONE:
        return "the median link of a site"
    pool, link = _busiest(scene, "retrieve")[0], _busiest(scene, "wan_down")[0]
    return f"retrieve pool {pool:.0%} and links {link:.0%} used in their busiest hours, in the run's period"


def _desk_s(scene: Scene, size: float, x: Levels) -> float:
    return size / (scene.world.scenario.network.desk.value * 1e6 / 8 * x["network.usable"])


def _from_site(scene: Scene, i: int, code: str) -> Callable[[Levels], float]:
    return lambda x: _desk_s(scene, x[f"modalities.{code}.images"] * scene.image_bytes[i], x)


def _from_archive(scene: Scene, i: int, code: str, archive: str, busy: bool) -> Callable[[Levels], float]:
    wan = float(np.median([site.wan_mbit_s for s in scene.rollout.sites for site in s.estate.sites])) * 1e6 / 8
    pool, link = (_busiest(scene, "retrieve"), _busiest(scene, "wan_down")) if busy else ((0.0, 1.0), (0.0, 1.0))
    compress = scene.world.scenario.archives[archive].compress

    def formula(x: Levels) -> float:
        key, images = f"archives.{archive}", x[f"modalities.{code}.images"]
        size = images * scene.image_bytes[i]
        wire = size / x[f"modalities.{code}.lossless_ratio"] if compress else size
        serve = x[f"{key}.retrieve_first"] + images * x[f"{key}.retrieve_overhead"] / 1e3
        serve += wire / (x[f"{key}.retrieve_rate"] * 1e6)
        servers = max(1, round(pool[1]))
        use = min(pool[0], 0.999)
        wait = erlang_wait_share(servers, use * servers) * serve / (servers * (1 - use)) if busy else 0.0
        rate = wan * x["network.usable"] * x["network.interactive"] * (1 - min(link[0], 0.999))
        return float(wait + serve + wire / rate + _desk_s(scene, size, x))

    return formula
