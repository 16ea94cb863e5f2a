"""The parent's side of a play: starts the process that plays, relays its progress, reads its last word.

Nothing here imports locust or gevent: they patch the standard library, and only the child may bear that.
"""

import json
import socket
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from loadtest.archives.mishaps import cannot, mend, tell
from loadtest.archives.process import package_root, restart
from loadtest.archives.target import Target
from loadtest.play.journal import journal_of, left_words
from loadtest.play.problems import PlayFailed, TrafficProblem

OnProgress = Callable[[int, int, str], None]
LISTENER = "FILMLESSDEST"  # AE title of our C-MOVE destinations
STOP_S = 10.0
_LAST_LINES = 20


@dataclass(frozen=True)
class PlayJob:
    """One traffic file and its archive; `listener_port` is ours for C-MOVE where the target names no destination."""

    traffic: Path
    target: Target
    listener_port: int = 0


def free_port() -> int:
    """A port of the loopback that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def play(
    jobs: Sequence[PlayJob],
    speed: float,
    out: Path,
    progress: OnProgress = lambda done, total, phase: None,
    web_port: int = 0,
    **settings: Any,
) -> dict[str, Any]:
    """Play all jobs at once, in a process of its own; returns the result in short. That process writes `out`.

    `progress` is called with (done, total, phase). `web_port` opens Locust's page on the loopback. `settings` are
    those of PlayConfig.

    Raises:
        TrafficProblem: a file, a target or a setting cannot be played (exit code 2).
        PlayFailed: the play could not be done, or its results not be kept.
    """
    config = _config(jobs, speed, out, web_port, settings)
    if settings.get("faults"):
        _check_ours(jobs)
    with tempfile.TemporaryDirectory(prefix="filmless-play-") as folder, tempfile.TemporaryFile() as errors:
        file = Path(folder) / "play.json"
        file.write_text(json.dumps(config))
        child = _start(file, errors)
        try:
            last = _relay(child, progress)
            child.wait()
        except BaseException as error:
            _stop(child)
            if journal_of(out).exists():
                error.add_note(left_words(journal_of(out)))
            raise
        _stop(child)
        errors.seek(0)
        return _result(last, child.returncode, errors.read().decode("utf-8", "replace"), journal_of(out))


def _config(
    jobs: Sequence[PlayJob], speed: float, out: Path, web_port: int, settings: dict[str, Any]
) -> dict[str, Any]:
    page = {"web": True, "web_port": web_port} if web_port else {}
    listed = [
        {"traffic": str(Path(one.traffic).resolve()), "target": one.target.model_dump(mode="json"),
         "listener": LISTENER, "listener_port": one.listener_port}
        for one in jobs
    ]  # fmt: skip
    return {"jobs": listed, "speed": speed, "out": str(Path(out).resolve()), **page, **settings}


def _check_ours(jobs: Sequence[PlayJob]) -> None:
    others = cannot({one.target.name: one.target.pid for one in jobs})
    if others:
        raise TrafficProblem(
            f"--faults: only the embedded archive that this program starts can be broken, not {', '.join(others)}: "
            "play against the target 'embedded', or without --faults"
        )


def _start(file: Path, errors: IO[bytes]) -> "subprocess.Popen[str]":
    """The child in a session of its own: Ctrl-C at the terminal is ours to handle. It ends when our pipe closes."""
    command = [sys.executable, "-m", "loadtest.play", str(file), "--end-with-stdin"]
    try:
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=package_root(),
            start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        raise PlayFailed(f"the process that plays cannot be started: {error.strerror}") from error


def _relay(child: "subprocess.Popen[str]", progress: OnProgress) -> dict[str, Any]:
    """Read the child's lines until it ends; its last one."""
    last: dict[str, Any] = {}
    for line in child.stdout or ():
        try:
            said = json.loads(line)
        except ValueError:
            continue  # a library's print; what counts is JSON
        if "restart" in said:
            _restart(child, said["restart"])
        if "break" in said:
            tell(said["break"])
            _answer(child, "told")
        if "mend" in said:
            _answer(child, json.dumps(mend(said["mend"])))
        if "warning" in said:
            print(said["warning"], file=sys.stderr, flush=True)
        if "progress" in said:
            progress(said["progress"], said["total"], said["phase"])
        last = said
    return last


def _restart(child: "subprocess.Popen[str]", pids: Sequence[int]) -> None:
    """Kill archives of ours and start them again; the child waits for our line, and tells if it does not come."""
    if all(restart(pid) for pid in pids):
        _answer(child, "restarted")


def _answer(child: "subprocess.Popen[str]", line: str) -> None:
    assert child.stdin is not None
    child.stdin.write(f"{line}\n")
    child.stdin.flush()


def _stop(child: "subprocess.Popen[str]") -> None:
    """End the child if it still runs (Ctrl-C here, a defect of the caller's): by SIGTERM, then SIGKILL."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(STOP_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            pipe.close()


def _result(last: dict[str, Any], code: int, said: str, journal: Path) -> dict[str, Any]:
    if code == 0 and last.get("phase") == "done":
        return last
    if last.get("phase") == "failed":
        raise (TrafficProblem(last["message"]) if code == 2 else PlayFailed(last["message"], code))
    words = "\n".join(deque(said.splitlines(), _LAST_LINES))
    left = f"; {left_words(journal)}" if journal.exists() else ""
    raise PlayFailed(f"the process that plays ended with code {code} and without a result{left}:\n{words}")
