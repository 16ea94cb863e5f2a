"""What a check says, and what all checks of one pre-flight share."""

import textwrap
from dataclasses import dataclass, field
from typing import Literal

from loadtest.archives.probe import SYNTAX, Probe
from loadtest.archives.target import Destination, Target
from loadtest.wire import TcpProfile, Timeouts
from loadtest.wire.settings import ANNOUNCED

Outcome = Literal["ok", "refused", "failed", "not offered", "not asked"]


@dataclass(frozen=True)
class CheckResult:
    """One service: `ok`, refused by the archive, failed, not offered there, or not asked (its cause says why)."""

    service: str
    outcome: Outcome
    cause: str = ""
    mend: str = ""
    seconds: float = 0.0

    @property
    def is_ok(self) -> bool:
        """Whether nothing is to be mended before a run that needs this service."""
        return self.outcome == "ok"

    def line(self) -> str:
        """One line for a terminal; the mend below it, indented."""
        words = f"{self.service:<11} {self.outcome:<11} {self.seconds * 1e3:7.1f} ms  {self.cause}".rstrip()
        return words + (textwrap.indent(f"\nmend: {self.mend}", " " * 12) if self.mend else "")


@dataclass(frozen=True)
class Means:
    """How a pre-flight connects, and in which transfer syntax its objects are; `max_pdu` bytes are announced."""

    profile: TcpProfile = TcpProfile.TUNED
    timeouts: Timeouts = field(default_factory=lambda: Timeouts(5.0, 10.0, 20.0))
    syntax: str = SYNTAX
    max_pdu: int = ANNOUNCED


@dataclass
class Preflight:
    """One pre-flight: the target, our AE title, how we connect, and the two objects, one for each door."""

    target: Target
    calling_ae: str = "FILMLESS"
    means: Means = field(default_factory=Means)
    by_dimse: Probe = field(default_factory=Probe)
    by_web: Probe = field(default_factory=Probe)
    passed: set[str] = field(default_factory=set)

    @property
    def timeouts(self) -> Timeouts:
        """The bounds of each connection."""
        return self.means.timeouts

    def known(self) -> list[Destination]:
        """Our AE titles as the archive must know them: the caller, and each C-MOVE listener."""
        listeners = self.target.destinations
        port = listeners[0].port if listeners else 11112
        host = listeners[0].host if listeners else "127.0.0.1"
        others = [one for one in listeners if one.ae_title != self.calling_ae]
        return [Destination(ae_title=self.calling_ae, host=host, port=port), *others]
