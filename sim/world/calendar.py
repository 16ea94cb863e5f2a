"""Dates and weekly opening hours as numbers. Time 0 is 00:00 of the run's first day; seconds."""

from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from sim.world.scenario import Hours

DAY_S = 86_400.0
WEEK_S = 7 * DAY_S
EPOCH = date(2000, 1, 1)
ALWAYS: NDArray[np.float64] = np.array([[0.0, WEEK_S]])


def day_number(day: date) -> int:
    """Days since 1 January 2000: the `day` of exam ids and of stream counters."""
    return (day - EPOCH).days


def date_of(number: int) -> date:
    """The inverse of `day_number`."""
    return EPOCH + timedelta(days=number)


def week_offset_s(first: date) -> float:
    """Seconds from Monday 00:00 to the run's time 0."""
    return first.weekday() * DAY_S


def weekly_spans(hours: Hours) -> NDArray[np.float64]:
    """Open spans in seconds of the week (Monday 00:00 is 0), ascending, touching ones joined; float64[m, 2]."""
    friday = hours.weekday if hours.friday is None else hours.friday
    days = [hours.weekday] * 4 + [friday, hours.saturday, hours.sunday]
    spans: list[list[float]] = []
    for number, span in enumerate(days):
        if not span:
            continue
        start, stop = (number * DAY_S + 3600 * hour for hour in span)
        if spans and spans[-1][1] == start:
            spans[-1][1] = stop
        else:
            spans.append([start, stop])
    return np.array(spans, dtype=np.float64)


def open_hours_a_week(hours: Hours) -> float:
    """Hours open in a week."""
    return float(np.diff(weekly_spans(hours), axis=1).sum()) / 3600
