"""Where the objects' bytes are: a dictionary, or files that are named by our own number, never by a peer's UID."""

from pathlib import Path
from typing import Protocol

from loadtest.archives.embedded.part10 import data_set_of, head
from loadtest.archives.embedded.stored import Stored


class Vault(Protocol):
    """Keeps encoded data sets under numbers."""

    def put(self, stored: Stored, data_set: bytes) -> None:
        """Keep an object: `data_set` is its bytes as they came."""

    def get(self, number: int) -> bytes:
        """The data set as it came. Raises OSError when it cannot be read."""

    def drop(self, number: int) -> None:
        """Forget an object."""


class MemoryVault:
    """Objects in memory: gone when the process ends."""

    def __init__(self) -> None:
        self._objects: dict[int, bytes] = {}

    def put(self, stored: Stored, data_set: bytes) -> None:
        """Keep the bytes themselves; nothing is copied."""
        self._objects[stored.number] = data_set

    def get(self, number: int) -> bytes:
        """The data set as it came."""
        try:
            return self._objects[number]
        except KeyError:
            raise FileNotFoundError(f"object {number} is not in memory") from None

    def drop(self, number: int) -> None:
        """Forget an object."""
        self._objects.pop(number, None)


class FileVault:
    """Objects as Part 10 files, a thousand to a folder, that any DICOM tool can open."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: set[Path] = set()

    def path(self, number: int) -> Path:
        """`<folder>/000012/000012345.dcm` for object 12345."""
        return self._folder / f"{number // 1000:06d}" / f"{number:09d}.dcm"

    def put(self, stored: Stored, data_set: bytes) -> None:
        """Write the file; it is complete before the index knows it, so a reader never sees half of one."""
        path = self.path(stored.number)
        if path.parent not in self._made:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._made.add(path.parent)
        with path.open("wb") as file:
            file.write(head(stored.sop_class, stored.instance, stored.transfer_syntax))
            file.write(data_set)

    def get(self, number: int) -> bytes:
        """The data set as it came."""
        return bytes(data_set_of(self.path(number).read_bytes()))

    def drop(self, number: int) -> None:
        """Remove the file."""
        self.path(number).unlink(missing_ok=True)
