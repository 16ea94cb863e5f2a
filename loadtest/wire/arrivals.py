"""What a listener has received, study by study; safe to read from other threads or greenlets."""

import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Container
from dataclasses import dataclass
from time import perf_counter

from loadtest.wire.command import NOT_AUTHORISED, OUT_OF_RESOURCES, SUCCESS
from loadtest.wire.counted import Counted
from loadtest.wire.pace import Pace
from loadtest.wire.scan import HEAD_CAP, find_uid

IMPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2"
MOST_CAUSES, OTHER_CAUSES = 100, "other causes"


@dataclass
class Arrival(Counted):
    """One study at the listener. Times are perf_counter seconds, NaN-free: 0.0 until something came."""

    study_uid: str
    first_byte: float = 0.0
    pace: Pace | None = None  # of the link that the study comes over


class Arrivals:
    """All studies; `strangers` counts what was turned away, by cause; beyond MOST_CAUSES, in one row."""

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

    def expect(self, study_uid: str, instances: Container[str] | None = None) -> Arrival:
        """Open the door for a study, or for these SOP instances of it; its counts start at nothing."""
        with self.changed:
            arrival = self.studies[study_uid] = Arrival(study_uid, instances=instances)
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
            self._count(cause)

    def _count(self, cause: str) -> None:
        known = cause in self.strangers or len(self.strangers) < MOST_CAUSES
        self.strangers[cause if known else OTHER_CAUSES] += 1

    def take(self, study_uid: str, began: float, instance: str, size: int, digest: str) -> int:
        """Count one object that is whole, or refuse it; the C-STORE status that says which."""
        with self.changed:
            arrival, status = self._admit(study_uid)
            if arrival is None:
                return status
            status = arrival.count(instance, size, digest)
            if status == NOT_AUTHORISED:
                self._count("object that is none of the study's")
            elif status == SUCCESS:
                arrival.first_byte = arrival.first_byte or began
                self.changed.notify_all()
            return status

    def _admit(self, study_uid: str) -> tuple[Arrival | None, int]:
        """The study's record, or None with the status that says why it is refused."""
        known = self.studies.get(study_uid)
        if known is None and (self.only_expected or not study_uid or not self.is_ours(study_uid)):
            self._count("object of a study that is not ours")
            return None, NOT_AUTHORISED
        if known is None and len(self.studies) >= self.most_studies:
            self._count("more studies than the listener remembers")
            return None, OUT_OF_RESOURCES
        return self.studies.setdefault(study_uid, Arrival(study_uid)), SUCCESS

    def wait(self, arrival: Arrival, objects: int, timeout_s: float) -> bool:
        """Wait until so many have come, also such as came before; False when `timeout_s` ended first."""
        with self.changed:
            return self.changed.wait_for(lambda: arrival.objects + arrival.repeated >= objects, timeout_s)


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
        digest = self._hash.hexdigest() if self._hash is not None else ""
        return self.arrivals.take(self.study or "", self.began, self.instance, self.size, digest)
