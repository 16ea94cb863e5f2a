"""What a caller chooses about a connection: whom, how long, and how TCP behaves."""

import math
import ssl
from dataclasses import dataclass
from typing import ClassVar

from loadtest.wire.identity import UserIdentity

# Project UID of the implementation (PS3.7 D.3.3.2); from a UUID, as PS3.5 B.2 allows.
IMPLEMENTATION_UID = "2.25.151672253793378811086623117321224212041"
IMPLEMENTATION_VERSION = "FILMLESS_1"
SMALLEST_PDU, LARGEST_PDU = 4096, 1 << 20
ANNOUNCED = 131072  # bytes of a PDU that we take, unless something else is asked for
LARGEST_WINDOW = 64  # answers of about 150 bytes, which must fit the kernel's buffers while a large object leaves


@dataclass(frozen=True, slots=True)
class Peer:
    """An archive's DICOM address, which also says whether it is reached by TLS: nobody can forget it and send plain.

    `name`: whose certificate it must be, where `host` is a name's pinned address. `identity`: who we are to it.
    """

    host: str
    port: int
    ae_title: str
    name: str = ""
    tls: ssl.SSLContext | None = None
    identity: UserIdentity | None = None

    def __post_init__(self) -> None:
        check_ae_title(self.ae_title)
        if not 1 <= self.port <= 65535:
            raise ValueError(f"port {self.port}: allowed are 1 to 65535")


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Bounds in seconds: TCP connect, each PDU that is waited for, and a whole operation.

    The longest that an operation can take is `operation_s`; opening an association adds `connect_s`.
    """

    connect_s: float = 5.0
    response_s: float = 30.0
    operation_s: float = 60.0

    def __post_init__(self) -> None:
        for name in ("connect_s", "response_s", "operation_s"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name} is {value}: a wait must end; give seconds above 0")


DEFAULT_TIMEOUTS = Timeouts()


@dataclass(frozen=True, slots=True)
class TcpProfile:
    """How the sockets behave, named because it decides the latency (findings, section 1).

    `quick_ack` asks Linux to acknowledge at once what has been read. Servers that leave Nagle's algorithm on
    and answer in two small writes otherwise wait about 40 ms for the delayed acknowledgement.
    `segment_bytes` (TCP_MAXSEG, 0 = the system's choice) avoids loopback's 64 kB segments. `congestion` names the
    algorithms to send by, the first that the system lets us have; where it lets us have none, its own. Devices send by
    CUBIC (RFC 9438). A machine that is set to BBR would hold images back by its pacing: 5,500 instead of 13,000 blocks
    of 512 kB a second into a receive buffer of 64 kB, which is DCMTK's.
    """

    name: str
    no_delay: bool
    quick_ack: bool
    segment_bytes: int = 0
    congestion: tuple[str, ...] = ("cubic", "reno")

    def __post_init__(self) -> None:
        if self.segment_bytes and not 88 <= self.segment_bytes <= 32767:
            raise ValueError(f"segment_bytes {self.segment_bytes}: Linux allows 88 to 32767; 0 leaves it to the system")

    TUNED: ClassVar["TcpProfile"]
    MODALITY: ClassVar["TcpProfile"]


TcpProfile.TUNED = TcpProfile("tuned", no_delay=True, quick_ack=True)
TcpProfile.MODALITY = TcpProfile("modality", no_delay=False, quick_ack=False)


def check_ae_title(title: str) -> str:
    """Return `title`, or raise ValueError: 1 to 16 characters of the default repertoire (PS3.5 6.2, AE)."""
    plain = all(" " <= c <= "~" and c != "\\" for c in title)
    if not plain or not 1 <= len(title) <= 16 or not title.strip():
        raise ValueError(f"AE title {title!r}: allowed are 1 to 16 printable ASCII characters without backslash")
    return title


def check_max_pdu(length: int) -> int:
    """Return `length`, or raise ValueError: the PDU length in bytes that we announce is never unlimited."""
    if not SMALLEST_PDU <= length <= LARGEST_PDU:
        raise ValueError(f"max_pdu {length}: allowed are {SMALLEST_PDU} to {LARGEST_PDU} bytes")
    return length


def check_window(most: int) -> int:
    """Return `most`, or raise ValueError: requests without an answer at once that we propose; 1 = synchronous."""
    if not 1 <= most <= LARGEST_WINDOW:
        raise ValueError(f"window {most}: allowed are 1 (synchronous) to {LARGEST_WINDOW} requests at once")
    return most
