"""The JSON Schema (2020-12) of scenario files, for editors and for checkers that are not ours.

A file that extends another may leave out all but the parts of a figure; one that does not must be whole.
"""

from typing import Any

from sim.world.models_at import limits_of, models
from sim.world.quantity import ASSUMPTIONS, MONEY, Sourced
from sim.world.scenario import Scenario

Schema = dict[str, Any]
OPEN = {"additionalProperties": True}  # in parts that only add a rule: unknown keys are told elsewhere, once
DEFS = "#/$defs/"


def scenario_schema() -> Schema:
    """The schema as plain data."""
    schema: Schema = Scenario.model_json_schema()
    parts: dict[str, Schema] = {"Scenario": schema, **schema["$defs"]}
    tables = {name for name, model in models().items() if not issubclass(model, Sourced)}
    whole = {f"Whole{name}": _whole(parts[name], tables) for name in sorted(tables)}
    for name in tables:
        parts[name].pop("required", None)
        _add_limits(name, parts[name])
    _add_range(parts["Quantity"])
    schema["$defs"] |= whole
    schema["properties"]["extends"] = {"type": "string", "description": "a scenario in this folder to build on"}
    schema |= {"if": {"required": ["extends"], **OPEN}, "then": OPEN, "else": {"$ref": f"{DEFS}WholeScenario"}}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _whole(part: Schema, tables: set[str]) -> Schema:
    """Only what must be there, through all tables that are no figures."""
    inner = {key: _whole_inner(value, tables) for key, value in part["properties"].items()}
    properties = {key: value for key, value in inner.items() if value}
    return {"type": "object", **OPEN, "required": part.get("required", []), "properties": properties}


def _whole_inner(part: Schema, tables: set[str]) -> Schema | None:
    name = part.get("$ref", "").removeprefix(DEFS)
    if name:
        return {"$ref": f"{DEFS}Whole{name}"} if name in tables else None
    items = part.get("additionalProperties")
    whole = _whole_inner(items, tables) if isinstance(items, dict) else None
    return {"type": "object", "additionalProperties": whole} if whole else None


def _add_limits(name: str, part: Schema) -> None:
    """The unit that a figure must have, and the limits of its value."""
    for key, field in models()[name].model_fields.items():
        limits = limits_of(field)
        if limits:
            value = {"minimum": limits.low, "maximum": limits.high}
            unit = {"pattern": limits.pattern} if MONEY in limits.unit else {"const": limits.unit}
            part["properties"][key] |= {"properties": {"unit": unit, "value": value}, **OPEN}


def _add_range(quantity: Schema) -> None:
    """An assumption has its range."""
    assumed = {"properties": {"status": {"enum": list(ASSUMPTIONS)}}, "required": ["status"]}
    quantity |= {"if": {**assumed, **OPEN}, "then": {"required": ["low", "high"], **OPEN}}
