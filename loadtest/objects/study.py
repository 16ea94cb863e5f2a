"""A study to be made: what the traffic table says of it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Study:
    """One exam's study; `objects` instances numbered from 0."""

    exam: int
    modality: str
    patient: int
    objects: int
    acquired: datetime
    cluster: str
    supplier: str
    site: str
    ae_title: str
