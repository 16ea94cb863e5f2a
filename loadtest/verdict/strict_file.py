"""Reading a strict TOML file of this package: every problem at once, with file, line, key, what is allowed, nearest."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError

from sim.world.problems import Problem, ScenarioErrors, listed, nearest
from sim.world.toml_places import Path_, Place, Toml, read_toml

Model = TypeVar("Model", bound=BaseModel)


def read_strict(path: Path, model: type[Model]) -> Model:
    """A file as its model. Raises ScenarioErrors with every problem and its place (exit code 2)."""
    toml = read_toml(path)
    try:
        return model.model_validate(toml.data)
    except ValidationError as error:
        raise ScenarioErrors(problems_of(toml, model, error)) from None


def place_of(toml: Toml, keys: Path_) -> Place:
    """Where a key stands, or the nearest table around it."""
    found = next((toml.places[keys[:n]] for n in range(len(keys), 0, -1) if keys[:n] in toml.places), None)
    return found or Place(toml.file, 1, 1, 1, 1)


def problems_of(toml: Toml, model: type[BaseModel], error: ValidationError) -> Iterator[Problem]:
    """What a model finds wrong with a file, each with its place."""
    found = error.errors(include_url=False)
    misspelt: set[Path_] = set()
    for one in found:
        keys = tuple(one["loc"])
        if one["type"] == "extra_forbidden":
            known = _names(model, keys[:-1])
            near = nearest(str(keys[-1]), known)
            misspelt.add((*keys[:-1], near))
            yield problem_at(toml, keys, "unknown key", listed(known), near)
    for one in found:
        keys = tuple(one["loc"])
        if one["type"] == "missing" and keys not in misspelt:
            yield problem_at(toml, keys, "this key is missing", _describe(model, keys))
        elif one["type"] not in ("missing", "extra_forbidden"):
            yield _valueproblem_at(toml, model, keys, dict(one))


def _valueproblem_at(toml: Toml, model: type[BaseModel], keys: Path_, found: dict[str, Any]) -> Problem:
    allowed, near = _describe(model, keys), ""
    message = str(found["msg"]).removeprefix("Value error, ")
    if found["type"] == "literal_error":
        names = [word for word in str(found["ctx"]["expected"]).split("'") if word.strip(" ,") not in ("", "or")]
        allowed, near = listed(names), nearest(str(found["input"]), names)
        message = f"'{found['input']}' is not one of the allowed values"
    return problem_at(toml, keys, message, "" if found["type"] == "value_error" else allowed, near)


def problem_at(toml: Toml, keys: Path_, message: str, allowed: str = "", near: str = "") -> Problem:
    """A problem of a key, with its place."""
    place = place_of(toml, keys)
    return Problem(toml.file, place.line, place.value_column, ".".join(map(str, keys)), message, allowed, near)


def _type_at(model: Any, keys: Path_) -> Any:
    """The type that stands under a path of keys; None where nothing may."""
    for key in keys:
        if isinstance(model, type) and issubclass(model, BaseModel):
            field = model.model_fields.get(str(key))
            model = field.annotation if field else None
        else:
            model = get_args(model)[-1] if get_origin(model) in (dict, list) else None
        model = next((a for a in get_args(model) if a is not type(None)), model) if _optional(model) else model
    return model


def _optional(annotation: Any) -> bool:
    return type(None) in get_args(annotation)


def _names(model: Any, keys: Path_) -> list[str]:
    found = _type_at(model, keys)
    return list(found.model_fields) if isinstance(found, type) and issubclass(found, BaseModel) else []


def _describe(model: Any, keys: Path_) -> str:
    if not keys:
        return ""
    above = _type_at(model, keys[:-1])
    field = above.model_fields.get(str(keys[-1])) if isinstance(above, type) and issubclass(above, BaseModel) else None
    return (field.description or "") if field else ""
