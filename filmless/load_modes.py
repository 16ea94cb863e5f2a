"""What `filmless load` is to do, and which options that takes: one that would be left out is refused by its name."""

from collections.abc import Collection
from typing import Literal

import typer

from filmless.failures import BadInput

Mode = Literal["play", "rate", "find-limit", "check", "worker"]
WORDS: dict[Mode, str] = {
    "play": "a play of the traffic as it is", "rate": "--rate", "find-limit": "--find-limit", "check": "--check",
    "worker": "--worker",
}  # fmt: skip
_TRAFFIC = {"traffic", "target", "sla", "headroom", "junit", "out", "json_", "transfer_syntax", "tcp", "association",
            "async_window", "view_by", "pdu_length", "segment", "associations", "requests", "timeouts",
            "keep_idle", "retrieve", "store_by", "batch", "qido_page", "verify_hashes", "commit", "law", "lot",
            "workers"}  # fmt: skip
_ON_TIME = {"web", "kill_at", "master", "master_host", "master_port"}
TAKES: dict[Mode, set[str]] = {
    "play": _TRAFFIC | _ON_TIME | {"speed", "faults", "shape"},
    "rate": _TRAFFIC | _ON_TIME | {"rate", "rate_to", "seconds", "arrivals"},
    "find-limit": _TRAFFIC | {"limit", "rate", "seconds", "arrivals"},
    "check": {"check", "target", "json_", "transfer_syntax", "tcp", "segment", "pdu_length", "timeouts"},
    "worker": {"worker", "master_host", "master_port"},
}
_RATE = {
    "speed": "a rate has no other speed",
    "faults": "faults have their time in the scenario",
    "shape": "the links' rates belong to the traffic's own times, and at another rate a link would be told as archive",
    "kill_at": "the archive is to fill from step to step",
    "web": "Locust's page lives as long as one play",
    "master": "workers from elsewhere come for one play",
}
WHY: dict[Mode, dict[str, str]] = {
    "play": dict.fromkeys(("seconds", "arrivals", "rate_to"), "times are the traffic's, unless there is --rate"),
    "rate": _RATE,
    "find-limit": _RATE,
    "worker": dict.fromkeys(
        ("traffic", "master"), "a worker plays its master's traffic: `filmless load FILE --master`"
    ),
}


def mode_of(check: bool, worker: bool, limit: bool, at_rate: bool) -> Mode:
    """Raises BadInput where two are asked for at once."""
    every: dict[Mode, bool] = {"check": check, "worker": worker, "find-limit": limit}
    asked = [name for name, is_asked in every.items() if is_asked]
    if len(asked) > 1:
        raise BadInput(f"{' and '.join(WORDS[one] for one in asked)} exclude each other: give one of them")
    return asked[0] if asked else "rate" if at_rate else "play"


def refuse_others(mode: Mode, ctx: typer.Context) -> None:
    """Refuse what was given on the command line and this mode does not take. Raises BadInput that names it all."""
    names = {one.name: max(one.opts, key=len) for one in ctx.command.params if one.name}
    told = refused(mode, [name for name in names if is_given(ctx, name)])
    if told:
        listed = ", ".join(names[name] if names[name].startswith("-") else "traffic file" for name in told)
        reasons = dict.fromkeys(WHY[mode][name] for name in told if name in WHY.get(mode, {}))
        why = f" ({'; '.join(reasons)})" if reasons else ""
        raise BadInput(f"{WORDS[mode]} takes no {listed}{why}: leave {'them' if len(told) > 1 else 'it'} out")


def refused(mode: Mode, given: Collection[str]) -> list[str]:
    """Those of the options given that a mode does not take."""
    return [name for name in given if name not in TAKES[mode]]


def is_given(ctx: typer.Context, name: str) -> bool:
    """Whether an option stands on the command line, be it with its default."""
    source = ctx.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"
