"""Histograms of a run, kept by section of replications: a thousand replications weigh what ten do.

The interval of a pooled percentile asks for no more (`sim.answers.intervals`).
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from sim.answers.buckets import N_BUCKETS
from sim.answers.intervals import section_of
from sim.runs.store import Run
from sim.runs.tallies import MEASURES
from sim.world.estate import build_estate
from sim.world.load import World

TABLES = ("histograms", "site_histograms")
KEYS = ["section", "world", "cluster"]
LARGEST = np.iinfo(np.int32).max
Counts = NDArray[np.integer[Any]]  # [group, measure, bucket]
Place = tuple[str, int, str, str]  # table, section, world, cluster


class Histograms:
    """What has come in so far; adding is of whole numbers, so the order does not matter."""

    def __init__(self) -> None:
        self.held: dict[Place, Counts] = {}

    def add(self, cluster: str, replication: int, counts: Mapping[tuple[str, str], Counts]) -> None:
        """One unit more; counts by table and world, as `Tally.histograms` gives them."""
        for (table, which), more in counts.items():
            place = (table, section_of(replication), which, cluster)
            known = self.held.get(place)
            self.held[place] = more.copy() if known is None else _sum(known, more)

    def take(self, world: World, run: Run) -> None:
        """The tables of a finished run."""
        for table in TABLES:
            for _, rows in run.table(table).groupby(KEYS):
                section, which, cluster = rows[KEYS].iloc[0]
                groups = _groups(world, cluster, table)
                group = rows.merge(groups.assign(group=groups.index), "left")["group"]
                counts = np.zeros((len(groups), len(MEASURES), N_BUCKETS), np.int64)
                counts[group, pd.Index(MEASURES).get_indexer(pd.Index(rows["measure"])), rows["bucket"]] = rows["count"]
                self.held[table, int(section), which, cluster] = counts

    def table(self, world: World, name: str) -> Iterator[pa.Table]:
        """By section, world and cluster; after these the names of the group, measure, bucket and count."""
        for place in sorted(key for key in self.held if key[0] == name):
            _, *keys = place
            counts, groups = self.held[place], _groups(world, place[-1], name)
            yield pa.Table.from_pandas(_rows(counts, groups, dict(zip(KEYS, keys, strict=True))), preserve_index=False)


def _sum(known: Counts, more: Counts) -> Counts:
    """In the place of the known ones; in 8 bytes each only when 4 might not do."""
    if known.dtype != np.int64 and int(known.max()) + int(more.max()) > LARGEST:
        known = known.astype(np.int64)
    known += more
    return known


def _groups(world: World, cluster: str, table: str) -> pd.DataFrame:
    """What the groups of a table are, in their order: kinds of exam, or the cluster's sites."""
    if table == "site_histograms":
        return pd.DataFrame({"site": [row.site for row in build_estate(world, cluster).sites]})
    kinds = [(m, s) for m in world.scenario.modalities for s in world.scenario.settings]
    return pd.DataFrame(kinds, columns=["modality", "setting"])


def _rows(counts: Counts, groups: pd.DataFrame, keys: dict[str, Any]) -> pd.DataFrame:
    """Counts that are not 0, labelled."""
    group, measure, bucket = counts.nonzero()
    names = pd.DataFrame(keys, index=range(len(group))).astype({"section": np.int8})
    return pd.concat([names, groups.iloc[group].reset_index(drop=True)], axis=1).assign(
        measure=pd.array(list(MEASURES), dtype="str")[measure], bucket=bucket.astype(np.int16),
        count=counts[group, measure, bucket].astype(np.int64),
    )  # fmt: skip
