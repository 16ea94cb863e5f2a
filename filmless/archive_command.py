"""The work of `filmless archive`: the embedded archive in this terminal."""

import socket
import subprocess
import sys
from pathlib import Path
from typing import get_args

from filmless.failures import BadInput
from loadtest.archives.embedded.law import read_law
from loadtest.archives.embedded.options import LOOPBACK, Mode
from loadtest.wire.settings import check_ae_title


def run_archive(mode: str, port: int, http_port: int, ae: str, folder: Path | None, law: str = "") -> None:
    """The embedded archive in this terminal, until Ctrl-C. Raises BadInput before it is started."""
    _check_mode(mode, folder, law)
    _check_texts(ae, law)
    if port == http_port != 0:
        raise BadInput(f"--port and --http-port are both {port}: give each its own, or 0 for a free one")
    check_port("--port", "DICOM", port)
    check_port("--http-port", "DICOMweb", http_port)
    command = [sys.executable, "-m", "loadtest.archives.embedded", "--mode", mode, "--ae", ae,
               "--port", str(port), "--http-port", str(http_port)]  # fmt: skip
    command += ["--folder", str(folder)] if folder else []
    if subprocess.call(command + (["--law", law] if law else [])):
        raise SystemExit(1)


def _check_mode(mode: str, folder: Path | None, law: str) -> None:
    if mode not in get_args(Mode):
        raise BadInput(f"--mode {mode}: must be one of {', '.join(get_args(Mode))}")
    if mode == "model" and not law:
        raise BadInput("--mode model needs --law, such as --law servers=2,overhead_ms=20,rate_mb_s=50")
    if mode == "null" and law:
        raise BadInput("--mode null answers at once: --law goes with the other modes")
    if mode == "disk" and folder is None:
        raise BadInput("--mode disk needs --folder, where the objects are kept")
    if mode != "disk" and folder is not None:
        raise BadInput(f"--mode {mode} keeps nothing on a disk: --folder goes with --mode disk")


def _check_texts(ae: str, law: str) -> None:
    try:
        read_law(law)
    except ValueError as error:
        raise BadInput(str(error)) from None
    try:
        check_ae_title(ae)
    except ValueError as error:
        raise BadInput(f"--ae {ae}: {error}") from None


def check_port(option: str, what: str, port: int) -> None:
    """A port is one, and free on the loopback; 0 always is."""
    free = f"choose another with {option}, or 0 for a free one"
    if not 0 <= port <= 65535:
        raise BadInput(f"{option} {port}: a port is from 1 to 65535; {free}")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the archive does it
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except PermissionError:
            raise BadInput(f"{option}: {what} port {port} may not be opened by you; {free}") from None
        except OSError:
            raise BadInput(f"{option}: {what} port {port} is in use by another program; {free}") from None
