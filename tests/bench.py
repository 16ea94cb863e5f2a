"""`make bench`: speeds as ratios of paired runs on this machine, with the machine stated."""

import os
import platform

from tests import rehearsal
from tests.loadtest.play import play_bench
from tests.loadtest.wire import wire_bench
from tests.sim import sim_bench


def main() -> None:
    """All of it."""
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()}")
    sim_bench.main()
    print(wire_bench.measure())
    play_bench.main()
    rehearsal.main(["--minutes", "10", "--speeds", "1"])  # needs 80 GB free; last, since it takes a quarter of an hour
    rehearsal.main(["--minutes", "2", "--speeds", "2"])


if __name__ == "__main__":
    main()
