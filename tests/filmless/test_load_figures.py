"""What `filmless load` prints of a play: figures with n and interval, every witness, where it is, and what is next."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from filmless.load_figures import figures, next_step
from sim.runs.store import Run, RunWriter
from tests.filmless.test_cli import filmless
from tests.loadtest.traffic_factory import mixed, write
from tests.loadtest.verdict.played_factory import played

TOLD = {"kind": "load", "clusters": ["south"], "speed": 2.0, "lag_p99_s": 0.0012, "scenario_hash": "ab", "seed": 7,
        "targets": {"south": {"name": "south", "software": "Orthanc 1.12"}}}  # fmt: skip


def kept(folder: Path, operations: pd.DataFrame, ledger: pd.DataFrame) -> Run:
    with RunWriter(folder) as writer:
        writer.table("operations", operations)
        writer.table("ledger", ledger)
        return Run(writer.close(TOLD))


def test_a_line_each_for_target_operations_generator_and_witnesses(tmp_path: Path) -> None:
    stores = played(np.tile(np.linspace(0.01, 0.03, 20), 50))
    stores.loc[:2, "outcome"] = "refused"
    finds = played([0.002] * 5, operation="find")
    ledger = pd.DataFrame({"stored": [10, 4], "found_cfind": [10, 3], "found_qido": [10, 5], "equal": [10, None],
                           "committed": [None, None]})  # fmt: skip
    lines = figures(kept(tmp_path / "run", pd.concat([stores, finds]), ledger), "Hospital 2004")
    assert lines[0] == "target: Orthanc 1.12 (cluster south); 2 times real speed; held to 'Hospital 2004'"
    assert "find: n 5, p50 too few: 20 needed, p95 too few: 200 needed, slowest 2.00 ms" in lines
    (store,) = (line for line in lines if line.startswith("store: "))
    assert re.fullmatch(r"store: n 997, p50 [0-9.]+ ms \(\S+ to \S+\), p95 [0-9.]+ ms \(\S+ to \S+\), 3 errors", store)
    assert "the generator's lag: p99 1.20 ms" in lines
    assert lines[-3:] == ["found by C-FIND: 13 of 14 objects", "found by QIDO-RS: 14 of 14 objects",
                          "retrieved and equal: 10 of 10 objects"]  # fmt: skip


def test_without_thresholds_it_was_held_to_none(tmp_path: Path) -> None:
    run = kept(tmp_path / "run", played([0.1]), pd.DataFrame({"stored": [1]}))
    assert figures(run, "")[0].endswith("; held to no threshold")


@pytest.mark.parametrize(("scenario", "named"), [("ab", "{}/simulated"), ("cd", "RUN")])
def test_the_next_command_names_the_simulated_run_of_the_same_scenario(
    tmp_path: Path, scenario: str, named: str
) -> None:
    run = kept(tmp_path / "load", played([0.1]), pd.DataFrame({"stored": [1]}))
    with RunWriter(tmp_path / "simulated") as writer:
        writer.table("flows", pd.DataFrame({"a": [1]}))
        writer.close({"kind": "simulation", "clusters": ["south", "east"], "scenario_hash": scenario, "seed": 7})
    assert next_step(run.folder, run.manifest) == f"filmless report {named.format(tmp_path)} {run.folder}"


def test_the_command_prints_them(tmp_path: Path) -> None:
    """An archive that is killed at the end, and found whole again; every word goes to stdout."""
    traffic, out = write(tmp_path / "south.traffic.parquet", mixed()), tmp_path / "out"
    words = ("--verify-hashes", "0.5", "--kill-at", "1", "--out", out)
    said = filmless("load", traffic, *words, code=None).stdout.splitlines()
    assert said[0].split(";")[0] in ("PASS", "INVALID")
    for begin in ("target: filmless embedded archive, mode disk (cluster south); 1 times real speed; held to no thre",
                  "store: n 3, ", "wado", "the generator's lag: p99 ", "found by QIDO-RS: 10 of 10",
                  "found again after the kill: 10 of 10", "retrieved and equal: "):  # fmt: skip
        assert any(line.startswith(begin) for line in said), (begin, said)
    assert said[-2:] == [f"run folder: {out}", f"next: filmless report RUN {out}"]
