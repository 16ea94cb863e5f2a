"""The work of the commands that speak to archives."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from filmless.failures import FAIL, INVALID, BadInput
from filmless.output import give, say
from filmless.play import archive_kind, play_all
from loadtest.archives.check import preflight
from loadtest.archives.launch import running
from loadtest.play.launch import free_port

CODES = {"PASS": 0, "FAIL": FAIL, "INVALID": INVALID}
WEB_PORT = 8089


def check_target(target: str, json_: bool) -> None:
    """Try each service of a target; exit code 3 where one is refused or failed."""
    with running(archive_kind(target), "filmless-check", movers={"FILMLESS": ("127.0.0.1", free_port())}) as archive:
        results = preflight(archive)
    if json_:
        give({"target": archive.name, "services": [
            {"service": r.service, "outcome": r.outcome, "cause": r.cause, "mend": r.mend} for r in results
        ]})  # fmt: skip
    else:
        for result in results:
            print(result.line())
    if any(r.outcome in ("refused", "failed") for r in results):
        raise SystemExit(FAIL)


def run_load(traffic: Path | None, target: str, speed: float, web: bool, out: Path | None, json_: bool,
             settings: dict[str, Any] | None = None) -> None:  # fmt: skip
    """Play a traffic file; the exit code is the verdict's."""
    if traffic is None or not traffic.is_file():
        raise BadInput(f"{traffic or 'no traffic file'}: name a file made by `filmless traffic RUN --cluster C`")
    folder = out or Path("runs") / f"load-{traffic.name.removesuffix('.parquet').removesuffix('.traffic')}"
    if web:
        say(f"Locust's page: http://127.0.0.1:{WEB_PORT}")
    window = {"path": traffic, "cluster": traffic.name.split(".")[0]}
    result = play_all([window], target, folder, speed, WEB_PORT if web else 0, settings)
    if json_:
        give({"run": str(folder), **{k: v for k, v in result.items() if k != "phase"}})
    else:
        print(f"{result['verdict']}: {result['done']:,} of {result['planned']:,} operations done, "
              f"{result['stored']:,} of {result['studies']:,} studies stored and found")  # fmt: skip
        for reason in result["reasons"]:
            print(f"  {reason}")
        say(f"run folder: {folder}")
    if result["verdict"] != "PASS":
        raise SystemExit(CODES.get(result["verdict"], INVALID))


def run_archive(mode: str, port: int, http_port: int, ae: str, folder: Path | None) -> None:
    """The embedded archive in this terminal, until Ctrl-C."""
    if mode not in ("memory", "disk", "null"):
        raise BadInput(f"--mode {mode}: must be memory, disk or null")
    if mode == "disk" and folder is None:
        raise BadInput("--mode disk needs --folder, where the objects are kept")
    command = [sys.executable, "-m", "loadtest.archives.embedded", "--mode", mode, "--ae", ae,
               "--port", str(port), "--http-port", str(http_port)]  # fmt: skip
    code = subprocess.call(command + (["--folder", str(folder)] if folder else []))
    if code:
        raise SystemExit(1)
