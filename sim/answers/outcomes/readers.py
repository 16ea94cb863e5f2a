"""Reports of a reader in a month: what reading time allows at the utilisation that readers are sized for."""

import numpy as np

from sim.answers.outcomes.figure import Figure, of_inputs
from sim.answers.outcomes.inputs import Levels, by_modality, scenario_input
from sim.answers.outcomes.scene import Scene
from sim.world.calendar import open_hours_a_week
from sim.world.demand import national_volume
from sim.world.estate import WEEKS

NOTE = ("a full-time reader, reading all opening hours; readers are sized for the plan's sizing year and stay, so that "
        "later years give each more to read")  # fmt: skip
GAIN = "effects.reading_gain"


def reports_per_reader_month(scene: Scene) -> list[Figure]:
    """Reports of one full-time reader in a month, on film; and on PACS with the reading time that it spares."""
    keys = [scenario_input(scene.world, "reading.utilisation"), *by_modality(scene.world, "read"),
            *scene.demand_inputs()]  # fmt: skip
    gain = scenario_input(scene.world, GAIN)

    def film(x: Levels) -> float:
        return _reports(scene, x)

    return [
        of_inputs(film, keys, NOTE, pathway="film"),
        of_inputs(lambda x: _reports(scene, x) / (1 - x[GAIN]), [*keys, gain],
                  NOTE + "; what the same time allows with the share of reading time that screens spare",
                  pathway="PACS"),
    ]  # fmt: skip


def _reports(scene: Scene, x: Levels) -> float:
    """Exams of the day's year over the readers needed in the sizing year, a twelfth."""
    share = scene.rollout.whole_share().sum(axis=1)
    sizing = scene.world.scenario.plan.sizing_year
    sized = np.array([national_volume(scene.world, m, sizing) for m in scene.rollout.modalities]) * share
    hours = float(sized @ scene.levels("read", x)) / 60
    readers = hours / (open_hours_a_week(scene.world.scenario.reading.hours) * WEEKS * x["reading.utilisation"])
    exams = float(scene.rollout.national(x)[-1] @ share)
    return exams / 12 / readers
