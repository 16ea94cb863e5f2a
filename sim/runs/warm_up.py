"""The warm-up, proved instead of guessed: start the run twice and see from when on every exam's times are the same.

All draws are keyed by names and days, so two runs that begin on different days have the same exams from the later
beginning on, and once both have been empty at the same time they are identical for good (a regeneration point;
Asmussen 2003, ch. 6). The warm-up is long enough when that happens before the measured days. The later of the two is
the run itself, watched while it goes; both are compared by what has happened until a week of the measured days is over.
"""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.engines.times import Times
from sim.runs.period import Period
from sim.runs.unit import Portion, Unit, finished_exams
from sim.world.load import World

EARLIER_DAYS = 7  # the other run begins so many days before
WATCHED_DAYS = 7  # of the measured days
MOMENTS = ("room_start", "available", "ingest_end", "reported", "viewed", "prior_ready")

Rows = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.uint64]]  # ids, ascending; arrivals; fingerprints


def _fingerprints(times: Times, rows: NDArray[np.int64], until_s: float) -> NDArray[np.uint64]:
    """One word an exam, of all bits of its moments: FNV-1a word by word, so that the times need not be kept.

    What happens from `until_s` on is left out: how much of it is known depends on where the windows are cut.
    """
    out = np.full(len(rows), 0xCBF29CE484222325, dtype=np.uint64)
    for name in MOMENTS:
        moment = getattr(times, name)[rows]
        moment = np.where(moment < until_s, moment, np.nan)
        out = (out ^ moment.view(np.uint64)) * np.uint64(0x100000001B3)
        out ^= out >> np.uint64(29)  # or the upper bits would never reach the lower ones
    return out


class Witness:
    """Sees a run's portions, and remembers the exams that arrived from time 0 to the end of the first measured day."""

    def __init__(self, period: Period, worlds: tuple[str, ...]) -> None:
        self._day0, self._until_s = period.day0, period.warm_up_s + WATCHED_DAYS * 86_400.0
        self._parts: dict[str, list[Rows]] = {which: [] for which in worlds}
        self._going = set(worlds)

    @property
    def ended(self) -> bool:
        """Nothing that comes now is of interest."""
        return not self._going

    def see(self, portion: Portion) -> None:
        """Remember those who are done; at the end also those who are not, as far as they have come."""
        which, exams, _, _, done = portion
        if which not in self._going:
            return
        self._keep(which, portion, done)
        if exams.day.max(initial=0) >= self._day0 + WATCHED_DAYS - 1:
            self._going.discard(which)
            others = np.ones(len(exams), dtype=np.bool_)
            others[done] = False
            self._keep(which, portion, np.flatnonzero(others))

    def _keep(self, which: str, portion: Portion, rows: NDArray[np.int64]) -> None:
        _, exams, _, times, _ = portion
        rows = rows[(exams.arrival_s[rows] >= 0.0) & (exams.day[rows] <= self._day0)]
        self._parts[which].append((exams.exam[rows], exams.arrival_s[rows], _fingerprints(times, rows, self._until_s)))

    def rows(self, which: str) -> Rows:
        """All that was seen in a world; who was done before and was in hand at the end was seen twice."""
        ids, arrivals, marks = (np.concatenate(column) for column in zip(*self._parts[which], strict=True))
        order = np.argsort(ids, kind="stable")
        order = order[np.diff(ids[order], prepend=-1) > 0]
        return ids[order], arrivals[order], marks[order]


def watched(world: World, unit: Unit, begin: date) -> Witness:
    """What a run of the fast engine that begins on this day shows; nobody arrives after the days that are watched."""
    witness = Witness(unit.period, unit.worlds)
    last = min(unit.period.last, unit.period.start + timedelta(days=WATCHED_DAYS))
    one = replace(unit, engine="fast", exams_folder="", period=replace(unit.period, last=last))
    for portion in finished_exams(world, one, begin):
        witness.see(portion)
        if witness.ended:
            break
    return witness


def couplings(world: World, unit: Unit, seen: Witness) -> pd.DataFrame:
    """One row a world of the unit, of exams from the beginning of its warm-up to the end of its first measured day.

    replication, world, cluster, exams compared, differ (how many), coupled_after_days (until the last of them had
    arrived; 0: none differs), warm_up_days, proved. `seen` is of the unit's run by the fast engine.
    """
    period, rows = unit.period, []
    earlier = watched(world, unit, period.first - timedelta(days=EARLIER_DAYS))
    for which in unit.worlds:
        (ids, arrivals, short), (others, _, long) = seen.rows(which), earlier.rows(which)
        if not np.array_equal(ids, others):
            raise AssertionError("the exams of a day depend on when the run began")
        differ = short != long
        after = float(arrivals[differ].max()) / 86_400.0 if differ.any() else 0.0
        warm = (period.start - period.first).days
        rows.append({
            "replication": unit.replication, "world": which, "cluster": unit.cluster, "exams": len(ids),
            "differ": int(differ.sum()), "coupled_after_days": after, "warm_up_days": warm, "proved": after < warm,
        })  # fmt: skip
    return pd.DataFrame(rows)
