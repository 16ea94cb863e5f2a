"""Units that are done while a long run is under way, kept so that a killed run goes on where it was."""

import json
import shutil
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pandas as pd

from sim.runs.spec import Spec
from sim.runs.store import PARTS, RunProblem
from sim.runs.unit import Unit, UnitResult

KEY = "key.json"
FREE = ("processes", "dask", "replications", "precision", "exams_folder")  # how and how much: not what


def spec_key(scenario_hash: str, spec: Spec) -> dict[str, Any]:
    """What a unit's result depends on, beside its cluster and replication."""
    asked = {name: str(value) for name, value in asdict(spec).items() if name not in FREE}
    return {"scenario": scenario_hash, "version": version("filmless"), **asked}


class Parts:
    """The folder of finished units beside the run's own; removed when the run is whole, kept when it is not."""

    def __init__(self, out: Path, key: dict[str, Any]) -> None:
        self.folder, self._key = out.parent / f"{PARTS}{out.name}", key
        self._used = False

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
        if not self._used:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / KEY).write_text(json.dumps(self._key))
            self._used = True

    def exams(self) -> Path:
        """Where the units put their exams."""
        self._begin()
        return self.folder / "exams"

    def _at(self, unit: Unit) -> Path:
        return self.folder / f"{unit.cluster}-{unit.replication}"

    def load(self, unit: Unit) -> UnitResult | None:
        """A unit that was done before, or None."""
        at = self._at(unit)
        if not at.is_dir():
            return None
        result = UnitResult(unit)
        for path in sorted(at.glob("*.parquet")):
            name, _ = path.stem.rsplit("-", 1)
            result.tables.setdefault(name, []).append(pd.read_parquet(path))
        with np.load(at / "loads.npz", allow_pickle=False) as arrays:
            for name in arrays.files:
                which, station, place = name.split("|")
                result.loads.setdefault((which, station), ())
                assert int(place) == len(result.loads[which, station])
                result.loads[which, station] += (arrays[name],)
        return result

    def save(self, result: UnitResult) -> None:
        """Keep a finished unit: written aside and renamed, so that it is whole or not there."""
        self._begin()
        at = self._at(result.unit)
        aside = at.with_name(f"{at.name}.part")
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir()
        for name, frames in result.tables.items():
            for i, frame in enumerate(frames):
                frame.to_parquet(aside / f"{name}-{i:02}.parquet", index=False)
        arrays = {
            f"{which}|{station}|{i}": array
            for (which, station), each in result.loads.items() for i, array in enumerate(each)
        }  # fmt: skip
        np.savez(aside / "loads.npz", **arrays)  # type: ignore[arg-type]
        aside.rename(at)
