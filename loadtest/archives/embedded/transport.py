"""TCP options of pynetdicom's connections."""

import socket

from pynetdicom import evt


def no_delay(event: evt.Event) -> None:
    """EVT_CONN_OPEN: switch Nagle's algorithm off, or two small writes wait 40 ms for a delayed acknowledgement."""
    wrapped = event.assoc.dul.socket
    if wrapped is not None and wrapped.socket is not None:
        wrapped.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
