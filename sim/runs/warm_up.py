"""The warm-up, proved instead of guessed: start the run twice and see from when on every exam's times are the same.

All draws are keyed by names and days, so two runs that begin on different days have the same exams from the later
beginning on, and once both have been empty at the same time they are identical for good (a regeneration point;
Asmussen 2003, ch. 6). The warm-up is long enough when that happens before the measured days.
"""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.runs.period import Period
from sim.runs.unit import Unit, finished_exams
from sim.world.load import World

EARLIER_DAYS = 7  # the second run begins so many days before the first
MOMENTS = ("room_start", "available", "ingest_end", "reported", "viewed", "prior_ready")

Rows = tuple[
    NDArray[np.int64], NDArray[np.float64]
]  # ids, ascending; arrival and moments in seconds, [exam, 1 + moment]


def _rows(world: World, unit: Unit, begin: date, since_s: float) -> Rows:
    """Exams of a unit that arrive from `since_s` on, its draws from the day `begin` on."""
    ids, columns = [], []
    for _, exams, _, times, done in finished_exams(world, unit, begin):
        rows = done[exams.arrival_s[done] >= since_s]
        ids.append(exams.exam[rows])
        columns.append(np.stack([exams.arrival_s[rows], *(getattr(times, name)[rows] for name in MOMENTS)], axis=1))
    whole, order = np.concatenate(ids), np.argsort(np.concatenate(ids))
    return whole[order], np.concatenate(columns)[order]


def couplings(world: World, unit: Unit) -> pd.DataFrame:
    """One row a world of the unit, of exams from the beginning of its warm-up to the end of its first measured day.

    replication, world, cluster, exams compared, differ (how many), coupled_after_days (until the last of them had
    arrived; 0: none differs), warm_up_days, proved.
    """
    period = unit.period
    first, stop = period.first - timedelta(days=EARLIER_DAYS), period.start + timedelta(days=1)
    since_s, rows, days = EARLIER_DAYS * 86_400.0, [], Period(first, period.start, stop, stop)
    for which in unit.worlds:
        one = replace(unit, worlds=(which,), engine="fast", exams_folder="", period=days)
        (ids, short), (others, long) = _rows(world, one, period.first, since_s), _rows(world, one, first, since_s)
        if not np.array_equal(ids, others):
            raise AssertionError("the exams of a day depend on when the run began")
        differ = ~((short == long) | (np.isnan(short) & np.isnan(long))).all(axis=1)
        after = float(short[differ, 0].max() - since_s) / 86_400.0 if differ.any() else 0.0
        warm = (period.start - period.first).days
        rows.append({
            "replication": unit.replication, "world": which, "cluster": unit.cluster, "exams": len(ids),
            "differ": int(differ.sum()), "coupled_after_days": after, "warm_up_days": warm, "proved": after < warm,
        })  # fmt: skip
    return pd.DataFrame(rows)
