"""Buffers go to the kernel in calls of bounded size, whole and in order."""

from hypothesis import given
from hypothesis import strategies as st

from loadtest.wire.channel import MOST_BUFFERS, _batches


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=1200), st.integers(1, 1000))
def test_every_byte_goes_once_in_order_and_no_call_is_too_large(pieces: list[bytes], most: int) -> None:
    batches = [(list(batch), size) for batch, size in _batches(pieces, most)]
    assert b"".join(bytes(part) for batch, _ in batches for part in batch) == b"".join(pieces)
    for batch, size in batches:
        assert sum(map(len, batch)) == size <= most
        assert len(batch) <= MOST_BUFFERS
