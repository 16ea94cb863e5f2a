"""Taking turns: gevent switches only where a socket would block, and a fast peer's socket may not block for long.

A retrieve of 50 MB that is read as fast as it comes would keep everybody else waiting to its end, and their lateness
would be the generator's. So who is about to read or write, a millisecond after the loop last looked who else is due,
lets it look. Before the call, not after it: what has come is stamped at once.
"""

import socket
from collections.abc import Callable
from time import perf_counter
from typing import Any

from gevent import get_hub

LONGEST_S = 0.001
CALLS = ("recv_into", "sendmsg", "sendall")


def let_others() -> None:
    """Let all that are due run, who waits for a time or a socket as well: `sleep(0)` lets up to 50 callbacks go first.

    Three greenlets that never block kept who waits for an Alarm waiting 44 ms (median) with it, and 0.1 ms so.
    """
    hub = get_hub()
    with hub.loop.timer(0, priority=hub.loop.MINPRI) as now:  # after all that are due as well
        hub.wait(now)


class Turns:
    """When the loop last looked at timers and sockets, whoever has had the turn since."""

    def __init__(self) -> None:
        self._looked = perf_counter()
        self._watcher = get_hub().loop.check(ref=False)
        self._watcher.start(self._look)

    def _look(self) -> None:
        self._looked = perf_counter()

    def fair(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """The same socket call, which lets others run first when a turn has lasted long enough."""

        def fairly(*given: Any, **named: Any) -> Any:
            if perf_counter() - self._looked > LONGEST_S:
                let_others()
            return call(*given, **named)

        return fairly


def take_turns() -> None:
    """Make the sockets of this process fair, which gevent has put in the place of the library's. Called once."""
    turns = Turns()
    for name in CALLS:
        setattr(socket.socket, name, turns.fair(getattr(socket.socket, name)))
