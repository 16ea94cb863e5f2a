"""`filmless savings`: a table for people, one object for programs, and clear words where it cannot be done."""

import json
from datetime import date
from pathlib import Path

import pytest

from filmless.failures import BadInput
from filmless.savings_commands import print_savings
from sim.answers.case.draws import CLASSES
from sim.answers.case.views import VIEWS
from sim.runs.experiment import simulate
from sim.runs.spec import Spec
from sim.world.load import load_world

SMOKE = Path(__file__).parents[2] / "scenarios" / "smoke.toml"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    spec = Spec(("london",), date(2007, 3, 5), date(2007, 3, 8), 7, 3, warm_up_days=0, cool_down_days=0, processes=1)
    return simulate(load_world(SMOKE), spec, tmp_path_factory.mktemp("runs") / "smoke")


@pytest.mark.parametrize("by", VIEWS)
def test_every_view_as_json(folder: Path, capsys: pytest.CaptureFixture[str], by: str) -> None:
    print_savings(folder, "programme", by, 100, True)
    found = json.loads(capsys.readouterr().out)
    assert {r["class"] for r in found["savings"]} >= set(CLASSES)
    assert all(r["low"] <= r["high"] for r in found["savings"])
    assert {r["measure"] for r in found["summary"]} >= {"npv", "bcr", "payback_year", "cost_per_exam"}


def test_a_table_for_people(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_savings(folder, "local", "class", 100, False)
    out, err = capsys.readouterr()
    for word in ("cash-releasing", "dis-benefit", "running cost", "95 % of draws", "npv"):
        assert word in out
    assert "share of the variance from the simulation" in out + err


@pytest.mark.parametrize(
    ("option", "by", "draws", "words"),
    [
        ("programm", "class", 100, "--option programm: must be one of bau, minimum, programme"),
        ("programme", "month", 100, "--by month: must be one of class, line"),
        ("programme", "class", 10, "too few for an interval"),
    ],
)
def test_what_cannot_be_asked(folder: Path, option: str, by: str, draws: int, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        print_savings(folder, option, by, draws, False)
