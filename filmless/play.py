"""Playing traffic against archives: started for the play, or named in a target file."""

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, cast

from filmless.failures import BadInput
from filmless.progress import progress
from loadtest.archives.embedded.options import Mode
from loadtest.archives.launch import running
from loadtest.play.launch import LISTENER, PlayJob, free_port, play


def archive_kind(target: str) -> Literal["embedded", "orthanc"] | Path:
    """What --target means."""
    if target in ("embedded", "orthanc"):
        return cast(Literal["embedded", "orthanc"], target)
    if not Path(target).is_file():
        raise BadInput(f"--target {target}: neither embedded nor orthanc, nor a target file (see scenarios/targets/)")
    return Path(target)


def play_all(windows: list[dict[str, Any]], target: str, out: Path, speed: float = 1.0,
             web_port: int = 0, settings: dict[str, Any] | None = None) -> dict[str, Any]:  # fmt: skip
    """Play each window's traffic against an archive of its own, all at once; stores are removed afterwards.

    `settings` are those of loadtest.play.config.PlayConfig.
    """
    kind, jobs = archive_kind(target), []
    kept = (settings or {}).get("kill_at") is not None  # memory does not survive what is to be survived
    with ExitStack() as archives:
        for window in windows:
            port = free_port()
            name = f"filmless-{window['cluster']}"
            folder = Path(archives.enter_context(TemporaryDirectory(prefix="filmless-store-"))) if kept else None
            movers, mode = {LISTENER: ("127.0.0.1", port)}, "disk" if folder else "memory"
            started = archives.enter_context(running(kind, name, movers, cast(Mode, mode), folder))
            jobs.append(PlayJob(Path(window["path"]), started, port if isinstance(kind, str) else 0))
        with progress("play") as report:
            return play(jobs, speed, out, report, web_port, **settings or {})
