"""Objects that come back, counted: each SOP Instance UID once, and only those that were asked for, where that is known.

An archive that sends the same object again, or another one of our study, has not given the study back (rule Z8).
"""

from collections.abc import Container
from dataclasses import dataclass, field
from time import perf_counter

from loadtest.wire.command import NOT_AUTHORISED, OUT_OF_RESOURCES, SUCCESS

MOST_OBJECTS = 100_000


@dataclass(kw_only=True)
class Counted:
    """`objects` are different ones; `repeated` came again, `foreign` were refused for they are none of `instances`.

    `bytes` are of all data sets taken. Times are perf_counter seconds, 0.0 until the first object was whole. `most`
    bounds what is remembered: more objects than that are a refusal (A700), never more memory.
    """

    instances: Container[str] | None = None  # SOP Instance UIDs that are asked for; None = whatever comes
    most: int = MOST_OBJECTS
    objects: int = 0
    repeated: int = 0
    foreign: int = 0
    bytes: int = 0
    first_object: float = 0.0
    last_object: float = 0.0
    sizes: dict[str, int] = field(default_factory=dict)  # SOP Instance UID -> bytes of the data set
    hashes: dict[str, str] = field(default_factory=dict)  # SOP Instance UID -> sha256 of the data set

    def count(self, instance: str, size: int, digest: str) -> int:
        """Count an object that is whole; the C-STORE status to answer with."""
        if self.instances is not None and instance not in self.instances:
            self.foreign += 1
            return NOT_AUTHORISED
        if instance in self.sizes:
            self.repeated += 1
            self.bytes += size
            return SUCCESS
        if self.objects >= self.most:
            return OUT_OF_RESOURCES
        self.last_object = perf_counter()
        self.first_object = self.first_object or self.last_object
        self.objects += 1
        self.bytes += size
        self.sizes[instance] = size
        if digest:
            self.hashes[instance] = digest
        return SUCCESS
