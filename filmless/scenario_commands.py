"""The work of the commands about scenario files: schema, init, check."""

import json
from pathlib import Path
from typing import Any

from filmless.failures import BadInput
from filmless.output import give, say
from sim.world.json_schema import scenario_schema
from sim.world.load import World, load_world, resolved
from sim.world.problems import Problem, ScenarioErrors

BASE = "england-2004.toml"
START = """\
#:schema ./scenario.schema.json
# {name}: what differs from England 2004. All else is inherited: `filmless check {name}.toml --resolved` shows each
# value, and the file and line that set it. Take away a leading # to use a line; what you keep must say why it is so.

extends = "england-2004.toml"

title = "{name}"
description = "What this scenario asks."

# Only these clusters of south, london, east, northeast, northwest (all of them without this line).
#clusters_used = ["london"]

# Another seed draws other exams of the same kind.
#seed = 1

# The days that the scenario speaks of; rooms and readers are sized for the demand of sizing_year.
#[plan]
#sizing_year = 2008

# Tables of your own, beside this file or below it. Copy one from tables/ and change it.
#[tables]
#sites = "tables/sites.csv"

# Does a cluster keep images centrally, and from when; may a trust recall another's?
#[clusters.london]
#sharing = true
#central_store_from = 2006-01-01

# A figure is written whole: value, unit, source (the id of a row of tables/sources.csv), status; one that nobody has
# read at its source (status "assumed", or "from-memory-...") also with its range, low and high.
#[network]
#lan = {{ value = 100, unit = "Mbit/s", source = "assumption", status = "assumed", low = 50, high = 1000 }}

#[reading]
#typing = {{ value = 12, unit = "h", source = "assumption", status = "assumed", low = 4, high = 48 }}

#[film]
#lost = {{ value = 0.05, unit = "share", source = "assumption", status = "assumed", low = 0.01, high = 0.2 }}

#[archives.agfa]
#retrieve_servers = {{ value = 4, unit = "count", source = "assumption", status = "assumed", low = 2, high = 8 }}
"""


def schema_json() -> str:
    """JSON Schema (2020-12) of scenario files, as `scenarios/scenario.schema.json` holds it."""
    return json.dumps(scenario_schema(), indent=1) + "\n"


def init_text(name: str) -> str:
    """A commented scenario to start from, beside the one that it extends.

    Raises:
        BadInput: a name that is no plain file name.
    """
    if not (name.isascii() and name.replace("-", "").replace("_", "").isalnum()):
        raise BadInput(f"{name}: a scenario's name has letters, digits, - and _ only")
    return START.format(name=name)


def write_start(name: str, json_: bool) -> None:
    """Write scenarios/NAME.toml, beside the scenario that it extends."""
    stem = name.removesuffix(".toml")
    text = init_text(stem)
    folder = Path("scenarios") if (Path("scenarios") / BASE).exists() else Path()
    if not (folder / BASE).exists():
        raise BadInput(f"no scenarios/{BASE} here to build on: go to the project's folder first")
    path = folder / f"{stem}.toml"
    try:
        with path.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise BadInput(f"{path} exists already: choose another name") from None
    if json_:
        give({"scenario": str(path)})
    else:
        say(f"{path} (next: filmless check {path})")


def resolved_lines(world: World) -> list[tuple[str, Any, str, int]]:
    """Each value of a scenario: its key, the value, the file that set it, and the line (0: a default, or --set)."""
    return list(resolved(world))


def check_scenario(path: Path, show_all: bool, sets: list[str], json_: bool) -> None:
    """Raises ScenarioErrors, which the command line tells; otherwise says what the scenario holds.

    Of a folder, all its scenarios are checked.
    """
    if path.is_dir():
        _check_folder(path, sets, json_)
        return
    world = load_world(path, sets)
    lines = resolved_lines(world) if show_all else []
    if json_:
        rows = [{"key": k, "value": v, "file": f, "line": n} for k, v, f, n in lines]
        give({"verdict": "ok", "scenario": str(path), **_counts(world), "goes_wrong": goes_wrong(world),
              "resolved": rows})  # fmt: skip
        return
    for key, value, file, line in lines:
        print(f"{key} = {json.dumps(value, ensure_ascii=False)}  # {file}:{line}" if line else
              f"{key} = {json.dumps(value, ensure_ascii=False)}  # {file}")  # fmt: skip
    for told in goes_wrong(world):
        say(told)
    say(_fine(path, world))


def goes_wrong(world: World) -> list[str]:
    """What the scenario lets happen, a line each: faults, breakdowns, equipment destroyed before its go-live."""
    sc, live = world.scenario, {row.trust: row.live for row in world.trusts}
    lines = [f"fault '{name}', from {f.start:%Y-%m-%d %H:%M} for {f.recovery.hours[-1]:g} h, {f.station} of {f.cluster}"
             f"{': ' + ', '.join(f.sites) if f.sites else ''}: {f.what}" for name, f in sc.faults.items()]  # fmt: skip
    lines += [f"breakdowns '{name}': {b.rate.value:g} a year for each {b.station}, {b.repair.value:g} h (median)"
              for name, b in sc.breakdowns.items()]  # fmt: skip
    for name, one in sc.golive_destroyed.items():
        dates = ", ".join(f"{trust} goes live on {live[trust]}" for trust in one.trusts if trust in live)
        lines.append(f"go-live destroyed '{name}': {dates or 'no trust in use'}, {one.delay.value:g} months later than "
                     f"planned, and stays on film until then: {one.what}")  # fmt: skip
    return lines


def _counts(world: World) -> dict[str, int]:
    return {"trusts": len(world.trusts), "sites": len(world.sites)}


def _fine(path: Path, world: World) -> str:
    return f"{path}: ok ({len(world.trusts)} trusts, {len(world.sites)} sites, {len(world.sources)} sources)"


def _check_folder(folder: Path, sets: list[str], json_: bool) -> None:
    worlds, problems = dict[Path, World](), list[Problem]()
    files = sorted(folder.glob("*.toml"))
    for path in files:
        try:
            worlds[path] = load_world(path, sets)
        except ScenarioErrors as error:
            problems += error.problems
    if not files:
        raise BadInput(f"{folder}: no scenario (*.toml) in this folder")
    if not json_:
        for path, world in worlds.items():
            say(_fine(path, world))
    if problems:
        raise ScenarioErrors(problems)
    if json_:
        give({"verdict": "ok", "scenarios": {str(path): _counts(world) for path, world in worlds.items()}})
