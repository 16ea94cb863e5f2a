"""Slow, plain simulations of the stations, moment by moment, to hold the kernels against.

They share nothing with the kernels: queues are lists, time goes from one moment at which something may happen to the
next, and a link keeps the work left of every transfer, in exact fractions.
"""

from collections.abc import Sequence
from fractions import Fraction
from math import nan

WEEK_S = 604_800
Numbers = Sequence[float]
Spans = Sequence[tuple[float, float]]
ALWAYS: Spans = ((0, WEEK_S),)


def is_open(t: float, spans: Spans, offset_s: float) -> bool:
    now = (t + offset_s) % WEEK_S
    return any(a <= now < b for a, b in spans)


def next_opening(t: float, spans: Spans, offset_s: float) -> set[float]:
    """The next moment at which doors open, if there is one."""
    monday = (t + offset_s) // WEEK_S * WEEK_S - offset_s
    later = [monday + w + a for w in (0, WEEK_S) for a, _ in spans if monday + w + a > t]
    return set(later[:1])


def pool(
    ready: Numbers, service: Numbers, priority: Sequence[int], servers: int,
    hours: tuple[Spans, Spans] = (ALWAYS, ALWAYS), offset_s: float = 0.0,
) -> tuple[list[float], list[float]]:  # fmt: skip
    """Starts and ends of jobs in order of readiness, class 0 before class 1; NaN for what never starts."""
    start, end = [nan] * len(ready), [nan] * len(ready)
    waiting: tuple[list[int], list[int]] = ([], [])
    busy: list[float] = []
    moments, arrived = set(ready), 0
    while moments:
        t = min(moments)
        moments.remove(t)
        busy = [until for until in busy if until > t]
        while arrived < len(ready) and ready[arrived] <= t:
            waiting[priority[arrived]].append(arrived)
            arrived += 1
        for queue, spans in zip(waiting, hours, strict=True):
            while queue and len(busy) < servers and is_open(t, spans, offset_s):
                i = queue.pop(0)
                start[i], end[i] = t, t + service[i]
                if service[i] > 0:
                    busy.append(end[i])
                    moments.add(end[i])
            if queue:
                moments |= next_opening(t, spans, offset_s)
    return start, end


def link(ready: Numbers, work: Numbers, since: Numbers, rates: Numbers) -> list[float]:
    """Ends of transfers that share a link equally, whose capacity is rates[p] from since[p] on; NaN for never."""
    end = [nan] * len(ready)
    left: dict[int, Fraction] = {}
    t, arrived = Fraction(0), 0
    while arrived < len(ready) or left:
        rate = Fraction([r for s, r in zip(since, rates, strict=True) if s <= t or s == since[0]][-1])
        moments = [Fraction(s) for s in since if s > t] + [Fraction(r) for r in ready[arrived : arrived + 1]]
        if left and rate:
            moments.append(t + min(left.values()) * len(left) / rate)
        if not moments:
            break
        now = min(moments)
        left = {i: w - (now - t) * rate / len(left) for i, w in left.items()}
        t = now
        while arrived < len(ready) and ready[arrived] == t:
            left[arrived] = Fraction(work[arrived])
            arrived += 1
        for i in [i for i, w in left.items() if w == 0]:
            end[i] = float(t)
            del left[i]
    return end
