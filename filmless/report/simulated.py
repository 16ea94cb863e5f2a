"""A simulated run as the notebooks see it: measures by the one accessor, read once, with the names of its places."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from filmless.report.palette import WORLD_NAME
from filmless.report.words import clean, period
from sim.answers.buckets import N_BUCKETS, bucket_edges, quantiles
from sim.answers.case import Case, build_case
from sim.answers.intervals import SECTIONS, Interval, sectioned, student
from sim.answers.measures import QUANTILE, Measures, Stat
from sim.runs.manifest import world_of
from sim.runs.store import Run, RunProblem, file_hash
from sim.world.load import World

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


CASE_DRAWS = 4_000  # enough to tell whether inputs act together
NEEDED = ("clusters", "worlds", "replications", "start", "end", "seed", "title", "scenario", "scenario_file",
          "scenario_hash", "files")  # fmt: skip


class KeptRun(Run):
    """A run folder whose tables are read and checked once; names are cleaned and kept as categories."""

    def __init__(self, folder: Path | str) -> None:
        super().__init__(folder)
        self._kept: dict[str, pd.DataFrame] = {}

    def table(self, name: str, columns: list[str] | None = None) -> pd.DataFrame:
        """As `Run.table`."""
        if name not in self._kept:
            super().table(name, [])  # compares the hash
            path = self.folder / f"{name}.parquet"
            texts = [
                f.name for f in pq.read_schema(path) if pa.types.is_string(f.type) or pa.types.is_large_string(f.type)
            ]
            frame = pq.read_table(path, read_dictionary=texts).to_pandas(ignore_metadata=True)
            self._kept[name] = frame.assign(**{c: _cleaned(frame[c]) for c in texts})
        return self._kept[name] if columns is None else self._kept[name][columns]

    def check(self) -> None:
        """Compare the hashes of all tables with the manifest's.

        Raises:
            RunProblem: one differs.
        """
        for file, expected in sorted(self.manifest["files"].items()):
            path = self.folder / file
            inside = path.resolve().is_relative_to(self.folder.resolve())
            if not inside or not path.is_file() or file_hash(path) != expected:
                raise RunProblem(f"{path} is missing or not what the manifest says: run it again")


def _cleaned(names: "pd.Series[Any]") -> "pd.Series[Any]":
    """The names without characters that nobody sees, as categories."""
    kept = names.astype("category")
    seen = {old: clean(str(old)) for old in kept.cat.categories}
    if len(set(seen.values())) == len(seen):
        return kept.cat.rename_categories(seen)
    return kept.map(seen).astype("category")


@dataclass(frozen=True)
class Curve:
    """Share of exams done within each time: share, low and high float64[bucket] at the buckets' upper ends."""

    seconds: Floats
    share: Floats
    low: Floats
    high: Floats
    n: int
    n_exams: int


class Simulated:
    """One simulated run: its measures, its places, its words."""

    def __init__(self, folder: Path | str) -> None:
        self.run = KeptRun(folder)
        if self.run.manifest.get("kind") != "simulation":
            raise RunProblem(f"{folder} is a {self.run.manifest.get('kind')} run; a simulation run is needed here")
        missing = [key for key in NEEDED if key not in self.run.manifest]
        if missing:
            raise RunProblem(f"{folder}: its manifest lacks {', '.join(missing)}: run it again")
        self.measures = Measures(self.run)
        self.replications: int = int(self.run.manifest["replications"])
        self.clusters: list[str] = list(self.run.manifest["clusters"])
        self.worlds: list[str] = list(self.run.manifest["worlds"])

    # --- words ------------------------------------------------------------------------------------

    @cached_property
    def world(self) -> World:
        """The scenario that the run was made of."""
        try:
            found: World = world_of(self.run.manifest["scenario"], Path(str(self.run.manifest["scenario_file"])))
        except (KeyError, TypeError, ValueError) as error:
            raise RunProblem(f"{self.run.folder}: the scenario in its manifest cannot be read ({error})") from error
        return found

    @property
    def currency(self) -> str:
        """Code of the currency that all money is in."""
        return self.world.scenario.currency

    @property
    def place(self) -> str:
        """Country, and which part of it."""
        names = [self.cluster_name(c) for c in self.clusters]
        whole = len(names) == len(self.world.scenario.clusters)
        part = "" if whole else f" ({', '.join(names)})"
        return f"{clean(self.world.scenario.country)}{part}"

    @property
    def period(self) -> str:
        """The measured days."""
        return period(str(self.run.manifest["start"]), str(self.run.manifest["end"]))

    @property
    def source(self) -> str:
        """The line below each figure."""
        m = self.run.manifest
        return (f"filmless simulation of '{clean(str(m['title']))}', seed {m['seed']}, {self.replications} "
                f"replications, scenario {str(m['scenario_hash'])[:12]}")  # fmt: skip

    def band(self, mark: str = "Whiskers") -> str:
        """What whiskers or ribbons show, for measures of exams."""
        if self.replications < 3:
            return f"No interval is shown: {self.replications} replication(s) are too few for one (3 are needed)."
        return (f"{mark}: 95 % confidence interval over {self.replications} replications of the "
                "simulation, for chance alone; assumptions and the model's form are not in it.")  # fmt: skip

    def cluster_name(self, code: str) -> str:
        """The name of a cluster; its code where the scenario has none."""
        found = self.world.scenario.clusters.get(code)
        return clean(found.name) if found else code

    def supplier_name(self, code: str) -> str:
        """The archive profile's maker, without the words that say it is assumed."""
        found = self.world.scenario.archives.get(code)
        return clean(found.name).removesuffix(" (assumed profile)") if found else code

    def modality_name(self, code: str) -> str:
        """The modality in words, with its code."""
        found = {str(k): v for k, v in self.world.scenario.modalities.items()}.get(code)
        return f"{clean(found.name)} ({code})" if found and found.name != code else code

    def named(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Codes of clusters, suppliers, modalities and worlds replaced by their names, for a table."""
        names: dict[str, Callable[[str], str]] = {
            "cluster": self.cluster_name, "supplier": self.supplier_name, "modality": self.modality_name,
            "world": lambda w: WORLD_NAME.get(w, w),
        }  # fmt: skip
        return frame.assign(**{c: [f(str(v)) for v in frame[c]] for c, f in names.items() if c in frame})

    @property
    def suppliers(self) -> pd.DataFrame:
        """Clusters with their archive profiles in use: cluster, supplier, trusts."""
        sites = self.run.table("sites")
        return sites.groupby(["cluster", "supplier"], observed=True)["trust"].nunique().rename("trusts").reset_index()

    # --- measures ---------------------------------------------------------------------------------

    def table(self, measure: str, stat: Stat, by: Sequence[str], world: str | None = None) -> pd.DataFrame:
        """The accessor's table, clusters in the scenario's order."""
        found = self.measures.table(measure, stat, by=by, world=world)
        for column in by:
            found[column] = found[column].astype(str)
        return self.in_order(found)

    def in_order(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Clusters in the scenario's order, other columns as they come."""
        if "cluster" not in frame or frame.empty:
            return frame
        rank = frame["cluster"].map({c: i for i, c in enumerate(self.clusters)})
        return frame.assign(_rank=rank).sort_values("_rank", kind="stable", ignore_index=True).drop(columns="_rank")

    def counts(self, measure: str, **where: str) -> Ints:
        """Exams of a measure by section of replications, int64[section, bucket]; where: world, cluster, ..."""
        rows = self.run.table("histograms")
        keep = np.array(rows["measure"] == measure)
        for column, value in where.items():
            keep &= np.array(rows[column] == value)
        key = rows["section"].to_numpy()[keep].astype(np.int64) * N_BUCKETS + rows["bucket"].to_numpy()[keep]
        flat = np.bincount(key, rows["count"].to_numpy()[keep], min(self.replications, SECTIONS) * N_BUCKETS)
        return flat.reshape(-1, N_BUCKETS).astype(np.int64)

    def difference(self, measure: str, stat: Stat, **where: str) -> Interval:
        """Film less PACS, in seconds, of the same exams: sectioning of the pooled percentile, or paired t of means."""
        both = [self.counts(measure, world=w, **where) for w in ("film", "pacs")]
        if stat == "mean":
            return self._mean_difference(measure, **where)
        q = (QUANTILE[stat],)
        pooled = [float(quantiles(c.sum(axis=0)[None], q)[0, 0]) for c in both]
        parts = [quantiles(c, q)[:, 0] for c in both]
        return sectioned(pooled[0] - pooled[1], parts[0] - parts[1], self.replications, 0.95)

    def _mean_difference(self, measure: str, **where: str) -> Interval:
        rows = self.run.table("moments")
        keep = rows["measure"] == measure
        for column, value in where.items():
            keep &= rows[column] == value
        sums = rows[keep].groupby(["world", "replication"], observed=True)[["n", "sum_s"]].sum()
        means = sums["sum_s"] / sums["n"]
        return student((means["film"] - means["pacs"]).to_numpy(dtype=np.float64), 0.95)

    def curve(self, measure: str, **where: str) -> Curve:
        """Cumulative distribution with pointwise 95 % intervals by sectioning, thinned to 200 points at most."""
        counts = self.counts(measure, **where)
        upto, whole = (np.cumsum(c, axis=-1) / np.maximum(c.sum(axis=-1, keepdims=True), 1)
                       for c in (counts, counts.sum(axis=0)))  # fmt: skip
        used = np.flatnonzero(counts.sum(axis=0))
        if len(used) == 0:
            return Curve(none := np.zeros(0), none, none, none, self.replications, 0)
        at = np.unique(np.linspace(used[0], used[-1], 200).round().astype(int))
        points = [sectioned(float(whole[i]), upto[:, i], self.replications, 0.95) for i in at]
        value, low, high = np.array([(p.value, p.low, p.high) for p in points]).T
        ends = bucket_edges()[np.minimum(at + 1, N_BUCKETS - 1)]
        return Curve(ends, value, low, high, self.replications, int(counts.sum()))

    def mean_by(self, measure: str, by: Sequence[str], world: str) -> pd.DataFrame:
        """Means by columns of the sites table too (supplier): *by, value, low, high in seconds, n, n_exams."""
        rows = self.run.table("moments")
        rows = rows[(rows["measure"] == measure) & (rows["world"] == world)]
        extra = [c for c in by if c not in rows.columns]
        rows = rows.astype({"site": str}).merge(self.run.table("sites")[["site", *extra]].astype(str), on="site")
        sums = rows.groupby([*by, "replication"], observed=True)[["n", "sum_s"]].sum().reset_index()
        out = []
        for key, part in sums.groupby(list(by), sort=False, observed=True):
            i = student((part["sum_s"] / part["n"]).to_numpy(dtype=np.float64), 0.95)
            out.append({**dict(zip(by, map(str, key), strict=True)), "value": i.value, "low": i.low, "high": i.high,
                        "n": i.n, "n_exams": int(part["n"].sum()), "method": i.method})  # fmt: skip
        return self.in_order(pd.DataFrame(out))

    @cached_property
    def case(self) -> Case:
        """The savings case of this run, with as many draws as a page needs."""
        return build_case(self.run, CASE_DRAWS)

    def manifest(self, key: str, default: Any = "not recorded") -> Any:
        """A value of the manifest."""
        return self.run.manifest.get(key, default)
