"""The draws of one site, compiled. Names, not positions: each stream has its key, each exam its counter.

Arrivals are a Poisson process made by inversion of the cumulative rate: unit-rate exponential steps
(one uniform each) are laid along the day's cumulative expected number (Cinlar 1975, ch. 4).
"""

import math

import numpy as np
from numba import njit

from sim.world.streams import philox

STREAMS = ("arrival", "kind", "work", "prior", "view", "film", "transport")
ARRIVAL, KIND, WORK, PRIOR, VIEW, FILM, TRANSPORT = range(7)
TOO_MANY = 9_999  # exams of one site on one day that an exam id can hold


@njit(cache=True)
def normals(u: float, v: float) -> tuple[float, float]:
    """Two standard normals of two uniforms (Box and Muller 1958)."""
    radius = math.sqrt(-2.0 * math.log(1.0 - u))
    return radius * math.cos(2 * math.pi * v), radius * math.sin(2 * math.pi * v)


@njit(cache=True)
def lognormal(law, z: float) -> float:
    """A lognormal at normal score z; law: mean and spread of its logarithm, as `log_law` gives them."""
    return math.exp(law[0] + law[1] * z)


def log_law(mean: float, cv: float) -> tuple[float, float]:
    """Mean and standard deviation of the logarithm, from mean and coefficient of variation."""
    variance = math.log(1 + cv * cv)
    return (math.log(mean) - variance / 2 if mean > 0 else -math.inf), math.sqrt(variance)


@njit(cache=True)
def exponential(mean: float, u: float) -> float:
    """An exponential by inversion."""
    return -mean * math.log(1.0 - u)


@njit(cache=True)
def poisson(mean: float, u: float) -> int:
    """A Poisson number by inversion; for small means."""
    p = math.exp(-mean)
    total, k = p, 0
    while u > total and k < 1000:
        k += 1
        p *= mean / k
        total += p
    return k


@njit(cache=True)
def _at_least_one(x: float, u: float) -> int:
    """x rounded up or down so that the mean is kept, and 1 at least."""
    return max(1, int(x + u))


@njit(cache=True)
def _age(u, table):
    """Months of age of a prior: the cumulative share, inverted linearly between its rows."""
    i = 1
    while i < len(table) - 1 and table[i, 1] < u:
        i += 1
    low, high = table[i - 1], table[i]
    return low[0] + (high[0] - low[0]) * min(1.0, (u - low[1]) / max(1e-12, high[1] - low[1]))


@njit(cache=True)
def _pick(cumulative, u):
    return min(len(cumulative) - 1, np.searchsorted(cumulative, u * cumulative[-1], side="right"))


@njit(cache=True)
def _arrivals(n0, day, first_s, rates, key, hour_of, arrival):
    """Arrival times of one day from the cumulative hourly rates; returns the new row count and the day's number."""
    hour, before, upto, position, n = 0, 0.0, rates[0], 0.0, 0
    while True:
        block = philox(key[0], key[1], n >> 2, day)
        position += -math.log(1.0 - block[n & 3])
        while position >= upto:
            hour += 1
            if hour == 24:
                return n0 + n, n
            before = upto
            upto += rates[hour]
        arrival[n0 + n] = first_s + 3600.0 * (hour + (position - before) / rates[hour])
        hour_of[n0 + n] = hour
        n += 1


@njit(cache=True)
def _where(u, s):
    if u < s[2]:
        return 1
    if u < s[2] + s[3]:
        return 2
    return 3 if u < s[2] + s[3] + s[4] else 0


@njit(cache=True)
def draw_site(index, number, day0, first_s, weekday0, daily, hourly, keys, mods, sets, typings, common, age, people):
    """All exams of one site.

    daily float64[day, modality, setting] expected exams; hourly float64[setting, weekday, hour] shares of the day;
    keys uint64[stream, 2]; the parameters as `sim.world.exams` lays them out. Returns the columns of `Exams`.
    """
    n_days, n_mods, n_sets = daily.shape
    expected = daily.sum()
    size = int(expected + 10 * math.sqrt(expected) + 50)
    arrival, hour_of = np.empty(size), np.empty(size, np.int8)
    exam, day_of = np.empty(size, np.int64), np.empty(size, np.int32)
    modality, setting, priority = np.empty(size, np.int8), np.empty(size, np.int8), np.empty(size, np.int8)
    room, read, typing = np.empty(size), np.empty(size), np.empty(size)
    images, nbytes, patient = np.empty(size, np.int32), np.empty(size, np.int64), np.empty(size, np.int64)
    months, here = np.empty(size), np.empty(size, np.int8)
    delay, where, other = np.empty(size), np.empty(size, np.int8), np.empty(size)
    views, gap, sheets = np.empty(size, np.int32), np.empty(size), np.empty(size, np.int32)
    lost, repeat, printed = np.empty(size, np.int8), np.empty(size), np.empty(size)
    back, chase, porter, courier = np.empty(size), np.empty(size), np.empty(size), np.empty(size)
    kinds, rates, n = np.empty((24, n_mods * n_sets)), np.empty(24), 0
    for d in range(n_days):
        shape = hourly[:, (weekday0 + d) % 7, :]
        for h in range(24):
            total = 0.0
            for m in range(n_mods):
                for s in range(n_sets):
                    total += daily[d, m, s] * shape[s, h]
                    kinds[h, m * n_sets + s] = total
            rates[h] = total
        if rates.sum() == 0.0:
            continue
        day, start = day0 + d, n
        n, count = _arrivals(n, day, first_s + 86400.0 * d, rates, keys[ARRIVAL], hour_of, arrival)
        if count > TOO_MANY:
            raise ValueError("more than 9,999 exams at one site on one day: split the site in the sites table")
        for i in range(start, n):
            j = i - start
            exam[i] = number * 100_000_000 + day * 10_000 + j
            day_of[i] = day
            u = philox(keys[KIND][0], keys[KIND][1], j, day)
            kind = _pick(kinds[hour_of[i]], u[0])
            m, s = kind // n_sets, kind % n_sets
            modality[i], setting[i] = m, s
            priority[i] = 0 if u[1] < sets[s, 0] else 1
            patient[i] = number * 10_000_000 + int(u[2] * people)
            w = philox(keys[WORK][0], keys[WORK][1], j, day)
            z_room, z_images = normals(w[0], w[1])
            z_read, z_typing = normals(w[2], w[3])
            room[i] = lognormal(mods[m, 0:2], z_room)
            images[i] = _at_least_one(lognormal(mods[m, 2:4], z_images), u[3])
            nbytes[i] = images[i] * int(mods[m, 8])
            read[i] = lognormal(mods[m, 4:6], z_read)
            typing[i] = lognormal(typings[priority[i]], z_typing)
            # film of an exam grows with its images: one normal score for both
            sheets[i] = _at_least_one(lognormal(mods[m, 6:8], z_images), u[3])
            p = philox(keys[PRIOR][0], keys[PRIOR][1], j, day)
            months[i] = _age(p[1], age) if p[0] < mods[m, 9] else np.nan
            here[i] = 1 if p[2] < common[0] else 0
            v = philox(keys[VIEW][0], keys[VIEW][1], j, day)
            delay[i] = exponential(sets[s, 1], v[0])
            where[i], other[i] = _where(v[1], sets[s]), v[2]
            views[i] = poisson(sets[s, 5], v[3])
            f = philox(keys[FILM][0], keys[FILM][1], j, day)
            lost[i], repeat[i] = 1 if f[0] < common[1] else 0, f[1]
            back[i], chase[i] = exponential(sets[s, 6], f[2]), exponential(common[2], f[3])
            t = philox(keys[TRANSPORT][0], keys[TRANSPORT][1], j, day)
            porter[i], courier[i] = exponential(common[3], t[0]), exponential(common[4], t[1])
            printed[i], gap[i] = t[2], exponential(30 * 86400.0 / (views[i] + 1), t[3])
    site = np.full(n, index, np.int32)
    return (
        exam[:n], site, modality[:n], setting[:n], priority[:n], day_of[:n], arrival[:n], room[:n], images[:n],
        nbytes[:n], read[:n], typing[:n], patient[:n], months[:n], here[:n], delay[:n], where[:n], other[:n],
        views[:n], gap[:n], sheets[:n], lost[:n], repeat[:n], printed[:n], back[:n], chase[:n], porter[:n], courier[:n],
    )  # fmt: skip
