"""What has come in of a run under way, and its tables."""

from collections.abc import Iterator
from itertools import groupby

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from sim.runs.packed import pack, unpack
from sim.runs.sections import Histograms
from sim.runs.spec import Spec
from sim.runs.station_tables import Key, loads_of_run
from sim.runs.store import Run
from sim.runs.unit import TABLES, Unit, UnitResult
from sim.world.load import World

Name = tuple[int, str]  # replication, cluster


class Collected:
    """What has come in so far; adding is of whole numbers, so the order of the units does not matter.

    Only `rows` grow with the replications, by half a megabyte for a cluster-year.
    """

    def __init__(self) -> None:
        self.rows: dict[Name, dict[str, bytes]] = {}  # by unit its tables, packed
        self.histograms = Histograms()
        self.loads: dict[Key, tuple[NDArray[np.int64], ...]] = {}

    def add(self, result: UnitResult) -> None:
        """One unit more."""
        cluster, replication = result.unit.cluster, result.unit.replication
        self.rows[replication, cluster] = result.tables
        self.histograms.add(cluster, replication, result.histograms)
        for (which, station), arrays in result.loads.items():
            known = self.loads.get(key := (cluster, which, station))
            self.loads[key] = arrays if known is None else tuple(a + b for a, b in zip(known, arrays, strict=True))

    def take(self, run: Run, world: World, spec: Spec) -> None:
        """All replications of a finished run."""
        units = [(r, c) for r in range(int(run.manifest["replications"])) for c in spec.clusters]
        for name in (*TABLES, "warm_up"):
            table = run.table(name)
            parts = dict(iter(table.groupby(["replication", "cluster"])))
            for unit in units:
                self.rows.setdefault(unit, {})[name] = pack(parts.get(unit, table[:0]))
        self.histograms.take(world, run)
        self.loads.update(loads_of_run(world, spec, run))

    def has(self, unit: Unit) -> bool:
        """Is the unit among what has come in?"""
        return (unit.replication, unit.cluster) in self.rows

    @property
    def replications(self) -> int:
        """One more than the highest that has come in, of any cluster."""
        return max((replication + 1 for replication, _ in self.rows), default=0)

    def table(self, name: str) -> Iterator[pa.Table]:
        """A table of all units, replication by replication; each by world and cluster."""
        units = [(key, tables[name]) for key, tables in sorted(self.rows.items()) if name in tables]
        for _, parts in groupby(units, key=lambda unit: unit[0][0]):
            together = pa.concat_tables(unpack(data) for _, data in parts)
            yield together.sort_by([("world", "ascending"), ("cluster", "ascending")])  # a stable sort

    def frame(self, name: str) -> pd.DataFrame:
        """The same at once."""
        return pa.concat_tables(self.table(name)).to_pandas()
