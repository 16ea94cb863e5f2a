"""One trust with one site and round numbers, so that every line can be worked out by hand."""

import numpy as np

from sim.answers.case.activity import Activity, activity
from sim.answers.case.evaluate import Model
from sim.answers.case.inputs import Values
from sim.answers.case.options import Timeline
from sim.answers.case.places import Place, unit_names

YEARS = 2
UNITS = {
    "sheets:CR": 2000.0, "repeats_film:CR": 100.0, "repeats_pacs:CR": 60.0, "exams": 100_000.0, "exams_ip": 200.0,
    "exams_miu": 50.0, "packets": 1000.0, "pulls": 500.0, "porter_film": 1500.0, "porter_pacs": 100.0,
    "courier_film": 80.0, "courier_pacs": 20.0, "lost": 120.0, "lost_op": 60.0, "views": 3000.0, "read_h": 40.0,
    "room_h": 160.0, "gb": 25.0, "wait_film": 30.0, "wait_pacs": 18.0,
}  # fmt: skip


def place(live: float = 0.0, **units: float) -> Place:
    """100,000 exams a year, so that the trust is the tiny scenario's typical one: its costs count once."""
    names = unit_names(["CR"])
    values = np.array([{**UNITS, **units}[n] for n in names])
    return Place(
        "west", ["T"], names, programme=np.array([True]), live=np.array([live]), trust=np.array([0]),
        order=np.array([0.0]), miu=np.array([1.0]), processors=np.array([2.0]),
        units=np.broadcast_to(values[None, :, None, None], (1, len(names), 1, YEARS)).copy(),
        larger=np.array([0.0]), share=np.array([0.5]), store_from=0.0, last_live=1.0,
    )  # fmt: skip


def course(live: float, printed: float = 0.0, old: float = 0.0, dip: float = 0.0, done: float = 0.0,
           started: float = 0.0, renewed: float = 0.0) -> Timeline:  # fmt: skip
    """The same in both years: shares of the year, `done`: contracts, posts and rooms gone."""
    sites = np.broadcast_to(np.array([live, printed, old, dip]).reshape(4, 1, 1, 1), (4, YEARS, 1, 1))

    def trusts(value: float) -> np.ndarray:
        return np.full((YEARS, 1, 1), value)

    return Timeline(sites, trusts(live), trusts(done), trusts(done), trusts(done), trusts(started), trusts(renewed))


def doing(model: Model, x: Values, timeline: Timeline, option: str = "programme", **units: float) -> Activity:
    """What an option does there."""
    return activity(place(**units), option, x, timeline, 0, model.base)


FILM = course(0.0)
PACS = course(1.0, printed=0.1, done=1.0)  # residual printing of the tiny scenario: 0.1
