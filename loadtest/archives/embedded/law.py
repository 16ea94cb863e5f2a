"""A service law that is known: how long a model archive takes for an object, and how many it serves at once.

`servers=2,overhead_ms=20,rate_mb_s=50,spread=lognormal:0.3,growth_us=0`; time = (overhead + bytes / rate + growth x
objects held) x factor, where the factor has mean 1. Draws fill the law evenly (Weyl 1916): n operations show its
percentiles as exactly as n can, so that what is measured of it is compared without sampling error.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from math import exp, log
from statistics import NormalDist

_NORMAL = NormalDist()
GOLDEN = (5**0.5 - 1) / 2


def factor_none(u: float, width: float) -> float:
    """Every operation takes the same."""
    return 1.0


def factor_exponential(u: float, width: float) -> float:
    """Exponential with mean 1."""
    return -log(1.0 - u)


def factor_lognormal(u: float, width: float) -> float:
    """Lognormal with mean 1; `width` is the standard deviation of the logarithm."""
    return exp(width * _NORMAL.inv_cdf(u) - width * width / 2)


SPREADS: dict[str, Callable[[float, float], float]] = {
    "none": factor_none, "exponential": factor_exponential, "lognormal": factor_lognormal,
}  # fmt: skip


@dataclass(frozen=True)
class Law:
    """Service of one object: servers, ms, MB/s (10^6 bytes), name of the spread and its width, us an object held."""

    servers: int = 1
    overhead_ms: float = 10.0
    rate_mb_s: float = 100.0
    spread: str = "none"
    width: float = 0.0
    growth_us: float = 0.0

    def seconds(self, u: float, size: int, held: int = 0) -> float:
        """Time for an object of `size` bytes at the share u (0 to 1) of the law, when so many are held."""
        mean = self.overhead_ms / 1e3 + size / (self.rate_mb_s * 1e6) + self.growth_us / 1e6 * held
        return mean * SPREADS[self.spread](u, self.width)


def draw(n: int) -> float:
    """The n-th share (from 0), strictly between 0 and 1: turns by the golden section, so that every second or third one
    fills the law as evenly as all do.
    """
    return (n + 1) * GOLDEN % 1.0


def read_law(text: str) -> Law:
    """A law from its text. Raises ValueError that says what is allowed."""
    found: dict[str, float | int | str] = {}
    kinds = {f.name: f.type for f in fields(Law)}
    for part in filter(None, (one.strip() for one in text.split(","))):
        name, _, value = part.partition("=")
        if name not in kinds:
            raise ValueError(f"--law {name}: allowed are {', '.join(kinds)}")
        try:
            if name == "spread":
                value, _, width = value.partition(":")
                found["width"] = float(width or 0)
            found[name] = value if kinds[name] is str else int(value) if kinds[name] is int else float(value)
        except ValueError:
            raise ValueError(f"--law {part}: give a number, such as {name}=10") from None
    return _checked(Law(**found))  # type: ignore[arg-type]


def _checked(law: Law) -> Law:
    if law.spread not in SPREADS:
        raise ValueError(f"--law spread={law.spread}: allowed are {', '.join(SPREADS)} (lognormal:0.3)")
    if not (1 <= law.servers <= 1000 and law.overhead_ms >= 0 and law.rate_mb_s > 0 and 0 <= law.width <= 3
            and law.growth_us >= 0):  # fmt: skip
        raise ValueError(
            "--law: servers 1 to 1000, overhead_ms from 0, rate_mb_s above 0, width 0 to 3, growth_us from 0"
        )
    return law
