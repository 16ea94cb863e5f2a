"""When a design is good enough: "all levels met in replication r" over n replications, by Wilson's interval."""

import math
from dataclasses import dataclass

from scipy.special import ndtri


def wilson(met: int, n: int, z: float) -> tuple[float, float]:
    """Wilson's interval of a share (Wilson 1927), z standard errors to each side."""
    p, zz = met / n, z * z
    middle = (p + zz / (2 * n)) / (1 + zz / n)
    half = z / (1 + zz / n) * math.sqrt(p * (1 - p) / n + zz / (4 * n * n))
    return middle - half, middle + half


@dataclass(frozen=True)
class Rule:
    """A design holds if the lower end of Wilson's interval of the share of replications met is at least `share`.

    `error` is the chance that any of at most `steps` judgements calls a design good that is not; each has
    error / steps of it (Bonferroni), one-sided.
    """

    share: float
    error: float
    steps: int
    replications: int

    @property
    def z(self) -> float:
        """Standard errors of one judgement."""
        return float(ndtri(1 - self.error / self.steps))

    @property
    def may_fail(self) -> int:
        """Replications that may miss a level; -1: none of this many replications could ever be enough."""
        n = self.replications
        return max((k for k in range(n + 1) if wilson(n - k, n, self.z)[0] >= self.share), default=-1)


def smallest_rule(share: float, error: float, steps: int, may_fail: int = 2) -> Rule:
    """The fewest replications with which a design may miss `may_fail` of them and still hold."""
    n = may_fail + 1
    while Rule(share, error, steps, n).may_fail < may_fail:
        n += 1
    return Rule(share, error, steps, n)
