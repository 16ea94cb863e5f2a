"""`running(...)`: an archive for as long as a with-block lasts, whatever kind it is."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from loadtest.archives.embedded.options import Mode
from loadtest.archives.orthanc import running_orthanc
from loadtest.archives.process import LOOPBACK, ArchiveFailed, ArchiveProcess, package_root
from loadtest.archives.target import Destination, Target
from loadtest.archives.target_file import load_target

Movers = Mapping[str, tuple[str, int]]
READY_WITHIN_S = 30.0


@contextmanager
def running(
    kind: Literal["embedded", "orthanc"] | Path,
    name: str,
    movers: Movers | None = None,
    mode: Mode = "memory",
    folder: Path | None = None,
    law: str = "",
    processes: int = 1,
) -> Iterator[Target]:
    """An archive that answers, as a Target; stopped, and its temporary store removed, when the block ends.

    `movers` are our C-MOVE listeners that it shall know: AE title -> (host, port). `mode`, `folder`, `law` and
    `processes` (of a null sink) are the embedded archive's. A path is a target file: that archive is not started here,
    only read and checked.
    Raises ArchiveFailed, or TargetErrors for a target file.
    """
    if isinstance(kind, Path):
        yield load_target(kind)
    elif kind == "orthanc":
        with running_orthanc(name, movers or {}) as target:
            yield target
    elif kind == "embedded":
        with running_embedded(name, movers or {}, mode, folder, law, processes) as target:
            yield target
    else:
        raise ValueError(f"archive {kind!r}: allowed are 'embedded', 'orthanc' and the path of a target file")


@contextmanager
def running_embedded(
    name: str, movers: Movers, mode: Mode = "memory", folder: Path | None = None, law: str = "", processes: int = 1
) -> Iterator[Target]:
    """The embedded archive in a process of its own, on free ports."""
    command = [sys.executable, "-m", "loadtest.archives.embedded", "--mode", mode, "--ae", ae_title_from(name)]
    command += ["--end-with-stdin", "--processes", str(processes)]
    command += ["--folder", str(folder)] if folder else []
    command += ["--law", law] if law else []
    command += [word for ae, (host, port) in movers.items() for word in ("--move", f"{ae}={host}:{port}")]
    paths = [str(package_root()), os.environ.get("PYTHONPATH", "")]
    environment = {"PYTHONPATH": os.pathsep.join(path for path in paths if path)}
    with ArchiveProcess(command, environment) as process:
        process.wait_until(lambda: process.first_line().startswith("{"), READY_WITHIN_S, "the embedded archive")
        said = json.loads(process.first_line())
        process.plays_faults = True
        process.command += ["--port", str(said["port"]), "--http-port", str(said["http_port"])]  # a restart keeps them
        yield _embedded_target(name, said, movers, f"{mode}, law {law}" if law else mode)


def ae_title_from(name: str) -> str:
    """An AE title from a free name: its letters and digits in capitals, at most 16."""
    return "".join(c for c in name.upper() if c.isascii() and c.isalnum())[:16] or "FILMLESS"


def _embedded_target(name: str, said: dict[str, int | str], movers: Movers, mode: str) -> Target:
    root = f"http://{LOOPBACK}:{said['http_port']}"
    return Target(
        name=name,
        port=int(said["port"]),
        ae_title=str(said["ae_title"]),
        base_url=f"{root}/dicom-web",
        statistics_url=f"{root}/statistics",
        destinations=[Destination(ae_title=ae, host=host, port=port) for ae, (host, port) in movers.items()],
        address=LOOPBACK,
        software=f"filmless embedded archive, mode {mode}",
        tcp="TCP_NODELAY set by the archive on each connection",
        pid=int(said["pid"]),
    )


__all__ = ["ArchiveFailed", "Movers", "running", "running_embedded"]
