"""Reading target files: all that is wrong at once, and the host's name resolved once (rule S6)."""

import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from loadtest.archives.addresses import kind, resolve
from loadtest.archives.target import Problem, Target, TargetErrors

LARGEST_FILE = 1 << 20
_MENDS = {
    "extra_forbidden": "remove it, or see the example in scenarios/targets for the names allowed",
    "missing": "add it; scenarios/targets has a commented example",
}
_SET_BY_US = ("address", "pid")


def load_target(path: Path | str, now: datetime | None = None) -> Target:
    """The target of a file; nothing is sent. Raises TargetErrors with every problem (exit code 2).

    `now` is the local time at which consent must hold; the clock's by default.
    """
    file = Path(path)
    data = _read(file)
    problems = [Problem(key, "is found out, not given.", "remove it") for key in _SET_BY_US if key in data]
    try:
        target = Target.model_validate(data)
    except ValidationError as error:
        raise TargetErrors(str(file), problems + [_problem(one) for one in error.errors()]) from None
    problems += _consent_problems(target, now or datetime.now())
    if problems:
        raise TargetErrors(str(file), problems)
    return _pinned(target, file)


def _read(file: Path) -> dict[str, Any]:
    try:
        raw = file.read_bytes() if file.stat().st_size <= LARGEST_FILE else None
    except OSError as error:
        raise TargetErrors(str(file), [Problem("", f"cannot be read: {error.strerror}.")]) from error
    if raw is None:
        raise TargetErrors(str(file), [Problem("", f"is over {LARGEST_FILE} bytes; a target file is about 1 kB.")])
    try:
        return tomllib.loads(raw.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise TargetErrors(str(file), [Problem("", f"is not TOML: {error}.")]) from error


def _problem(error: Any) -> Problem:
    key = ".".join(str(part) for part in error["loc"])
    return Problem(key, f"{error['msg'].removeprefix('Value error, ')}.", _MENDS.get(error["type"], ""))


def _consent_problems(target: Target, now: datetime) -> list[Problem]:
    if target.consent is None:
        return []
    why = target.consent.refusal(now.date(), now.hour + now.minute / 60)
    return [Problem("consent", f"{why}; nothing is sent.", "ask the owner again")] if why else []


def _pinned(target: Target, file: Path) -> Target:
    """The target with the address that its name stands for now; all its hosts lie in the network agreed to."""
    try:
        addresses = {host: resolve(host) for host in target.hosts()}
    except OSError as error:
        raise TargetErrors(str(file), [Problem("host", f"cannot be resolved: {error.strerror}.")]) from error
    allowed = target.consent.network if target.consent else "loopback"
    problems = [
        Problem("consent.network", f"{host} is {address}, a {kind(address)} address; agreed is {allowed}.")
        for host, address in addresses.items()
        if kind(address) != allowed
    ]
    if problems:
        raise TargetErrors(str(file), problems)
    return target.model_copy(update={"address": addresses[target.host]})
