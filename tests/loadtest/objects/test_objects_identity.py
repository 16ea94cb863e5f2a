"""Patients: the test range of NHS numbers dealt out one to one and no further."""

import nhs_number
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.objects.identity import FIRST_BIRTH, Identities, TooManyPatients, nhs_numbers

VALID = 909_091


def test_the_range_holds_as_many_valid_numbers_as_said() -> None:
    numbers = nhs_numbers()
    assert len(numbers) == VALID == len(np.unique(numbers))
    assert 9_990_000_000 <= numbers.min() < numbers.max() <= 9_999_999_999


def test_the_check_digit_agrees_with_the_nhs_number_library() -> None:
    """Both ways in a stretch of the range: ours are valid, and none that is valid is missing."""
    stretch = range(9_994_123_000, 9_994_126_000)
    ours = set(nhs_numbers().tolist())
    assert [n for n in stretch if nhs_number.is_valid(str(n))] == [n for n in stretch if n in ours]
    assert all(nhs_number.is_valid(str(n)) for n in nhs_numbers()[::3_001])


def test_all_of_them_are_dealt_and_one_patient_more_is_refused() -> None:
    everyone = Identities(np.arange(VALID))
    assert len(everyone) == VALID
    assert everyone[0].nhs_number == str(nhs_numbers()[0])
    assert everyone[VALID - 1].nhs_number == str(nhs_numbers()[-1])
    with pytest.raises(TooManyPatients, match=r"909,092 patients.*909,091"):
        Identities(np.arange(VALID + 1))


@given(st.lists(st.integers(0, 10**12 - 1), min_size=1, max_size=50))
def test_numbers_and_ids_are_one_to_one_whatever_the_order(keys: list[int]) -> None:
    dealt, again = Identities(keys), Identities(reversed(keys))
    people = {key: dealt[key] for key in keys}
    assert len({p.nhs_number for p in people.values()}) == len({p.patient_id for p in people.values()}) == len(people)
    assert all(again[key] == person for key, person in people.items())


def test_a_patient_is_the_same_person_in_every_run() -> None:
    alone, among = Identities([77])[77], Identities(range(100))[77]
    assert (alone.name, alone.birth_date, alone.sex, alone.patient_id) == (
        among.name, among.birth_date, among.sex, among.patient_id)  # fmt: skip


def test_a_population_has_both_sexes_and_all_ages() -> None:
    dealt = Identities(range(2_000))
    people = [dealt[key] for key in range(2_000)]
    assert 0.45 < np.mean([p.sex == "F" for p in people]) < 0.55
    years = [p.birth_date.year for p in people]
    assert min(p.birth_date for p in people) >= FIRST_BIRTH
    assert (min(years), max(years)) == (1915, 2002)
    assert all(len(p.name) == 24 and p.name.startswith("TEST-SYNTHETIC^") for p in people)
    assert len({p.name for p in people}) == 16


@pytest.mark.parametrize("key", [-1, 10**12])
def test_a_key_that_no_patient_id_holds_is_refused(key: int) -> None:
    with pytest.raises(ValueError, match="from 0 to 999999999999"):
        Identities([5, key])


def test_a_stranger_has_no_number() -> None:
    with pytest.raises(KeyError, match="patient 6 is not among"):
        Identities([5, 7])[6]
