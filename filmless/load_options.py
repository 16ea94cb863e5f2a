"""Options of `filmless load` beyond what and where: workers, here or elsewhere, and what a killed play has left."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from filmless.failures import FAIL, INVALID, BadInput
from filmless.output import counted, give, say
from loadtest.objects.encapsulated import check_encoder
from loadtest.objects.factory import SYNTAXES
from loadtest.play.salvage import salvage

TCP, ASSOCIATION = ("tuned", "modality"), ("kept", "study", "series", "image")
VIEW_BY = ("instances", "frames", "rendered", "metadata")


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


def view_of(by: str) -> str:
    """How WADO-RS views a study."""
    if by not in VIEW_BY:
        raise BadInput(f"--view-by {by}: must be one of {', '.join(VIEW_BY)}")
    return by


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


def refuse_with_rate(faults: bool, law: str) -> None:
    """A play at a rate has no time of the scenario, and no faults."""
    if faults or law:
        raise BadInput("--faults and --law go with a play of the traffic as it is: leave out --rate and --find-limit")


def shape_of(shape: bool, speed: float) -> bool:
    """Links have their real rate, so the traffic must have its real time."""
    if shape and speed != 1:
        raise BadInput(f"--shape with --speed {speed:g}: the links' rates belong to real time, and traffic at another "
                       "speed would have what a link does told of the archive; use --speed 1")  # fmt: skip
    return shape


def work(host: str, port: int, traffic: Path | None = None, master: bool = False) -> None:
    """Play a share of a master's plan, until the master has done or Ctrl-C. Exit code 1 where no master answers."""
    if traffic is not None or master:
        what = "a file" if traffic is not None else "--master"
        raise BadInput(f"--worker with {what}: a worker plays its master's traffic. Start the master with `filmless "
                       "load FILE --master --workers N`, and here give --worker and --master-host alone")  # fmt: skip
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
