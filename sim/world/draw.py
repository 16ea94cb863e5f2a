"""The draws of one site, compiled. Names, not positions: each stream has its key, each exam its counter.

Arrivals are a Poisson process made by inversion of the cumulative rate: unit-rate exponential steps
(one uniform each) are laid along the day's cumulative expected number (Cinlar 1975, ch. 4).
"""

import math

import numpy as np
from numba import njit

from sim.world.elementary import exp, log, normal
from sim.world.streams import fill_uniforms

HERE, TRUST, CLUSTER, COUNTRY = 0, 1, 2, 3  # where the first view is from
VIEWED_FOR_S = 30 * 86_400.0  # later views are spread over so long
STREAMS = ("arrival", "kind", "work", "prior", "view", "film", "transport")
ARRIVAL, KIND, WORK, PRIOR, VIEW, FILM, TRANSPORT = range(7)
TOO_MANY = 9_999  # exams of one site on one day that an exam id can hold
MOST_VIEWS, FEW_VIEWS = 40, 8  # later views of one exam; what most have fewer of
STEPS, CHUNK = 64, 256  # arrivals, and exams of a site, whose draws are made at once: what fits the nearest memory


@njit(cache=True, error_model="numpy")
def lognormal(mean_log: float, spread_log: float, score: float) -> float:
    """A lognormal at a normal score, from mean and spread of its logarithm, as `log_law` gives them."""
    return float(exp(mean_log + spread_log * score))


def log_law(mean: float, cv: float) -> tuple[float, float]:
    """Mean and standard deviation of the logarithm, from mean and coefficient of variation."""
    variance = math.log(1 + cv * cv)
    return (math.log(mean) - variance / 2 if mean > 0 else -math.inf), math.sqrt(variance)


@njit(cache=True, error_model="numpy")
def exponential(mean: float, u: float) -> float:
    """An exponential by inversion."""
    return float(-mean * log(u))


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
def _cumulative_poisson(means):
    """f8[mean, MOST_VIEWS + 1]: the chance of k or fewer, for small means; 1 in the last column."""
    out = np.ones((len(means), MOST_VIEWS + 1))
    for i in range(len(means)):
        p = math.exp(-means[i])
        out[i, 0] = p
        for k in range(1, MOST_VIEWS):
            p *= means[i] / k
            out[i, k] = out[i, k - 1] + p
    return out


@njit(cache=True, error_model="numpy", inline="always")
def _age(u, table):
    """Months of age of a prior: the cumulative share, inverted linearly between its rows."""
    i = np.uint64(0)
    for k in range(1, len(table) - 1):  # counted, not searched: which row it is cannot be foretold
        i += np.uint64(table[k, 1] < u)
    return table[i, 0] + table[i, 2] * (u - table[i, 1])


@njit(cache=True, inline="always")
def _pick(cumulative, column, u):
    """The first kind whose cumulative weight in a column exceeds u of the whole; a bisection without branches."""
    low, n = np.uint64(0), np.uint64(cumulative.shape[0])
    aim = u * cumulative[n - np.uint64(1), column]
    while n > 1:
        half = n >> np.uint64(1)
        low += half * np.uint64(cumulative[low + half - np.uint64(1), column] <= aim)
        n -= half
    return low + np.uint64(cumulative[low, column] <= aim)


@njit(cache=True, error_model="numpy")
def _fill_steps(key, first, day, steps):
    """Fill steps f8[4, STEPS / 4] with unit exponentials; number n is at [n % 4, n // 4]."""
    fill_uniforms(key, first, day, steps.shape[1], steps)
    for k in range(4):
        for j in range(steps.shape[1]):
            steps[k, j] = -log(steps[k, j])


@njit(cache=True, error_model="numpy")
def _arrivals(n0, day, first_s, rates, key, steps, hour_of, arrival):
    """Arrival times of one day from the cumulative hourly rates, from row n0 on, and the hour of each; their number."""
    hour, before, upto, position, n = 0, 0.0, rates[0], 0.0, 0
    per_exam = 3600.0 / rates[0] if rates[0] > 0.0 else 0.0
    while True:
        at = n % STEPS
        if at == 0:
            _fill_steps(key, n // 4, day, steps)
        position += steps[at & 3, at >> 2]
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


@njit(cache=True, inline="always")
def _count_below(cumulative, row, u):
    """How many of an ascending row are below u, its last being 1: the first few are counted, not searched."""
    n = np.uint64(0)
    for k in range(FEW_VIEWS):
        n += np.uint64(cumulative[row, k] < u)
    if n == FEW_VIEWS:
        while cumulative[row, n] < u:
            n += np.uint64(1)
    return n


@njit(cache=True, inline="always")
def _where(u, sets, s):
    """HERE, TRUST, CLUSTER or COUNTRY, by the shares of a setting."""
    trust = sets[2, s]
    cluster = trust + sets[3, s]
    country = cluster + sets[4, s]
    return (u < country) * (TRUST + (u >= trust) + (u >= cluster))


@njit(cache=True)
def _day_rates(daily, share, hourly, weekday, kinds, rates):
    """Fill kinds f8[kind, 24], cumulative over the kinds, and rates f8[24]; returns the day's expected exams."""
    n_mods, n_sets = daily.shape
    rates[:] = 0.0
    for m in range(n_mods):
        for s in range(n_sets):
            expected = daily[m, s] * share[m, s]
            for h in range(24):
                rates[h] += expected * hourly[s, weekday, h]
                kinds[m * n_sets + s, h] = rates[h]
    return rates.sum()


@njit(cache=True, error_model="numpy")
def _to_normals(u, n):
    """The first n of each row of u f8[4, CHUNK] become normal scores."""
    for k in range(4):
        for j in range(n):
            u[k, j] = normal(u[k, j])


@njit(cache=True, error_model="numpy")
def _lognormals(mean_log, spread_log, which, score, out):
    """A column of lognormals, each of the law that `which` names; two loops, for the look-up is made one by one."""
    for i in range(len(out)):
        k = np.uint8(which[i])
        out[i] = mean_log[k] + spread_log[k] * score[i]
    for i in range(len(out)):
        out[i] = exp(out[i])


@njit(cache=True, error_model="numpy")
def _counts(mean_log, spread_log, which, score, u, x, out):
    """A column of whole numbers: lognormals x, rounded up or down so that the mean is kept, and 1 at least."""
    _lognormals(mean_log, spread_log, which, score, x)
    for i in range(len(out)):
        out[i] = max(1, int(x[i] + u[i]))


@njit(cache=True, error_model="numpy")
def _exponentials(mean, which, u, out):
    """A column of exponentials, each of the mean that `which` names."""
    for i in range(len(out)):
        out[i] = -log(u[i])
    for i in range(len(out)):
        out[i] *= mean[np.uint8(which[i])]


@njit(cache=True, error_model="numpy")
def _choose(rows, held, order, day, who, hours, kinds, which, u, laws, age, later, people, out):
    """What each exam of a piece of a day is: all that is picked, not measured. Arguments as in `_draw_site`."""
    (exam, site, modality, setting, priority, day_of, _, _, _, _, _, _, patient, months, here, _, where, other, views,
     _, _, lost, repeat, printed, _, chase, _, _) = out  # fmt: skip
    mods, sets, _, common = laws
    (index, number), (mod_of, set_of) = who, which
    kind_u, prior_u, view_u, film_u, transport_u = u[KIND], u[PRIOR], u[VIEW], u[FILM], u[TRANSPORT]
    for j in range(len(hours)):
        k, i = np.uint64(held + j), np.uint64(rows + held + j)  # what cannot be negative is not looked at twice
        kind = _pick(kinds, hours[j], kind_u[0, k])
        m, s = np.uint64(mod_of[kind]), np.uint64(set_of[kind])
        exam[i] = number * 100_000_000 + day * 10_000 + order + j
        site[i], day_of[i], modality[i], setting[i] = index, day, m, s
        priority[i] = 0 if kind_u[1, k] < sets[0, s] else 1
        patient[i] = number * 10_000_000 + int(kind_u[2, k] * people)
        old = _age(prior_u[1, k], age)  # computed for all: whether there is a prior cannot be foretold
        months[i] = old if prior_u[0, k] < mods[9, m] else np.nan
        here[i] = 1 if prior_u[2, k] < common[0] else 2 * (prior_u[2, k] >= common[5])
        where[i], other[i] = _where(view_u[1, k], sets, s), view_u[2, k]
        views[i] = _count_below(later, s, view_u[3, k])
        lost[i], repeat[i] = 1 if film_u[0, k] < common[1] else 0, film_u[1, k]
        chase[i] = exponential(common[2], film_u[3, k]) if lost[i] else 0.0
        printed[i] = transport_u[2, k]


@njit(cache=True, error_model="numpy")
def _measure(a, b, u, x, laws, size_of, travels, out):
    """How much and how long, of the exams in rows a to b that were chosen: a column at a time."""
    (_, _, modality, setting, priority, _, _, room, images, nbytes, read, typing, _, _, here, delay, where, _, views,
     gap, sheets, _, _, _, back, _, porter, courier) = out  # fmt: skip
    mods, sets, typings, common = laws
    mod, setting_of, z, rounding = modality[a:b], setting[a:b], u[WORK], u[KIND, 3]
    _to_normals(z, b - a)
    _lognormals(mods[0], mods[1], mod, z[0], room[a:b])
    _counts(mods[2], mods[3], mod, z[1], rounding, x[: b - a], images[a:b])
    _counts(mods[6], mods[7], mod, z[1], rounding, x[: b - a], sheets[a:b])  # film grows with the images: one score
    _lognormals(mods[4], mods[5], mod, z[2], read[a:b])
    _lognormals(typings[0], typings[1], priority[a:b], z[3], typing[a:b])
    _exponentials(sets[1], setting_of, u[VIEW, 0], delay[a:b])
    _exponentials(sets[6], setting_of, u[FILM, 2], back[a:b])
    for row in range(a, b):
        nbytes[row] = images[row] * size_of[np.uint8(modality[row])]
    way = u[TRANSPORT]
    for k in range(b - a):
        i = np.uint64(a + k)
        porter[i] = common[3] * -log(way[0, k])
        courier[i] = common[4] * -log(way[1, k]) * (travels | (here[i] != 1) | (where[i] != HERE))
        gap[i] = VIEWED_FOR_S * -log(way[3, k]) * (views[i] > 0) / (views[i] + 1)


@njit(cache=True, error_model="numpy")
def _draw_site(who, day0, first_s, weekday0, daily, share, hourly, keys, laws, age, people, travels, n, out):
    """All exams of one site, written from row n on; returns the next free row. Arguments as `draw_sites`, of one site.

    What an exam can never ask for is 0: time back from a doctor who sends no film, the search for a packet that is not
    lost, a courier where nothing is elsewhere.
    """
    n_days, n_mods, n_sets = daily.shape
    kinds, rates, hour_of = np.empty((n_mods * n_sets, 24)), np.empty(24), np.empty(TOO_MANY, np.int8)
    size_of, later = laws[0][8].astype(np.int64), _cumulative_poisson(laws[1][5])  # bytes an image; views by setting
    which = np.arange(len(kinds)) // n_sets, np.arange(len(kinds)) % n_sets
    steps, u, x = np.empty((4, STEPS // 4)), np.empty((len(STREAMS), 4, CHUNK)), np.empty(CHUNK)
    held = 0  # exams from row n on that are chosen and not yet measured
    for d in range(n_days):
        if _day_rates(daily[d], share, hourly, (weekday0 + d) % 7, kinds, rates) == 0.0:
            continue
        day = day0 + d
        count, order = _arrivals(n + held, day, first_s + 86400.0 * d, rates, keys[ARRIVAL], steps, hour_of, out[6]), 0
        while order < count:
            m = min(CHUNK - held, count - order)
            for s in range(KIND, len(STREAMS)):
                fill_uniforms(keys[s], order, day, m, u[s], held)
            _choose(n, held, order, day, who, hour_of[order : order + m], kinds, which, u, laws, age, later, people,
                    out)  # fmt: skip
            held, order = held + m, order + m
            if held == CHUNK:
                _measure(n, n + held, u, x, laws, size_of, travels, out)
                n, held = n + held, 0
    _measure(n, n + held, u, x, laws, size_of, travels, out)
    return n + held


@njit(cache=True)
def draw_sites(numbers, day0, first_s, weekday0, daily, shares, hourly, keys, mods, sets, typings, common, age, people,
               travels, n, out):  # fmt: skip
    """All exams of a cluster's sites, written to the columns `out` of `Exams` from row n on; gives the next free row.

    numbers i8[site]; daily f8[day, modality, setting] national exams, shares f8[site, modality, setting] of them;
    hourly f8[setting, weekday, hour] shares of the day; keys u8[site, stream, 2]; people f8[site]; travels bool[site]:
    its films are read elsewhere; the other parameters as `sim.world.exams` lays them out.
    """
    laws = (mods, sets, typings, common)
    for i in range(len(numbers)):
        n = _draw_site((i, numbers[i]), day0, first_s, weekday0, daily, shares[i], hourly, keys[i], laws, age,
                       people[i], travels[i], n, out)  # fmt: skip
    return n
