"""A site's link in user space: bytes pass at the link's rate, whoever sends or receives them (a token bucket).

The rate is that of the wide area network; loopback itself is thousands of times faster. A byte has passed when its
turn has come: an image of n bytes on a link that nobody else uses takes n / rate seconds. A link may be down for a
while: what is on it stays where it is, and goes on when the link is back.
"""

from collections.abc import Sequence
from math import inf
from time import perf_counter, sleep

from loadtest.wire.errors import ConnectFailed

Steps = Sequence[tuple[float, float]]  # (from that second on, share of the rate), ascending; the last share is 1
CHUNK_S = 0.01  # of the link's time that is sent in one piece
LATE_S = 0.005


class Pace:
    """One direction of one link, first come, first served; greenlets share it without a lock, for none switches here.

    `burst_s`: time that an idle link may have saved up. A few milliseconds, so that who is woken late makes up for it.
    """

    def __init__(self, bytes_s: float, burst_s: float = LATE_S) -> None:
        """`bytes_s` may be infinite: then only `outages` hold anything up."""
        if not bytes_s > 0:
            raise ValueError(f"a link of {bytes_s:g} bytes/s: give a rate above 0")
        self.bytes_s, self._burst_s = bytes_s, burst_s
        self._free_at = 0.0
        self.outages: Steps = ()
        self.chunk = max(256, int(min(65536, bytes_s * CHUNK_S)))

    def take(self, size: int, until: float = inf) -> float:
        """Wait until so many bytes have passed, at most until a time; returns how long it took."""
        began = perf_counter()
        self._free_at = passed(max(self._free_at, began - self._burst_s), size / self.bytes_s, self.outages)
        end = min(self._free_at, until)
        while (left := end - perf_counter()) > 0:
            sleep(left)
        return perf_counter() - began


def passed(start: float, work_s: float, steps: Steps) -> float:
    """When work that takes `work_s` at the full rate is done, begun at `start`."""
    since, share = -inf, 1.0
    for end, following in steps:
        if end > start:
            begin = max(start, since)
            if share > 0 and begin + work_s / share <= end:
                return begin + work_s / share
            work_s -= (end - begin) * share
            start = end
        since, share = end, following
    return start + work_s


class Link:
    """Both directions of a site's link."""

    def __init__(self, bytes_s: float) -> None:
        self.up, self.down = Pace(bytes_s), Pace(bytes_s)

    def fail(self, steps: Steps) -> None:
        """Let both directions have outages, at perf_counter times; none: all is well from now on."""
        self.up.outages = self.down.outages = steps

    def reach(self, within_s: float) -> None:
        """Wait until a new connection gets through; raises ConnectFailed when it does not in time."""
        now = perf_counter()
        open_at = passed(now, 0.0, self.up.outages)
        sleep(max(0.0, min(open_at - now, within_s)))
        if open_at > now + within_s:
            raise ConnectFailed(f"the site's link is down (a fault that is played): nothing within {within_s:g} s")
