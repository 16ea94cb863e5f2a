"""A proxy that spoils its first connection, and passes all others as they are (names as in Toxiproxy)."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from struct import pack

FAULTS = ("reset_peer", "stall", "limit_data", "slow_drip", "half_open", "slow_close")


class Proxy:
    """`fault` befalls the first connection after `after` bytes of the client's."""

    def __init__(self, port: int, fault: str, after: int) -> None:
        self._port, self._fault, self._after = port, fault, after
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._door.getsockname()[1])
        self._open: list[socket.socket] = [self._door]
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):  # closed at the end
            while True:
                client, _ = self._door.accept()
                server = socket.create_connection(("127.0.0.1", self._port))
                self._open += [client, server]
                self.connections += 1
                fault = self._fault if self.connections == 1 else ""
                if fault == "half_open":
                    continue  # nobody ever speaks
                threading.Thread(target=self._up, args=(client, server, fault), daemon=True).start()
                threading.Thread(target=self._down, args=(client, server, fault), daemon=True).start()

    def _up(self, client: socket.socket, server: socket.socket, fault: str) -> None:
        passed = 0
        with suppress(OSError):
            while data := client.recv(65536):
                passed += len(data)
                if fault in ("reset_peer", "stall", "limit_data") and passed > self._after:
                    self._spoil(client, fault)
                    return
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)

    @staticmethod
    def _spoil(client: socket.socket, fault: str) -> None:
        if fault == "reset_peer":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, pack("ii", 1, 0))
        if fault != "stall":
            client.shutdown(socket.SHUT_RD if fault == "reset_peer" else socket.SHUT_RDWR)
            client.close()

    def _down(self, client: socket.socket, server: socket.socket, fault: str) -> None:
        passed = 0
        with suppress(OSError):
            while data := server.recv(1 if fault == "slow_drip" and passed > self._after else 65536):
                passed += len(data)
                if fault == "slow_drip" and passed > self._after:
                    time.sleep(0.05)
                if fault == "slow_close" and passed > self._after:
                    client.shutdown(socket.SHUT_WR)  # and goes on to read
                    return
                client.sendall(data)

    def close(self) -> None:
        """Close everything."""
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


@contextmanager
def proxy(port: int, fault: str, after: int) -> Iterator[Proxy]:
    """A proxy before a port for as long as the block lasts."""
    one = Proxy(port, fault, after)
    try:
        yield one
    finally:
        one.close()
