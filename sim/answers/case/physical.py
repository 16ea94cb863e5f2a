"""What is not in money (G11): things counted in their own units, each with its size and direction."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.answers.case.activity import Activity
from sim.answers.case.film_lines import all_sheets, repeats_of, wet_sheets
from sim.answers.case.people_lines import missing, repeats, unit_journeys, visits_again

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Thing:
    """Something counted, of which less is better."""

    id: str
    name: str
    unit: str
    count: Callable[[Activity], Floats]


def litres(a: Activity) -> Floats:
    """Developer and fixer."""
    return wet_sheets(a) * (a.base["film.developer"] + a.base["film.fixer"]) / 1000


def man_sievert(a: Activity) -> Floats:
    """Dose of repeats, and of exams made again for want of the first.

    A repeat has the dose of the exam over its films (A7). Exams made again have that of a plain exam.
    """
    total: Floats = np.zeros(1)
    for m in a.mods:
        each = a.base[f"modalities.{m}.dose"] / np.maximum(a.x[f"modalities.{m}.sheets"], 1.0)
        total = total + each * repeats_of(a, m)
    plain = a.base.get("modalities.CR.dose", 0.0)
    return (total + plain * a.x["effects.missing_exam"] * missing(a)) / 1000


def visits(a: Activity) -> Floats:
    """Outpatient visits repeated."""
    return visits_again(a)


PHYSICAL = (
    Thing("sheets", "Sheets of film", "sheets", all_sheets),
    Thing("litres", "Developer and fixer", "L", litres),
    Thing("repeats", "Exposures repeated", "exams", repeats),
    Thing("man_sv", "Collective dose", "man-Sv", man_sievert),
    Thing("missing", "Images not to hand when wanted", "exams", missing),
    Thing("visits", "Outpatient visits repeated for want of images", "visits", visits),
    Thing("unit_journeys", "Journeys from Minor Injuries Units with a film", "journeys", unit_journeys),
)
