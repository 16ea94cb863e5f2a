"""The outcomes by id, and the one call that answers them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from math import isfinite
from pathlib import Path

from sim.answers.case.case import Case, build_case
from sim.answers.outcomes import archive, money, patients, readers, service, volumes
from sim.answers.outcomes.figure import NATION, Driver, Figure, Report, Told
from sim.answers.outcomes.scene import Scene
from sim.runs.manifest import world_of
from sim.runs.store import Run
from sim.world.world import World

FIRST, LAST = date(2004, 1, 1), date(2014, 12, 31)
DRAWS = 2_000


class OutcomeProblem(ValueError):
    """A date, a cluster or an id that cannot be answered; the message says what can."""


@dataclass(frozen=True)
class Outcome:
    """One id: what it is in words, its unit, and the function that gives its figures."""

    id: str
    unit: str
    figures: Callable[[Scene], list[Figure]]

    @property
    def title(self) -> str:
        """First line of the function's own words."""
        return (self.figures.__doc__ or "").strip().splitlines()[0].rstrip(".")


OUTCOMES = (
    Outcome("trusts_live", "trusts", volumes.trusts_live),
    Outcome("images_stored", "images", volumes.images_stored),
    Outcome("images_per_exam", "images", volumes.images_per_exam),
    Outcome("stored_mb_per_exam", "MB", volumes.stored_mb_per_exam),
    Outcome("storage_tb", "TB", volumes.storage_tb),
    Outcome("exams_per_year", "exams/yr", volumes.exams_per_year),
    Outcome("busy_hour_share", "share", volumes.busy_hour_share),
    Outcome("film_saving_per_trust_year", "money/trust/yr", money.film_saving_per_trust_year),
    Outcome("benefit_share", "share", money.benefit_share),
    Outcome("total_cost", "money", money.total_cost),
    Outcome("total_benefit", "money", money.total_benefit),
    Outcome("benefit_cost_ratio", "ratio", money.benefit_cost_ratio),
    Outcome("turnaround_h", "h", service.turnaround_h),
    Outcome("time_to_image_min", "min", service.time_to_image_min),
    Outcome("image_unavailable_share", "share", service.image_unavailable_share),
    Outcome("reject_rate", "share", service.reject_rate),
    Outcome("reports_per_reader_month", "reports/month", readers.reports_per_reader_month),
    Outcome("prior_from_archive_share", "share", archive.prior_from_archive_share),
    Outcome("retrieval_s", "s", archive.retrieval_s),
    Outcome("journeys_avoided", "journeys", patients.journeys_avoided),
    Outcome("dose_avoided_man_sv", "man-Sv", patients.dose_avoided_man_sv),
)
BY_ID = {o.id: o for o in OUTCOMES}


def _checked(run: Run, day: date | None, cluster: str | None, ids: Sequence[str]) -> tuple[date, tuple[str, ...]]:
    found = day or date.fromisoformat(str(run.manifest["end"]))
    if not FIRST <= found <= LAST:
        raise OutcomeProblem(f"--date {found}: outcomes are given from {FIRST} to {LAST}")
    clusters = tuple(run.manifest["clusters"])
    if cluster and cluster not in clusters:
        raise OutcomeProblem(f"the run has no cluster '{cluster}'; it has {', '.join(clusters)}")
    for unknown in [i for i in ids if i not in BY_ID]:
        raise OutcomeProblem(f"there is no outcome '{unknown}'; there are {', '.join(BY_ID)}")
    return found, (cluster,) if cluster else clusters


def _number(value: float) -> float | None:
    return value if isfinite(value) else None


def _told(scene: Scene, outcome: Outcome, figure: Figure, cluster: str) -> Told:
    unit = outcome.unit.replace("money", scene.world.scenario.currency)
    drivers = [Driver(key=i.key, value=i.value, low=i.low, high=i.high, unit=i.unit, status=i.status,
                      assumption=i.assumption, source=i.source) for i in figure.inputs]  # fmt: skip
    return Told(
        id=outcome.id, title=outcome.title, date=scene.day.isoformat(), cluster=cluster, split=dict(figure.split),
        value=_number(figure.value), low=_number(figure.low), high=_number(figure.high), interval=figure.interval,
        method=figure.method, n=figure.n, unit=unit, inputs=drivers, note=figure.note,
    )  # fmt: skip


def outcomes(run: Run, day: date | None = None, cluster: str | None = None, ids: Sequence[str] = (),
             case: Callable[[], Case] | None = None, world: World | None = None) -> Report:  # fmt: skip
    """Every figure of every outcome (or of `ids`) on a day, for a cluster or all of the run's.

    `case` gives the savings case, and is asked only when an outcome in money is; left out, it is built with `DRAWS`.
    `world` is a scenario other than the run's own, for outcomes that are not in money.

    Raises:
        OutcomeProblem: a day outside 2004 to 2014, a cluster that the run lacks, an id that there is not.
    """
    found, clusters = _checked(run, day, cluster, ids)
    world = world or world_of(run.manifest["scenario"], Path(str(run.manifest["scenario_file"])))
    scene = Scene(run, world, found, clusters, cache(case or (lambda: build_case(run, DRAWS))))
    told = [_told(scene, o, f, cluster or NATION) for o in OUTCOMES if not ids or o.id in ids for f in o.figures(scene)]
    return Report(run=run.folder.name, scenario=str(run.manifest["title"]), date=found.isoformat(),
                  scenario_hash=str(run.manifest["scenario_hash"]), clusters=list(clusters), outcomes=told)  # fmt: skip
