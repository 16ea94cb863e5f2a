"""A plan carried out one operation after another in the test's own process, without Locust: outcomes and ledger."""

import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from time import sleep
from typing import Any

from loadtest.archives.target import Target
from loadtest.play.archive import open_archive
from loadtest.play.config import PlayConfig
from loadtest.play.entries import entries
from loadtest.play.final_read import find_again, read_back, share_by_name
from loadtest.play.patience import Patience
from loadtest.play.plan import make_plan
from loadtest.play.recorder import Clock, Recorder
from loadtest.play.services import Done
from loadtest.play.studies import factories
from loadtest.play.traffic import read_traffic
from loadtest.verdict.records import ObjectRow, OperationRow, StudyRow
from loadtest.wire import WireError
from tests.loadtest.traffic_factory import write

QUICK = {"connect_s": 2.0, "response_s": 0.3, "operation_s": 2.0, "association": "study"}
PATIENT = {"response_s": 10.0, "operation_s": 20.0}  # who reads back: a busy machine is no silent archive


@dataclass
class Outcome:
    """What was recorded."""

    operations: list[OperationRow]
    objects: list[ObjectRow]
    ledger: list[StudyRow]
    troubles: list[str]
    associations: dict[str, int]


def carry_out(
    folder: Path,
    rows: Sequence[dict[str, Any]],
    target: Target,
    matrices: Any = None,
    pause_s: float = 0.0,
    kill: Callable[[], None] | None = None,
    **settings: Any,
) -> Outcome:
    """Carry out every row of the plan in order of due time, with a pause between them, then read the archive back.

    `kill`: what befalls the archive after that; it is read once more then.
    """
    file = write(folder / "t.parquet", rows, matrices=matrices)
    said = {"jobs": [{"traffic": str(file), "target": target.model_dump(mode="json")}], "out": str(folder / "out")}
    config = PlayConfig.model_validate_json(json.dumps({**said, **QUICK, **settings}))
    traffics = [read_traffic(file)]
    plan = make_plan(traffics)
    recorder = Recorder(Clock())
    with ExitStack() as stack:
        archive, reader = (
            open_archive(0, traffics[0].about, factories(traffics)[0], plan, one, stack)
            for one in (config, config.model_copy(update=PATIENT))
        )
        stack.callback(archive.close)
        stack.callback(reader.close)
        for one in plan.prefill + plan.play:
            sleep(pause_s)
            done, start_s = Done(), recorder.clock.now()
            try:
                archive.services[one.operation](one, done)
            except WireError as error:
                done.error(error)
            recorder.done(one, start_s, start_s, 0.0, done)
        studies = entries(plan, True, recorder.operations, recorder.objects)
        archive.release()
        troubles = read_back([reader], studies, Patience(len(studies)), share_by_name(studies))
        if kill is not None:
            kill()
            troubles += find_again([reader], studies, Patience(len(studies)))
        tally = dict(archive.associations.tally)
    return Outcome(recorder.operations, recorder.objects, [one.row for one in studies], troubles, tally)
