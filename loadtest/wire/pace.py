"""A site's link in user space: bytes pass at the link's rate, whoever sends or receives them (a token bucket).

The rate is that of the wide area network; loopback itself is thousands of times faster. A byte has passed when its
turn has come: an image of n bytes on a link that nobody else uses takes n / rate seconds.
"""

from time import perf_counter, sleep

CHUNK_S = 0.01  # of the link's time that is sent in one piece
LATE_S = 0.005


class Pace:
    """One direction of one link, first come, first served; greenlets share it without a lock, for none switches here.

    `burst_s`: time that an idle link may have saved up. A few milliseconds, so that who is woken late makes up for it.
    """

    def __init__(self, bytes_s: float, burst_s: float = LATE_S) -> None:
        if not 0 < bytes_s < float("inf"):
            raise ValueError(f"a link of {bytes_s:g} bytes/s: give a rate above 0")
        self.bytes_s, self._burst_s = bytes_s, burst_s
        self._free_at = 0.0
        self.chunk = max(256, min(65536, int(bytes_s * CHUNK_S)))

    def take(self, size: int) -> float:
        """Wait until so many bytes have passed; returns the time that it took."""
        began = perf_counter()
        self._free_at = until = max(self._free_at, began - self._burst_s) + size / self.bytes_s
        while (left := until - perf_counter()) > 0:
            sleep(left)
        return perf_counter() - began


class Link:
    """Both directions of a site's link."""

    def __init__(self, bytes_s: float) -> None:
        self.up, self.down = Pace(bytes_s), Pace(bytes_s)
