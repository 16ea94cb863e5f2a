"""Bytes that are sent many times: framed as P-DATA once, in a file in memory, from which the kernel sends uncopied.

`sendmsg` copies an image into the socket, which for 512 kB was half of what it cost its sender, and leaves nothing of
his caches. `sendfile` (man 2 sendfile) hands on the file's own pages. They are sealed (man 2 memfd_create), so that
what the kernel still has to send cannot change.
"""

import fcntl
import os
import weakref
from collections.abc import Iterable

from loadtest.wire.pdu import Buffer, last_pdus

LEAST = 1 << 16  # bytes; a smaller copy costs less than another system call
MOST_KEPT = 8  # framings of the same bytes: by context and peer's PDU length


class Framed:
    """`size` bytes of whole PDUs in a sealed file, which is closed with the last reference to this."""

    def __init__(self, pieces: Iterable[Buffer]) -> None:
        """Raises OSError where the system gives no descriptor, or no memory."""
        self.fd = os.memfd_create("pixels", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        weakref.finalize(self, os.close, self.fd)
        with open(self.fd, "wb", closefd=False) as file:
            file.writelines(pieces)
            self.size = file.tell()
        seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
        fcntl.fcntl(self.fd, fcntl.F_ADD_SEALS, seals)


class Repeated(bytes):
    """The end of many data sets: bytes, which a link may send from a file of theirs."""

    def __init__(self, _: Buffer) -> None:
        self._framed: dict[tuple[int, int], Framed | None] = {}

    def framed(self, context: int, max_pdu: int) -> Framed | None:
        """Their PDUs, made at the first use; None where they are to be sent from where they lie, as any others."""
        key = (context, max_pdu)
        if key not in self._framed:
            if len(self._framed) == MOST_KEPT:  # who is sending it has a reference of his own
                del self._framed[next(iter(self._framed))]
            self._framed[key] = self._frame(context, max_pdu)
        return self._framed[key]

    def _frame(self, context: int, max_pdu: int) -> Framed | None:
        if len(self) < LEAST or not hasattr(os, "memfd_create"):
            return None
        try:
            return Framed(last_pdus(context, memoryview(self), max_pdu))
        except OSError:  # the bytes can be sent without it
            return None
