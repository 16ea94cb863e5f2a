"""UIDs as functions of seed, exam and object, under one root a seed: any worker makes any object, and all can be found.

Root: 2.25.<UUID as a decimal> (ITU-T X.667; PS3.5 B.2), of 39 digits, so that every UID has one length and a template
can be overwritten in place. No component has a leading zero (PS3.5 9.1).
"""

from functools import lru_cache
from uuid import UUID, uuid5

NAMESPACE = UUID("6f1d6f0e-52c5-4d0e-9a3b-2f6a9f0c2004")  # this project's own
IMPLEMENTATION_UID = f"2.25.{NAMESPACE.int}"
DIGITS = 39


@lru_cache(maxsize=64)
def root(seed: int) -> str:
    """The UID root of a seed; of the UUIDs that its name gives, the first with 39 digits."""
    tries = (uuid5(NAMESPACE, f"{seed}/{i}").int for i in range(10_000))
    return f"2.25.{next(n for n in tries if len(str(n)) == DIGITS)}"


def study_uid(seed: int, exam: int) -> str:
    """58 characters; `exam` is the exam table's id, below 10**12."""
    return f"{root(seed)}.1{exam:012d}"


def series_uid(seed: int, exam: int) -> str:
    """60 characters; a study has one series."""
    return f"{study_uid(seed, exam)}.1"


def instance_uid(seed: int, exam: int, number: int) -> str:
    """64 characters; number from 0 to 9,999."""
    return f"{study_uid(seed, exam)}.2{number:04d}"
