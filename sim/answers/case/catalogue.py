"""All lines of the case in order: what each is, its class, and how its level is made."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.answers.case import cost_lines as cost
from sim.answers.case import film_lines as film
from sim.answers.case import people_lines as people
from sim.answers.case.activity import Activity
from sim.world.world import World

Floats = NDArray[np.float64]
CASH, TIME, SOCIETAL, DIS = "cash-releasing", "non-cash-releasing", "societal", "dis-benefit"
CAPITAL, RUNNING = "capital cost", "running cost"
BENEFITS = (CASH, TIME, SOCIETAL, DIS)
COSTS = (CAPITAL, RUNNING)
IN_KIND = "_in_kind"  # ending of the part of a cash-releasing line that leaves no budget


@dataclass(frozen=True)
class Line:
    """One line: `share` is the part of the level's difference that is credited to it, beside the register's shares."""

    id: str
    name: str
    kind: str
    level: Callable[[Activity], Floats]
    row: str = ""  # of the register; empty: a cost, credited in full
    cash: str = ""  # "part": the cash part; "rest": the part in kind


LEVELS: dict[str, Callable[[Activity], Floats]] = {
    f.__name__: f for f in (
        film.film, film.repeat_film, film.chemicals, film.packets, film.copies, film.couriers,
        film.upkeep, film.library_posts,
        film.space, film.library_time, film.porter_time, film.silver, people.radiographer_time, people.repeat_time,
        people.doctor_time, people.radiologist_time, people.missing_time, people.missing_exams, people.missing_visits,
        people.missing_journeys, people.miu_journeys, people.waiting,
        people.length_of_stay, people.training_time, people.golive_dip,
        people.cd_exchange, people.downtime,
    )
}  # fmt: skip
COST_LINES = (
    Line("pacs_capital", "PACS: capital", CAPITAL, cost.pacs_capital),
    Line("project_team", "Project team and trainers", CAPITAL, cost.project_team),
    Line("displays", "Displays and plates replaced", CAPITAL, cost.displays),
    Line("service", "Provider's yearly charge", RUNNING, cost.service),
    Line("store", "Cluster data store", RUNNING, cost.store),
    Line("network", "Share of the national network", RUNNING, cost.network),
    Line("unit_links", "Links of Minor Injuries Units", RUNNING, cost.unit_links),
    Line("support", "PACS staff of the trust", RUNNING, cost.support),
    Line("maintenance", "Maintenance of a PACS of the trust's own", RUNNING, cost.maintenance),
    Line("storage", "Local archive, bought as images come", RUNNING, cost.storage),
    Line("office", "National programme office", RUNNING, cost.office),
    Line("migration", "Moving the images at the end of the contract", RUNNING, cost.migration),
)


def lines_of(world: World) -> list[Line]:
    """All lines of a scenario: those of its register, cash apart from kind, then the costs."""
    out = []
    for code, row in world.scenario.benefits.rows():
        part = "part" if row.kind == CASH else ""
        out.append(Line(code, row.name, row.kind, LEVELS[code], code, part))
        if part and row.cash.value < 1:
            out.append(Line(code + IN_KIND, f"{row.name}, in kind", TIME, LEVELS[code], code, "rest"))
    return [*out, *COST_LINES]
