"""A whole checked scenario: the models, the rows of its tables, and who set what."""

from dataclasses import dataclass, field
from pathlib import Path

from sim.world.scenario import Scenario
from sim.world.tables import MixRow, PriorAgeRow, SiteRow, SourceRow, TrustRow, VolumeRow
from sim.world.toml_places import Path_, Place


@dataclass(frozen=True)
class World:
    """A checked scenario with its tables; trusts and sites only of the clusters in use."""

    path: Path
    scenario: Scenario
    trusts: list[TrustRow]
    sites: list[SiteRow]
    volumes: list[VolumeRow]
    mix: list[MixRow]
    prior_age: list[PriorAgeRow]
    sources: dict[str, SourceRow]
    places: dict[Path_, Place] = field(default_factory=dict)
