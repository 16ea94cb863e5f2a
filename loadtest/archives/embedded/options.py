"""What the embedded archive is told on its command line."""

import argparse
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast

from loadtest.archives.embedded.law import Law, read_law
from loadtest.wire.settings import check_ae_title

Mode = Literal["memory", "disk", "null", "model"]
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Options:
    """How the archive runs. Port 0 takes a free one; `movers` are C-MOVE destinations: AE title -> (host, port).

    `processes`: so many listen at the DICOM port of a null sink.
    """

    mode: Mode = "memory"
    ae_title: str = "FILMLESS"
    port: int = 0
    http_port: int = 0
    folder: Path | None = None
    movers: dict[str, tuple[str, int]] = field(default_factory=dict)
    end_with_stdin: bool = False
    law: Law | None = None
    processes: int = 1

    def __post_init__(self) -> None:
        check_ae_title(self.ae_title)
        if self.mode == "model" and self.law is None:
            raise ValueError("mode model: it needs --law")
        if self.mode == "null" and self.law is not None:
            raise ValueError("mode null: it answers at once; --law goes with the other modes")
        if self.processes > 1 and self.mode != "null":
            raise ValueError(f"mode {self.mode}: it has one process; --processes goes with --mode null")
        if (self.mode == "disk") != (self.folder is not None):
            raise ValueError(f"mode {self.mode}: --folder goes with --mode disk, and disk needs it")


def read_options(arguments: list[str] | None = None) -> Options:
    """Options from the command line; a wrong one ends the program with exit code 2 (argparse)."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        return Options(
            mode=cast(Mode, given.mode),
            ae_title=given.ae,
            port=given.port,
            http_port=given.http_port,
            folder=given.folder,
            movers=dict(given.move),
            end_with_stdin=given.end_with_stdin,
            law=read_law(given.law) if given.law else None,
            processes=given.processes,
        )
    except ValueError as error:
        parser.error(str(error))


def mover(text: str) -> tuple[str, tuple[str, int]]:
    """`AE=host:port` as (AE title, (host, port)); ValueError says what is allowed."""
    title, equals, address = text.partition("=")
    host, colon, port = address.rpartition(":")
    if not (equals and colon and host and port.isdecimal() and 0 < int(port) < 65536):
        raise argparse.ArgumentTypeError(
            f"{text!r}: give a C-MOVE destination as AE=host:port, e.g. LISTEN=127.0.0.1:11112"
        )
    try:
        return check_ae_title(title), (host, int(port))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m loadtest.archives.embedded", description="An archive on loopback.")
    parser.add_argument("--mode", choices=("memory", "disk", "null", "model"), default="memory")
    parser.add_argument("--law", default="", help="of storing: servers=2,overhead_ms=20,rate_mb_s=50,spread=none")
    parser.add_argument("--ae", default="FILMLESS", help="AE title that it answers to and calls with")
    parser.add_argument("--port", type=int, default=0, help="DICOM port; 0 takes a free one")
    parser.add_argument("--http-port", type=int, default=0, help="DICOMweb port; 0 takes a free one")
    parser.add_argument("--folder", type=Path, help="where --mode disk keeps objects and index")
    parser.add_argument("--move", type=mover, action="append", default=[], metavar="AE=host:port")
    parser.add_argument(
        "--processes", type=int, choices=range(1, 65), default=1, metavar="1..64", help="of a null sink"
    )
    parser.add_argument("--end-with-stdin", action="store_true", help="stop when standard input is closed")
    return parser
