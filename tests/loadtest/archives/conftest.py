"""Archives for the tests: real servers on free ports, nothing but loopback."""

from collections.abc import Iterator

import pytest

from loadtest.archives.embedded.archive import Archive
from loadtest.archives.launch import running
from loadtest.archives.process import free_port
from loadtest.archives.target import Target
from tests.loadtest.archives.archive_objects import ct, encoded

MOVER = "LISTENER"


@pytest.fixture(scope="session")
def mover_port() -> int:
    """The port at which the archives of this session expect the C-MOVE destination LISTENER."""
    return free_port()


@pytest.fixture(scope="session")
def mover_port_2() -> int:
    return free_port()


@pytest.fixture(scope="session")
def embedded(mover_port: int, mover_port_2: int) -> Iterator[Target]:
    movers = {MOVER: ("127.0.0.1", mover_port), "STORED": ("127.0.0.1", mover_port_2)}
    with running("embedded", "Archive", movers) as target:
        yield target


@pytest.fixture
def archive() -> Iterator[Archive]:
    """Two patients: study 1 has series 1 (2 images) and 2 (1 image), study 2 has one image."""
    store = Archive()
    for data in (ct(1, 1, 1), ct(1, 1, 2), ct(1, 2, 3, SeriesDescription="Bone"), ct(2, 1, 1, Modality="MR")):
        store.store(encoded(data), data.file_meta.TransferSyntaxUID, data.SOPClassUID, data.SOPInstanceUID)
    yield store
    store.close()
