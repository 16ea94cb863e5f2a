"""Random jobs for hypothesis: times are multiples of a quarter, so that sums are exact and ties are common."""

import numpy as np
from hypothesis import strategies as st

from tests.sim.engines.kernels.columns import Columns

STATIONS = 3


def quarters(longest: int) -> st.SearchStrategy[float]:
    return st.integers(0, 4 * longest).map(lambda q: q / 4)


@st.composite
def jobs(draw: st.DrawFn, longest: int = 60, work: int = 20) -> Columns:
    """Up to 40 jobs of three stations, in any order."""
    job = st.tuples(st.integers(0, STATIONS - 1), quarters(longest), quarters(work), st.integers(0, 1))
    rows = draw(st.lists(job, max_size=40))
    entity, ready, service, priority = np.array(rows, float).reshape(-1, 4).T
    return Columns(entity.astype(np.int64), ready.copy(), service.copy(), priority.astype(np.int8))


def cuts(longest: int) -> st.SearchStrategy[list[float]]:
    """Ascending horizons, the last of them infinite."""
    return st.sets(quarters(longest), max_size=6).map(lambda found: [*sorted(found), float("inf")])


def in_order(table: Columns, station: int) -> list[int]:
    """A station's rows by readiness, ties by row."""
    return sorted(np.flatnonzero(table.entity == station).tolist(), key=lambda i: (table.ready[i], i))
