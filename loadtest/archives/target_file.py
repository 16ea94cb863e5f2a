"""Reading target files: all that is wrong at once, each with its place, and the host's name resolved once (rule S6)."""

import os
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from loadtest.archives.addresses import kind, resolve
from loadtest.archives.target import Problem, Target, TargetErrors
from loadtest.verdict.strict_file import place_of, problems_of
from loadtest.wire.tls import client_context
from sim.world.problems import Problem as Plain
from sim.world.problems import ScenarioErrors
from sim.world.toml_places import Toml, read_toml

LARGEST_FILE = 1 << 20
_MENDS = {
    "unknown key": "remove it, or see the example in scenarios/targets for the names allowed",
    "this key is missing": "add it; scenarios/targets has a commented example",
}
_SET_BY_US = ("address", "pid")
_NAME_A_HOST = ("host", "base_url", "statistics_url")


def load_target(path: Path | str, now: datetime | None = None) -> Target:
    """The target of a file; nothing is sent. Raises TargetErrors with every problem (exit code 2).

    `now` is the local time at which consent must hold; the clock's by default.
    """
    toml = _read(Path(path))
    target, problems = _as_written(toml)
    problems += _consent_problems(toml, target, now or datetime.now()) + _tls_problems(toml, target)
    if problems:
        raise TargetErrors(problems)
    return _pinned(target, toml)


def read_target(path: Path | str) -> Target:
    """The target of a file as it is written, to read and not to send to: at any hour, its name not even resolved.

    Raises TargetErrors with every problem.
    """
    target, problems = _as_written(_read(Path(path)))
    if problems:
        raise TargetErrors(problems)
    return target


def _as_written(toml: Toml) -> tuple[Target, list[Problem]]:
    problems = [_at(toml, key, "is found out, not given", "remove it") for key in _SET_BY_US if key in toml.data]
    try:
        return Target.model_validate(toml.data), problems
    except ValidationError as error:
        raise TargetErrors(problems + [_mended(one, toml) for one in problems_of(toml, Target, error)]) from None


def _read(file: Path) -> Toml:
    try:
        if file.stat().st_size > LARGEST_FILE:
            raise TargetErrors([_of(file, f"is over {LARGEST_FILE} bytes; a target file is about 1 kB")])
        return read_toml(file)
    except OSError as error:
        raise TargetErrors([_of(file, f"cannot be read: {error.strerror}")]) from error
    except ScenarioErrors as error:
        raise TargetErrors(map(_mended, error.problems)) from None


def _of(file: Path, message: str) -> Problem:
    """A problem of the whole file."""
    return Problem(str(file), 0, 0, "", message)


def _at(toml: Toml, key: str, message: str, mend: str = "") -> Problem:
    place = place_of(toml, tuple(key.split(".")))
    return Problem(toml.file, place.line, place.value_column, key, message, mend=mend)


def _mended(one: Plain, toml: Toml | None = None) -> Problem:
    mend = _MENDS.get(one.message, "")
    if toml is not None and (key := _remote_key(one.message, toml)):
        return _at(toml, key, one.message)
    return Problem(**asdict(one), mend=mend)


def _remote_key(message: str, toml: Toml) -> str:
    """Which key names the host that a message is about; the model has looked at all hosts together."""
    host = message.removeprefix("host '").partition("'")[0] if message.startswith("host '") else ""
    return next((key for key in _NAME_A_HOST if host and host in str(toml.data.get(key, "")).lower()), "")


def _consent_problems(toml: Toml, target: Target, now: datetime) -> list[Problem]:
    if target.consent is None:
        return []
    why = target.consent.refusal(now.date(), now.hour + now.minute / 60)
    return [_at(toml, "consent", f"{why}; nothing is sent", "ask the owner again")] if why else []


def _tls_problems(toml: Toml, target: Target) -> list[Problem]:
    """What TLS takes from the environment is tried before anything is sent."""
    if not target.uses_tls():
        return []
    try:
        client_context(os.environ, restricted=target.restricted)
    except ValueError as error:
        return [
            _at(
                toml,
                "tls" if target.tls else "base_url",
                str(error),
                "name PEM files that can be read, or unset the variable",
            )
        ]
    return []


def _pinned(target: Target, toml: Toml) -> Target:
    """The target with the address that its name stands for now; all its hosts lie in the network agreed to."""
    try:
        addresses = {host: resolve(host) for host in target.hosts()}
    except OSError as error:
        raise TargetErrors([_at(toml, "host", f"cannot be resolved: {error.strerror}")]) from error
    allowed = target.consent.network if target.consent else "loopback"
    problems = [
        _at(toml, "consent.network", f"{host} is {address}, a {kind(address)} address; agreed is {allowed}")
        for host, address in addresses.items()
        if kind(address) != allowed
    ]
    if problems:
        raise TargetErrors(problems)
    return target.model_copy(update={"address": addresses[target.host]})
