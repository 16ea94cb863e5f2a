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

from sim.engines.times import Times
from sim.runs.period import Period
from sim.runs.unit import Unit, finished_exams
from sim.world.load import World

EARLIER_DAYS = 7  # the second run begins so many days before the first
MOMENTS = ("room_start", "available", "ingest_end", "reported", "viewed", "prior_ready")

Rows = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.uint64]]  # ids, ascending; arrivals; fingerprints


def _fingerprints(times: Times, rows: NDArray[np.int64]) -> NDArray[np.uint64]:
    """One word an exam, of all bits of its moments: FNV-1a word by word, so that the times need not be kept."""
    out = np.full(len(rows), 0xCBF29CE484222325, dtype=np.uint64)
    for name in MOMENTS:
        out = (out ^ getattr(times, name)[rows].view(np.uint64)) * np.uint64(0x100000001B3)
        out ^= out >> np.uint64(29)  # or the upper bits would never reach the lower ones
    return out


def _rows(world: World, unit: Unit, begin: date, since_s: float) -> Rows:
    """Exams of a unit that arrive from `since_s` on, its draws from the day `begin` on."""
    parts = []
    for _, exams, _, times, done in finished_exams(world, unit, begin):
        rows = done[exams.arrival_s[done] >= since_s]
        parts.append((exams.exam[rows], exams.arrival_s[rows], _fingerprints(times, rows)))
    ids, arrivals, marks = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(ids)
    return ids[order], arrivals[order], marks[order]


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
        ids, arrivals, short = _rows(world, one, period.first, since_s)
        others, _, long = _rows(world, one, first, since_s)
        if not np.array_equal(ids, others):
            raise AssertionError("the exams of a day depend on when the run began")
        differ = short != long
        after = float(arrivals[differ].max() - since_s) / 86_400.0 if differ.any() else 0.0
        warm = (period.start - period.first).days
        rows.append({
            "replication": unit.replication, "world": which, "cluster": unit.cluster, "exams": len(ids),
            "differ": int(differ.sum()), "coupled_after_days": after, "warm_up_days": warm, "proved": after < warm,
        })  # fmt: skip
    return pd.DataFrame(rows)
