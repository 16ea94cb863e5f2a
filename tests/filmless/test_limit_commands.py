"""The exit code of a search for the breaking point is that of its verdict."""

from pathlib import Path

import pytest

from filmless.limit_commands import _tell
from loadtest.series.limit import Limit


@pytest.mark.parametrize(("verdict", "code"), [("FAIL", 3), ("INVALID", 4)])
def test_a_search_that_failed_is_told_from_one_without_a_result(verdict: str, code: int, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as caught:
        _tell(Limit(None, None, [], verdict, "an object was lost"), tmp_path, True)
    assert caught.value.code == code


def test_a_knee_that_was_found_ends_well(tmp_path: Path) -> None:
    _tell(Limit(None, None, [], "PASS", "the knee lies between 1 and 2"), tmp_path, True)
