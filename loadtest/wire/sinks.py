"""Where received objects go: counted, perhaps hashed, never written, never named by the peer (rule Z1)."""

import hashlib
from dataclasses import dataclass
from typing import Protocol

from loadtest.wire.counted import Counted


class Sink(Protocol):
    """Takes the objects of a C-GET one after another."""

    def begin(self, sop_class: str, sop_instance: str, transfer_syntax: str) -> None:
        """An object starts."""

    def write(self, fragment: memoryview) -> object:
        """A piece of its data set; the memory is used again after the call."""

    def end(self) -> int:
        """The object is whole; the answer is the C-STORE status that goes to the archive."""


@dataclass
class CountingSink(Counted):
    """Counts objects and data set bytes; with `hashing`, sha256 of each data set by SOP Instance UID.

    `first_object` is the time to first image; see Counted.
    """

    hashing: bool = False

    def begin(self, sop_class: str, sop_instance: str, transfer_syntax: str) -> None:
        """See Sink."""
        self._instance, self._size = sop_instance, 0
        self._hash = hashlib.sha256() if self.hashing else None

    def write(self, fragment: memoryview) -> None:
        """See Sink."""
        self._size += len(fragment)
        if self._hash is not None:
            self._hash.update(fragment)

    def end(self) -> int:
        """See Sink."""
        return self.count(self._instance, self._size, self._hash.hexdigest() if self._hash is not None else "")
