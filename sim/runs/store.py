"""The run folder: written whole or not at all, and read only when its hashes agree.

Order: tables -> fsync each -> manifest with their SHA-256, last -> fsync the folder -> rename -> fsync the parent.
"""

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from hashlib import sha256
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

MANIFEST = "manifest.json"
TEMPORARY = ".part-"
ROWS = 1 << 18  # of a row group, at least: 50 MB of the widest table
PARTS = ".units-"  # finished units of a long run under way


class RunProblem(Exception):
    """A run folder that cannot be written or read: says where, why, and what to do."""


def file_hash(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    digest = sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _row_groups(parts: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The parts put together until they have `ROWS` rows."""
    held: list[pa.Table] = []
    for part in parts:
        held.append(part)
        if sum(map(len, held)) >= ROWS:
            yield pa.concat_tables(held)
            held = []
    if held:
        yield pa.concat_tables(held)


class RunWriter:
    """Collects the tables of one run; `close(manifest)` publishes it; leaving early removes everything."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._work = folder.parent / f"{TEMPORARY}{folder.name}-{os.getpid()}"

    def __enter__(self) -> "RunWriter":
        if self.folder.exists():
            raise RunProblem(f"{self.folder} exists already: name another folder with --out, or remove it")
        self._work.mkdir(parents=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self._work, ignore_errors=True)

    def path(self, name: str) -> Path:
        """Where a file of this run is to be written."""
        return self._work / name

    def table(self, name: str, data: pd.DataFrame | pa.Table) -> None:
        """Write `name`.parquet."""
        table = data if isinstance(data, pa.Table) else pa.Table.from_pandas(data, preserve_index=False)
        pq.write_table(table.replace_schema_metadata(None), self.path(f"{name}.parquet"), compression="zstd")

    def stream(self, name: str, parts: Iterable[pa.Table]) -> None:
        """Write `name`.parquet from its parts as they come, so that never all of it is in memory."""
        groups = (group.replace_schema_metadata(None) for group in _row_groups(parts))
        first = next(groups)
        with pq.ParquetWriter(self.path(f"{name}.parquet"), first.schema, compression="zstd") as file:
            for group in chain([first], groups):
                file.write_table(group)

    def take(self, folder: Path) -> None:
        """Move a folder of files into the run."""
        shutil.move(folder, self.path(folder.name))

    def close(self, manifest: dict[str, Any]) -> Path:
        """Publish the run under its name."""
        files = sorted(p for p in self._work.rglob("*") if p.is_file())
        for path in files:
            _sync(path)
        hashes = {str(p.relative_to(self._work)): file_hash(p) for p in files}
        target = self._work / MANIFEST
        target.write_text(json.dumps({**manifest, "files": hashes}, indent=1, default=str) + "\n")
        _sync(target)
        _sync(self._work)
        try:
            self._work.rename(self.folder)
        except OSError as error:
            raise RunProblem(f"{self.folder} appeared while the run was under way: name another with --out") from error
        _sync(self.folder.parent)
        return self.folder


class Run:
    """A finished run folder, read-only."""

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        path = self.folder / MANIFEST
        if not path.is_file():
            raise RunProblem(f"{self.folder} is not a run folder: it has no {MANIFEST} (see `filmless runs`)")
        try:
            self.manifest: dict[str, Any] = json.loads(path.read_text())
        except ValueError as error:
            raise RunProblem(f"{path} is damaged ({error}): run it again") from error
        self._checked: set[str] = set()

    def has(self, name: str) -> bool:
        """Has the run such a table?"""
        return f"{name}.parquet" in self.manifest["files"]

    def table(self, name: str, columns: list[str] | None = None) -> pd.DataFrame:
        """A table of the run, after its hash was compared with the manifest's."""
        file = f"{name}.parquet"
        if file not in self.manifest["files"]:
            raise RunProblem(f"{self.folder} has no table '{name}'; it has {', '.join(sorted(self.manifest['files']))}")
        if file not in self._checked and file_hash(self.folder / file) != self.manifest["files"][file]:
            raise RunProblem(f"{self.folder / file} is not what the manifest says (hash differs): run it again")
        self._checked.add(file)
        return pq.read_table(self.folder / file, columns=columns).to_pandas()

    @property
    def results_hash(self) -> str:
        """One hash over the hashes of all tables."""
        lines = [f"{name} {value}" for name, value in sorted(self.manifest["files"].items())]
        return sha256("\n".join(lines).encode()).hexdigest()


def list_runs(parent: Path) -> list[Run]:
    """All whole run folders below a folder, oldest name first; folders half written are not runs."""
    return [
        Run(p.parent) for p in sorted(parent.glob(f"*/{MANIFEST}")) if not p.parent.name.startswith((TEMPORARY, PARTS))
    ]


def leftovers(parent: Path) -> list[Path]:
    """Folders that a killed run left behind, temporary ones and finished units: named, never deleted silently."""
    return sorted([*parent.glob(f"{TEMPORARY}*"), *parent.glob(f"{PARTS}*")])
