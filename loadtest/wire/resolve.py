"""From a host's name to its addresses, within a bound of time: the system's resolver has none that we could set."""

import socket
from contextlib import suppress
from threading import Event, Thread
from typing import Any, ClassVar

Place = tuple[int, tuple[Any, ...]]  # address family, and what `connect` takes


def addresses(host: str, port: int, within_s: float) -> list[Place]:
    """Each place to try. Numbers need no resolver. Raises OSError: not known, or TimeoutError after `within_s`."""
    for family in (socket.AF_INET, socket.AF_INET6):
        with suppress(OSError):
            socket.inet_pton(family, host)
            return [(family, (host, port))]
    return _LookUp.of(host, port).result(within_s)


class _LookUp:
    """One question to the resolver, on a thread that nobody waits for longer than he may. Under gevent both are its
    own: the thread is a greenlet, and the resolver works on a thread of gevent's pool.

    Who asks for a name that is being looked up waits for the same answer, so that a dead resolver holds one thread a
    name, whatever the number of attempts.
    """

    _under_way: ClassVar[dict[tuple[str, int], "_LookUp"]] = {}

    def __init__(self, host: str, port: int) -> None:
        self._of = host, port
        self._found: list[Place] = []
        self._error: OSError | None = None
        self._done = Event()

    @classmethod
    def of(cls, host: str, port: int) -> "_LookUp":
        """The question that is under way, or a new one."""
        mine = cls(host, port)
        asked = cls._under_way.setdefault((host, port), mine)
        if asked is mine:
            Thread(target=mine._ask, daemon=True, name="resolver").start()
        return asked

    def _ask(self) -> None:
        host, port = self._of
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            self._found = [(one[0], one[4]) for one in answers]
        except OSError as error:
            self._error = error
        except ValueError:  # UnicodeError: an empty label, or one of more than 63 characters
            self._error = OSError("this cannot be a host's name")
        finally:
            self._under_way.pop(self._of, None)
            self._done.set()

    def result(self, within_s: float) -> list[Place]:
        """What was found; raises OSError."""
        if not self._done.wait(within_s):
            raise TimeoutError(f"its name was not resolved within {within_s:g} s")
        if self._error is not None:
            raise self._error
        return self._found
