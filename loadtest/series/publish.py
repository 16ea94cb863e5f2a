"""A finished play and what was found in it, as one run folder: whole, with hashes, or not at all."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from loadtest.play.problems import PlayFailed
from sim.runs.store import MANIFEST, Run, RunProblem, RunWriter


def publish(measured: Path, out: Path, found: Mapping[str, Any], tables: Mapping[str, pa.Table] | None = None) -> Path:
    """Move a play's tables to `out` with more tables and more words in the manifest; `measured` is emptied.

    Raises PlayFailed with path and cause; the measured folder then stays.
    """
    run = Run(measured)
    try:
        with RunWriter(out) as writer:
            for name in run.manifest["files"]:
                writer.path(name).hardlink_to(measured / name)
            for name, table in (tables or {}).items():
                writer.table(name, table)
            kept = {k: v for k, v in run.manifest.items() if k != "files"}
            writer.close({**kept, **found})
    except (OSError, RunProblem) as error:
        raise PlayFailed(f"the finding cannot be written to {out}: {error}; the play itself is in {measured}") from None
    for name in (*run.manifest["files"], MANIFEST):
        (measured / name).unlink()
    measured.rmdir()
    return out
