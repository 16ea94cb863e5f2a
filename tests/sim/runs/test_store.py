"""A run folder is whole or absent, and is believed only when its hashes agree."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sim.runs.store import Run, RunProblem, RunWriter, leftovers, list_runs

TABLE = pd.DataFrame({"a": [1, 2, 3]})


def written(folder: Path) -> Run:
    with RunWriter(folder) as writer:
        writer.table("t", TABLE)
        return Run(writer.close({"kind": "simulation"}))


def test_what_is_written_is_read(tmp_path: Path) -> None:
    run = written(tmp_path / "r")
    assert run.table("t")["a"].tolist() == [1, 2, 3]
    assert [r.folder for r in list_runs(tmp_path)] == [tmp_path / "r"]
    assert not leftovers(tmp_path)


def test_a_table_written_part_by_part_has_few_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.runs.store.ROWS", 10)
    parts = [pa.table({"a": np.arange(n)}) for n in (0, 4, 7, 0, 25, 3)]
    with RunWriter(tmp_path / "r") as writer:
        writer.stream("t", parts)
        writer.stream("empty", parts[:1])
        run = Run(writer.close({"kind": "simulation"}))
    assert run.table("t")["a"].tolist() == pa.concat_tables(parts)["a"].to_pylist()
    assert run.table("empty")["a"].dtype == np.int64
    about = pq.ParquetFile(run.folder / "t.parquet").metadata
    assert [about.row_group(i).num_rows for i in range(about.num_row_groups)] == [11, 25, 3]


def test_a_flipped_byte_is_refused(tmp_path: Path) -> None:
    run = written(tmp_path / "r")
    path = run.folder / "t.parquet"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(RunProblem, match="hash differs"):
        Run(run.folder).table("t")


def test_an_error_leaves_nothing(tmp_path: Path) -> None:
    def stopped() -> None:
        with RunWriter(tmp_path / "r") as writer:
            writer.table("t", TABLE)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert list(tmp_path.iterdir()) == []


def test_a_killed_run_is_no_run_and_is_named(tmp_path: Path) -> None:
    writer = RunWriter(tmp_path / "r").__enter__()
    writer.table("t", TABLE)  # and then the process is gone: no exit, no close
    assert list_runs(tmp_path) == []
    assert len(leftovers(tmp_path)) == 1


def test_an_existing_folder_is_not_overwritten(tmp_path: Path) -> None:
    written(tmp_path / "r")
    with pytest.raises(RunProblem, match="exists already"):
        RunWriter(tmp_path / "r").__enter__()


def test_of_two_writers_one_wins(tmp_path: Path) -> None:
    with RunWriter(tmp_path / "r") as writer:
        writer.table("t", TABLE)
        other = tmp_path / "r"
        other.mkdir()
        (other / "something").write_text("of another")
        with pytest.raises(RunProblem, match="appeared"):
            writer.close({})


@pytest.mark.parametrize("text", ["", "{", "[]x"])
def test_a_damaged_manifest_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(RunProblem, match="damaged"):
        Run(tmp_path)


def test_a_missing_table_names_those_that_are_there(tmp_path: Path) -> None:
    with pytest.raises(RunProblem, match=r"it has t\.parquet"):
        written(tmp_path / "r").table("u")
