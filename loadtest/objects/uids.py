"""UIDs as functions of seed, exam and object, under one root a seed: any worker makes any object, and all can be found.

Root: 2.25.<UUID as a decimal> (ITU-T X.667; PS3.5 B.2), of 39 digits, so that every UID has one length and a template
can be overwritten in place. No component has a leading zero (PS3.5 9.1).

    root                                            44 characters
    study     root + ".1" + exam, 12 digits         58
    series    study + ".1"                          60
    frame     study + ".3" (frame of reference)     60
    instance  study + ".2" + number, 4 digits       64, the most that a UID may have
"""

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from uuid import UUID, uuid5

NAMESPACE = UUID("6f1d6f0e-52c5-4d0e-9a3b-2f6a9f0c2004")  # this project's own
IMPLEMENTATION_UID = f"2.25.{NAMESPACE.int}"
DIGITS = 39
EXAMS = 10**12
DIGITS_OF_OBJECT = 4
OBJECTS = 10**DIGITS_OF_OBJECT
LOTS = 10**12


@lru_cache(maxsize=64)
def root(seed: int) -> str:
    """The UID root of a seed; of the UUIDs that its name gives, the first with 39 digits."""
    tries = (uuid5(NAMESPACE, f"{seed}/{i}").int for i in range(10_000))
    return f"2.25.{next(n for n in tries if len(str(n)) == DIGITS)}"


def lot_seed(seed: int, lot: int) -> int:
    """The seed whose root a lot's UIDs have: another for each lot from 1 below 10**12; that of lot 0 is `seed`."""
    if not lot:
        return seed
    return int.from_bytes(blake2b(f"{seed}/{lot}".encode(), digest_size=8).digest(), "big")


def study_uid(seed: int, exam: int) -> str:
    """58 characters; `exam` is the exam table's id, from 0 below 10**12. Raises ValueError outside."""
    if not 0 <= exam < EXAMS:
        raise ValueError(f"exam {exam}: a study UID holds 12 digits; take ids from 0 to {EXAMS - 1}")
    return f"{root(seed)}.1{exam:012d}"


def series_uid(seed: int, exam: int) -> str:
    """60 characters; a study has one series."""
    return f"{study_uid(seed, exam)}.1"


def frame_uid(seed: int, exam: int) -> str:
    """60 characters; the frame of reference that a study's slices share."""
    return f"{study_uid(seed, exam)}.3"


def instance_uid(seed: int, exam: int, number: int) -> str:
    """64 characters; number from 0 to 9,999. Raises ValueError outside."""
    return f"{study_uid(seed, exam)}.2{instance_digits(number)}"


def instance_digits(number: int) -> str:
    """An object's number in four digits."""
    if not 0 <= number < OBJECTS:
        raise ValueError(f"object {number}: a study holds objects 0 to {OBJECTS - 1}; split the study")
    return f"{number:0{DIGITS_OF_OBJECT}d}"


@dataclass(frozen=True, slots=True)
class Instances:
    """The SOP Instance UIDs of a study's objects from 0 below `objects`, to be asked for one: none is made for it."""

    study_uid: str
    objects: int

    def __contains__(self, uid: object) -> bool:
        start, digits = str(uid)[:-DIGITS_OF_OBJECT], str(uid)[-DIGITS_OF_OBJECT:]
        ours = start == f"{self.study_uid}.2" and digits.isascii() and digits.isdecimal()
        return ours and int(digits) < self.objects
