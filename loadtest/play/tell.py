"""What the play says while it runs: JSON lines on stdout for the program that started it, plain lines for people."""

import json
import sys
from time import monotonic
from typing import Any

EVERY_S, PLAIN_EVERY_S = 0.5, 10.0


def say(**what: Any) -> None:
    """One JSON line on stdout."""
    print(json.dumps(what), flush=True)


def warn(line: str) -> None:
    """A line that the person at the terminal is to see at once: the program that started the play prints it."""
    say(warning=line)


class Progress:
    """Progress of one phase: a JSON line each half second, and off a terminal a plain one each ten seconds."""

    def __init__(self, phase: str, total: int) -> None:
        self.phase, self.total, self.done = phase, total, 0
        self._said = 0.0
        self._plain = monotonic()
        self._tell(monotonic())

    def step(self) -> None:
        """One more is done."""
        self.done += 1
        now = monotonic()
        if now - self._said >= EVERY_S or self.done == self.total:
            self._tell(now)

    def _tell(self, now: float) -> None:
        self._said = now
        say(progress=self.done, total=self.total, phase=self.phase)
        if now - self._plain >= PLAIN_EVERY_S and not sys.stderr.isatty():
            self._plain = now
            print(f"{self.phase}: {self.done} of {self.total}", file=sys.stderr, flush=True)
