"""`python -m loadtest.archives.embedded`: run the archive until SIGTERM or SIGINT."""

import json
import os
import signal
import sys
import threading
import time
from contextlib import ExitStack
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
    if options.end_with_stdin:
        threading.Thread(target=_wait_for_end_of_input, args=(stop,), daemon=True).start()
    try:
        serve(options, stop)
    except OSError as error:
        print(f"embedded archive: {error.strerror} ({error.filename or 'port'}): see --folder, --port", file=sys.stderr)
        return 1
    return 0


def _wait_for_end_of_input(stop: threading.Event) -> None:
    """The pipe from whoever started us closes when that process ends, however it ends."""
    while os.read(sys.stdin.fileno(), 4096):
        continue
    stop.set()


def serve(options: Options, stop: threading.Event) -> None:
    """Serve until `stop` is set. Raises OSError when a port is taken or the folder cannot be used."""
    import pydicom.config

    from loadtest.archives.embedded.archive import Archive  # pydicom is only needed now: --help stays quick
    from loadtest.archives.embedded.web import server

    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE  # what a peer sends is kept, not judged
    with ExitStack() as running:
        archive = Archive(options.mode, options.folder)
        running.callback(archive.close)
        dicom = _dicom_side(archive, options)
        running.callback(dicom.stop)
        web = server.start(archive, options)
        running.callback(web.stop)
        _announce(options, dicom.port, web.port)
        # not stop.wait(): a signal handler that sets an event while this thread enters its wait would lock for ever
        while not stop.is_set():
            time.sleep(POLL_S)


def _dicom_side(archive: "Archive", options: Options) -> "Service":
    if options.law is not None:
        from loadtest.archives.embedded import null_scp
        from loadtest.archives.embedded.model_scp import Desk, ModelPeer

        desk = Desk(options.law)
        return null_scp.start(archive, options, lambda channel, held: ModelPeer(channel, held, desk))
    if options.mode == "null":
        from loadtest.archives.embedded import null_scp

        return null_scp.start(archive, options)
    from loadtest.archives.embedded import scp

    return scp.start(archive, options)


def _announce(options: Options, port: int, http_port: int) -> None:
    line = {"port": port, "http_port": http_port, "ae_title": options.ae_title, "pid": os.getpid()}
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    sys.exit(main())
