"""The savings case for several readers of one report: computed once, handed to the notebook's kernel as a file.

The file lies in a private temporary folder of the process that wrote it, and is never kept with a run: a pickle from
elsewhere must not be opened.
"""

import pickle
from pathlib import Path

from filmless.report.simulated import Simulated
from sim.answers.case import Case


def keep_case(sim: Simulated, path: Path) -> Path:
    """Compute the case with all that a chapter asks of it, and write it."""
    case = sim.case
    assert len(case.trusts)
    assert len(case.groups)
    assert case.sensitivity
    path.write_bytes(pickle.dumps(case))
    return path


def case_of(sim: Simulated, kept: str) -> Case:
    """The kept case, or, where none was kept, the run's own: under a minute for a nation."""
    if not kept:
        return sim.case
    found: Case = pickle.loads(Path(kept).read_bytes())
    return found
