"""A play that did not come to its end: what its journal has becomes a run folder, INVALID, everything accounted for."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from loadtest.play.config import JobConfig, PlayConfig, read_config
from loadtest.play.entries import entries
from loadtest.play.journal import CONFIG, FLUSH_EVERY_S, SUFFIX, TRAFFIC, reach_of, read_journal
from loadtest.play.keep import keep, manifest_of
from loadtest.play.plan import Plan, make_plan
from loadtest.play.problems import TrafficProblem
from loadtest.play.share import Heard, rows_of_lost
from loadtest.play.traffic import Operation, Traffic, read_traffic
from loadtest.verdict.health import Samples, health_of, judge
from loadtest.verdict.judgement import verdict_of
from loadtest.verdict.ledger import totals
from loadtest.verdict.records import ObjectRow, OperationRow, StudyRow, counts

KILLED = "the play was killed or stopped: its records end {:.2f} s after its zero, and the archive was not read back"

UNSENT = "{} of {} operations were not sent, because it was killed before they were due"


@dataclass(frozen=True)
class Left:
    """What a journal says of its play: every planned operation, and of each study every object."""

    config: PlayConfig
    traffics: list[Traffic]
    plan: Plan
    operations: list[OperationRow]
    objects: list[ObjectRow]
    ledger: list[StudyRow]
    ended_s: float  # when its records end, in seconds after the play's zero


def is_journal(folder: Path) -> bool:
    """Whether this is what a killed play leaves."""
    return folder.name.endswith(SUFFIX) and (folder / CONFIG).is_file()


def read_left(folder: Path) -> Left:
    """What was due before the records end and is not in them may have been sent: unknown; and as much of a prefill as
    may have been under way. What was due later is dropped. Raises TrafficProblem, PlayFailed.
    """
    if not is_journal(folder):
        raise TrafficProblem(f"{folder}: is not what a killed play leaves (OUT{SUFFIX} with a {CONFIG})")
    config = read_config(folder / CONFIG)
    traffics = [read_traffic(_traffic(folder, n, job), n) for n, job in enumerate(config.jobs)]
    plan = make_plan(traffics, config.speed)
    operations, objects = read_journal(folder)
    ended_s, heard = _end_of(folder, operations, objects), Heard(operations, objects)
    rest = rows_of_lost([*_prefill_under_way(plan, config, heard, ended_s), *plan.play], heard, ended_s)
    operations, objects = operations + rest[0], objects + rest[1]
    ledger = [one.row for one in entries(plan, config.prefill == "send", operations, objects)]
    return Left(config, traffics, plan, operations, objects, ledger, ended_s)


def salvage(folder: Path) -> tuple[Path, dict[str, Any]]:
    """Make the run folder that the play was to make, and remove its journal. Returns folder and result.

    Raises TrafficProblem, PlayFailed.
    """
    left = read_left(folder)
    ledger, during = left.ledger, [row for row in left.operations if row.phase == "play"]
    health, outcomes = health_of(during, Samples(), left.plan.counts()), counts(during)
    unsent = [UNSENT.format(health.dropped, health.planned)] if health.dropped else []
    measurement, why = judge(replace(health, dropped=0, missing={}), others=[KILLED.format(left.ended_s), *unsent])
    verdict, reasons = verdict_of(measurement, why, outcomes, ledger, [])
    found = totals(ledger)
    result = {
        "verdict": verdict, "reasons": reasons, "measurement": measurement, "planned": health.planned,
        "done": outcomes["ok"], "lag_p99_s": health.to_json()["lag_p99_s"], "studies": found.pop("studies"),
        "stored": sum(row.state == "stored" for row in ledger), "outcomes": outcomes, "objects": found,
        "generator": health.to_json(), "instances": {}, "archives": [], "workers": [],
    }  # fmt: skip
    out = Path(left.config.out)
    keep(out, left.operations, left.objects, ledger, manifest_of(left.config, left.traffics) | result)
    shutil.rmtree(folder)
    return out, result


def _traffic(folder: Path, number: int, job: JobConfig) -> Path:
    """The journal's own copy of a job's traffic, or the file that was played."""
    kept = folder / TRAFFIC.format(number)
    return kept if kept.is_file() else Path(job.traffic)


def _end_of(folder: Path, operations: Sequence[OperationRow], objects: Sequence[ObjectRow]) -> float:
    """Until when something may have been sent, seconds after the play's zero; 0 where it never began to play."""
    reach_s = reach_of(folder)
    if reach_s is None:
        return 0.0
    during = [row for row in operations if row.phase == "play" and row.outcome != "dropped"]
    early = {(row.cluster, row.op) for row in operations if row.phase != "play"}
    ends = [row.end_s for row in during] + [row.end_s for row in objects if (row.cluster, row.op) not in early]
    return max([reach_s, *ends]) + FLUSH_EVERY_S


def _prefill_under_way(plan: Plan, config: PlayConfig, heard: Heard, ended_s: float) -> list[Operation]:
    """Of a play that ended in its prefill: the studies that may have been on their way, the next ones of each job."""
    left = [one for one in plan.prefill if (one.cluster, one.op) not in heard.operations]
    if ended_s > 0 or config.prefill == "skip":
        return []
    jobs = range(len(config.jobs))
    return [one for job in jobs for one in [o for o in left if o.job == job][: config.prefill_associations]]
