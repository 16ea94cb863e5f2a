"""`filmless theory`: a line a station, everything in JSON, and a wrong station named."""

import json
from datetime import date
from pathlib import Path

import pytest

from filmless.failures import BadInput
from filmless.theory import print_theory
from sim.runs.experiment import simulate
from sim.runs.spec import Spec
from tests.sim.tiny import tiny_world


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    at = tmp_path_factory.mktemp("theory")
    spec = Spec(("west",), date(2006, 3, 13), date(2006, 3, 15), 7, 3, warm_up_days=7, cool_down_days=2)
    return simulate(tiny_world(at), spec, at / "r")


def test_lines_and_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_theory(folder, None, False)
    assert "reading" in capsys.readouterr().out
    print_theory(folder, "ingest", True)
    rows = json.loads(capsys.readouterr().out)["theory"]
    assert {row["station"] for row in rows} == {"ingest"}
    assert all(abs(row["little"]) < 0.05 for row in rows)


def test_a_wrong_station_is_named(folder: Path) -> None:
    with pytest.raises(BadInput, match="--station rooms: the run has ingest, library"):
        print_theory(folder, "rooms", False)
