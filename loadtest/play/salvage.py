"""A play that was killed: what its journal has becomes a run folder, INVALID, with everything accounted for."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from loadtest.play.config import read_config
from loadtest.play.entries import entries
from loadtest.play.journal import CONFIG, FLUSH_EVERY_S, SUFFIX, read_journal
from loadtest.play.keep import keep, manifest_of
from loadtest.play.plan import make_plan
from loadtest.play.problems import TrafficProblem
from loadtest.play.share import rows_of_lost
from loadtest.play.traffic import read_traffic
from loadtest.verdict.health import Samples, health_of, judge
from loadtest.verdict.judgement import verdict_of
from loadtest.verdict.ledger import totals
from loadtest.verdict.records import OperationRow, counts

KILLED = "the play was killed: its records end {:.2f} s after its zero, and the archive was not read back"

UNSENT = "{} of {} operations were not sent, because it was killed before they were due"


def salvage(folder: Path) -> tuple[Path, dict[str, Any]]:
    """Make the run folder that the killed play was to make, and remove its journal. Returns folder and result.

    What was due before the records end and is not in them may have been sent: unknown. What was due later is dropped.
    Raises TrafficProblem, PlayFailed.
    """
    if not (folder.name.endswith(SUFFIX) and (folder / CONFIG).is_file()):
        raise TrafficProblem(f"{folder}: is not what a killed play leaves (OUT{SUFFIX} with a {CONFIG})")
    config = read_config(folder / CONFIG)
    traffics = [read_traffic(Path(job.traffic), number) for number, job in enumerate(config.jobs)]
    plan = make_plan(traffics, config.speed)
    operations, objects = read_journal(folder)
    ended_s = _end_of(operations) + FLUSH_EVERY_S
    rest = rows_of_lost(plan.play, {(row.cluster, row.op) for row in operations}, ended_s)
    operations, objects = operations + rest[0], objects + rest[1]
    ledger = [one.row for one in entries(plan, config.prefill == "send", operations, objects)]
    during = [row for row in operations if row.phase == "play"]
    health, outcomes = health_of(during, Samples()), counts(during)
    unsent = [UNSENT.format(health.dropped, health.planned)] if health.dropped else []
    measurement, why = judge(replace(health, dropped=0, missing={}), others=[KILLED.format(ended_s), *unsent])
    verdict, reasons = verdict_of(measurement, why, outcomes, ledger, [])
    found = totals(ledger)
    result = {
        "verdict": verdict, "reasons": reasons, "measurement": measurement, "planned": health.planned,
        "done": outcomes["ok"], "lag_p99_s": health.to_json()["lag_p99_s"], "studies": found.pop("studies"),
        "stored": sum(row.state == "stored" for row in ledger), "outcomes": outcomes, "objects": found,
        "generator": health.to_json(), "instances": {}, "archives": [], "workers": [],
    }  # fmt: skip
    out = Path(config.out)
    keep(out, operations, objects, ledger, manifest_of(config, traffics) | result)
    shutil.rmtree(folder)
    return out, result


def _end_of(operations: Sequence[OperationRow]) -> float:
    """The last end that was recorded, seconds after the play's zero."""
    return max((row.end_s for row in operations if row.outcome != "dropped"), default=0.0)
