"""All that an outcome may look at: the run, its scenario, the day and the clusters asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.answers.case.case import Case
from sim.answers.measures import Measures
from sim.answers.outcomes.inputs import Input, Levels, at_key, by_modality, volume_input
from sim.answers.outcomes.rollout import Rollout
from sim.runs.store import Run
from sim.world.calendar import day_number
from sim.world.financial_year import financial_year
from sim.world.load import World

Floats = NDArray[np.float64]
SLIP = "appraisal.bias.duration.upper"


@dataclass(frozen=True)
class Scene:
    """One day, one cluster or all of a run's."""

    run: Run
    world: World
    day: date
    clusters: tuple[str, ...]
    build: Callable[[], Case]

    @cached_property
    def rollout(self) -> Rollout:
        """What is live on the day."""
        return Rollout(self.world, self.clusters, self.day)

    @cached_property
    def measures(self) -> Measures:
        """The run's accessor."""
        return Measures(self.run)

    @property
    def case(self) -> Case:
        """The savings case of the whole run; built when first asked for."""
        return self.build()

    @property
    def year(self) -> int:
        """Financial year of the day."""
        return financial_year(self.day)

    def has(self, *worlds: str) -> bool:
        """Does the run hold these worlds?"""
        return set(worlds) <= set(self.run.manifest["worlds"])

    def rows(self, table: str) -> pd.DataFrame:
        """Rows of the chosen clusters."""
        found = self.run.table(table)
        return found[found["cluster"].isin(self.clusters)]

    @cached_property
    def live_sites(self) -> set[str]:
        """Sites on PACS on the day."""
        today = day_number(self.day)
        return {row.site for s in self.rollout.sites
                for row, live in zip(s.estate.sites, s.live_day, strict=True) if live <= today}  # fmt: skip

    # --- inputs shared by many -----------------------------------------------------------------------

    def slip(self) -> Input:
        """How much later the plan's own dates may come: none, up to the optimism bias on duration."""
        q = at_key(self.world, SLIP)
        return Input(SLIP, 0.0, 0.0, q.value, q.unit, q.status, q.source)

    def demand_inputs(self) -> list[Input]:
        """What moves the number of exams."""
        volumes = [volume_input(self.world, m, self.year) for m in self.rollout.modalities]
        return [*volumes, *by_modality(self.world, "growth")]

    def column(self, name: str) -> Floats:
        """A figure of every modality at its value, float64[modality]."""
        return np.array([getattr(m, name).value for m in self.world.scenario.modalities.values()])

    def levels(self, name: str, at: Levels) -> Floats:
        """The same at the levels of a formula."""
        return np.array([at[f"modalities.{m}.{name}"] for m in self.rollout.modalities])

    @cached_property
    def image_bytes(self) -> Floats:
        """Bytes of one image, float64[modality]."""
        shapes = [m.matrix for m in self.world.scenario.modalities.values()]
        return np.array([float(s.rows * s.columns * s.bytes_per_pixel) for s in shapes])
