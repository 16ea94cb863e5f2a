"""Finding one UID near the start of a peer's data set, without trusting any length in it (PS3.5 chapter 7)."""

from dataclasses import dataclass

from loadtest.wire.errors import ProtocolError, printable

HEAD_CAP = 64 * 1024
DEEPEST = 16  # rule Z3
STUDY_INSTANCE_UID = 0x0020000D
_UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
# VRs with two reserved bytes and a length of four (PS3.5 table 7.1-1).
_LONG = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))


class _MoreNeeded(Exception):
    """The bytes end before the element does."""


@dataclass
class _Walk:
    data: bytes
    explicit: bool
    at: int = 0

    def header(self) -> tuple[int, int]:
        """Tag and value length of the next element; `at` moves to its value."""
        if len(self.data) - self.at < 8:
            raise _MoreNeeded
        start = self.data[self.at : self.at + 8]
        tag = int.from_bytes(start[:2], "little") << 16 | int.from_bytes(start[2:4], "little")
        self.at += 8
        if not self.explicit or tag >> 16 == 0xFFFE:
            return tag, int.from_bytes(start[4:8], "little")
        if start[4:6] not in _LONG:
            return tag, int.from_bytes(start[6:8], "little")
        if len(self.data) - self.at < 4:
            raise _MoreNeeded
        self.at += 4
        return tag, int.from_bytes(self.data[self.at - 4 : self.at], "little")

    def skip(self, length: int, depth: int = 1) -> None:
        """Step over a value; one of undefined length holds items up to its delimiter."""
        if length != _UNDEFINED:
            self.at += length
            return
        if depth > DEEPEST:
            raise ProtocolError(f"data set: sequences nested deeper than {DEEPEST}")
        while True:
            tag, size = self.header()
            if tag == _SEQUENCE_END:
                return
            if tag != _ITEM:
                raise ProtocolError(f"data set: tag {tag:08X} where a sequence item was due")
            if size == _UNDEFINED:
                self._skip_item(depth)
            else:
                self.skip(size)

    def _skip_item(self, depth: int) -> None:
        while True:
            tag, size = self.header()
            if tag == _ITEM_END:
                return
            self.skip(size, depth + 1)


def find_uid(head: bytes, explicit: bool, wanted: int = STUDY_INSTANCE_UID) -> str | None:
    """A top-level UID element's value in a little endian data set; "" = absent, None = more bytes are needed.

    Raises ProtocolError for a nesting or structure that cannot be.
    """
    walk = _Walk(head, explicit)
    try:
        while True:
            tag, length = walk.header()
            if tag > wanted:
                return ""
            if tag == wanted:
                return _value(walk, length)
            walk.skip(length)
    except _MoreNeeded:
        return None


def _value(walk: _Walk, length: int) -> str | None:
    if length > 64:
        raise ProtocolError(f"data set: a UID of {length} bytes; 64 are allowed")
    if len(walk.data) - walk.at < length:
        return None
    return printable(walk.data[walk.at : walk.at + length], 64)
