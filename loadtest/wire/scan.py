"""Walking a peer's data set without trusting any length in it (PS3.5 chapter 7; rule Z3). Little endian only."""

from dataclasses import dataclass

from loadtest.wire.errors import ProtocolError, printable

HEAD_CAP = 64 * 1024
DEEPEST = 16
STUDY_INSTANCE_UID = 0x0020000D
_UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
# VRs with two reserved bytes and a length of four (PS3.5 table 7.1-1).
_LONG = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))


class _MoreNeeded(Exception):
    """The bytes end before the element does."""


@dataclass
class _Walk:
    """A place in a data set. `strict`: the whole data set is there, and sequences of defined length are entered too."""

    data: bytes
    explicit: bool
    strict: bool = False
    at: int = 0

    def header(self) -> tuple[int, int, bool]:
        """Tag, value length and whether the VR is SQ, of the next element; `at` moves to its value.

        Explicit VR: tag (4), VR (2), length (2), or VR (2), reserved (2), length (4); implicit: tag (4), length (4).
        """
        start = self._bytes(8)
        tag = int.from_bytes(start[:2], "little") << 16 | int.from_bytes(start[2:4], "little")
        if not self.explicit or tag >> 16 == 0xFFFE:
            return tag, int.from_bytes(start[4:8], "little"), False
        if start[4:6] not in _LONG:
            return tag, int.from_bytes(start[6:8], "little"), False
        return tag, int.from_bytes(self._bytes(4), "little"), start[4:6] == b"SQ"

    def _bytes(self, count: int) -> bytes:
        if len(self.data) - self.at < count:
            raise _MoreNeeded
        self.at += count
        return self.data[self.at - count : self.at]

    def value(self, length: int, is_sequence: bool, depth: int = 1) -> None:
        """Step over a value. One of undefined length holds items up to its delimiter."""
        if length == _UNDEFINED:
            self._items(depth, None)
        elif is_sequence and self.strict:
            self._items(depth, self._end(length))
        else:
            self.at = self._end(length)

    def _end(self, length: int) -> int:
        if self.strict and length > len(self.data) - self.at:
            raise ProtocolError(f"data set: a value claims {length} bytes where {len(self.data) - self.at} remain")
        return self.at + length

    def _items(self, depth: int, end: int | None) -> None:
        if depth > DEEPEST:
            raise ProtocolError(f"data set: sequences nested deeper than {DEEPEST}")
        while end is None or self.at < end:
            tag, size, _ = self.header()
            if tag == _SEQUENCE_END and end is None:
                return
            if tag != _ITEM:
                raise ProtocolError(f"data set: tag {tag:08X} where a sequence item was due")
            self._item(depth, None if size == _UNDEFINED else self._end(size))
        if end is not None and self.at != end:
            raise ProtocolError("data set: the items of a sequence are longer than the sequence")

    def _item(self, depth: int, end: int | None) -> None:
        if end is not None and not self.strict:
            self.at = end
            return
        while end is None or self.at < end:
            tag, size, is_sequence = self.header()
            if tag == _ITEM_END and end is None:
                return
            self.value(size, is_sequence, depth + 1)
        if end is not None and self.at != end:
            raise ProtocolError("data set: the elements of an item are longer than the item")


def find_uid(head: bytes, explicit: bool, wanted: int = STUDY_INSTANCE_UID) -> str | None:
    """A top-level UID element's value near the start of a data set; "" = absent, None = more bytes are needed.

    Raises ProtocolError for a nesting or structure that cannot be.
    """
    walk = _Walk(head, explicit)
    try:
        while True:
            tag, length, is_sequence = walk.header()
            if tag > wanted:
                return ""
            if tag == wanted:
                return _uid(walk, length)
            walk.value(length, is_sequence)
    except _MoreNeeded:
        return None


def _uid(walk: _Walk, length: int) -> str | None:
    if length > 64:
        raise ProtocolError(f"data set: a UID of {length} bytes; 64 are allowed")
    if len(walk.data) - walk.at < length:
        return None
    return printable(walk.data[walk.at : walk.at + length], 64)


def check_structure(raw: bytes, explicit: bool) -> None:
    """Raise ProtocolError unless every length fits what remains and nothing is nested too deeply."""
    walk = _Walk(raw, explicit, strict=True)
    try:
        while walk.at < len(raw):
            _, length, is_sequence = walk.header()
            walk.value(length, is_sequence)
    except _MoreNeeded as error:
        raise ProtocolError(f"data set: it ends inside an element, after {len(raw)} bytes") from error
