"""The disk is looked at before a play fills it."""

from pathlib import Path

import pytest

from filmless.demo import check_disk
from filmless.failures import Failed


def test_a_disk_too_small_is_told_with_what_is_to_be_free(tmp_path: Path) -> None:
    with pytest.raises(Failed, match=r"store 1000000\.0 GB, for which 1[0-9]+\.0 GB are to be free, and .* has .* GB"):
        check_disk(1e15, tmp_path)
    check_disk(1e3, tmp_path)
