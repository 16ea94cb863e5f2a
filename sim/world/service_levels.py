"""Service levels: what a rollout must keep to, as files; a planner sizes a cluster to them.

A level is a statistic of a measure with its kind (`over`), when it is judged, whom it concerns, and a sourced limit.
`over = "exams"`: of all exams together, what a patient meets. `over = "day"` or `"hour"`: the statistic of each day or
hour, what a contract usually says; these are different quantities.
"""

from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, model_validator

from sim.world.explain import at_value, problems_of
from sim.world.layers import Layered, merge
from sim.world.problems import ScenarioErrors, listed, nearest
from sim.world.quantity import Quantity, Strict
from sim.world.scenario import ModalityCode, SettingCode
from sim.world.toml_places import Path_, read_toml
from sim.world.world import World

SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0, "day": 86_400.0}
MeasureName = Literal[
    "room_wait", "image_available", "first_view", "prior_on_screen", "in_cluster_store", "reading_wait",
    "report_turnaround", "archive_utilisation",
]  # fmt: skip
TITLES: dict[str, str] = {
    "room_wait": "wait for the room, from request",
    "image_available": "image available to the reader, from end of exam",
    "first_view": "image on the asking doctor's screen, from when the doctor wants to see it",
    "prior_on_screen": "earlier exam ready for the reader, from request (earlier exams that are digital)",
    "in_cluster_store": "study kept in the cluster's archive, from end of exam",
    "reading_wait": "wait for a reader, from when images and earlier exam are there",
    "report_turnaround": "report signed, from request",
    "archive_utilisation": "use of the cluster archive's servers, of ingest or of retrieval, the higher",
}
QUANTILE = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}


class Level(Strict):
    """One service level."""

    measure: MeasureName
    statistic: Literal["mean", "p50", "p90", "p95", "p99"]
    over: Literal["exams", "day", "hour"] = Field(description="of what the statistic is taken")
    when: Literal["whole-period", "busiest-hour", "any-hour"] = Field(
        default="whole-period", description="busiest-hour: of the period, by expected exams; any-hour: the worst one"
    )
    limit: Quantity = Field(description="at most; a time in s, min, h or day, or a share for utilisation")
    cluster: str | None = Field(default=None, description="only there")
    supplier: str | None = Field(default=None, description="only exams of trusts with this archive profile")
    setting: SettingCode | None = None
    modality: ModalityCode | None = None

    @model_validator(mode="after")
    def _sense(self) -> "Level":
        share = self.measure == "archive_utilisation"
        units = ("share",) if share else tuple(SECONDS)
        if self.limit.unit not in units:
            raise ValueError(f"limit of {self.measure} must have the unit {' or '.join(units)}")
        if self.limit.value <= 0:
            raise ValueError(f"limit is {self.limit.value:g}: it must be above 0")
        if share and (self.over != "hour" or self.setting or self.modality):
            raise ValueError('over must be "hour" for archive_utilisation, with neither setting nor modality')
        if self.when == "any-hour" and self.over != "hour":
            raise ValueError('when = "any-hour" looks at each hour by itself: set over = "hour"')
        if self.when == "busiest-hour" and self.over == "day":
            raise ValueError('when = "busiest-hour" is no whole day: set over = "hour" or "exams"')
        return self

    @property
    def limit_value(self) -> float:
        """The limit in seconds, or as a share."""
        return self.limit.value * SECONDS.get(self.limit.unit, 1.0)

    def words(self) -> str:
        """The level in one line."""
        who = ", ".join(str(w) for w in (self.setting, self.modality, self.supplier) if w)
        kind = {"exams": "over exams", "day": "mean of daily", "hour": "by hour"}[self.over]
        return (f"{self.measure}{f' ({who})' if who else ''}: {self.statistic} {kind}, {self.when}, at most "
                f"{self.limit.value:g} {self.limit.unit}")  # fmt: skip


class ServiceLevels(Strict):
    """A file of service levels."""

    title: str
    description: str
    levels: dict[str, Level] = Field(min_length=1)


def load_levels(path: Path | str, world: World) -> ServiceLevels:
    """The levels of a file, whose sources are rows of the scenario's sources table.

    Raises:
        ScenarioErrors: every problem with its file, line, column and key, and what is allowed.
    """
    path = Path(path)
    layered = merge(path, [read_toml(path)], ServiceLevels)
    try:
        found = ServiceLevels.model_validate(layered.data)
    except ValidationError as error:
        raise ScenarioErrors(problems_of(layered, error)) from None
    _check_names(layered, found, world)
    return found


def _check_names(layered: Layered, found: ServiceLevels, world: World) -> None:
    """Clusters, suppliers and sources are the scenario's."""
    sc, problems = world.scenario, []
    for name, level in found.levels.items():
        asked: list[tuple[Path_, str | None, list[str]]] = [
            (("cluster",), level.cluster, list(sc.clusters)), (("supplier",), level.supplier, list(sc.archives)),
            (("limit", "source"), level.limit.source, list(world.sources)),
        ]  # fmt: skip
        for keys, value, known in asked:
            if value is not None and value not in known:
                words = f"the scenario '{world.path.name}' has no {keys[-1]} '{value}'"
                at: Path_ = ("levels", name, *keys)
                problems.append(at_value(layered, at, words, listed(known), nearest(value, known)))
    if problems:
        raise ScenarioErrors(problems)


def levels_of(found: ServiceLevels, cluster: str) -> dict[str, Level]:
    """Those that concern a cluster."""
    return {name: level for name, level in found.levels.items() if level.cluster in (None, cluster)}
