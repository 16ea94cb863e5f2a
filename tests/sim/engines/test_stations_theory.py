"""Single stations against queueing theory, in both engines.

Checked is the time average of a birth-death process's f: the sum of waits over the horizon is the mean number waiting,
the sum of sojourn times the mean number present. Its asymptotic variance is exact (Whitt 1992, "Asymptotic formulas
for Markov processes"): 2 sum_j (sum_{i<=j} (f(i) - E f) p_i)^2 / (l_j p_j). Bounds are 4 standard deviations of that,
so an error rate of 6e-5 a check. Constant service varies less than exponential service: its bound is conservative.
"""

from collections.abc import Callable
from math import factorial

import numpy as np
import pytest
from numpy.typing import NDArray
from simpy import Environment, Resource

from sim.engines.banks import LinkBank, ServerBank
from sim.engines.resources import Link, Pool, Wait
from sim.world.calendar import ALWAYS

Floats = NDArray[np.float64]
N, SLOW_N = 400_000, 40_000


def erlang_c_wait(load: float, servers: int, service: float) -> float:
    """Mean wait of M/M/c (Erlang 1917)."""
    top = load**servers / factorial(servers) * servers / (servers - load)
    p_wait = top / (sum(load**k / factorial(k) for k in range(servers)) + top)
    return p_wait * service / (servers - load)


def bound(load: float, servers: int, f: Callable[[Floats], Floats], horizon: float) -> float:
    """4 standard deviations of the time average of f(number present) of M/M/c with unit service over a horizon."""
    states = np.arange(2000)
    served = np.minimum(states, servers)
    log_p = np.concatenate([[0.0], np.cumsum(np.log(load) - np.log(served[1:]))])
    p = np.exp(log_p - log_p.max())
    p /= p.sum()
    values = f(states.astype(float))
    partial = np.cumsum((values - (values * p).sum()) * p)
    use = p > 1e-12
    return float(4 * np.sqrt(2 * (partial[use] ** 2 / (load * p[use])).sum() / horizon))


def waiting(servers: int) -> Callable[[Floats], Floats]:
    return lambda states: np.maximum(states - servers, 0)


def drawn(
    n: int, rho: float, servers: int, service: Callable[[np.random.Generator, int], Floats]
) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(np.random.SeedSequence([11, n, servers, int(100 * rho)]))
    return np.cumsum(rng.exponential(1 / (rho * servers), n)), service(rng, n)


def exponential(rng: np.random.Generator, n: int) -> Floats:
    return rng.exponential(1.0, n)


def constant(rng: np.random.Generator, n: int) -> Floats:
    return np.ones(n)


def fast_waits(ready: Floats, service: Floats, servers: int) -> Floats:
    start, end = np.full(len(ready), np.nan), np.full(len(ready), np.nan)
    none = np.zeros(len(ready), np.int64)
    ServerBank(np.array([servers])).serve(
        none.astype(np.int16), 0, none, ready, service, np.arange(len(ready)), start, end, np.inf
    )
    return start - ready


def run(env: Environment, ready: Floats, job: Callable[[int], Wait]) -> None:
    """Start job i at ready[i], and let all of them end."""

    def source() -> Wait:
        for i in range(len(ready)):
            yield env.timeout(ready[i] - env.now)
            env.process(job(i))

    env.process(source())
    env.run()


def slow_waits(ready: Floats, service: Floats, servers: int) -> Floats:
    env, waits = Environment(), np.zeros(len(ready))
    desk = Resource(env, servers)

    def job(i: int) -> Wait:
        with desk.request() as turn:
            yield turn
            waits[i] = env.now - ready[i]
            yield env.timeout(service[i])

    run(env, ready, job)
    return waits


@pytest.mark.parametrize(("waits", "n"), [(fast_waits, N), (slow_waits, SLOW_N)])
@pytest.mark.parametrize(("rho", "servers"), [(0.5, 1), (0.8, 1), (0.7, 3), (0.8, 8)])
def test_mmc_is_erlang_c(waits: Callable[..., Floats], n: int, rho: float, servers: int) -> None:
    ready, service = drawn(n, rho, servers, exponential)
    load, horizon = rho * servers, ready[-1]
    number = waits(ready, service, servers).sum() / horizon
    assert abs(number - load * erlang_c_wait(load, servers, 1.0)) < bound(load, servers, waiting(servers), horizon)


@pytest.mark.parametrize(("waits", "n"), [(fast_waits, N), (slow_waits, SLOW_N)])
@pytest.mark.parametrize("rho", [0.5, 0.8])
def test_md1_is_pollaczek_khinchine(waits: Callable[..., Floats], n: int, rho: float) -> None:
    ready, service = drawn(n, rho, 1, constant)
    number = waits(ready, service, 1).sum() / ready[-1]
    assert abs(number - rho * rho / (2 * (1 - rho))) < bound(rho, 1, waiting(1), ready[-1])


def fast_link(ready: Floats, work: Floats) -> Floats:
    n = len(ready)
    end, tag = np.full(n, np.nan), np.full(n, np.nan)
    LinkBank(np.array([1.0])).send(
        np.zeros(n, np.int16), 0, np.zeros(n, np.int64), ready, work, np.arange(n), tag, end, np.inf
    )
    return end - ready


def slow_link(ready: Floats, work: Floats) -> Floats:
    env, sojourn = Environment(), np.zeros(len(ready))
    link = Link(env, [(-np.inf, 1.0)])

    def job(i: int) -> Wait:
        yield link.send(i, work[i])
        sojourn[i] = env.now - ready[i]

    run(env, ready, job)
    return sojourn


@pytest.mark.parametrize(("link", "n"), [(fast_link, N), (slow_link, SLOW_N)])
@pytest.mark.parametrize("service", [exponential, constant])
def test_processor_sharing_depends_on_the_mean_only(
    link: Callable[..., Floats], n: int, service: Callable[..., Floats]
) -> None:
    """M/G/1-PS: mean sojourn E[S] / (1 - rho), whatever the law of S (Kleinrock 1967)."""
    ready, work = drawn(n, 0.7, 1, service)
    number = link(ready, work).sum() / ready[-1]
    assert abs(number - 0.7 / 0.3) < bound(0.7, 1, lambda states: states, ready[-1])


def test_non_preemptive_priority_is_cobham() -> None:
    """M/M/1 with two classes: W_k = R / ((1 - s_{k-1}) (1 - s_k)) (Cobham 1954), by SimPy's pool."""
    n, rho = SLOW_N, 0.7
    ready, service = drawn(n, rho, 1, exponential)
    priority = (np.random.default_rng(5).random(n) < 0.7).astype(int)
    env, waits = Environment(), np.zeros(n)
    pool = Pool(env, 1, ALWAYS, ALWAYS, 0.0)

    def job(i: int) -> Wait:
        began: list[float] = []
        yield from pool.serve(int(priority[i]), i, service[i], began)
        waits[i] = began[0] - ready[i]

    run(env, ready, job)
    urgent, noise = 0.3 * rho, bound(rho, 1, waiting(1), ready[-1])
    expected = (0.3 * rho * rho / (1 - urgent), 0.7 * rho * rho / ((1 - urgent) * (1 - rho)))
    for k in range(2):  # the number waiting of one class varies less than that of both
        assert abs(waits[priority == k].sum() / ready[-1] - expected[k]) < noise
