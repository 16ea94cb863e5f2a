import numpy as np
import pytest

from sim.world.streams import _block, stream_key, uniforms

# Known answers of Philox 4x32-10 that the authors publish with their library Random123: key, counter, words
ANSWERS = [
    ((0, 0), (0, 0, 0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 2, (0xFFFFFFFF,) * 4, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    ((0xA4093822, 0x299F31D0), (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
     (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1)),
]  # fmt: skip


@pytest.mark.parametrize(("key", "counter", "words"), ANSWERS)
def test_philox_gives_the_known_answers(key: tuple[int, ...], counter: tuple[int, ...], words: tuple[int, ...]) -> None:
    assert tuple(map(int, _block(*map(np.uint64, (*key, *counter))))) == words


def test_uniforms_lie_inside_and_fill_the_interval() -> None:
    u = np.array([uniforms(stream_key(1, 0, "work", "south", "A"), draw, 7) for draw in range(5_000)])
    assert 0 < u.min() < 1e-3
    assert 1 - 1e-3 < u.max() < 1
    assert np.abs(u.mean(axis=0) - 0.5).max() < 4 * np.sqrt(1 / 12 / len(u))
    assert np.abs(np.corrcoef(u.T) - np.eye(4)).max() < 4 / np.sqrt(len(u))


def test_each_name_makes_another_key() -> None:
    base: list[object] = [1, 0, "work", "south", "A"]
    keys = {tuple(stream_key(*base))}  # type: ignore[arg-type]
    for i, other in enumerate((2, 1, "view", "north", "B")):
        keys.add(tuple(stream_key(*[*base[:i], other, *base[i + 1 :]])))  # type: ignore[arg-type]
    assert len(keys) == 6


def test_names_do_not_run_together() -> None:
    assert tuple(stream_key(1, 1, "a", "b", "c")) != tuple(stream_key(11, 1, "a", "b", "c"))
    assert tuple(stream_key(1, 0, "ab", "c", "d")) != tuple(stream_key(1, 0, "a", "bc", "d"))
