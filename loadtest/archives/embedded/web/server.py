"""The HTTP server: cheroot with kept-alive connections, on loopback only."""

import socket
import threading

from cheroot.wsgi import Server

from loadtest.archives.embedded.archive import Archive
from loadtest.archives.embedded.options import LOOPBACK
from loadtest.archives.embedded.service import Service
from loadtest.archives.embedded.web.app import WebApp

THREADS = 16
MOST_KEPT_ALIVE = 1_000
IDLE_S = 60
HEADER_CAP = 32 * 1024
BODY_CAP = 2 << 30


def start(archive: Archive, port: int) -> Service:
    """Listen on loopback. Raises OSError when the port is taken."""
    server = Server((LOOPBACK, port), WebApp(archive), numthreads=THREADS, timeout=IDLE_S)
    server.request_queue_size = 128
    server.keep_alive_conn_limit = MOST_KEPT_ALIVE
    server.max_request_header_size, server.max_request_body_size = HEADER_CAP, BODY_CAP
    server.shutdown_timeout = 1
    server.prepare()
    # cheroot sets it only for a port that was named; without it a killed archive's port stays taken for a minute
    server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    thread = threading.Thread(target=server.serve, name="dicomweb", daemon=True)
    thread.start()

    def stop() -> None:
        server.stop()
        thread.join(timeout=5)

    def cut() -> None:
        server.shutdown_timeout = 0  # what is under way is not waited for
        stop()

    return Service(int(server.bind_addr[1]), stop, cut)
