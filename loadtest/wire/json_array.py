"""A DICOM JSON array as it streams in (PS3.18 annex F): read object by object, so that only what is kept takes memory.

JSON is a bomb: three bytes of `{},` become 72 bytes of Python objects (rule Z5).
"""

import codecs
import json
import re
from typing import Any

from loadtest.wire.errors import ProtocolError

ITEM_CAP = 4 << 20  # characters of one object; the metadata of a long multi-frame object are some MB
MOST_ITEMS = 100_000
KEPT_CAP = 48 << 20  # bytes of memory of what is kept of an operation's answers: 3,000 with 25 attributes each
_VALUE = 80  # bytes of memory for each bracket, comma and colon: seldom less, and never much more
_SPACE = re.compile(r"[ \t\n\r]*")
_NEXT = {"[": "{]", ",": "{", "]": ""}  # what may follow
_decoder = json.JSONDecoder()


def weight(text: str) -> int:
    """Bytes of memory that JSON text takes as Python objects, rather too many than too few, without reading it."""
    wide = 1 if text.isascii() and "\\u" not in text else 4
    return wide * len(text) + _VALUE * sum(map(text.count, "{[,:"))


class JsonArray:
    """Fed with pieces of a body. `count` objects came, the first `keep` of them are `kept`, within `room` bytes.

    Raises ProtocolError for what is no array of objects, and for one that would take too much memory or time.
    """

    def __init__(self, keep: int, room: int = KEPT_CAP) -> None:
        self.keep, self.room = keep, room
        self.kept: list[dict[str, Any]] = []
        self.count = self.bytes = 0
        self._raw, self._text, self._due = bytearray(), "", "["
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._again = 0  # characters that are waited for when an object is not whole

    def feed(self, piece: bytes) -> None:
        """Take the next piece of the body."""
        self._raw += piece
        self.bytes += len(piece)
        if len(self._text) + len(self._raw) >= self._again:
            self._take(ended=False)

    def finish(self) -> None:
        """The body has ended: raises ProtocolError unless the array was whole."""
        self._take(ended=True)
        if self._due or self._text:
            raise ProtocolError(f"the answer of {self.bytes} bytes is not a whole JSON array of objects")

    def _take(self, ended: bool) -> None:
        """Read all objects that are whole."""
        try:
            self._text += self._decode(bytes(self._raw), ended)
        except UnicodeDecodeError as error:
            raise ProtocolError("the answer is not JSON in UTF-8") from error
        self._raw.clear()
        if weight(self._text) > KEPT_CAP:
            raise ProtocolError(f"JSON of {len(self._text)} characters would take more than {KEPT_CAP} bytes of memory")
        self._text = self._text[self._objects() :]
        self._again = 2 * len(self._text)
        if len(self._text) > ITEM_CAP:
            raise ProtocolError(f"an object of over {ITEM_CAP} characters, or no JSON")

    def _objects(self) -> int:
        """Where the last whole object ends."""
        at = 0
        while (at := _SPACE.match(self._text, at).end()) < len(self._text):  # type: ignore[union-attr]
            char = self._text[at]
            if char not in self._due:
                raise ProtocolError("the answer must be a JSON array of objects (PS3.18 annex F)")
            end = self._object(at) if char == "{" else at + 1
            if end is None:
                break
            at, self._due = end, _NEXT.get(char, ",]")
        return at

    def _object(self, at: int) -> int | None:
        """Read the object that begins here; where it ends, or None when more is needed."""
        try:
            found, end = _decoder.raw_decode(self._text, at)
        except RecursionError as error:
            raise ProtocolError("the answer's JSON is nested too deeply") from error
        except ValueError:  # not whole, or no JSON: the bounds tell in the end
            return None
        self.count += 1
        if self.count > MOST_ITEMS:
            raise ProtocolError(f"more than {MOST_ITEMS} objects in one answer")
        if len(self.kept) < self.keep:
            self._keep(found, weight(self._text[at:end]))
        return end

    def _keep(self, found: dict[str, Any], size: int) -> None:
        self.room -= size
        if self.room < 0:
            raise ProtocolError(f"the answers would take more than {KEPT_CAP} bytes of memory: ask for fewer of them")
        self.kept.append(found)
