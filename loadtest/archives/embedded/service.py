"""A running server of the archive, whichever library serves it."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Service:
    """Its port, and how to end it.

    `stop` closes the port and every connection, and waits for the threads; `cut` does so without a word to the peers.
    """

    port: int
    stop: Callable[[], None]
    cut: Callable[[], None]
