"""Who the synthetic patients are: numbers of the test range dealt out one to one, names and dates from the key.

NHS numbers 999 000 0000 to 999 999 9999 are reserved for tests; 909,091 of them have a valid check digit (modulus 11).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

ISSUER = "FILMLESS SYNTHETIC"
NHS_ISSUER = "NHS TEST RANGE 999"
FAMILY_NAME = "TEST-SYNTHETIC"
# nine letters each: a name is overwritten in place
WOMEN = ("ALEXANDRA", "CATHERINE", "CHARLOTTE", "FRANCESCA", "GENEVIEVE", "GWENDOLEN", "HENRIETTA", "JOSEPHINE")
MEN = ("ALEXANDER", "ARCHIBALD", "CHRISTIAN", "CORNELIUS", "FERDINAND", "FREDERICK", "NATHANIEL", "SEBASTIAN")
FIRST_BIRTH = date(1915, 1, 1)
BIRTH_DAYS = 32_000  # up to August 2002
KEYS = 10**12  # a Patient ID holds 12 digits


class TooManyPatients(ValueError):
    """More patients than NHS numbers in the test range."""


@lru_cache(maxsize=1)
def nhs_numbers() -> NDArray[np.int64]:
    """All valid NHS numbers of the 999 range, ascending, int64[909091]."""
    first_nine = np.arange(999_000_000, 1_000_000_000, dtype=np.int64)
    digits_sum = np.full(first_nine.shape, 9 * (10 + 9 + 8), dtype=np.int64)  # the leading 999 weigh 10, 9, 8
    for place in range(6):
        digits_sum += first_nine // 10**place % 10 * (place + 2)
    check = (11 - digits_sum % 11) % 11
    valid = check != 10  # no digit stands for ten: such numbers are not issued
    numbers: NDArray[np.int64] = first_nine[valid] * 10 + check[valid]
    numbers.flags.writeable = False
    return numbers


@dataclass(frozen=True, slots=True)
class Patient:
    """What an object's patient module says."""

    patient_id: str  # 14 characters, ours
    nhs_number: str  # 10 digits
    name: str  # 24 characters
    birth_date: date
    sex: str  # M or F


class Identities:
    """Deals NHS numbers to patient keys, one to one, in ascending order of the keys.

    Raises:
        TooManyPatients: there are more keys than numbers.
        ValueError: a key is below 0 or has more than 12 digits.
    """

    def __init__(self, keys: Iterable[int]) -> None:
        self._keys = np.unique(np.fromiter(keys, dtype=np.int64))
        have = len(nhs_numbers())
        if len(self._keys) > have:
            raise TooManyPatients(
                f"{len(self._keys):,} patients, and the test range of NHS numbers holds {have:,}: "
                "take a shorter window or fewer clusters"
            )
        if len(self._keys) and not 0 <= self._keys[0] <= self._keys[-1] < KEYS:
            raise ValueError(
                f"patient keys {self._keys[0]} to {self._keys[-1]}: a Patient ID holds keys from 0 to {KEYS - 1}"
            )

    def __len__(self) -> int:
        return len(self._keys)

    def __getitem__(self, key: int) -> Patient:
        at = int(np.searchsorted(self._keys, key))
        if at == len(self._keys) or self._keys[at] != key:
            raise KeyError(f"patient {key} is not among those that numbers were dealt to")
        drawn = int.from_bytes(blake2b(b"patient/%d" % key, digest_size=8).digest(), "little")
        female, drawn = drawn % 2, drawn // 2
        given = (WOMEN if female else MEN)[drawn % 8]
        born = FIRST_BIRTH + timedelta(days=drawn // 8 % BIRTH_DAYS)
        number = str(nhs_numbers()[at])
        return Patient(f"FL{key:012d}", number, f"{FAMILY_NAME}^{given}", born, "F" if female else "M")
