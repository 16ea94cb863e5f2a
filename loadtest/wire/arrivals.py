"""What a listener has received, study by study; safe to read from other threads or greenlets."""

import hashlib
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter

from loadtest.wire.command import NOT_AUTHORISED, OUT_OF_RESOURCES, SUCCESS
from loadtest.wire.pace import Pace
from loadtest.wire.scan import HEAD_CAP, find_uid

IMPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2"


@dataclass
class Arrival:
    """One study at the listener. Times are perf_counter seconds, NaN-free: 0.0 until something came."""

    study_uid: str
    objects: int = 0
    bytes: int = 0
    first_byte: float = 0.0
    first_object: float = 0.0
    last_object: float = 0.0
    pace: Pace | None = None  # of the link that the study comes over
    hashes: dict[str, str] = field(default_factory=dict)  # SOP Instance UID -> sha256 of the data set


class Arrivals:
    """All studies; `strangers` counts what was turned away, by cause."""

    def __init__(self, is_ours: Callable[[str], bool], only_expected: bool, hashing: bool, most_studies: int) -> None:
        self.is_ours, self.only_expected, self.hashing, self.most_studies = (
            is_ours,
            only_expected,
            hashing,
            most_studies,
        )
        self.studies: dict[str, Arrival] = {}
        self.strangers: Counter[str] = Counter()
        self.changed = threading.Condition()

    def expect(self, study_uid: str) -> Arrival:
        """Open the door for a study; its counts start at nothing."""
        with self.changed:
            arrival = self.studies[study_uid] = Arrival(study_uid)
        return arrival

    def pace_of(self, study_uid: str) -> Pace | None:
        """The link that a study comes over, if it is slower than the wire."""
        known = self.studies.get(study_uid)
        return known.pace if known is not None else None

    def forget(self, study_uid: str) -> None:
        """Close the door for a study and drop its record."""
        with self.changed:
            self.studies.pop(study_uid, None)

    def is_open(self) -> bool:
        """False when only expected studies may come and none is outstanding (rule Z8)."""
        return bool(self.studies) or not self.only_expected

    def turn_away(self, cause: str) -> None:
        """Count something that was refused."""
        with self.changed:
            self.strangers[cause] += 1

    def admit(self, study_uid: str) -> tuple[Arrival | None, int]:
        """The study's record, or None with the status that says why it is refused."""
        with self.changed:
            known = self.studies.get(study_uid)
            if known is None and (self.only_expected or not study_uid or not self.is_ours(study_uid)):
                self.strangers["object of a study that is not ours"] += 1
                return None, NOT_AUTHORISED
            if known is None and len(self.studies) >= self.most_studies:
                self.strangers["more studies than the listener remembers"] += 1
                return None, OUT_OF_RESOURCES
            return self.studies.setdefault(study_uid, Arrival(study_uid)), SUCCESS

    def add(self, arrival: Arrival, size: int, began: float, instance: str, digest: str) -> None:
        """Count one object that is whole."""
        with self.changed:
            now = perf_counter()
            arrival.objects += 1
            arrival.bytes += size
            arrival.first_byte = arrival.first_byte or began
            arrival.first_object = arrival.first_object or now
            arrival.last_object = now
            if digest:
                arrival.hashes[instance] = digest
            self.changed.notify_all()

    def wait(self, arrival: Arrival, objects: int, timeout_s: float) -> bool:
        """Wait until `arrival` has this many objects; False when `timeout_s` ended first."""
        with self.changed:
            return self.changed.wait_for(lambda: arrival.objects >= objects, timeout_s)


class Incoming:
    """One object on its way in: finds its study in the first 64 kB, counts and hashes, keeps nothing else."""

    def __init__(self, arrivals: Arrivals, instance: str, syntax: str) -> None:
        self.arrivals, self.instance = arrivals, instance
        self.explicit = syntax != IMPLICIT_VR_LITTLE_ENDIAN
        self.began = perf_counter()
        self.size = 0
        self.study: str | None = None
        self._pace: Pace | None = None
        self._passed = 0
        self._head = bytearray()
        self._scan_at = 0
        self._hash = hashlib.sha256() if arrivals.hashing else None

    def write(self, fragment: memoryview) -> None:
        """Take a fragment of the data set."""
        self.size += len(fragment)
        if self._hash is not None:
            self._hash.update(fragment)
        if self.study is None and len(self._head) < HEAD_CAP:
            self._head += fragment[: HEAD_CAP - len(self._head)]
            if len(self._head) >= self._scan_at:  # doubling: tiny fragments cannot make us scan without end
                self.study = find_uid(bytes(self._head), self.explicit)
                self._scan_at = 2 * len(self._head)
                self._pace = self.arrivals.pace_of(self.study or "")
        if self._pace is not None:
            passed, self._passed = self._passed, self.size
            self._pace.take(self.size - passed)

    def end(self) -> int:
        """The object is whole: count it, or refuse it; the C-STORE status to answer with."""
        if self.study is None:
            self.study = find_uid(bytes(self._head), self.explicit)
        arrival, status = self.arrivals.admit(self.study or "")
        if arrival is not None:
            digest = self._hash.hexdigest() if self._hash is not None else ""
            self.arrivals.add(arrival, self.size, self.began, self.instance, digest)
        return status
