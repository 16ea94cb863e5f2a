"""Named random streams: every draw is a pure function of names and numbers, never of position.

A stream's 128-bit key is a hash of (seed, replication, stream name, cluster, site); the counter
holds (draw, day). One more hospital, another window or another worker changes nobody's draws.
Generator: Philox 4x64-10 (Salmon, Moraes, Dror, Shaw, SC'11), equal to numpy's bit for bit.
"""

from hashlib import blake2b
from typing import Any

import numpy as np
from numba import njit, types, uint64
from numba.extending import intrinsic
from numpy.typing import NDArray

Key = NDArray[np.uint64]

_M0, _M1 = np.uint64(0xD2E7470EE14C6C93), np.uint64(0xCA5A826395121157)
_W0, _W1 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBB67AE8584CAA73B)
_11 = np.uint64(11)
_TO_UNIT = 1.0 / 9007199254740992.0  # 2**-53, as numpy makes doubles


def stream_key(seed: int, replication: int, name: str, cluster: str, site: str) -> Key:
    """The key of one stream, uint64[2]."""
    text = "\x1f".join((str(seed), str(replication), name, cluster, site))
    return np.frombuffer(blake2b(text.encode(), digest_size=16).digest(), dtype="<u8").astype(np.uint64)


@intrinsic
def _wide_product(_typing: Any, a: Any, b: Any) -> Any:
    """High and low half of a 64 x 64 bit product: one machine instruction, which numpy and numba do not name."""
    from llvmlite import ir

    pair = types.UniTuple(types.uint64, 2)

    def generate(context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        wide, word = ir.IntType(128), ir.IntType(64)
        product = builder.mul(builder.zext(args[0], wide), builder.zext(args[1], wide))
        upper = builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), word)
        return context.make_tuple(builder, pair, [upper, builder.trunc(product, word)])

    return pair(types.uint64, types.uint64), generate


wide_product: Any = _wide_product  # its typing context is numba's to give


@njit(cache=True)
def _unit(word: np.uint64) -> float:
    """The upper 53 bits as a fraction; by way of a signed word, which processors convert faster."""
    return np.int64(word >> _11) * _TO_UNIT


@njit(cache=True)
def philox(k0: np.uint64, k1: np.uint64, draw: int, day: int) -> tuple[float, float, float, float]:
    """Four uniforms in [0, 1) for counter (draw, day, 0, 0)."""
    c0, c1, c2, c3 = uint64(draw), uint64(day), uint64(0), uint64(0)
    for _ in range(10):
        h0, l0 = wide_product(_M0, c0)
        h1, l1 = wide_product(_M1, c2)
        c0, c1, c2, c3 = h1 ^ c1 ^ k0, l1, h0 ^ c3 ^ k1, l0
        k0 = k0 + _W0
        k1 = k1 + _W1
    return _unit(c0), _unit(c1), _unit(c2), _unit(c3)
