"""The timeline of every exam, kept on request: Parquet by cluster and month, in the order of the exams' ids.

A month is written when none of its exams is under way any more, so that files do not depend on the engine's windows.
"""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sim.engines.jobs import Jobs
from sim.engines.times import Times
from sim.runs.period import Period
from sim.world.calendar import date_of
from sim.world.estate import Estate
from sim.world.exams import Exams
from sim.world.load import World

Ints = NDArray[np.int64]
TIMES = {  # column of the timeline: column of the engine; seconds after arrival
    "room_start_s": "room_start", "acquired_s": "room_end", "available_s": "available", "stored_s": "ingest_end",
    "read_start_s": "read_start", "reported_s": "reported", "first_viewed_s": "viewed",
}  # fmt: skip


def timeline(world: World, estate: Estate, period: Period, e: Exams, j: Jobs, t: Times, rows: Ints) -> pd.DataFrame:
    """Exams with their times: arrival as a moment, what follows in seconds after it; NaN where it never was."""
    sites = pd.array([row.site for row in estate.sites], dtype="str")
    mods, sets = (pd.array(list(names), dtype="str") for names in (world.scenario.modalities, world.scenario.settings))
    arrival = e.arrival_s[rows]
    return pd.DataFrame({
        "exam": e.exam[rows], "site": sites[e.site[rows]], "modality": mods[e.modality[rows]],
        "setting": sets[e.setting[rows]], "emergency": e.priority[rows] == 0, "pacs": j.pacs[rows],
        "images": e.images[rows], "bytes": e.bytes[rows],
        "arrival": pd.Timestamp(period.first) + pd.to_timedelta(np.rint(arrival * 1e6).astype(np.int64), unit="us"),
        **{name: getattr(t, column)[rows] - arrival for name, column in TIMES.items()},
    })  # fmt: skip


class Keeper:
    """Writes the timelines of one unit and world."""

    def __init__(self, world: World, estate: Estate, period: Period, folder: Path, name: str) -> None:
        self._world, self._estate, self._period, self._name = world, estate, period, name
        self._folder = folder / f"cluster={estate.cluster}"
        self._months: dict[str, list[pd.DataFrame]] = {}

    def add(self, e: Exams, j: Jobs, t: Times, done: Ints, open_days: NDArray[np.int32]) -> None:
        """The rows `done`, and the days of those still under way: months before all of these are written."""
        since = e.day[done] - self._period.day0
        rows = done[(since >= 0) & (since < len(self._period.days))]
        frame = timeline(self._world, self._estate, self._period, e, j, t, rows)
        for month, part in frame.groupby(frame["arrival"].dt.strftime("%Y-%m")):
            self._months.setdefault(str(month), []).append(part)
        oldest = date_of(int(open_days.min())) if len(open_days) else date.max
        newest = date_of(int(e.day.max()))  # its month goes on with the next window
        for month in sorted(self._months):
            if month < f"{min(oldest, newest):%Y-%m}":
                self._write(month)

    def close(self) -> None:
        """Write what is left."""
        for month in sorted(self._months):
            self._write(month)

    def _write(self, month: str) -> None:
        folder = self._folder / f"month={month}"
        folder.mkdir(parents=True, exist_ok=True)
        whole = pd.concat(self._months.pop(month)).sort_values("exam", ignore_index=True)
        table = pa.Table.from_pandas(whole, preserve_index=False).replace_schema_metadata(None)
        pq.write_table(table, folder / f"{self._name}.parquet", compression="zstd")
