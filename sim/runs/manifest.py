"""A scenario inside a manifest: whole, with its tables, so that a run can be made again from its folder alone."""

import json
from dataclasses import fields
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from sim.world.load import World
from sim.world.scenario import Scenario
from sim.world.tables import MixRow, PriorAgeRow, SiteRow, SourceRow, TrustRow, VolumeRow

ROWS: dict[str, type[BaseModel]] = {
    "trusts": TrustRow, "sites": SiteRow, "volumes": VolumeRow, "mix": MixRow, "prior_age": PriorAgeRow,
}  # fmt: skip


def dump_world(world: World) -> dict[str, Any]:
    """The scenario and its tables as plain data."""
    out: dict[str, Any] = {"scenario": world.scenario.model_dump(mode="json")}
    for name in ROWS:
        out[name] = [row.model_dump(mode="json") for row in getattr(world, name)]
    out["sources"] = [row.model_dump(mode="json") for row in world.sources.values()]
    return out


def world_of(data: dict[str, Any], path: Path) -> World:
    """The inverse of `dump_world`."""
    values: dict[str, Any] = {
        name: [row.model_validate_json(json.dumps(x)) for x in data[name]] for name, row in ROWS.items()
    }
    values["scenario"] = Scenario.model_validate_json(json.dumps(data["scenario"]))
    values["sources"] = {x["id"]: SourceRow.model_validate(x) for x in data["sources"]}
    values["path"] = path
    return World(**{f.name: values[f.name] for f in fields(World) if f.name in values})


def scenario_hash(world: World) -> str:
    """SHA-256 of the resolved scenario and its tables."""
    return sha256(json.dumps(dump_world(world), sort_keys=True).encode()).hexdigest()
