"""Outcomes for patients: journeys and dose that film asks for and PACS does not; gross, before attribution."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sim.answers.outcomes.figure import Figure, of_inputs
from sim.answers.outcomes.inputs import Input, Levels, by_modality, scenario_inputs
from sim.answers.outcomes.rollout import months_before
from sim.answers.outcomes.scene import SLIP, Scene

Floats = NDArray[np.float64]
GROSS = "gross: before attribution and realisation, which are in the benefits"
YEAR, TO_DATE = "twelve months to the day", "from the plan's start to the day"
MILLI = 1e3


def _sum(
    scene: Scene, of_kind: Callable[[Levels], Floats], inputs: list[Input], note: str, **split: str
) -> list[Figure]:
    """A sum over exams on PACS in programme trusts; `of_kind` is of one exam, float64[modality, setting]."""
    out = []
    for name, since in ((YEAR, months_before(scene.day, 12)), (TO_DATE, None)):
        kept: dict[float, Floats] = {}

        def total(x: Levels, since: object = since, kept: dict[float, Floats] = kept) -> float:
            late = x[SLIP]
            if late not in kept:
                day = months_before(scene.day, 12) if since else None
                kept[late] = np.sum(list(scene.rollout.late(late).seen(day, True).values()), axis=0)
            return float((kept[late] * scene.rollout.national(x)[:, :, None] * of_kind(x)[None]).sum())

        out.append(of_inputs(total, [scene.slip(), *scene.demand_inputs(), *inputs], note, period=name, **split))
    return out


def journeys_avoided(scene: Scene) -> list[Figure]:
    """Patients' journeys not made: from a Minor Injuries Unit to the hospital, and back to a clinic for a lost film."""
    keys = scenario_inputs(scene.world, "effects.miu_journey", "effects.missing_visit", "film.lost")
    units, ones = (
        scene.rollout.settings.index("miu"),
        np.ones((len(scene.rollout.modalities), len(scene.rollout.settings))),
    )

    def from_units(x: Levels) -> Floats:
        out = np.zeros_like(ones)
        out[:, units] = x["effects.miu_journey"]
        return out

    clinic = np.zeros_like(ones)
    clinic[:, scene.rollout.settings.index("op")] = 1.0
    return [
        *_sum(scene, from_units, keys[:1], GROSS, reason="image travels instead of the patient of a unit"),
        *_sum(scene, lambda x: clinic * x["film.lost"] * x["effects.missing_visit"], keys[1:], GROSS,
              reason="visit not repeated for want of a film"),
    ]  # fmt: skip


def dose_avoided_man_sv(scene: Scene) -> list[Figure]:
    """Collective dose of repeats that digital spares: fall of the reject rate times the dose of one image."""
    inputs = by_modality(scene.world, "reject_film", "reject_digital", "dose", "images")
    note = f"{GROSS}; a repeat costs the dose of one image; what a new X-ray set spares is not in it"

    def of_kind(x: Levels) -> Floats:
        fall = scene.levels("reject_film", x) - scene.levels("reject_digital", x)
        sievert = fall * scene.levels("dose", x) / np.maximum(scene.levels("images", x), 1.0) / MILLI
        out: Floats = np.repeat(sievert[:, None], len(scene.rollout.settings), axis=1)
        return out

    return _sum(scene, of_kind, inputs, note)
