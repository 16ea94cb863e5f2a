"""Outcomes of the service, from the simulated run: how long things take, what is missing, what is made again.

"on the day" is the rollout's mix: sites that are live on the day as on PACS, the others as on film, the same exams.
Waiting times are those of the run's own period; they are not scaled with the volume of another year.
"""

from collections.abc import Callable
from dataclasses import replace
from math import hypot

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.answers.intervals import Interval, student
from sim.answers.measures import Stat
from sim.answers.outcomes.figure import RANGE_METHOD, Figure, of_inputs, simulated
from sim.answers.outcomes.inputs import Input, Levels, by_modality, ranged, scenario_inputs
from sim.answers.outcomes.scene import Scene

Floats = NDArray[np.float64]
PATHWAYS = {"film": "film", "pacs": "PACS"}
ON_THE_DAY = "on the day"
STATS: dict[Stat, str] = {"mean": "mean", "p50": "median over exams", "p95": "95th percentile over exams"}
HOUR, MINUTE = 3600.0, 60.0


def _levels(scene: Scene, measure: str, stat: Stat, world: str) -> pd.DataFrame:
    """One row a setting and one for all: setting, value, low, high, n, method; in seconds."""
    one = len(scene.run.manifest["clusters"]) > len(scene.clusters)
    keys = ["cluster"] if one else []
    parts = [scene.measures.table(measure, stat, by=[*keys, *by], world=world) for by in (["setting"], [])]
    whole = pd.concat([parts[0], parts[1].assign(setting="all")], ignore_index=True)
    return whole[whole["cluster"].isin(scene.clusters)] if one else whole


def as_on_the_day(scene: Scene, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of live sites from the PACS world and of all others from the film world."""
    live = rows["site"].isin(scene.live_sites)
    return rows[(live & (rows["world"] == "pacs")) | (~live & (rows["world"] == "film"))]


def _mixed_means(scene: Scene, measure: str) -> dict[str, Interval]:
    """Means of the day's mix, by setting and over all, in seconds."""
    rows = scene.rows("moments")
    rows = as_on_the_day(scene, rows[rows["measure"] == measure])
    sums = rows.groupby(["setting", "replication"])[["n", "sum_s"]].sum()
    whole = rows.groupby("replication")[["n", "sum_s"]].sum()
    found = {str(s): student((p["sum_s"] / p["n"]).to_numpy(), 0.95) for s, p in sums.groupby(level="setting")}
    return {**found, "all": student((whole["sum_s"] / whole["n"]).to_numpy(), 0.95)}


def _times(scene: Scene, measure: str, inputs: list[Input], scale: float) -> list[Figure]:
    out = []
    for world, name in PATHWAYS.items():
        for stat, words in STATS.items():
            if not scene.has(world):
                continue
            for r in _levels(scene, measure, stat, world).to_dict("records"):
                i = Interval(r["value"], r["low"], r["high"], int(r["n"]), str(r["method"]))
                split = {"pathway": name, "setting": str(r["setting"]), "statistic": words}
                out.append(simulated(i, inputs, split, 1 / scale))
    if scene.has("film", "pacs"):
        for setting, i in _mixed_means(scene, measure).items():
            split = {"pathway": ON_THE_DAY, "setting": setting, "statistic": "mean"}
            out.append(simulated(i, inputs, split, 1 / scale))
    return out


DELAYS = ("reading.typing", "reading.typing_emergency", "film.lost", "film.chase")


def turnaround_h(scene: Scene) -> list[Figure]:
    """Hours from request until the report is signed, by pathway and setting."""
    keys = (*DELAYS, "reading.utilisation", "film.pull", "film.porter", "film.courier")
    found = _times(scene, "turnaround_s", scenario_inputs(scene.world, *keys), HOUR)
    return [_with_delays(scene, f) if f.split["statistic"] == "mean" and f.split["pathway"] != ON_THE_DAY else f
            for f in found]  # fmt: skip


def _with_delays(scene: Scene, f: Figure) -> Figure:
    """A mean with the range of the delays that add to it, on top of its simulation interval."""
    emergency = _emergency(scene, f.split["setting"])
    inputs = scenario_inputs(scene.world, *DELAYS[: 4 if f.split["pathway"] == "film" else 2])

    def delay(x: Levels) -> float:
        typing = (1 - emergency) * x["reading.typing"] + emergency * x["reading.typing_emergency"]
        return typing + x.get("film.lost", 0.0) * x.get("film.chase", 0.0)

    base, low, high = ranged(delay, inputs)
    sides = (f.value - f.low if f.low == f.low else 0.0, f.high - f.value if f.high == f.high else 0.0)
    note = "typing, and on film the chase of lost packets, at their ranges; queues as simulated"
    return replace(f, low=f.value - hypot(base - low, sides[0]), high=f.value + hypot(high - base, sides[1]),
                   interval="simulation interval and parameter range", method=f"{f.method}; {RANGE_METHOD}",
                   inputs=inputs, note=note)  # fmt: skip


def _emergency(scene: Scene, setting: str) -> float:
    """Share of emergencies of a setting, or of all exams of the day's year."""
    shares = [s.emergency.value for s in scene.world.scenario.settings.values()]
    if setting != "all":
        return shares[scene.rollout.settings.index(setting)]
    weights = scene.rollout.volumes[-1] @ scene.rollout.whole_share()
    return float(np.average(shares, weights=weights))


def time_to_image_min(scene: Scene) -> list[Figure]:
    """Minutes from request until the reader has the image, by pathway and setting."""
    keys = ("film.process", "film.processor_utilisation", "film.porter", "network.usable")
    return _times(scene, "time_to_image_s", scenario_inputs(scene.world, *keys), MINUTE)


def _share(scene: Scene, flow: str, inputs: list[Input], note: str, *by: str) -> list[Figure]:
    """A flow over exams, by pathway, on the day, and over all."""
    flows, out = scene.rows("flows"), []
    parts = {name: flows[flows["world"] == world] for world, name in PATHWAYS.items() if scene.has(world)}
    if scene.has("film", "pacs"):
        parts[ON_THE_DAY] = as_on_the_day(scene, flows)
    for name, rows in parts.items():
        for column in (*by, ""):
            groups = [(str(k), part) for k, part in rows.groupby(column)] if column else [("all", rows)]
            for key, part in groups:
                split = {"pathway": name, **({column: key} if column else dict.fromkeys(by, "all"))}
                out.append(simulated(_ratio(part, flow), inputs, split, note=note))
    return out


def _ratio(rows: pd.DataFrame, flow: str) -> Interval:
    sums = rows.groupby("replication")[[flow, "exams"]].sum()
    return student((sums[flow] / sums["exams"]).to_numpy(), 0.95)


def image_unavailable_share(scene: Scene) -> list[Figure]:
    """Share of exams whose images are not found when first asked for."""
    note = "on film: packets not found; on PACS: without faults, so that downtime is not in it"
    lost = scenario_inputs(scene.world, "film.lost")
    film = 1 - scene.rollout.live_share().sum() / scene.rollout.whole_share().sum()
    expected = [of_inputs(_times_input("film.lost", part), lost, note, pathway=name, setting="all, expected")
                for name, part in (("film", 1.0), (ON_THE_DAY, float(film)))]  # fmt: skip
    return [*_share(scene, "lost", lost, note, "setting"), *expected]


def _times_input(key: str, factor: float) -> Callable[[Levels], float]:
    return lambda x: factor * x[key]


def reject_rate(scene: Scene) -> list[Figure]:
    """Share of exams in which an image is rejected and made again, by modality."""
    names = [f"modalities.{m}.reject_{how}" for m in scene.rollout.modalities for how in ("film", "digital")]
    found = _share(scene, "repeats", scenario_inputs(scene.world, *names), "", "modality")
    exams = scene.rollout.volumes[-1] * scene.rollout.whole_share().sum(axis=1)
    for how, name in (("film", "film"), ("digital", "PACS")):
        inputs = by_modality(scene.world, f"reject_{how}")
        found.append(of_inputs(_mean_of(scene, f"reject_{how}", exams), inputs, pathway=name, modality="all, expected"))
    return found


def _mean_of(scene: Scene, name: str, weights: Floats) -> Callable[[Levels], float]:
    return lambda x: float(np.average(scene.levels(name, x), weights=weights))
