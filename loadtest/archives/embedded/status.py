"""DIMSE statuses with their reason (PS3.7 annex C)."""

from pydicom.dataset import Dataset


def failure(status: int, why: str) -> Dataset:
    """A status with its reason in Error Comment (LO: at most 64 characters, PS3.5 6.2)."""
    answer = Dataset()
    answer.Status = status
    answer.ErrorComment = why[:64]
    return answer
