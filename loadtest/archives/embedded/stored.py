"""One stored object, as index, vault and services speak of it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stored:
    """Its own `number` names it in the vault; `size` is its encoded data set in bytes."""

    number: int
    sop_class: str
    instance: str
    transfer_syntax: str
    study: str
    series: str
    size: int
