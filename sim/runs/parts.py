"""What has come in of a long run under way, saved now and then, so that a killed run goes on where it was."""

import json
import shutil
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.runs.collect import Collected
from sim.runs.spec import Spec
from sim.runs.store import PARTS, RunProblem

KEY, SUMS = "key.json", "sums.npz"
FREE = ("processes", "dask", "replications", "precision", "exams_folder")  # how and how much: not what
SAVE_AFTER_S = 10.0  # a run killed earlier has lost no more than that,
SAVE_SHARE = 0.05  # later no more than this share of its time: all sums are written each time


def spec_key(scenario_hash: str, spec: Spec) -> dict[str, Any]:
    """What a unit's result depends on, beside its cluster and replication."""
    asked = {name: str(value) for name, value in asdict(spec).items() if name not in FREE}
    return {"scenario": scenario_hash, "version": version("filmless"), **asked}


class Parts:
    """The folder of finished units beside the run's own; removed when the run is whole, kept when it is not.

    A file for each unit's tables, and one for the sums over units, which says which units these are.
    """

    def __init__(self, out: Path, key: dict[str, Any]) -> None:
        self.folder, self._key = out.parent / f"{PARTS}{out.name}", key
        self._begun = self._saved = perf_counter()
        self._written: set[tuple[int, str]] = set()

    def __enter__(self) -> "Parts":
        known = self.folder / KEY
        if known.exists() and json.loads(known.read_text()) != self._key:
            raise RunProblem(
                f"{self.folder} holds units of another run of this name that was stopped: give the same scenario and "
                "options to go on with it, name another folder with --out, or remove it"
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _begin(self) -> None:
        if not (self.folder / KEY).exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            aside = self.folder / f"part-{KEY}"
            aside.write_text(json.dumps(self._key))
            aside.replace(self.folder / KEY)

    def exams(self) -> Path:
        """Where the units put their exams."""
        self._begin()
        return self.folder / "exams"

    def _at(self, replication: int, cluster: str) -> Path:
        return self.folder / f"{cluster}-{replication}.npz"

    def load(self) -> Collected | None:
        """What had come in before the run was stopped, or None."""
        if not (self.folder / SUMS).exists():
            return None
        found, sums = Collected(), _read(self.folder / SUMS)
        for text in sums.pop("units").tolist():
            replication, cluster = text.split("|")
            unit = (int(replication), cluster)
            found.rows[unit] = {name: data.tobytes() for name, data in _read(self._at(*unit)).items()}
            self._written.add(unit)
        for name, array in sums.items():
            kind, *place = name.split("|")
            if kind == "load":
                cluster, which, station, _ = place
                found.loads[cluster, which, station] = (*found.loads.get((cluster, which, station), ()), array)
            else:
                section, which, cluster = place
                found.histograms.held[kind, int(section), which, cluster] = array
        return found

    def keep(self, collected: Collected) -> None:
        """Save what has come in, if it is time to."""
        now = perf_counter()
        if now - self._saved < max(SAVE_AFTER_S, SAVE_SHARE * (now - self._begun)):
            return
        self._begin()
        for unit in collected.rows.keys() - self._written:
            tables = {name: np.frombuffer(data, np.uint8) for name, data in collected.rows[unit].items()}
            np.savez(self._at(*unit), **tables)  # type: ignore[arg-type]
            self._written.add(unit)
        self._write_sums(collected)
        self._saved = perf_counter()

    def _write_sums(self, collected: Collected) -> None:
        """Written aside and renamed, so that they are whole or those of before."""
        arrays: dict[str, NDArray[Any]] = {"units": np.array([f"{r}|{c}" for r, c in collected.rows])}
        arrays |= {"|".join(map(str, place)): counts for place, counts in collected.histograms.held.items()}
        for key, each in collected.loads.items():
            arrays |= {"|".join(("load", *key, str(i))): array for i, array in enumerate(each)}
        aside = self.folder / f"part-{SUMS}"
        np.savez(aside, **arrays)  # type: ignore[arg-type]
        aside.replace(self.folder / SUMS)


def _read(path: Path) -> dict[str, NDArray[Any]]:
    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}
