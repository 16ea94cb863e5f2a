"""The pace of a rollout, the scenario's [rollout] section: milestones, teams, failures, a maker replaced."""

from datetime import date
from typing import Literal

from pydantic import Field, model_validator

from sim.world.quantity import Count, Months, Ratio, Share, Sourced, Strict


class Milestone(Sourced):
    """An announced share of the programme's trusts, live by a day."""

    by: date
    share: float = Field(ge=0, le=1)


class Provider(Strict):
    """A Local Service Provider's deployment: its teams serve all its clusters, in the order of the plan."""

    start: date = Field(description="first team begins")
    teams: Count = Field(description="deployments at the same time, once all teams are there")
    team_every: Months = Field(description="from one team to the next")


class Rollout(Strict):
    """How fast trusts go live."""

    mode: Literal["announced", "table", "paced"] = Field(
        description="announced: the milestones; table: the trusts table's dates; paced: simulated"
    )
    deadline: date = Field(description="the day to measure lateness against")
    milestones: list[Milestone] = Field(min_length=1, max_length=24)
    deployment: Months = Field(description="one team at one trust, mean, lognormal")
    deployment_cv: Ratio
    failed: Share = Field(description="deployments that fail and begin anew")
    replaced: Share = Field(description="chance that a provider's first maker fails its pilot and is replaced")
    pilot: Months = Field(description="length of a pilot that fails, from the provider's start")
    months_lost: Months = Field(description="from a failed pilot until teams begin with the next maker; low to high")
    providers: dict[str, Provider] = Field(min_length=1, description="by the clusters' lsp")

    @model_validator(mode="after")
    def _sense(self) -> "Rollout":
        for a, b in zip(self.milestones, self.milestones[1:], strict=False):
            if not (a.by < b.by and a.share <= b.share):
                raise ValueError(f"milestones must rise: {a.by} {a.share:g}, then {b.by} {b.share:g}")
        for name, provider in self.providers.items():
            if provider.teams.value < 1:
                raise ValueError(f"providers: {name} has {provider.teams.value:g} teams: one at least")
        if self.failed.value > 0.9:
            raise ValueError(f"failed is {self.failed.value:g}: over 0.9 hardly any deployment would ever end")
        return self
