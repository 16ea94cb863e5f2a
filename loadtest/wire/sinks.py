"""Where received objects go: counted, perhaps hashed, never written, never named by the peer (rule Z1)."""

import hashlib
from dataclasses import dataclass, field
from time import perf_counter
from typing import Protocol

from loadtest.wire.command import SUCCESS


class Sink(Protocol):
    """Takes the objects of a C-GET one after another."""

    def begin(self, sop_class: str, sop_instance: str, transfer_syntax: str) -> None:
        """An object starts."""

    def write(self, fragment: memoryview) -> object:
        """A piece of its data set; the memory is used again after the call."""

    def end(self) -> int:
        """The object is whole; the answer is the C-STORE status that goes to the archive."""


@dataclass
class CountingSink:
    """Counts objects and data set bytes; with `hashing`, sha256 of each data set by SOP Instance UID.

    `first_object` is the perf_counter time when the first one was whole: the time to first image. `most` bounds what is
    remembered: more objects than that are a refusal (A700), never more memory.
    """

    hashing: bool = False
    most: int = 100_000
    objects: int = 0
    bytes: int = 0
    first_object: float = 0.0
    sizes: dict[str, int] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)

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
        if self.objects >= self.most:
            return 0xA700
        self.objects += 1
        self.first_object = self.first_object or perf_counter()
        self.bytes += self._size
        self.sizes[self._instance] = self._size
        if self._hash is not None:
            self.hashes[self._instance] = self._hash.hexdigest()
        return SUCCESS
