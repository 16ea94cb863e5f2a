"""What an operation gives back."""

from functools import lru_cache
from typing import NamedTuple

from pynetdicom.status import code_to_category

from loadtest.wire.command import Command


class Reply(NamedTuple):
    """The final response of an operation; times are `time.perf_counter()` seconds.

    `sent`: the kernel had the last byte of the request; `first_byte`: first byte of the first response; `end`: final
    response read. `completed`, `failed`, `warned` are sub-operations of C-MOVE and C-GET; `cut` counts C-FIND answers
    over the cap, which were read and thrown away.
    """

    status: int
    first_byte: float
    end: float
    completed: int | None = None
    failed: int | None = None
    comment: str = ""
    warned: int | None = None
    sent: float = 0.0
    cut: int = 0

    @property
    def category(self) -> str:
        """Success, Warning, Failure, Cancel, Pending or Unknown (PS3.7 annex C), by pynetdicom's table."""
        return _category(self.status)

    @property
    def ok(self) -> bool:
        """True when the archive says it did it: success or a warning."""
        return self.category in ("Success", "Warning")


@lru_cache(maxsize=1024)
def _category(status: int) -> str:
    return code_to_category(status)


_TOLD_BY_FEW = (0x0902, 0x1021, 0x1022, 0x1023)


def reply_from(command: Command, sent: float, first_byte: float, end: float, cut: int = 0) -> Reply:
    """Reply of a final response: status (0000,0900), sub-operations (0000,1021-1023), comment (0000,0902)."""
    if command.values.keys().isdisjoint(_TOLD_BY_FEW):
        return Reply(command.status, first_byte, end, sent=sent, cut=cut)
    return Reply(
        status=command.status,
        first_byte=first_byte,
        end=end,
        completed=command.number(0x1021),
        failed=command.number(0x1022),
        comment=command.comment,
        warned=command.number(0x1023),
        sent=sent,
        cut=cut,
    )
