"""The usual matrices, and studies to make objects of."""

from collections.abc import Callable
from datetime import datetime

import pytest

from loadtest.objects.factory import Factory
from loadtest.objects.identity import Identities
from loadtest.objects.study import Study

MATRICES = {
    "CR": (2140, 1760, 2), "DX": (3000, 2500, 2), "CT": (512, 512, 2), "MR": (256, 256, 2),
    "US": (576, 768, 1), "RF": (1024, 1024, 1), "NM": (256, 256, 2), "MG": (4096, 3328, 2),
}  # fmt: skip
EXAM = 100_122_595_025
PATIENTS = (123, 10_010_000_456)


@pytest.fixture(scope="session")
def matrices() -> dict[str, tuple[int, int, int]]:
    return dict(MATRICES)


@pytest.fixture(scope="session")
def factory() -> Factory:
    return Factory(7, MATRICES, Identities(PATIENTS))


@pytest.fixture(scope="session")
def study() -> Callable[..., Study]:
    def make(modality: str, exam: int = EXAM, patient: int = PATIENTS[0], site: str = "SO01A") -> Study:
        when = datetime(2006, 3, 6, 10, 11, 12)
        return Study(exam, modality, patient, 3, when, "south", "ge", site, "CR1003R1")

    return make
