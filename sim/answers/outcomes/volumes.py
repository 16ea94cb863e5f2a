"""Outcomes of the plan and of demand: trusts, exams, images, bytes. For any day; they follow from inputs alone."""

from collections.abc import Callable
from datetime import date

import numpy as np
from numpy.typing import NDArray

from sim.answers.intervals import student
from sim.answers.outcomes.figure import Figure, of_inputs, simulated
from sim.answers.outcomes.inputs import Input, Levels, by_modality, scenario_input
from sim.answers.outcomes.rollout import Rollout, months_before
from sim.answers.outcomes.scene import SLIP, Scene

Floats = NDArray[np.float64]
PROGRAMME, ALL_PACS = "programme trusts", "all trusts with a PACS"
MEGA, TERA = 1e6, 1e12


def trusts_live(scene: Scene) -> list[Figure]:
    """Programme trusts whose first hospital is live, and the trusts that had a PACS of their own."""
    slip = scene.slip()
    note = "go-live dates that nobody has reported may come later by the optimism bias on duration"
    return [
        of_inputs(lambda x: float(scene.rollout.late(x[SLIP]).trusts_live()), [slip], note, trusts=PROGRAMME),
        of_inputs(lambda x: float(scene.rollout.trusts_live(programme=False)), [], trusts="had a PACS before"),
    ]


def exams_per_year(scene: Scene) -> list[Figure]:
    """Exams of the financial year of the day, by modality and together; on film and on PACS."""
    share, out = scene.rollout.whole_share().sum(axis=1), []
    inputs = scene.demand_inputs()
    for i, name in enumerate(scene.rollout.modalities):
        own = [x for x in inputs if x.key.split(".")[1] == name]
        out.append(of_inputs(_one(scene.rollout, share, i), own, modality=name))
    return [*out, of_inputs(lambda x: float(scene.rollout.national(x)[-1] @ share), inputs, modality="all")]


def _one(rollout: Rollout, share: Floats, i: int) -> Callable[[Levels], float]:
    return lambda x: float(rollout.national(x)[-1, i] * share[i])


def _mix(scene: Scene, x: Levels) -> Floats:
    """Exams of the day's year by modality, as shares."""
    exams = scene.rollout.national(x)[-1] * scene.rollout.whole_share().sum(axis=1)
    shares: Floats = exams / exams.sum()
    return shares


def images_per_exam(scene: Scene) -> list[Figure]:
    """DICOM objects of an exam, by modality and over the mix of the day's year."""
    images = by_modality(scene.world, "images")
    out = [of_inputs(lambda x, k=i.key: x[k], [i], modality=i.key.split(".")[1]) for i in images]  # type: ignore[misc]
    whole = of_inputs(lambda x: float(_mix(scene, x) @ scene.levels("images", x)), [*images, *scene.demand_inputs()],
                      "expected, over the mix of exams of the day's year", modality="all")  # fmt: skip
    return [*out, whole, *_images_of_run(scene)]


def _images_of_run(scene: Scene) -> list[Figure]:
    """The same as drawn in the run, as a check of the expected one."""
    sums = scene.rows("flows").groupby("replication")[["images", "exams"]].sum()
    found = student((sums["images"] / sums["exams"]).to_numpy(), 0.95)
    return [simulated(found, by_modality(scene.world, "images"), {"modality": "all, in the run"},
                      note="as drawn in the run's period")]  # fmt: skip


def _bytes(scene: Scene, x: Levels, compressed: bool) -> Floats:
    """Bytes of an exam by modality."""
    raw = scene.levels("images", x) * scene.image_bytes
    out: Floats = raw / scene.levels("lossless_ratio", x) if compressed else raw
    return out


def stored_mb_per_exam(scene: Scene) -> list[Figure]:
    """Megabytes (10^6) of an exam as stored, losslessly compressed, and before; one copy."""
    inputs = [*by_modality(scene.world, "images", "lossless_ratio"), *scene.demand_inputs()]
    note = "expected, over the mix of exams of the day's year; one copy"

    def mean(compressed: bool) -> Callable[[Levels], float]:
        return lambda x: float(_mix(scene, x) @ _bytes(scene, x, compressed)) / MEGA

    return [of_inputs(mean(True), inputs, note, form="lossless"),
            of_inputs(mean(False), inputs, note, form="uncompressed")]  # fmt: skip


def _since_live(scene: Scene, of_exam: Callable[[Levels, str], Floats], inputs: list[Input], note: str,
                programme_only: bool, since: date | None = None, **split: str) -> Figure:  # fmt: skip
    """A sum over all exams done on PACS until the day: `of_exam(levels, archive)` is of one exam by modality."""
    seen: dict[float, dict[str, Floats]] = {}

    def total(x: Levels) -> float:
        late, national = x[SLIP], scene.rollout.national(x)
        if late not in seen:
            seen[late] = scene.rollout.late(late).seen(since, programme_only)
        parts = ((part.sum(axis=2) * national).sum(axis=0) @ of_exam(x, name) for name, part in seen[late].items())
        return float(sum(parts))

    return of_inputs(total, [scene.slip(), *scene.demand_inputs(), *inputs], note, **split)


def images_stored(scene: Scene) -> list[Figure]:
    """DICOM objects made on PACS from the plan's start until the end of the day, each counted once."""
    inputs, note = by_modality(scene.world, "images"), "each image once, however many copies are kept"
    return [
        _since_live(scene, lambda x, a: scene.levels("images", x), inputs, note, only, trusts=name)
        for only, name in ((True, PROGRAMME), (False, ALL_PACS))
    ]


def storage_tb(scene: Scene) -> list[Figure]:
    """Terabytes (10^12) of the programme's trusts: one copy, all central copies, the sites' own stores."""
    inputs = by_modality(scene.world, "images", "lossless_ratio")
    profiles = scene.world.scenario.archives
    copies = [scenario_input(scene.world, f"archives.{a}.copies") for a in scene.rollout.archives()]

    def tera(x: Levels, archive: str) -> Floats:
        out: Floats = _bytes(scene, x, profiles[archive].compress) / TERA
        return out

    note = "images since go-live; old films are not scanned"
    out = [
        _since_live(scene, tera, inputs, note, True, copies="one"),
        _since_live(scene, lambda x, a: tera(x, a) * x[f"archives.{a}.copies"], [*inputs, *copies], note, True,
                    copies="all central ones"),
    ]  # fmt: skip
    kept = {a: months_before(scene.day, profiles[a].cache.value) for a in scene.rollout.archives()}
    whole = _since_live(scene, tera, inputs, "as long as the shortest cache keeps them", True, max(kept.values()),
                        copies="sites' own stores")  # fmt: skip
    return [*out, whole]


def busy_hour_share(scene: Scene) -> list[Figure]:
    """Share of a Monday-to-Friday day's exams, and of its bytes, that the busiest hour has."""
    exams, size = _weekday_hours(scene, np.ones(len(scene.rollout.modalities))), scene.column("images")
    heavy = _weekday_hours(scene, size * scene.image_bytes)
    profiles = [s.hourly for s in scene.world.scenario.settings.values()]
    low, high = min(p.low or 1.0 for p in profiles), max(p.high or 1.0 for p in profiles)
    status = "assumed" if any(p.is_assumption for p in profiles) else profiles[0].status
    shape = Input("settings.*.hourly", 1.0, low, high, "ratio", status, profiles[0].source)
    note = "expected, mean weekday; the weight of the busiest hour moves, all others stay"
    return [of_inputs(_peak(hours), [shape], note, of=name) for name, hours in (("exams", exams), ("bytes", heavy))]


def _peak(hours: Floats) -> Callable[[Levels], float]:
    top, rest = float(hours.max()), float(hours.sum() - hours.max())
    return lambda x: top * x["settings.*.hourly"] / (top * x["settings.*.hourly"] + rest)


def _weekday_hours(scene: Scene, weight: Floats) -> Floats:
    """Expected exams, times a weight by modality, of the hours of a mean weekday, float64[hour]."""
    from sim.world.demand import demand_shape

    shape = demand_shape(scene.world)
    yearly = scene.rollout.volumes[-1][:, None] * scene.rollout.whole_share()
    by_setting = (yearly * weight[:, None]).sum(axis=0)
    day = shape.hourly[:, 0, :] * shape.weekday[:, :5].sum(axis=1)[:, None]
    out: Floats = by_setting @ day
    return out
