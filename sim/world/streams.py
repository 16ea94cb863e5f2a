"""Named random streams: every draw is a pure function of names and numbers, never of position.

A stream's 128-bit key is a hash of (seed, replication, stream name, cluster, site). Half of it is the generator's key,
half stands in its counter, which also holds (draw, day). One more hospital, another window or another worker changes
nobody's draws. Generator: Philox 4x32-10 (Salmon, Moraes, Dror, Shaw, SC'11).
"""

from hashlib import blake2b

import numpy as np
from numba import njit
from numpy.typing import NDArray

Key = NDArray[np.uint64]

_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_LOW, _32 = np.uint64(0xFFFFFFFF), np.uint64(32)
_TO_UNIT = 2.0**-32


def stream_key(seed: int, replication: int, name: str, cluster: str, site: str) -> Key:
    """The key of one stream, uint64[2]."""
    text = "\x1f".join((str(seed), str(replication), name, cluster, site))
    return np.frombuffer(blake2b(text.encode(), digest_size=16).digest(), dtype="<u8").astype(np.uint64)


@njit(cache=True, inline="always")
def _block(k0, k1, c0, c1, c2, c3):
    """Four words of 32 bits of a key and a counter, all of them in words of 64 bits."""
    for _ in range(10):
        a, b = _M0 * c0, _M1 * c2
        c0, c1, c2, c3 = (b >> _32) ^ c1 ^ k0, b & _LOW, (a >> _32) ^ c3 ^ k1, a & _LOW
        k0, k1 = (k0 + _W0) & _LOW, (k1 + _W1) & _LOW
    return c0, c1, c2, c3


@njit(cache=True, inline="always")
def _unit(word):
    """The middle of the word's cell in (0, 1); by way of a signed word, which processors convert faster."""
    return (np.float64(np.int64(word)) + 0.5) * _TO_UNIT


@njit(cache=True, error_model="numpy")
def fill_uniforms(key, first, day, n, out, at=0):
    """Fill n columns of out f8[4, most], from `at` on: four uniforms in (0, 1) each, for counters (first + j, day)."""
    k0, k1, c2, c3 = key[0] & _LOW, key[0] >> _32, key[1] & _LOW, key[1] >> _32
    c1 = np.uint64(day)
    for j in range(n):
        a, b, c, d = _block(k0, k1, np.uint64(first + j), c1, c2, c3)
        k = np.uint64(at + j)
        out[0, k], out[1, k], out[2, k], out[3, k] = _unit(a), _unit(b), _unit(c), _unit(d)


def uniforms(key: Key, draw: int, day: int) -> NDArray[np.float64]:
    """Four uniforms in (0, 1), float64[4], for one counter."""
    out = np.empty((4, 1))
    fill_uniforms(key, draw, day, 1, out)
    return out[:, 0]
