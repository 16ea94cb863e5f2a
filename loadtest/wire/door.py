"""A listening socket that stays open whatever a moment brings."""

import socket
from collections.abc import Callable, Iterator
from time import sleep

AGAIN_S = 0.05  # after an accept that failed: no descriptors may be free for a while


def connections(
    door: socket.socket, is_closing: Callable[[], bool], failed: Callable[[str], None]
) -> Iterator[tuple[socket.socket, str]]:
    """Each connection that comes, with its peer's address, until `is_closing`.

    What else accept fails by passes (man 2 accept: no free descriptors, a peer that has gone already): `failed` is told
    it in words, and the door stays open.
    """
    while not is_closing():
        try:
            sock, address = door.accept()
        except OSError as error:
            if is_closing() or door.fileno() < 0:
                return
            failed(f"a connection could not be taken: {error.strerror or type(error).__name__}")
            sleep(AGAIN_S)
        else:
            yield sock, str(address[0])
