"""The work of the commands about scenario files: schema, init, check."""

import json
from pathlib import Path
from typing import Any

from filmless.failures import BadInput
from filmless.output import give, say
from sim.world.load import load_world, resolved
from sim.world.scenario import Scenario

START = """#:schema ./scenario.schema.json
# {name}: what differs from England 2004. Everything else is inherited; `filmless check {name}.toml --resolved`
# shows each value, and the file and line that set it.

extends = "england-2004.toml"

title = "{name}"
description = "What this scenario asks."

# Only these clusters (all of them without this line):
# clusters_used = ["london"]

# A figure carries its unit, its source (a row of tables/sources.csv) and its status; an assumption also its range:
# [network]
# lan = {{ value = 100.0, unit = "Mbit/s", source = "assumption", status = "assumed", low = 50.0, high = 1000.0 }}

# [clusters.london]
# sharing = true  # one trust may recall another's images
"""


def schema_json() -> str:
    """JSON Schema (2020-12) of scenario files. Only figures must be whole: the rest of a file may be inherited."""
    schema: dict[str, Any] = Scenario.model_json_schema()
    for model in (schema, *schema["$defs"].values()):
        if "source" not in model["properties"]:
            model.pop("required", None)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["properties"]["extends"] = {"type": "string", "description": "a scenario that this one builds on"}
    return json.dumps(schema, indent=1) + "\n"


def write_start(name: str, json_: bool) -> None:
    """Write scenarios/NAME.toml, beside the scenario that it extends."""
    stem = name.removesuffix(".toml")
    if not stem.replace("-", "").replace("_", "").isalnum():
        raise BadInput(f"{name}: a scenario's name has letters, digits, - and _ only")
    folder = Path("scenarios") if Path("scenarios/england-2004.toml").exists() else Path()
    if not (folder / "england-2004.toml").exists():
        raise BadInput("no scenarios/england-2004.toml here to build on: go to the project's folder first")
    path = folder / f"{stem}.toml"
    if path.exists():
        raise BadInput(f"{path} exists already: choose another name")
    path.write_text(START.format(name=stem))
    if json_:
        give({"scenario": str(path)})
    else:
        say(f"{path} (next: filmless check {path})")


def check_scenario(path: Path, show_all: bool, sets: list[str], json_: bool) -> None:
    """Raises ScenarioErrors, which the command line tells; otherwise says what the scenario holds."""
    world = load_world(path, sets)
    lines = [{"key": k, "value": v, "file": f, "line": n} for k, v, f, n in resolved(world)] if show_all else []
    if json_:
        give({"verdict": "ok", "scenario": str(path), "trusts": len(world.trusts), "sites": len(world.sites),
              "resolved": lines})  # fmt: skip
        return
    for line in lines:
        print(f"{line['key']} = {json.dumps(line['value'])}  # {line['file']}:{line['line']}")
    say(f"{path}: ok ({len(world.trusts)} trusts, {len(world.sites)} sites, {len(world.sources)} sources)")
