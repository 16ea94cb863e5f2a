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


def offers(site: SiteRow, modality: str, setting: str) -> bool:
    """Does this site do such an exam for such a setting?"""
    if modality not in site.modalities.split():
        return False
    if site.kind == "miu":
        return setting == "miu"
    return setting != "miu" and (setting != "ae" or site.ae == "yes")
