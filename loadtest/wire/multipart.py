"""multipart/related as it streams in and out (RFC 2046 5.1, RFC 2387; PS3.18 8.6): counted, never held whole."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter

from loadtest.wire.errors import ProtocolError, printable
from loadtest.wire.pdu import Buffer

PART_HEADERS_CAP = 16 * 1024
MOST_PARTS = 1_000_000
_BOUNDARY = re.compile(r"""(?:^|;)\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))""", re.IGNORECASE)


def boundary_of(content_type: str) -> bytes:
    """The boundary of a multipart Content-Type; 1 to 70 characters (RFC 2046 5.1.1)."""
    found = _BOUNDARY.search(content_type[:1024])
    if not content_type.lower().startswith("multipart/related") or found is None:
        raise ProtocolError(f"Content-Type {printable(content_type, 100)!r} is not multipart/related with a boundary")
    return (found[1] or found[2]).encode("latin-1")


def encode(parts: Sequence[Buffer], boundary: bytes, content_type: str = "application/dicom") -> list[Buffer]:
    """Buffers of a request body; the parts themselves are not copied."""
    head = b"\r\n--" + boundary + b"\r\nContent-Type: " + content_type.encode("ascii") + b"\r\n\r\n"
    out: list[Buffer] = []
    for part in parts:
        out += (head, part)
    return [*out, b"\r\n--" + boundary + b"--\r\n"]


@dataclass
class PartCounter:
    """Fed with pieces of a body; counts parts and the bytes inside them, and hashes them if asked.

    `first_part` is the perf_counter time when the first part was whole.
    """

    boundary: bytes
    hashing: bool = False
    parts: int = 0
    bytes: int = 0
    first_part: float = 0.0
    hashes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._mark = b"\r\n--" + self.boundary
        self._rest = bytearray(b"\r\n")  # the first delimiter may stand at the very start
        self._state = "preamble"
        self._hash = hashlib.sha256()
        self._steps = {
            "preamble": self._content,
            "part": self._content,
            "delimiter": self._delimiter,
            "headers": self._headers,
            "epilogue": self._epilogue,
        }

    def feed(self, piece: Buffer) -> None:
        """Take the next piece of the body."""
        self._rest += piece
        while self._steps[self._state]():
            pass

    def finish(self) -> None:
        """The body has ended: raises ProtocolError unless its closing delimiter came."""
        if self._state != "epilogue":
            raise ProtocolError(
                f"multipart body ends in its {self._state} after {self.parts} parts, without closing delimiter"
            )

    def _content(self) -> bool:
        """Before the first delimiter, or in a part: all that cannot be the start of a delimiter is content."""
        at = self._rest.find(self._mark)
        size = at if at >= 0 else max(len(self._rest) - len(self._mark) + 1, 0)
        if self._state == "part":
            self.bytes += size
            if self.hashing:
                self._hash.update(bytes(self._rest[:size]))
        if at < 0:
            del self._rest[:size]
            return False
        del self._rest[: size + len(self._mark)]
        if self._state == "part":
            self._end_part()
        self._state = "delimiter"
        return True

    def _end_part(self) -> None:
        self.parts += 1
        self.first_part = self.first_part or perf_counter()
        if self.hashing:
            self.hashes.append(self._hash.hexdigest())
            self._hash = hashlib.sha256()
        if self.parts > MOST_PARTS:
            raise ProtocolError(f"more than {MOST_PARTS} parts")

    def _delimiter(self) -> bool:
        """After the mark: "--" closes the body; anything else opens a part."""
        if len(self._rest) < 2:
            return False
        self._state = "epilogue" if self._rest[:2] == b"--" else "headers"
        return True

    def _headers(self) -> bool:
        """A part's headers end at an empty line, which is the first line when there are none."""
        at = self._rest.find(b"\r\n\r\n", 0, PART_HEADERS_CAP)
        if at < 0:
            if len(self._rest) >= PART_HEADERS_CAP:
                raise ProtocolError(f"headers of part {self.parts + 1} over {PART_HEADERS_CAP} bytes")
            return False
        del self._rest[: at + 4]
        self._state = "part"
        return True

    def _epilogue(self) -> bool:
        self._rest.clear()
        return False
