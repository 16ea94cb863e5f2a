"""`filmless runs`: dates without an empty end, and a folder that is not there is bad input."""

import json
from pathlib import Path

import pandas as pd
import pytest

from filmless.compare import print_runs
from filmless.failures import BadInput
from sim.runs.store import RunWriter


def test_a_load_run_has_a_beginning_and_no_empty_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, end in (("load", ""), ("simulation", "2007-03-09")):
        with RunWriter(tmp_path / name) as writer:
            writer.table("a", pd.DataFrame({"a": [1]}))
            writer.close({"kind": name, "start": "2007-03-05", "end": end})
    print_runs(tmp_path, json_=True)
    found = {r["kind"]: r["dates"] for r in json.loads(capsys.readouterr().out)["runs"]}
    assert found == {"load": "2007-03-05", "simulation": "2007-03-05 to 2007-03-09"}


def test_a_folder_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInput, match="nope: there is no such folder"):
        print_runs(tmp_path / "nope", json_=False)
    monkeypatch.chdir(tmp_path)
    print_runs(Path("runs"), json_=False)  # nothing was made yet: that is no mistake
