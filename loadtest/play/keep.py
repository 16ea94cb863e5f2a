"""The play's run folder: operations, objects, ledger and the manifest that lets an outsider repeat it (rule L10)."""

import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from os import cpu_count
from pathlib import Path
from typing import Any

import pyarrow as pa

from loadtest.play.config import PlayConfig
from loadtest.play.journal import check_none_left
from loadtest.play.problems import PlayFailed, TrafficProblem
from loadtest.play.traffic import Traffic
from loadtest.verdict.ledger import ledger_table
from loadtest.verdict.records import ObjectRow, OperationRow, StudyRow, operations_table, to_table
from sim.runs.store import RunProblem, RunWriter, file_hash

LIBRARIES = ("gevent", "locust", "pydicom", "pynetdicom", "pyarrow")


def check_new(out: Path) -> None:
    """Refuse a folder that is there already, or its journal, before anything is sent. Raises TrafficProblem."""
    if out.exists():
        raise TrafficProblem(f"{out} exists already: name another folder with --out, or remove it")
    check_none_left(out)


def keep(
    out: Path,
    operations: Sequence[OperationRow],
    objects: Sequence[ObjectRow],
    ledger: Sequence[StudyRow],
    manifest: dict[str, Any],
) -> None:
    """Write the run folder whole, or not at all. Raises PlayFailed with path and cause."""
    try:
        with RunWriter(out) as writer:
            writer.table("operations", operations_table(operations))
            writer.table("objects", to_table(ObjectRow, objects))
            writer.table("ledger", ledger_table(ledger))
            writer.close(manifest)
    except (OSError, pa.ArrowException, RunProblem) as error:
        cause = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise PlayFailed(f"the results cannot be written to {out}: {cause}; nothing half was kept") from None


def manifest_of(config: PlayConfig, traffics: Sequence[Traffic]) -> dict[str, Any]:
    """What was played, of what, against what, how, and on which machine."""
    about = [one.about for one in traffics]
    return {
        "kind": "load", "title": about[0].scenario, "version": program_version(), "start": about[0].start, "end": "",
        "clusters": [one.cluster for one in about], "hours": about[0].hours, "speed": config.speed,
        "tcp_profile": config.tcp, "seed": about[0].seed, "seeds": {one.cluster: one.seed for one in about},
        "scenario": {"title": about[0].scenario},
        "scenario_hash": about[0].scenario_hash,
        "traffic": {a.cluster: file_hash(t.path) for a, t in zip(about, traffics, strict=True)},
        "exams_a_year": {one.cluster: one.exams_a_year for one in about if one.exams_a_year},
        "simulated": {one.cluster: one.model_dump(mode="json")["simulated"] for one in about if one.simulated},
        "starts": {one.cluster: one.start for one in about},
        "targets": {a.cluster: j.target.model_dump(mode="json") for a, j in zip(about, config.jobs, strict=True)},
        "settings": config.model_dump(mode="json", exclude={"jobs", "out"}), "machine": machine(),
    }  # fmt: skip


def machine() -> dict[str, Any]:
    """What a latency depends on beside the archive."""
    return {
        "cores": cpu_count(), "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(), "versions": {name: version(name) for name in LIBRARIES},
    }  # fmt: skip


def program_version() -> str:
    """Version of this program; from a checkout that is not installed, that."""
    try:
        return version("filmless")
    except PackageNotFoundError:
        return "not installed"
