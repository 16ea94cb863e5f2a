"""`python -m loadtest.play CONFIG.json`: the process that plays. Locust comes first, to patch the standard library."""

import locust  # noqa: F401, I001  # before anything that imports ssl, or it dies with a RecursionError (findings, 4)

import argparse
import logging
import signal
import sys
from pathlib import Path
from typing import Any

import gevent
from gevent.os import tp_read

from loadtest.objects.identity import TooManyPatients
from loadtest.play.config import read_config
from loadtest.play.drive import run
from loadtest.play.problems import PlayFailed, TrafficProblem
from loadtest.play.tell import say


def main() -> int:
    """Play; the final JSON line on stdout is the result. Returns the exit code."""
    given = _parser().parse_args()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(name)s: %(message)s")
    try:
        ended = _guarded(given)
    except (TrafficProblem, TooManyPatients) as error:
        return _fail(error, 2)
    except KeyboardInterrupt:
        return _fail("stopped (Ctrl-C, or the program that started the play has ended): nothing was written", 1)
    except PlayFailed as error:
        return _fail(error, error.exit_code)
    say(phase="done", **ended)
    return 0


def _guarded(given: argparse.Namespace) -> dict[str, Any]:
    """Run in a greenlet of its own, so that a signal or the end of our input can end it cleanly."""
    player = gevent.spawn(lambda: run(read_config(given.config)))

    def stop(*_: object) -> None:
        player.kill(KeyboardInterrupt, block=False)

    for number in (signal.SIGINT, signal.SIGTERM):
        gevent.signal_handler(number, stop)
    if given.end_with_stdin:
        gevent.spawn(_at_end_of_input, stop)
    result: dict[str, Any] = player.get()
    return result


def _at_end_of_input(stop: Any) -> None:
    """The pipe from whoever started us closes when that process ends, however it ends."""
    while tp_read(sys.stdin.fileno(), 4096):
        continue
    stop()


def _fail(why: object, code: int) -> int:
    say(phase="failed", kind=type(why).__name__ if isinstance(why, Exception) else "Stopped", message=str(why))
    print(f"error: {why}", file=sys.stderr, flush=True)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m loadtest.play", description="Play DICOM traffic on time.")
    parser.add_argument("config", type=Path, help="JSON file; see loadtest/play/config.py")
    parser.add_argument("--end-with-stdin", action="store_true", help="stop when standard input is closed")
    return parser


if __name__ == "__main__":
    sys.exit(main())
