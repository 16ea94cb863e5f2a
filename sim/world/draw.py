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


# coefficients of Wichura's rational approximations, highest power first: central part, and two parts of the tail
_CENTRE = (
    (2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4, 4.5921953931549871457e4,
     1.3731693765509461125e4, 1.9715909503065514427e3, 1.3314166789178437745e2, 3.3871328727963666080e0),
    (5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4, 2.1213794301586595867e4,
     5.3941960214247511077e3, 6.8718700749205790830e2, 4.2313330701600911252e1, 1.0),
)  # fmt: skip
_NEAR = (
    (7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1, 1.27045825245236838258e0,
     3.64784832476320460504e0, 5.76949722146069140550e0, 4.63033784615654529590e0, 1.42343711074968357734e0),
    (1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2, 1.48103976427480074590e-1,
     6.89767334985100004550e-1, 1.67638483018380384940e0, 2.05319162663775882187e0, 1.0),
)  # fmt: skip
_FAR = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3, 2.65321895265761230930e-2,
     2.96560571828504891230e-1, 1.78482653991729133580e0, 5.46378491116411436990e0, 6.65790464350110377720e0),
    (2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5, 7.86869131145613259100e-4,
     1.48753612908506148525e-2, 1.36929880922735805310e-1, 5.99832206555887937690e-1, 1.0),
)  # fmt: skip
_HALF_STEP = 2.0**-54  # uniforms are multiples of 2**-53 from 0 on; their middles never are 0 or 1


@njit(cache=True, inline="always")
def _ratio(c, r: float) -> float:
    n, d = c
    upper = ((((((n[0] * r + n[1]) * r + n[2]) * r + n[3]) * r + n[4]) * r + n[5]) * r + n[6]) * r + n[7]
    lower = ((((((d[0] * r + d[1]) * r + d[2]) * r + d[3]) * r + d[4]) * r + d[5]) * r + d[6]) * r + d[7]
    return float(upper / lower)


@njit(cache=True, error_model="numpy")
def normal(u: float) -> float:
    """The standard normal of a uniform, by inversion to 16 digits (Wichura 1988, AS 241): one uniform, one score."""
    q = u - 0.5 + _HALF_STEP  # both steps are exact
    if abs(q) <= 0.425:
        return float(q * _ratio(_CENTRE, 0.180625 - q * q))
    r = math.sqrt(-math.log(0.5 - abs(q)))
    score = float(_ratio(_NEAR, r - 1.6) if r <= 5.0 else _ratio(_FAR, r - 5.0))
    return score if q > 0 else -score


@njit(cache=True)
def lognormal(mean_log: float, spread_log: float, score: float) -> float:
    """A lognormal at a normal score, from mean and spread of its logarithm, as `log_law` gives them."""
    return math.exp(mean_log + spread_log * score)


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
    part = (u - table[i - 1, 1]) / max(1e-12, table[i, 1] - table[i - 1, 1])
    return table[i - 1, 0] + (table[i, 0] - table[i - 1, 0]) * min(1.0, part)


@njit(cache=True)
def _pick(cumulative, row, u):
    """The first kind whose cumulative weight in a row exceeds u of the whole, by bisection."""
    low, high = 0, cumulative.shape[1] - 1
    aim = u * cumulative[row, high]
    while low < high:
        middle = (low + high) >> 1
        if cumulative[row, middle] > aim:
            high = middle
        else:
            low = middle + 1
    return low


@njit(cache=True)
def _arrivals(n0, day, first_s, rates, key, hour_of, arrival):
    """Arrival times of one day from the cumulative hourly rates, from row n0 on, and the hour of each; their number."""
    hour, before, upto, position, n = 0, 0.0, rates[0], 0.0, 0
    per_exam = 3600.0 / rates[0] if rates[0] > 0.0 else 0.0
    block = philox(key[0], key[1], 0, day)
    while True:
        if n > 0 and n & 3 == 0:
            block = philox(key[0], key[1], n >> 2, day)
        position += -math.log(1.0 - block[n & 3])
        while position >= upto:
            hour += 1
            if hour == 24:
                return n
            before = upto
            upto += rates[hour]
            per_exam = 3600.0 / rates[hour] if rates[hour] > 0.0 else 0.0
        if n0 + n == len(arrival):
            raise ValueError("more exams than ten standard deviations above the expected number")
        if n == TOO_MANY:
            raise ValueError("more than 9,999 exams at one site on one day: split the site in the sites table")
        arrival[n0 + n] = first_s + 3600.0 * hour + (position - before) * per_exam
        hour_of[n] = hour
        n += 1


@njit(cache=True)
def _where(u, sets, s):
    if u < sets[s, 2]:
        return 1
    if u < sets[s, 2] + sets[s, 3]:
        return 2
    return 3 if u < sets[s, 2] + sets[s, 3] + sets[s, 4] else 0


@njit(cache=True)
def _day_rates(daily, hourly, weekday, kinds, rates):
    """Fill kinds f8[24, kind], cumulative over the kinds, and rates f8[24]; returns the day's expected exams."""
    n_mods, n_sets = daily.shape
    whole = 0.0
    for h in range(24):
        total = 0.0
        for m in range(n_mods):
            for s in range(n_sets):
                total += daily[m, s] * hourly[s, weekday, h]
                kinds[h, m * n_sets + s] = total
        rates[h] = total
        whole += total
    return whole


@njit(cache=True, error_model="numpy")
def _draw_site(index, number, day0, first_s, weekday0, daily, share, hourly, keys, mods, sets, typings, common, age,
               people, travels, n, out):  # fmt: skip
    """All exams of one site, written from row n on; returns the next free row. Arguments as `draw_sites`, of one site.

    What an exam can never ask for is not drawn and 0: time back from a doctor who sends no film, the search for a
    packet that is not lost, a courier where nothing is elsewhere.
    """
    (exam, site, modality, setting, priority, day_of, arrival, room, images, nbytes, read, typing, patient, months,
     here, delay, where, other, views, gap, sheets, lost, repeat, printed, back, chase, porter,
     courier) = out  # fmt: skip
    n_days, n_mods, n_sets = daily.shape
    kinds, rates, hour_of = np.empty((24, n_mods * n_sets)), np.empty(24), np.empty(TOO_MANY, np.int8)
    none = np.exp(-sets[:, 5])  # chance of no later view, by setting
    for d in range(n_days):
        if _day_rates(daily[d] * share, hourly, (weekday0 + d) % 7, kinds, rates) == 0.0:
            continue
        day, start = day0 + d, n
        count = _arrivals(n, day, first_s + 86400.0 * d, rates, keys[ARRIVAL], hour_of, arrival)
        n = start + count
        for j in range(count):
            i = np.uint64(start + j)  # an index that cannot be negative is not looked at twice
            exam[i] = number * 100_000_000 + day * 10_000 + j
            site[i], day_of[i] = index, day
            u = philox(keys[KIND, 0], keys[KIND, 1], j, day)
            kind = _pick(kinds, hour_of[j], u[0])
            m, s = kind // n_sets, kind % n_sets
            modality[i], setting[i] = m, s
            priority[i] = 0 if u[1] < sets[s, 0] else 1
            patient[i] = number * 10_000_000 + int(u[2] * people)
            w = philox(keys[WORK, 0], keys[WORK, 1], j, day)
            # film of an exam grows with its images: one normal score for both
            z_images = normal(w[1])
            room[i] = lognormal(mods[m, 0], mods[m, 1], normal(w[0]))
            images[i] = _at_least_one(lognormal(mods[m, 2], mods[m, 3], z_images), u[3])
            nbytes[i] = images[i] * int(mods[m, 8])
            read[i] = lognormal(mods[m, 4], mods[m, 5], normal(w[2]))
            typing[i] = lognormal(typings[priority[i], 0], typings[priority[i], 1], normal(w[3]))
            sheets[i] = _at_least_one(lognormal(mods[m, 6], mods[m, 7], z_images), u[3])
            p = philox(keys[PRIOR, 0], keys[PRIOR, 1], j, day)
            months[i] = _age(p[1], age) if p[0] < mods[m, 9] else np.nan
            here[i] = 1 if p[2] < common[0] else 0
            v = philox(keys[VIEW, 0], keys[VIEW, 1], j, day)
            delay[i] = exponential(sets[s, 1], v[0])
            where[i], other[i] = _where(v[1], sets, s), v[2]
            views[i] = poisson(sets[s, 5], v[3]) if v[3] >= none[s] else 0
            f = philox(keys[FILM, 0], keys[FILM, 1], j, day)
            lost[i], repeat[i] = 1 if f[0] < common[1] else 0, f[1]
            back[i] = exponential(sets[s, 6], f[2]) if sets[s, 6] > 0.0 else 0.0
            chase[i] = exponential(common[2], f[3]) if lost[i] else 0.0
            t = philox(keys[TRANSPORT, 0], keys[TRANSPORT, 1], j, day)
            porter[i] = exponential(common[3], t[0])
            courier[i] = exponential(common[4], t[1]) if travels or here[i] == 0 or where[i] else 0.0
            printed[i] = t[2]
            gap[i] = exponential(30 * 86400.0 / (views[i] + 1), t[3]) if views[i] else 0.0
    return n


@njit(cache=True)
def draw_sites(numbers, day0, first_s, weekday0, daily, shares, hourly, keys, mods, sets, typings, common, age, people,
               travels, n, out):  # fmt: skip
    """All exams of a cluster's sites, written to the columns `out` of `Exams` from row n on; gives the next free row.

    numbers i8[site]; daily f8[day, modality, setting] national exams, shares f8[site, modality, setting] of them;
    hourly f8[setting, weekday, hour] shares of the day; keys u8[site, stream, 2]; people f8[site]; travels bool[site]:
    its films are read elsewhere; the other parameters as `sim.world.exams` lays them out.
    """
    for i in range(len(numbers)):
        n = _draw_site(i, numbers[i], day0, first_s, weekday0, daily, shares[i], hourly, keys[i], mods, sets, typings,
                       common, age, people[i], travels[i], n, out)  # fmt: skip
    return n
