"""Runs for the report's tests: a real simulation of one day of England, and load runs with invented answers."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sim.runs.experiment import simulate
from sim.runs.spec import Spec
from sim.runs.store import RunWriter
from sim.world.load import load_world

SCENARIO = Path(__file__).parents[3] / "scenarios" / "england-2004.toml"
SUPPLIERS = {"south": ["ge"], "london": ["philips"], "east": ["ge"], "northeast": ["ge"],
             "northwest": ["commedica", "kodak"]}  # fmt: skip
HELD_BEFORE = 1000  # images in each archive before a load run
SIMULATED = {"store": (0.1, 0.9), "taken to stored": (1.0, 30.0), "retrieve": (0.2, 1.0)}  # seconds
# operation: how many, objects, mean seconds
OPERATIONS = {"store": (240, 20, 0.4), "find": (60, 0, 0.02), "qido": (20, 0, 0.03), "get": (40, 20, 0.5),
              "move": (40, 20, 0.6), "wado": (20, 20, 0.5)}  # fmt: skip


def simulated_run(folder: Path, replications: int = 3, clusters: Sequence[str] = tuple(SUPPLIERS)) -> Path:
    """One day, no warm-up: real tables of five clusters in two seconds."""
    world = load_world(SCENARIO)
    spec = Spec(tuple(clusters), date(2007, 3, 6), date(2007, 3, 7), 7, replications,
                warm_up_days=0, cool_down_days=0, processes=1)  # fmt: skip
    return simulate(world, spec, folder)


def _operations(cluster: str, rng: np.random.Generator) -> pd.DataFrame:
    frames = []
    for operation, (n, objects, mean_s) in OPERATIONS.items():
        due = np.sort(rng.uniform(0, 60, n))
        lag, took = rng.exponential(0.0005, n), rng.lognormal(np.log(mean_s), 0.5, n)
        frames.append(pd.DataFrame({
            "cluster": cluster, "supplier": rng.choice(SUPPLIERS[cluster], n), "site": "S1", "ae_title": "CR1001R1",
            "operation": operation, "purpose": "store" if operation == "store" else "prior",
            "modality": rng.choice(["CR", "CT", "US"], n), "exam": np.arange(n, dtype=np.int64) + 10**11,
            "due_s": due, "start_s": due + lag, "first_byte_s": due + lag + took / 4, "end_s": due + lag + took,
            "first_object_s": due + lag + took / 2,
            "objects": np.int32(objects), "bytes": np.int64(objects * 524_288), "status": 0, "outcome": "ok",
            "detail": "", "phase": "play", "blocked_s": 0.0, "connect_s": 0.0, "negotiate_s": took / 100,
        }))  # fmt: skip
    whole = pd.concat(frames, ignore_index=True).sort_values("due_s", ignore_index=True)
    whole.insert(0, "op", np.arange(len(whole), dtype=np.int64))
    whole.loc[3, ["outcome", "status", "detail"]] = "refused", 0xA700, "Out of resources"
    return whole


def _objects(operations: pd.DataFrame) -> pd.DataFrame:
    """Each store's images, one after another in equal parts."""
    rows = operations[operations["operation"] == "store"]
    rows = rows.loc[rows.index.repeat(rows["objects"])]
    number, each = (
        rows.groupby(["cluster", "op", "phase"]).cumcount(),
        (rows["end_s"] - rows["start_s"]) / rows["objects"],
    )
    begun = rows["start_s"] + number * each
    return pd.DataFrame({
        "cluster": rows["cluster"], "op": rows["op"], "exam": rows["exam"], "number": number, "start_s": begun,
        "sent_s": begun + each / 2, "first_byte_s": begun + each, "end_s": begun + each,
        "bytes": 524_288, "status": rows["status"], "outcome": rows["outcome"],
    })  # fmt: skip


def _ledger(operations: pd.DataFrame) -> pd.DataFrame:
    stores = operations[operations["operation"] == "store"]
    stored = stores["outcome"] == "ok"
    found = stores["objects"].where(stored, 0)
    return pd.DataFrame({
        "cluster": stores["cluster"], "supplier": stores["supplier"], "exam": stores["exam"],
        "phase": stores["phase"], "ae_title": stores["ae_title"], "sent": stores["objects"], "answered": found,
        "found_cfind": found, "found_qido": found, "state": np.where(stored, "stored", stores["outcome"]),
    })  # fmt: skip


def _verdict() -> pd.DataFrame:
    """Two thresholds: one met, one that too few operations leave undecided."""
    said = {"unit": "s", "low": 0.7, "high": 1.1, "n": 1200, "decide": None, "method": "order statistics",
            "source": "x", "status": "verified"}  # fmt: skip
    return pd.DataFrame([
        said | {"name": "a", "words": "store: p95 of response (over operations) at most 2 s", "limit": 2.0,
                "value": 0.9, "verdict": "PASS", "why": "the whole interval is inside the limit"},
        said | {"name": "b", "words": "retrieve: p99 of response (over operations) at most 5 s", "limit": 5.0,
                "value": np.nan, "low": np.nan, "high": np.nan, "n": 500, "verdict": "INVALID",
                "why": "not shown: 500 operations, 1000 needed", "decide": 1000},
    ])  # fmt: skip


def limit_run(folder: Path) -> Path:
    """A search for a breaking point with five steps."""
    per_s = np.array([5.0, 10.0, 20.0, 14.1, 12.0])
    steps = pd.DataFrame({
        "per_s": per_s, "achieved_per_s": per_s, "p50_s": 0.02 * per_s, "p95_s": 0.05 * per_s, "n": 300,
        "exams_a_year": 250_000 * per_s,
        "held": np.arange(5) * 300, "verdict": ["PASS", "PASS", "FAIL", "FAIL", "PASS"], "why": "as it is",
    })  # fmt: skip
    with RunWriter(folder) as writer:
        writer.table("steps", steps)
        return writer.close({"kind": "limit", "sentence": "the knee lies between 12 and 14.1 operations/s",
                             "below": {"per_s": 12.0}, "above": {"per_s": 14.1}})  # fmt: skip


def load_run(folder: Path, clusters: Sequence[str] = tuple(SUPPLIERS), seed: int = 1, most: int = 1000,
             ledger: pd.DataFrame | None = None, **manifest: Any) -> Path:  # fmt: skip
    """A minute of each cluster: plausible answers, one refusal a cluster, some stores before the clock starts.

    `most` operations a cluster are kept. `ledger` takes the place of the one that follows from the operations.
    """
    made = [_operations(c, np.random.default_rng(seed + i)).head(most) for i, c in enumerate(clusters)]
    operations = pd.concat(made)
    before = operations.head(5).assign(phase="prefill", due_s=np.nan, start_s=-900.0, end_s=-1.0, operation="store")
    before["op"] += 10_000
    operations = pd.concat([before, operations], ignore_index=True)
    said = {
        "kind": "load", "title": "England", "version": "0.1.0", "start": "2007-03-06T10:00:00", "seed": 7,
        "clusters": list(clusters), "speed": 1.0, "tcp_profile": "tuned", "reasons": [],
        "measurement": "VALID", "verdict": "PASS", "scale": "", "steady": {"from_s": 4.0, "to_s": 60.0, "found": True},
        "stalls": [{"cluster": clusters[0], "from_s": 30.0, "to_s": 32.5, "lasted_s": 2.5, "clear_s": 33.0, "hit": 17}],
        "figures": [{"cluster": c, "operation": "store", "n": 239, "n_without": 222, "p50_s": 0.4, "p50_without_s": 0.4,
                     "p95_s": 0.9, "p95_without_s": 0.8, "p99_s": None, "p99_without_s": None} for c in clusters],
        "starts": dict.fromkeys(clusters, "2007-03-06T10:00:00"),
        "archives": [{"cluster": c, "held_before": HELD_BEFORE} for c in clusters],
        "simulated": {c: {kind: {"n": 700, "quantiles_s": list(np.linspace(low, high, 101))}
                          for kind, (low, high) in SIMULATED.items()} for c in clusters},
        "targets": {c: {"name": f"filmless-{c}", "software": "embedded archive 0.1.0", "tcp": "no delay"}
                    for c in clusters},
    }  # fmt: skip
    with RunWriter(folder) as writer:
        writer.table("operations", operations)
        writer.table("ledger", _ledger(operations) if ledger is None else ledger)
        writer.table("objects", _objects(operations))
        writer.table("verdict", _verdict())
        return writer.close({**said, **manifest})
