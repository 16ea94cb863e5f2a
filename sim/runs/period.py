"""The dates of a run, and how its hours are pooled."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from sim.world.calendar import day_number

Ints = NDArray[np.int64]
LONG_DAYS = 100  # a longer run keeps hours of the week by quarter instead of every hour,
YEARS_DAYS = 400  # and one longer still by year


@dataclass(frozen=True)
class Period:
    """Exams that arrive from `start` until before `end` are measured; time 0 is the start of `first`.

    Exams arrive from `first` (warm-up) until before `last` (so that the last measured ones meet company).
    """

    first: date
    start: date
    end: date
    last: date

    @property
    def days(self) -> list[date]:
        """The measured days."""
        return [self.start + timedelta(days=i) for i in range((self.end - self.start).days)]

    @property
    def day0(self) -> int:
        """Day number of the first measured day."""
        return day_number(self.start)

    @property
    def warm_up_s(self) -> float:
        """Seconds before the measured period."""
        return (self.start - self.first).days * 86_400.0

    @property
    def hours(self) -> int:
        """Measured hours."""
        return 24 * (self.end - self.start).days

    def months(self) -> tuple[list[str], Ints]:
        """Names of the months, and the month's number of each measured day."""
        names = [f"{d:%Y-%m}" for d in self.days]
        known = sorted(set(names))
        return known, np.array([known.index(n) for n in names], dtype=np.int64)

    def slots(self) -> tuple[Ints, list[datetime], Ints]:
        """Slot of each measured hour; each slot's first hour; how many hours it pools."""
        hours = np.arange(self.hours)
        if len(self.days) <= LONG_DAYS:
            slot = hours
        else:
            week = (self.start.weekday() * 24 + hours) % 168
            long = len(self.days) > YEARS_DAYS
            pool = [d.year if long else 4 * d.year + (d.month - 1) // 3 for d in self.days]
            slot = (np.repeat(pool, 24) - pool[0]) * 168 + week
        used, first, slot = np.unique(slot, return_index=True, return_inverse=True)
        zero = datetime(self.start.year, self.start.month, self.start.day)
        return slot, [zero + timedelta(hours=int(h)) for h in first], np.bincount(slot, minlength=len(used))
