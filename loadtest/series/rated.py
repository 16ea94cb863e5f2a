"""Traffic at a rate: a traffic file's own mix of operations, at constant, Poisson or ramp times, as a file of its own.

Operations are taken in the file's order, over and over; every stored study is a new one (its exam number is), so that
an archive fills as it would. A play of another day begins with the same numbers: each has a lot of objects of its own
(`new_lot`), or the objects of one would answer for those of the other. Queries and retrieves keep asking for what is in
the prefill; those that ask for a study which the file itself stores while it plays are left out, and counted.
"""

import json
from dataclasses import dataclass, field
from math import nan
from pathlib import Path
from secrets import randbelow
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from loadtest.objects.uids import LOTS
from loadtest.play.problems import TrafficProblem
from loadtest.play.rates import Due, constant, poisson, ramp
from sim.world.streams import stream_key

Arrivals = Literal["constant", "poisson", "ramp"]
FIRST_NEW = 500_000_000_000  # exam numbers above those of a simulation


def new_lot() -> int:
    """A lot of objects that no other play has: one of 10**12 by chance. The manifest keeps it, to make them again."""
    return 1 + randbelow(LOTS - 1)


@dataclass
class Rated:
    """A file's operations as a stock that does not end; `left_out` of its rows cannot be repeated.

    A ramp goes evenly from the rate that is asked for to `to_per_s` operations a second.
    """

    path: Path
    arrivals: Arrivals = "constant"
    to_per_s: float = 0.0
    left_out: int = 0
    _at: int = 0
    _new: int = FIRST_NEW
    _op: int = 0
    _prefill: pd.DataFrame = field(init=False)
    _stock: pd.DataFrame = field(init=False)

    def __post_init__(self) -> None:
        try:
            self._table = pq.read_table(self.path)
        except (OSError, pa.ArrowException) as error:
            raise TrafficProblem(f"{self.path}: cannot be read as Parquet ({str(error).splitlines()[0]})") from None
        data = self._table.to_pandas()
        self._prefill = data[data["phase"] == "prefill"]
        played = data[data["phase"] == "play"].sort_values("due_s", kind="stable")
        known = (played["operation"] == "store") | played["exam"].isin(self._prefill["exam"])
        self._stock, self.left_out = played[known], int((~known).sum())
        if self._stock.empty:
            raise TrafficProblem(f"{self.path}: nothing of it can be repeated: take a window with stores or prefill")

    def share(self, operations: tuple[str, ...]) -> float:
        """The share of the mix that these operations are."""
        return float(self._stock["operation"].isin(operations).mean())

    def stands_for(self, per_s: float) -> float:
        """Exams a year of a cluster that has so many of these operations a second in this file's hour; NaN: not told.

        The file's own load is that of the scenario's cluster; everything is scaled with it.
        """
        about = self._about()
        own = len(self._stock) / (3600 * float(about.get("hours") or nan))
        return float(about.get("exams_a_year") or nan) * per_s / own

    def due(self, per_s: float, seconds: float) -> Due:
        """Times at a rate. Raises ValueError for a rate or length that cannot be."""
        if self.arrivals == "constant":
            return constant(per_s, seconds)
        if self.arrivals == "ramp":
            return ramp(per_s, self.to_per_s, seconds)
        return poisson(per_s, seconds, stream_key(self.seed(), 0, "find-limit", "", ""))

    def seed(self) -> int:
        """That of the file, of which UIDs are made; 0: not told."""
        return int(self._about().get("seed", 0))

    def _about(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self._table.schema.metadata or {}).get(b"filmless", b"{}"))
        return found

    def write(self, to: Path, per_s: float, seconds: float) -> int:
        """Write the next operations at this rate; returns how many."""
        due = self.due(per_s, seconds)
        rows = self._stock.iloc[(self._at + np.arange(len(due))) % len(self._stock)].copy()
        self._at += len(due)
        stores = (rows["operation"] == "store").to_numpy()
        exams = rows["exam"].to_numpy().copy()
        exams[stores] = self._new + np.arange(int(stores.sum()))
        self._new += int(stores.sum())
        rows = rows.assign(due_s=due, exam=exams)
        whole = pd.concat([self._prefill, rows], ignore_index=True)
        whole["op"] = self._op + np.arange(len(whole), dtype=np.int64)
        self._op += len(whole)
        table = pa.Table.from_pandas(whole, schema=self._table.schema, preserve_index=False)
        about = {k: v for k, v in self._about().items() if k != "simulated"}  # it was of another load
        pq.write_table(table.replace_schema_metadata({"filmless": json.dumps(about)}), to)
        return len(due)
