"""What theory says of whole distributions and of classes, beyond the means in `test_stations_theory`.

Each check compares means of 50 batches with theory by Student's t at an error rate of 1e-5, with seeds fixed; and it
first asserts that the interval is narrow enough to notice an error of 5 %, so that no check passes for want of data.
"""

from math import factorial

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from tests.sim.engines.kernels.columns import Columns, fifo, links, pools

Floats = NDArray[np.float64]
N, WARM_UP, BATCHES, ERROR = 2_000_000, 50_000, 50, 1e-5
ALWAYS = np.array([[0.0, 604_800.0]])


def agrees(values: Floats, expected: float) -> None:
    batches = np.array([part.mean() for part in np.array_split(values[WARM_UP:], BATCHES)])
    half = stats.t.ppf(1 - ERROR / 2, BATCHES - 1) * batches.std(ddof=1) / np.sqrt(BATCHES)
    assert half < 0.05 * expected, "too little data to tell"
    assert abs(batches.mean() - expected) < half


def drawn(seed: int, rate: float, work: Floats | None = None, urgent: float = 0.0) -> Columns:
    rng = np.random.default_rng(seed)
    ready = np.cumsum(rng.exponential(1 / rate, N))
    service = rng.exponential(1.0, N) if work is None else work
    return Columns(np.zeros(N, np.int64), ready, service, (rng.random(N) >= urgent).astype(np.int8))


def p_wait(load: float, servers: int) -> float:
    """Erlang's second formula (1917)."""
    top = load**servers / factorial(servers) * servers / (servers - load)
    return top / (sum(load**k / factorial(k) for k in range(servers)) + top)


@pytest.mark.parametrize(("rho", "servers"), [(0.6, 1), (0.7, 4), (0.65, 6)])
def test_mmc_share_that_waits_and_its_waits(rho: float, servers: int) -> None:
    """P(wait > t) = C exp(-(c - a) t) for M/M/c."""
    table, load = drawn(servers, rho * servers), rho * servers
    wait = (got := fifo(table, [servers])).start - got.ready
    agrees((wait > 0).astype(float), p_wait(load, servers))
    t = 1 / (servers - load)
    agrees((wait > t).astype(float), p_wait(load, servers) / np.e)


@pytest.mark.parametrize("cv", [0.0, 0.5, 1.5])
def test_mg1_is_pollaczek_khinchine(cv: float) -> None:
    """E[W] = rho (1 + cv^2) / (2 (1 - rho)) in units of the mean service; here a gamma law of that cv."""
    rng, rho = np.random.default_rng(2), 0.6
    work = rng.gamma(1 / cv**2, cv**2, N) if cv else np.ones(N)
    got = fifo(drawn(1, rho, work), [1])
    agrees(got.start - got.ready, rho * (1 + cv**2) / (2 * (1 - rho)))


@pytest.mark.parametrize(("rho", "servers"), [(0.7, 1), (0.75, 3)])
def test_two_classes_are_cobham(rho: float, servers: int) -> None:
    """M/M/c: W1 = C / (c (1 - r1)) for the first class, W1 / (1 - r) for the second (Cobham 1954)."""
    urgent = 0.3
    got, _ = pools(drawn(3, rho * servers, urgent=urgent), [servers], (ALWAYS, ALWAYS))
    wait, base = got.start - got.ready, p_wait(rho * servers, servers) / servers
    first = base / (1 - urgent * rho)
    agrees(wait[got.priority == 0], first)
    agrees(wait[got.priority == 1], first / (1 - rho))


@pytest.mark.parametrize("law", ["exponential", "pareto"])
def test_sharing_treats_every_size_alike(law: str) -> None:
    """M/G/1-PS: the mean sojourn of a transfer of x is x / (1 - rho), whatever the law (Kleinrock 1967)."""
    rng, rho = np.random.default_rng(4), 0.6
    work = rng.exponential(1.0, N) if law == "exponential" else (rng.pareto(2.5, N) + 1) * 0.6
    table = drawn(5, rho, work)
    sojourn = links(table, [([0.0], [1.0])])[0].end - table.ready
    low, middle, high = np.quantile(work, [0.0, 0.5, 0.9])
    for a, b in ((low, middle), (middle, high), (high, np.inf)):
        size = (work >= a) & (work < b)
        agrees(sojourn[size] / work[size], 1 / (1 - rho))


def test_ps_number_present_is_geometric() -> None:
    """An arrival at M/G/1-PS finds n with probability (1 - rho) rho^n, as at M/M/1, for constant sizes too."""
    rho = 0.5
    table = drawn(6, rho, np.ones(N))
    end = np.sort(links(table, [([0.0], [1.0])])[0].end)
    found = np.arange(N) - np.searchsorted(end, table.ready, side="right")
    for n in range(4):
        agrees((found == n).astype(float), (1 - rho) * rho**n)
