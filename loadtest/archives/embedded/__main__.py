"""`python -m loadtest.archives.embedded`: run the archive until SIGTERM or SIGINT."""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from loadtest.archives.embedded.options import Options, read_options

if TYPE_CHECKING:
    from loadtest.archives.embedded.archive import Archive
    from loadtest.archives.embedded.service import Service

POLL_S = 0.05


def main() -> int:
    """Start, print one JSON line with the ports, serve, stop. Returns the exit code."""
    options = read_options()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        serve(options, stop)
    except OSError as error:
        print(
            f"embedded archive: {error.strerror or error} ({error.filename or 'port'}): see --folder, --port",
            file=sys.stderr,
        )
        return 1
    return 0


def _listen(stop: threading.Event, hear: Callable[[str], None]) -> None:
    """Lines are plans of faults. The pipe from whoever started us closes when that process ends, however it ends."""
    said = b""
    while more := os.read(sys.stdin.fileno(), 4096):  # not sys.stdin: its lock would not be free at the end
        *lines, said = (said + more).split(b"\n")
        for line in lines:
            hear(line.decode())
    stop.set()


def serve(options: Options, stop: threading.Event) -> None:
    """Serve until `stop` is set. Raises OSError when a port is taken or the folder cannot be used."""
    import pydicom.config

    from loadtest.archives.embedded.archive import Archive  # pydicom is only needed now: --help stays quick
    from loadtest.archives.embedded.faults import Doors, Faults
    from loadtest.archives.embedded.web import server

    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE  # what a peer sends is kept, not judged
    with ExitStack() as running:
        archive = Archive(options.mode, options.folder, options.law, options.processes)
        running.callback(archive.close)
        openers = [_dicom_side(archive, options), lambda port: server.start(archive, port)]
        doors = Doors(openers, [options.port, options.http_port])
        running.callback(doors.close)
        faults = Faults(doors, archive.desk)
        if options.end_with_stdin:
            threading.Thread(target=_listen, args=(stop, faults.hear), daemon=True).start()
        _announce(options, *doors.ports)
        # not stop.wait(): a signal handler that sets an event while this thread enters its wait would lock for ever
        while not stop.is_set():
            time.sleep(faults.keep(POLL_S))


def _dicom_side(archive: "Archive", options: Options) -> "Callable[[int], Service]":
    if options.mode in ("null", "model"):
        from loadtest.archives.embedded import null_scp
        from loadtest.archives.embedded.model_scp import ModelPeer

        peer = ModelPeer if options.mode == "model" else null_scp.NullPeer
        return lambda port: null_scp.start(archive, replace(options, port=port), peer)
    from loadtest.archives.embedded import scp

    return lambda port: scp.start(archive, replace(options, port=port))


def _announce(options: Options, port: int, http_port: int) -> None:
    line = {"port": port, "http_port": http_port, "ae_title": options.ae_title, "pid": os.getpid()}
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    sys.exit(main())
