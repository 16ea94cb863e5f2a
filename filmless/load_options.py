"""Options of `filmless load` beyond what and where: workers, here or elsewhere, and what a killed play has left."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from filmless.failures import FAIL, INVALID, BadInput
from filmless.output import counted, give, say
from loadtest.objects.encapsulated import check_encoder
from loadtest.objects.factory import SYNTAXES
from loadtest.play.config import problem_of
from loadtest.play.salvage import salvage
from loadtest.series.rated import new_lot

TCP, ASSOCIATION = ("tuned", "modality"), ("kept", "study", "series", "image")
VIEW_BY = ("instances", "series", "instance", "frames", "rendered", "metadata")
STORE_BY, RETRIEVE = ("dimse", "stow"), ("planned", "get")
BOUNDS = {"connect": "connect_s", "response": "response_s", "operation": "operation_s"}
OPTIONS = {
    "pdu_length": "--pdu-length", "segment_bytes": "--segment", "keep_idle_s": "--keep-idle",
    "modality_associations": "--associations", "workstation_associations": "--requests", "qido_page": "--qido-page",
    **{name: f"--timeouts {short}" for short, name in BOUNDS.items()},
}  # fmt: skip


def workers_of(workers: int, master: bool, host: str, port: int) -> dict[str, Any]:
    """The play's settings for its workers."""
    if master and not workers:
        raise BadInput("--master needs --workers N: how many are to come from elsewhere")
    return ({"workers": workers} if workers else {}) | ({"master": f"{host}:{port}"} if master else {})


def syntax_of(name: str) -> str:
    """A transfer syntax by its short name."""
    if name not in SYNTAXES:
        raise BadInput(f"--transfer-syntax {name}: must be one of {', '.join(SYNTAXES)}")
    try:
        check_encoder(SYNTAXES[name])
    except ValueError as error:
        raise BadInput(f"--transfer-syntax {name}: {error}") from None
    return name


def services_of(syntax: str, view_by: str, store_by: str, retrieve: str, batch: int | None) -> dict[str, Any]:
    """What is sent and by which service."""
    given = (("view-by", view_by, VIEW_BY), ("store-by", store_by, STORE_BY), ("retrieve", retrieve, RETRIEVE))
    for option, value, allowed in given:
        if value not in allowed:
            raise BadInput(f"--{option} {value}: must be one of {', '.join(allowed)}")
    if batch and store_by != "stow":
        raise BadInput("--batch: a C-STORE has one object; --store-by stow sends several in a request")
    return {
        "transfer_syntax": syntax_of(syntax), "view_by": view_by, "store_by": store_by, "retrieve": retrieve,
    } | numbers_of(batch=batch)  # fmt: skip


def numbers_of(**given: float | None) -> dict[str, Any]:
    """Settings that were given; the others are the play's own. Raises BadInput for one out of its bounds."""
    found = {name: value for name, value in given.items() if value is not None}
    for name, value in found.items():
        problem = problem_of(name, value)
        if problem:
            raise BadInput(f"{OPTIONS.get(name, name)} {value:g}: {problem}")
    return found


def timeouts_of(text: str) -> dict[str, Any]:
    """The bounds of a connection in seconds, from connect=5,response=30,operation=60; each may be left out."""
    found: dict[str, Any] = {}
    for word in filter(None, text.split(",")):
        name, _, value = word.partition("=")
        try:
            found[BOUNDS[name.strip()]] = float(value)
        except (KeyError, ValueError):
            allowed = f"NAME=SECONDS with a name of {', '.join(BOUNDS)}"
            raise BadInput(f"--timeouts {text}: '{word}' is not {allowed}, such as response=30") from None
    return numbers_of(**found)


def connection_of(tcp: str, association: str, async_window: int) -> dict[str, Any]:
    """How the sockets behave, for how long an association serves, and how many C-STOREs it carries at once."""
    for option, given, allowed in (("--tcp", tcp, TCP), ("--association", association, ASSOCIATION)):
        if given not in allowed:
            raise BadInput(f"{option} {given}: must be one of {', '.join(allowed)}")
    if async_window > 1 and association == "image":
        raise BadInput("--async-window with --association image: one image fills no window; take kept or study")
    return {"tcp": tcp, "association": association, "async_window": async_window}


def witnesses_of(verify_hashes: float, commit: bool, kill_at: float | None) -> dict[str, Any]:
    """The play's settings for what is asked of the archive beside its counts."""
    found: dict[str, Any] = {"verify_hashes": verify_hashes} if verify_hashes else {}
    return found | ({"commit": True} if commit else {}) | ({} if kill_at is None else {"kill_at": kill_at})


def faults_of(faults: bool, target: str) -> dict[str, Any]:
    """The play's setting for the scenario's faults."""
    if faults and target != "embedded":
        raise BadInput(f"--faults: only the embedded archive can be broken, not '{target}': use --target embedded")
    return {"faults": True} if faults else {}


def lot_of(given: int | None) -> int:
    """The lot of a play that makes objects of its own: what was given, or one that is drawn and told."""
    lot = new_lot() if given is None else given
    if given is None:
        say(f"lot {lot} of objects (--lot {lot} makes the same again)")
    return lot


def shape_of(shape: bool, speed: float) -> bool:
    """Links have their real rate, so the traffic must have its real time."""
    if shape and speed != 1:
        raise BadInput(f"--shape with --speed {speed:g}: the links' rates belong to real time, and traffic at another "
                       "speed would have what a link does told of the archive; use --speed 1")  # fmt: skip
    return shape


def work(host: str, port: int) -> None:
    """Play a share of a master's plan, until the master has done or Ctrl-C.

    Exit code 1 where no master answers, or it ends before the play; 2 where it turns this worker away. Where this
    worker's own part failed, 1 or 2 as in a play without workers.
    """
    say(f"worker of {host}:{port}")
    if code := subprocess.call([sys.executable, "-m", "loadtest.play.worker", f"{host}:{port}"]):
        raise SystemExit(code)


def salvage_run(folder: Path, json_: bool) -> None:
    """A run folder from what a killed play has left; the exit code is the verdict's, INVALID or FAIL."""
    out, result = salvage(folder)
    if json_:
        give({"run": str(out), **result})
    else:
        _tell_salvaged(out, result)
    raise SystemExit(FAIL if result["verdict"] == "FAIL" else INVALID)


def _tell_salvaged(out: Path, result: dict[str, Any]) -> None:
    kept = sum(result["outcomes"].values()) - result["outcomes"]["dropped"] - result["outcomes"]["unknown"]
    print(f"{result['verdict']}: {kept:,} of {counted(result['planned'], 'operation')} recorded")
    for reason in result["reasons"]:
        print(f"  {reason}")
    say(f"run folder: {out}")
