"""Taking turns: gevent switches only where a socket would block, and a fast peer's socket may not block for long.

A retrieve of 50 MB that is read as fast as it comes would keep everybody else waiting to its end, and their lateness
would be the generator's. So whoever has read or written for a millisecond lets the others run.
"""

import socket
from collections.abc import Callable
from time import perf_counter
from typing import Any

from gevent import sleep

LONGEST_S = 0.001
CALLS = ("recv_into", "sendmsg", "sendall")


class Turns:
    """When the present turn began, whoever has it."""

    def __init__(self) -> None:
        self._began = perf_counter()

    def fair(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """The same socket call, which lets others run when a turn has lasted long enough."""

        def fairly(*given: Any, **named: Any) -> Any:
            found = call(*given, **named)
            if perf_counter() - self._began > LONGEST_S:
                sleep(0)
                self._began = perf_counter()
            return found

        return fairly


def take_turns() -> None:
    """Make the sockets of this process fair, which gevent has put in the place of the library's. Called once."""
    turns = Turns()
    for name in CALLS:
        setattr(socket.socket, name, turns.fair(getattr(socket.socket, name)))
