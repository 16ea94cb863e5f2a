"""What null mode has swallowed: counted by several processes, each in cells of its own in memory that they share."""

from mmap import mmap
from threading import Lock

APART = 8  # cells from one process's to the next: a line of the processor's cache, or they would wait for each other


class Counts:
    """Objects and bytes; `add` from any thread of any process, each of which has taken a number of its own."""

    def __init__(self, processes: int = 1) -> None:
        self._cells = memoryview(mmap(-1, processes * APART * 8)).cast("q")
        self._mine, self._lock = 0, Lock()

    def take_number(self, number: int) -> None:
        """In a forked process: 1 to `processes` - 1."""
        self._mine, self._lock = number * APART, Lock()

    def add(self, size: int) -> None:
        """One object of `size` bytes."""
        with self._lock:
            self._cells[self._mine] += 1
            self._cells[self._mine + 1] += size

    def totals(self) -> tuple[int, int]:
        """Objects and bytes of all processes."""
        return sum(self._cells[::APART]), sum(self._cells[1::APART])
