"""A country that is not England runs from files alone: checked, changed as the how-to says, simulated, in its money."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from filmless.report.savings import by_class
from filmless.report.simulated import Simulated
from sim.runs.experiment import simulate
from sim.runs.spec import Spec
from sim.world.calendar import open_hours_a_week
from sim.world.demand import daily_national
from sim.world.load import load_world
from sim.world.world import World

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The how-to's first steps, away from this project, with another currency."""
    folder = tmp_path_factory.mktemp("my")
    (folder / "tables").mkdir()
    for table in (ROOT / "scenarios" / "tables").glob("sundholm_*.csv"):
        shutil.copy(table, folder / "tables")
    text = (ROOT / "scenarios" / "sundholm.toml").read_text(encoding="utf-8")
    path = folder / "nordland.toml"
    path.write_text(text.replace("SHK", "NLK").replace("Sundholm", "Nordland"), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def world(mine: Path) -> World:
    return load_world(mine)


def test_nothing_is_inherited(world: World) -> None:
    assert {place.file for place in world.places.values()} == {str(world.path)}
    assert world.scenario.currency == "NLK"


def test_it_has_its_own_calendar(world: World) -> None:
    """Short Fridays: 4 x 8 + 6 hours; July is slow."""
    assert open_hours_a_week(world.scenario.modalities["CR"].hours) == 38
    july, june = (daily_national(world, [date(2008, month, 10)]).sum() for month in (7, 6))
    assert july < 0.75 * june
    friday, thursday = (daily_national(world, [date(2008, 6, day)]).sum() for day in (13, 12))
    assert friday < 0.85 * thursday


def test_it_runs_and_reports_in_its_money(world: World, tmp_path: Path) -> None:
    spec = Spec(("islands", "mainland"), date(2008, 3, 4), date(2008, 3, 5), 1, replications=3, warm_up_days=2,
                cool_down_days=2)  # fmt: skip
    sim = Simulated(simulate(world, spec, tmp_path / "run"))
    assert sim.currency == "NLK"
    assert "Nordland" in sim.place
    html = by_class(sim, sim.case).to_html()
    assert "NLK" in html
    assert "£" not in html
    assert "GBP" not in html


def test_the_how_to_names_what_there_is() -> None:
    text = (ROOT / "docs" / "another-country.md").read_text(encoding="utf-8")
    for name in ("scenarios/sundholm.toml", "scenarios/tables/sundholm_*.csv", "scenarios/scenario.schema.json"):
        assert name in text
        assert list(ROOT.glob(name)), name
