"""Where C-MOVE sends: our own listener, at which a retrieve's latency is read."""

from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from time import perf_counter

from loadtest.play.services import Done
from loadtest.wire import StoreListener
from loadtest.wire.arrivals import Arrival
from loadtest.wire.pace import Pace

ARRIVES_WITHIN_S = 5.0  # after the archive has said that all is sent


@dataclass
class Expected:
    """A study on its way; `blocked_s`: how long another C-MOVE of the same study was waited for."""

    listener: StoreListener
    arrival: Arrival
    blocked_s: float

    @property
    def first_byte(self) -> float:
        """When the first object began to arrive, perf_counter seconds."""
        return self.arrival.first_byte

    @property
    def last_object(self) -> float:
        """When the last object was whole, perf_counter seconds."""
        return self.arrival.last_object

    def wait(self, objects: int) -> None:
        """Wait for so many objects, a bounded time: the final response may overtake the last of them."""
        self.listener.wait(self.arrival.study_uid, objects, ARRIVES_WITHIN_S)

    def tell(self, done: Done) -> None:
        """Write what has arrived into the operation's record."""
        done.objects, done.bytes = self.arrival.objects, self.arrival.bytes
        if self.arrival.objects:
            done.first_object = self.arrival.first_object


class Destination:
    """One listener, shared by the workstations of an archive. It takes only studies that are expected (rule Z8)."""

    def __init__(self, listener: StoreListener) -> None:
        self.listener, self.ae_title = listener, listener.ae_title
        self._locks: dict[str, tuple[Lock, int]] = {}

    @contextmanager
    def expecting(
        self, study_uid: str, pace: Pace | None = None, instances: Container[str] | None = None
    ) -> Iterator[Expected]:
        """Expect a study, of `instances` where they are known.

        Two at once could not be told apart at the listener, so the second waits for the first.
        """
        began = perf_counter()
        lock, users = self._locks.get(study_uid, (Lock(), 0))
        self._locks[study_uid] = lock, users + 1
        try:
            with lock:
                arrival = self.listener.expect(study_uid, instances)
                arrival.pace = pace
                try:
                    yield Expected(self.listener, arrival, perf_counter() - began)
                finally:
                    self.listener.forget(study_uid)
        finally:
            lock, users = self._locks.pop(study_uid)
            if users > 1:
                self._locks[study_uid] = lock, users - 1
