"""The parent's side of a play: start the process, relay its progress, read its last word."""

import json
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from loadtest.archives.target import Target

Progress = Callable[[int, int, str], None]
LISTENER = "FILMLESSDEST"  # AE title of our C-MOVE destinations


class PlayFailed(Exception):
    """The play could not be done; the message says why."""


@dataclass(frozen=True)
class PlayJob:
    """One traffic file, its archive, and the port on which its C-MOVEs are awaited."""

    traffic: Path
    target: Target
    listener_port: int


def free_port() -> int:
    """A port of the loopback that nobody has now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def _config(jobs: Sequence[PlayJob], speed: float, out: Path, web_port: int) -> dict[str, Any]:
    return {
        "speed": speed, "out": str(out), "web_port": web_port,
        "jobs": [{"traffic": str(j.traffic), "target": j.target.model_dump(mode="json"), "listener": LISTENER,
                  "listener_port": j.listener_port} for j in jobs],
    }  # fmt: skip


def play(jobs: Sequence[PlayJob], speed: float, out: Path, progress: Progress, web_port: int = 0) -> dict[str, Any]:
    """Play all jobs at once; returns the verdict. The run folder `out` is written by the child.

    Raises:
        PlayFailed: the child could not play, or ended without a verdict.
    """
    with NamedTemporaryFile("w", suffix=".json") as stream:
        json.dump(_config(jobs, speed, out.resolve(), web_port), stream)
        stream.flush()
        command = [sys.executable, "-m", "loadtest.play", stream.name]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            last = _relay(child, progress)
        finally:
            if child.poll() is None:
                child.terminate()
            child.wait()
    if last.get("phase") != "done":
        raise PlayFailed(last.get("message") or f"the play ended without a verdict (exit code {child.returncode})")
    return last


def _relay(child: "subprocess.Popen[str]", progress: Progress) -> dict[str, Any]:
    assert child.stdout is not None
    last: dict[str, Any] = {}
    for line in child.stdout:
        try:
            last = json.loads(line)
        except ValueError:
            continue  # something a library printed
        if "progress" in last:
            progress(last["progress"], last["total"], last["phase"])
    return last
