"""One tiny run, its case, its workbook and its published tables, for all tests of spreadsheets."""

from datetime import date
from pathlib import Path

import pytest

from filmless.office.rates import Grid, grid_of
from filmless.office.write import write_spreadsheets
from sim.answers.case import Case, build_case
from sim.runs.experiment import simulate
from sim.runs.spec import Spec
from sim.runs.store import Run
from tests.sim.tiny import tiny_world

SPEC = Spec(("west",), date(2006, 3, 13), date(2006, 3, 15), 7, 3, warm_up_days=2, cool_down_days=1, processes=1)


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("office")
    return Run(simulate(tiny_world(folder / "scenario"), SPEC, folder / "run"))


@pytest.fixture(scope="session")
def case(run: Run) -> Case:
    return build_case(run, 100)


@pytest.fixture(scope="session")
def grid(run: Run) -> Grid:
    return grid_of(run)


@pytest.fixture(scope="session")
def files(run: Run, case: Case, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("sheets")
    xlsx, ods = folder / "model.xlsx", folder / "tables.ods"
    assert write_spreadsheets(run, case, xlsx, ods) == [xlsx, ods]
    return xlsx, ods
