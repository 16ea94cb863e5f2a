"""Durability (rule L9): archives are killed as by a power cut of the process, started again, and asked again.

They are processes of the program that started this play, so that it is asked to do it: a line on stdout names them, a
line on stdin says that they answer again.
"""

from collections.abc import Sequence

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
        self._said = b""

    def heard(self, said: bytes) -> None:
        """Bytes came from it."""
        self._said += said
        if b"\n" in self._said:
            self._said = self._said.rpartition(b"\n")[2]
            self._answered.set()

    def restart(self, targets: Sequence[Target]) -> None:
        """Have these archives killed and started again. Raises PlayFailed when they are not back in time."""
        self._answered.clear()
        say(restart=[one.pid for one in targets])
        if not self._answered.wait(WITHIN_S):
            raise PlayFailed(f"the archives were killed, and have not answered again within {WITHIN_S:g} s")

    def check(self, targets: Sequence[Target]) -> None:
        """Refuse what cannot be done, before anything is sent. Raises TrafficProblem."""
        others = [one.name for one in targets if not one.pid]
        if others or not self.is_there:
            named = ", ".join(others) or "these"
            raise TrafficProblem(f"kill_at: only archives that this program has started can be killed, not {named}")


STARTER = Starter()
