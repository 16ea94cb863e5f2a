"""How each kind of operation is carried out on the wire, and what is known of it afterwards."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import nan

from gevent import GreenletExit

from loadtest.play.traffic import Operation
from loadtest.verdict.records import NO_STATUS
from loadtest.wire import AssociationRejected, ContextRefused, Reply, WireError
from loadtest.wire.errors import printable

WAS_ENDED = "ended with the play, before an answer came"


@dataclass
class Sent:
    """One object that was handed to an association, or one request of a view; times are perf_counter seconds."""

    number: int
    start: float
    sent: float
    first_byte: float
    end: float
    bytes: int
    status: int
    outcome: str
    kind: str = "store"
    first_object: float = nan


@dataclass
class Done:
    """What came of an operation; filled while it goes on, so that what was done before an error is kept.

    Times are perf_counter seconds, NaN for what did not happen.
    """

    first_byte: float = nan
    first_object: float = nan
    end: float = nan
    blocked_s: float = 0.0
    connect_s: float = 0.0
    negotiate_s: float = 0.0
    objects: int = 0
    bytes: int = 0
    status: int = NO_STATUS
    outcome: str = "failed"
    detail: str = ""
    sent: list[Sent] = field(default_factory=list)

    def note(self, outcome: str, status: int = NO_STATUS, detail: str = "") -> None:
        """The operation's outcome; a peer's words are made printable."""
        self.outcome, self.status, self.detail = outcome, status, printable(detail)

    def error(self, error: BaseException) -> None:
        """The outcome that an exception means."""
        self.note(*outcome_of(error))


Service = Callable[[Operation, Done], None]  # raises WireError


def outcome_of(error: BaseException, left: bool = True) -> tuple[str, int, str]:
    """(outcome, status, detail) of a WireError, or of a greenlet that was ended when its request had `left` or not."""
    if isinstance(error, GreenletExit):
        return "unknown" if left else "failed", NO_STATUS, WAS_ENDED
    said = f"{type(error).__name__}: {error}"
    if isinstance(error, WireError) and error.unknown:
        return "unknown", NO_STATUS, said
    refused = isinstance(error, (AssociationRejected, ContextRefused))
    return "refused" if refused else "failed", NO_STATUS, said


def worst(outcomes: Iterable[str]) -> str:
    """The outcome of a whole from those of its parts."""
    found = set(outcomes)
    return next((one for one in ("unknown", "failed", "refused") if one in found), "ok")


def words(reply: Reply) -> str:
    """Status, its category and the archive's comment."""
    return f"{reply.status:04X}H {reply.category}" + (f": {reply.comment}" if reply.comment else "")
