"""What the models allow at a key of a file, in words that a person who writes TOML uses.

`root` is the model of the whole file: the scenario's, unless said otherwise.
"""

import types
from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from sim.world.quantity import Limits, Quantity, Sourced
from sim.world.scenario import Scenario
from sim.world.toml_places import Path_

Model = type[BaseModel]
PLAIN: dict[Any, str] = {
    str: "text in quotes", bool: "true or false", int: "a whole number", float: "a number",
    date: "a date without quotes, such as 2004-07-01",
}  # fmt: skip


def _inside(annotation: Any, key: str | int) -> Any:
    """The type of what stands under `key` of a table or list; None where nothing may."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        field = annotation.model_fields.get(str(key))
        return field.annotation if field else None
    return get_args(annotation)[-1] if get_origin(annotation) in (dict, list) else None


@lru_cache(4096)
def type_at(keys: Path_, root: Model = Scenario) -> Any:
    """The type that the models give a key; None: unknown key."""
    annotation: Any = root
    for key in keys:
        annotation = _bare(_inside(annotation, key))
    return annotation


def _bare(annotation: Any) -> Any:
    """Without limits, and without "or nothing"."""
    if get_origin(annotation) in (Union, types.UnionType) and type(None) in get_args(annotation):
        annotation = get_args(annotation)[0]
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def is_figure(keys: Path_, root: Model = Scenario) -> bool:
    """Is this a table with a source and a status of its own?"""
    annotation = type_at(keys, root)
    return isinstance(annotation, type) and issubclass(annotation, Sourced)


def names_at(keys: Path_, root: Model = Scenario) -> list[str]:
    """The keys that a table may have; none where its owner names them."""
    annotation = type_at(keys, root)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return list(annotation.model_fields)
    literal = get_args(annotation)[0] if get_origin(annotation) is dict else None
    return list(get_args(literal)) if get_origin(literal) is Literal else []


def field_at(keys: Path_, root: Model = Scenario) -> FieldInfo | None:
    """The field of a model that a key fills."""
    above = type_at(keys[:-1], root)
    if isinstance(above, type) and issubclass(above, BaseModel):
        return above.model_fields.get(str(keys[-1]))
    return None


def words_at(keys: Path_, root: Model = Scenario) -> str:
    """What may stand at a key, with the model's description of it."""
    field = field_at(keys, root)
    words = words_for(type_at(keys, root), tuple(field.metadata) if field else ())
    return f"{words} ({field.description})" if field and field.description else words


def words_for(annotation: Any, metadata: tuple[Any, ...] = ()) -> str:
    """A type and its limits in words: "a whole number from 0 to 9", "'yes' or 'no'"."""
    annotation = _bare(annotation)
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ", ".join(repr(value) if isinstance(value, str) else str(value) for value in inner)
    if origin in (Union, types.UnionType):
        return words_for(inner[0], metadata)
    if origin is list:
        return "a list in [ ]"
    if annotation is Quantity:
        return _figure(metadata)
    return PLAIN.get(annotation, "a table") + _limits(metadata)


def _figure(metadata: tuple[Any, ...]) -> str:
    unit = next((f" = '{limits.unit}'" for limits in map(_must, metadata) if limits), "")
    return f"a figure {{ value, unit{unit}, source, status, low, high }}"


def limits_of(field: FieldInfo) -> Limits | None:
    """What a figure must keep to; None for what is no figure."""
    return next((limits for limits in map(_must, field.metadata) if limits), None)


def _must(metadata: Any) -> Limits | None:
    limits = getattr(metadata, "func", None)
    return limits if isinstance(limits, Limits) else None


@lru_cache(1)
def models() -> dict[str, type[BaseModel]]:
    """All models of a scenario by their names."""
    return {model.__name__: model for model in _models(Scenario)}


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from _models(field.annotation)
    for inner in get_args(annotation):
        yield from _models(inner)


def _limits(metadata: tuple[Any, ...]) -> str:
    words = {"ge": "from", "gt": "above", "le": "to"}
    return "".join(f" {word} {getattr(m, key)}" for key, word in words.items() for m in metadata if hasattr(m, key))


def shown(value: object) -> str:
    """A value as its TOML file would say it, shortly."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return f"'{value}'" if isinstance(value, str) else str(value)[:80]
