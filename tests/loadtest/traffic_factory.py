"""Traffic files by hand: tiny, exact, and shaped as `filmless traffic` writes them."""

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

NAN = float("nan")
MATRICES = {"CT": [64, 64, 2], "CR": [96, 80, 2], "US": [48, 64, 1]}
SCHEMA = pa.schema([
    ("op", pa.int64()), ("due_s", pa.float64()), ("phase", pa.large_string()), ("cluster", pa.large_string()),
    ("supplier", pa.large_string()), ("site", pa.string()), ("ae_title", pa.string()),
    ("operation", pa.large_string()), ("purpose", pa.large_string()), ("exam", pa.int64()), ("patient", pa.int64()),
    ("modality", pa.large_string()), ("objects", pa.int32()), ("bytes", pa.int64()), ("acquired", pa.timestamp("us")),
])  # fmt: skip


def row(operation: str, due_s: float, exam: int, **other: Any) -> dict[str, Any]:
    """One operation; `operation` "prefill" is a store before the clock starts."""
    prefill = operation == "prefill"
    modality = other.get("modality", "CT")
    rows, columns, size = MATRICES[modality]
    objects = other.get("objects", 2)
    titles = {"store": f"{modality}0001R1", "prefill": "PREFILL", "qido": "WARD0001", "wado": "WARD0001"}
    found = {
        "op": -1, "due_s": NAN if prefill else due_s, "phase": "prefill" if prefill else "play", "cluster": "south",
        "supplier": "ge", "site": "Site 1", "ae_title": titles.get(operation, "READ0001"),
        "operation": "store" if prefill else operation, "purpose": "store" if operation in titles else "prior",
        "exam": exam, "patient": 7 + exam % 5, "modality": modality, "objects": objects,
        "bytes": objects * rows * columns * size, "acquired": datetime(2007, 3, 6, 10, 0, exam % 60),
    }  # fmt: skip
    return {**found, **other}


def write(
    path: Path, rows: Sequence[dict[str, Any]], schema: pa.Schema = SCHEMA, matrices: Any = None, **about: Any
) -> Path:
    """A traffic file of these rows, numbered in order; `about` overrides its metadata."""
    rows = [{**one, "op": i} if one["op"] == -1 else one for i, one in enumerate(rows)]
    said = {
        "seed": 7, "scenario": "by hand", "scenario_hash": "0" * 64, "start": "2007-03-06T10:00:00", "hours": 0.01,
        "cluster": rows[0]["cluster"] if rows else "south", "matrices": matrices or MATRICES, **about,
    }  # fmt: skip
    table = pa.Table.from_pylist(rows, schema=schema)
    pq.write_table(table.replace_schema_metadata({"filmless": json.dumps(said)}), path)
    return path


def mixed(cluster: str = "south", first_exam: int = 10_000_000_000, spacing_s: float = 0.05) -> list[dict[str, Any]]:
    """Two prefilled studies, three stores, and each kind of query and retrieve."""
    e = first_exam
    kinds = ("find", "get", "find", "move", "qido", "wado")
    rows = [row("prefill", NAN, e + n, cluster=cluster, modality=m) for n, m in ((1, "CT"), (2, "CR"))]
    rows += [
        row("store", spacing_s * n, e + 10 + n, cluster=cluster, modality=m, objects=n + 1)
        for n, m in enumerate(("CT", "CR", "US"))
    ]
    rows += [
        row(kind, spacing_s * (3 + n), e + 1 + n % 2, cluster=cluster, modality="CT" if n % 2 == 0 else "CR")
        for n, kind in enumerate(kinds)
    ]
    return rows
