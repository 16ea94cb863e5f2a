from pathlib import Path

import pytest

from sim.world.load import World
from tests.sim.tiny import tiny_world


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return tiny_world(Path(tmp_path_factory.mktemp("tiny")))
