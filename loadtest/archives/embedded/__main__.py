"""`python -m loadtest.archives.embedded`: run the archive until SIGTERM or SIGINT."""

import json
import os
import signal
import sys
import threading

from loadtest.archives.embedded.options import Options, read_options


def main() -> int:
    """Start, print one JSON line with the ports, serve, stop. Returns the exit code."""
    options = read_options()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        serve(options, stop)
    except OSError as error:
        print(f"embedded archive: {error.strerror} ({error.filename or 'port'}): see --folder, --port", file=sys.stderr)
        return 1
    return 0


def serve(options: Options, stop: threading.Event) -> None:
    """Serve until `stop` is set. Raises OSError when a port is taken or the folder cannot be used."""
    import pydicom.config

    from loadtest.archives.embedded import scp  # pynetdicom is only needed now: --help stays quick
    from loadtest.archives.embedded.archive import Archive
    from loadtest.archives.embedded.web import server

    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE  # what a peer sends is kept, not judged
    archive = Archive(options.mode, options.folder)
    dicom = scp.start(archive, options)
    web = server.start(archive, options)
    try:
        _announce(options, int(dicom.server_address[1]), web.port)
        stop.wait()
    finally:
        web.stop()
        dicom.ae.shutdown()  # aborts what is still open, or their threads would keep the process alive
        archive.close()


def _announce(options: Options, port: int, http_port: int) -> None:
    line = {"port": port, "http_port": http_port, "ae_title": options.ae_title, "pid": os.getpid()}
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    sys.exit(main())
