"""Who the synthetic patients are: numbers of the test range dealt out one to one, names and dates from the key.

NHS numbers 999 000 0000 to 999 999 9999 are reserved for tests; 909,091 of them have a valid check digit (modulus 11).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

ISSUER = "FILMLESS SYNTHETIC"
NHS_ISSUER = "NHS TEST RANGE 999"
FAMILY_NAME = "SYNTHETIC"
GIVEN_NAMES = ("ALEXANDRA", "BENJAMIN", "CATHERINE", "DOMINIC", "ELEANOR", "FREDERICK", "GWENDOLEN", "HUMPHREY")
NAME_WIDTH = 26


class TooManyPatients(ValueError):
    """More patients than NHS numbers in the test range."""


@lru_cache(maxsize=1)
def test_range() -> NDArray[np.int64]:
    """All valid NHS numbers of the 999 range, ascending, int64[909091]."""
    first_nine = np.arange(999_000_000, 1_000_000_000, dtype=np.int64)
    weighted = np.sum([(first_nine // 10**i % 10) * (i + 2) for i in range(9)], axis=0)
    check = 11 - weighted % 11
    check[check == 11] = 0
    valid = check != 10
    numbers: NDArray[np.int64] = first_nine[valid] * 10 + check[valid]
    return numbers


@dataclass(frozen=True, slots=True)
class Patient:
    """What an object's patient module says."""

    patient_id: str  # 14 characters, ours
    nhs_number: str  # 10 digits
    name: str
    birth_date: date


class Identities:
    """Deals NHS numbers to patient keys in ascending order of the keys.

    Raises:
        TooManyPatients: there are more keys than numbers.
    """

    def __init__(self, keys: Iterable[int]) -> None:
        self._keys = np.unique(np.fromiter(keys, dtype=np.int64))
        have = len(test_range())
        if len(self._keys) > have:
            raise TooManyPatients(
                f"{len(self._keys):,} patients, and the test range of NHS numbers holds {have:,}: "
                "take a shorter window or fewer clusters"
            )

    def __getitem__(self, key: int) -> Patient:
        at = int(np.searchsorted(self._keys, key))
        if at == len(self._keys) or self._keys[at] != key:
            raise KeyError(f"patient {key} is not among those that numbers were dealt to")
        name = f"{FAMILY_NAME}^{GIVEN_NAMES[key % len(GIVEN_NAMES)]}"
        born = date(1915, 1, 1) + timedelta(days=key * 7919 % 32_000)
        return Patient(f"FL{key:012d}", str(test_range()[at]), name, born)
