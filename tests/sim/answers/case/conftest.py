"""A run of the tiny scenario, and its case with few draws."""

from datetime import date

import pytest

from sim.answers.case import Case, build_case
from sim.runs.experiment import simulate
from sim.runs.spec import Spec
from sim.runs.store import Run
from sim.world.load import World

SPEC = Spec(("west",), date(2006, 3, 13), date(2006, 3, 17), 7, 3, warm_up_days=7, cool_down_days=2)


@pytest.fixture(scope="session")
def run(world: World, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run(simulate(world, SPEC, tmp_path_factory.mktemp("runs") / "a"))


@pytest.fixture(scope="session")
def case(run: Run) -> Case:
    return build_case(run, draws=400)
