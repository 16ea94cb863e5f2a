"""What befalls archives of ours: killed and started again (rule L9), or faults of the scenario.

They are processes of the program that started this play, so that it is asked to do it: a line on stdout says what, a
line on stdin that it is done.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from gevent.event import Event

from loadtest.archives.target import Target
from loadtest.play.problems import PlayFailed, TrafficProblem
from loadtest.play.tell import say

WITHIN_S = 120.0


class Starter:
    """The program that has started us, if it listens."""

    def __init__(self) -> None:
        self.is_there = False
        self._answered = Event()
        self._said = self._line = b""

    def heard(self, said: bytes) -> None:
        """Bytes came from it."""
        self._said += said
        if b"\n" in self._said:
            self._line, _, self._said = self._said.rpartition(b"\n")
            self._answered.set()

    def _ask(self, trouble: str, **what: Any) -> bytes:
        self._answered.clear()
        say(**what)
        if not self._answered.wait(WITHIN_S):
            raise PlayFailed(f"{trouble} within {WITHIN_S:g} s")
        return self._line

    def restart(self, targets: Sequence[Target]) -> None:
        """Have these archives killed and started again. Raises PlayFailed when they are not back in time."""
        trouble = "the archives were killed, and have not answered again"
        self._ask(trouble, restart=[one.pid for one in targets])

    def fail(self, plans: Mapping[int, Mapping[str, Any]]) -> None:
        """Process id -> plan of its faults (`loadtest.archives.embedded.faults`)."""
        self._ask("the archives have not been told their faults", **{"break": plans})

    def mend(self, pids: Sequence[int]) -> dict[int, list[tuple[float, float, float]]]:
        """End all faults. Process id -> its changes (capacity, begun, done). Raises PlayFailed."""
        said = json.loads(self._ask("the archives are not well again", mend=[str(pid) for pid in pids]))
        return {int(pid): [(one[0], one[1], one[2]) for one in changes] for pid, changes in said.items()}

    def check(self, targets: Sequence[Target]) -> None:
        """Refuse what cannot be done, before anything is sent. Raises TrafficProblem."""
        others = [one.name for one in targets if not one.pid]
        if others or not self.is_there:
            named = ", ".join(others) or "these"
            raise TrafficProblem(f"--kill-at: only archives that this program has started can be killed, not {named}")


STARTER = Starter()
