"""One measurement: headroom, the play, headroom again, thresholds, all in one run folder."""

import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from loadtest.play.journal import journal_of
from loadtest.play.keep import check_new
from loadtest.play.launch import OnProgress, PlayJob, play
from loadtest.play.problems import PlayFailed
from loadtest.series.headroom import Headroom, prove
from loadtest.series.publish import publish
from loadtest.series.state import TargetState
from loadtest.verdict.disclosure import missing, untold
from loadtest.verdict.finding import Finding, find
from loadtest.verdict.judged import INVALID, LONGEST_S, Line
from loadtest.verdict.thresholds import Thresholds
from sim.runs.store import Run

NOT_PROVED = "the generator's headroom was not shown (rule L4): play with --headroom SECONDS"


@dataclass(frozen=True)
class Order:
    """What is to be measured: jobs at a speed, judged by thresholds where there are any.

    `headroom_s` 0 proves none. `scale` is said in the verdict line (rule L14), `settings` are those of PlayConfig.
    """

    jobs: Sequence[PlayJob]
    speed: float = 1.0
    thresholds: Thresholds | None = None
    headroom_s: float = 0.0
    scale: str = ""
    web_port: int = 0
    settings: dict[str, Any] = field(default_factory=dict)


def measure(
    order: Order, out: Path, progress: OnProgress = lambda done, total, phase: None
) -> tuple[Finding, dict[str, Any]]:
    """Play and judge; writes the run folder. Returns the finding and the play's result in short.

    Raises TrafficProblem, PlayFailed.
    """
    check_new(out)
    part = out.parent / f".part-{out.name}-measured"
    proofs = [_proof("before", order, progress)] if order.headroom_s else []
    with ExitStack() as watching:
        states = [
            watching.enter_context(TargetState(_cluster(one), one.target.pid)) for one in order.jobs if one.target.pid
        ]
        result = _play(order, out, progress)
    proofs += [_proof("after", order, progress)] if order.headroom_s else []
    out.rename(part)
    finding = _find(Run(part), result, order, proofs)
    words = {**_words(finding, proofs, states), "measurement": INVALID if finding.doubts else result["measurement"]}
    publish(part, out, words, {"verdict": lines_table(finding.lines)})
    return finding, result


def _play(order: Order, out: Path, progress: OnProgress) -> dict[str, Any]:
    """The play itself; where it failed and its records are left, the failure says how to have them."""
    try:
        return play(order.jobs, order.speed, out, progress, order.web_port, **order.settings)
    except PlayFailed as error:
        left = journal_of(out)
        if not left.is_dir():
            raise
        told = f"{error}\nwhat it recorded until then is kept: filmless salvage {left}"
        raise PlayFailed(told, error.exit_code) from error


def _proof(when: str, order: Order, progress: OnProgress) -> Headroom:
    def told(done: int, total: int, phase: str) -> None:
        progress(done, total, f"headroom {when} the play: {phase} into a null sink")

    return prove(when, order.jobs, order.speed, order.headroom_s, order.settings, told)


def _find(run: Run, result: dict[str, Any], order: Order, proofs: Sequence[Headroom]) -> Finding:
    doubts = [doubt for one in proofs for doubt in one.doubts]
    if order.thresholds:
        doubts += [] if proofs else [NOT_PROVED]
        doubts += missing(run.manifest)
    longest_s = float(order.settings.get("operation_s", LONGEST_S))
    tables = run.table("operations"), run.table("objects")
    found = find(*tables, result, order.thresholds, doubts, order.scale, longest_s)
    return replace(found, remarks=[*found.remarks, *untold(run.manifest)])


def _words(finding: Finding, proofs: Sequence[Headroom], states: Sequence[TargetState]) -> dict[str, Any]:
    return {**finding.to_json(), "headroom": [one.to_json() for one in proofs],
            "target_state": [one.summary() for one in states]}  # fmt: skip


def _cluster(job: PlayJob) -> str:
    raw = (pq.read_schema(job.traffic).metadata or {}).get(b"filmless", b"{}")
    return str(json.loads(raw).get("cluster", job.traffic.stem))


def lines_table(lines: Sequence[Line]) -> pa.Table:
    """The verdict as a table of the run: one row a threshold."""
    texts = ("name", "words", "unit", "verdict", "why", "method", "source", "status")
    columns: dict[str, Any] = {name: pa.array([getattr(one, name) for one in lines], pa.string()) for name in texts}
    columns |= {
        name: pa.array([getattr(one, name) for one in lines], pa.float64())
        for name in ("limit", "value", "low", "high")
    }
    columns |= {name: pa.array([getattr(one, name) for one in lines], pa.int64()) for name in ("n", "decide")}
    return pa.table(columns)
