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
from loadtest.play.restart import STARTER
from loadtest.play.tell import say
from loadtest.play.turns import take_turns

STOPPED = "stopped (Ctrl-C, or the program that started the play has ended): no results were written"


def main() -> int:
    """Play; the final JSON line on stdout is the result. Returns the exit code."""
    given = _parser().parse_args()
    del sys.argv[1:]  # Locust's page would read them as its own
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(name)s: %(message)s")
    logging.getLogger("locust.runners").setLevel(logging.ERROR)  # it warns of spawning all devices at once, as we want
    ended = _ended(given)
    if isinstance(ended, dict):
        say(phase="done", **ended)
        return 0
    if isinstance(ended, KeyboardInterrupt):
        return _fail(ended, STOPPED, 1)
    if isinstance(ended, (TrafficProblem, TooManyPatients)):
        return _fail(ended, str(ended), 2)
    if isinstance(ended, PlayFailed):
        return _fail(ended, str(ended), ended.exit_code)
    raise ended


def _ended(given: argparse.Namespace) -> dict[str, Any] | BaseException:
    """The play's result, or what it raised; it runs in a greenlet of its own, so that a signal can end it cleanly."""
    take_turns()
    player = gevent.spawn(_play, given.config)

    def stop(*_: object) -> None:
        player.kill(KeyboardInterrupt, block=False)

    for number in (signal.SIGINT, signal.SIGTERM):
        gevent.signal_handler(number, stop)
    if given.end_with_stdin:
        STARTER.is_there = True
        gevent.spawn(_at_end_of_input, stop)
    player.join()
    result: dict[str, Any] | BaseException = player.value
    return result


def _play(config: Path) -> dict[str, Any] | BaseException:
    try:
        return run(read_config(config))
    except BaseException as error:  # gevent would print a traceback of what is only bad input
        return error


def _at_end_of_input(stop: Any) -> None:
    """The pipe from whoever started us closes when that process ends, however it ends."""
    while said := tp_read(sys.stdin.fileno(), 4096):
        STARTER.heard(said)
    stop()


def _fail(why: BaseException, said: str, code: int) -> int:
    """Tell it in one line, with where what was sent is to be found (a note of the journal's)."""
    message = "; ".join([said, *getattr(why, "__notes__", [])])
    say(phase="failed", kind=type(why).__name__, message=message)
    print(f"error: {message}", file=sys.stderr, flush=True)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m loadtest.play", description="Play DICOM traffic on time.")
    parser.add_argument("config", type=Path, help="JSON file; see loadtest/play/config.py")
    parser.add_argument("--end-with-stdin", action="store_true", help="stop when standard input is closed")
    return parser


if __name__ == "__main__":
    sys.exit(main())
