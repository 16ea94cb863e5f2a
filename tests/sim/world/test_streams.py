import numpy as np
import pytest

from sim.world.streams import philox, stream_key


@pytest.mark.parametrize(("draw", "day"), [(0, 0), (5, 77), (9_998, 5_000), (2**40, 1)])
def test_philox_is_numpys_bit_for_bit(draw: int, day: int) -> None:
    key = stream_key(1, 0, "work", "south", "A")
    # numpy adds one to the 256-bit counter before it generates: counter draw - 1, with a borrow at 0
    counter = (draw + (day << 64) - 1) % 2**256
    words = [(counter >> (64 * i)) % 2**64 for i in range(4)]
    expected = np.random.Generator(np.random.Philox(key=key, counter=words)).random(4)
    assert philox(key[0], key[1], draw, day) == tuple(expected)


def test_each_name_makes_another_key() -> None:
    base: list[object] = [1, 0, "work", "south", "A"]
    keys = {tuple(stream_key(*base))}  # type: ignore[arg-type]
    for i, other in enumerate((2, 1, "view", "north", "B")):
        keys.add(tuple(stream_key(*[*base[:i], other, *base[i + 1 :]])))  # type: ignore[arg-type]
    assert len(keys) == 6


def test_names_do_not_run_together() -> None:
    assert tuple(stream_key(1, 1, "a", "b", "c")) != tuple(stream_key(11, 1, "a", "b", "c"))
    assert tuple(stream_key(1, 0, "ab", "c", "d")) != tuple(stream_key(1, 0, "a", "bc", "d"))
