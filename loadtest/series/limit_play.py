"""The plays of a limit search: one archive that fills from step to step, a traffic file's mix at each rate."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import pyarrow as pa

from loadtest.archives.target import Target
from loadtest.play.keep import check_new, machine, program_version
from loadtest.play.launch import OnProgress, PlayJob, play
from loadtest.play.problems import PlayFailed
from loadtest.series.limit import Limit, Search, Step, find_limit, step_of
from loadtest.series.rated import Rated
from loadtest.verdict.finding import find
from loadtest.verdict.operations import needed
from loadtest.verdict.records import schema_of
from loadtest.verdict.thresholds import QUANTILES, Threshold, Thresholds
from loadtest.wire import WireError
from sim.runs.store import Run, RunProblem, RunWriter

OPEN = {"modality_associations": 64, "workstation_associations": 64}  # so that a device's own lines are not the limit
FOR_A_RATE = 100  # operations, for what is no percentile
SPARE = 2.1  # times the operations that a statistic needs: the rule may cut up to half as warm-up


@dataclass
class LimitPlay:
    """Plays steps against one target. The first of them sends the prefill; operations of each are kept."""

    rated: Rated
    target: Target
    listener_port: int
    thresholds: Thresholds
    settings: dict[str, Any] = field(default_factory=dict)
    progress: OnProgress = lambda done, total, phase: None
    told: Callable[[Step], None] = lambda step: None
    begins: Callable[[int, float, float], None] = lambda number, per_s, seconds: None
    played: list[pd.DataFrame] = field(default_factory=list)

    def __call__(self, per_s: float, seconds: float) -> Step:
        """One step; longer than asked for where a percentile needs more operations."""
        seconds, number = self.length_s(per_s, seconds), len(self.played) + 1
        self.begins(number, per_s, seconds)
        held, at = self._held(), f"step {number}, {per_s:.4g} operations/s"
        with TemporaryDirectory(prefix="filmless-limit-") as folder:
            file, out = Path(folder) / "step.traffic.parquet", Path(folder) / "out"
            self.rated.write(file, per_s, seconds)
            prefill = {"prefill": "skip"} if self.played else {}
            job = PlayJob(file, self.target, self.listener_port)
            result = play([job], 1.0, out, lambda done, total, phase: self.progress(done, total, f"{at}, {phase}"),
                          **{**OPEN, **self.settings, **prefill})  # fmt: skip
            run = Run(out)
            operations, objects = run.table("operations"), run.table("objects")
        self.played.append(operations.assign(step=len(self.played)))
        finding = find(operations, objects, result, self.thresholds)
        found = step_of(per_s, seconds, finding, operations[operations["phase"] == "play"], result, held)
        step = replace(found, exams_a_year=self.rated.stands_for(per_s))
        self.told(step)
        return step

    def length_s(self, per_s: float, seconds: float) -> float:
        """How long a step at this rate lasts: so long that every threshold has its operations."""
        return max(seconds, self.slowest()[1] / per_s)

    def slowest(self) -> tuple[str, float]:
        """The threshold that takes most operations of the whole mix, and how many."""
        needs = {name: self._needed(one) for name, one in self.thresholds.thresholds.items()}
        name = max(needs, key=lambda one: needs[one])
        return name, needs[name]

    def _needed(self, one: Threshold) -> float:
        """Operations of the whole mix until there are enough of this threshold's own."""
        share = self.rated.share(one.operations())
        own = needed(QUANTILES[one.statistic]) if one.statistic in QUANTILES else FOR_A_RATE
        return SPARE * own / share if share else 0.0

    def _held(self) -> int:
        try:
            return self.target.count_instances() or 0
        except WireError:
            return 0


def search_limit(play_step: LimitPlay, search: Search, out: Path) -> Limit:
    """Search and keep: tables `steps` and `operations` (with the step's number). Raises TrafficProblem, PlayFailed."""
    check_new(out)
    found = find_limit(play_step, search)
    try:
        with RunWriter(out) as writer:
            writer.table("steps", steps_table(found.steps))
            writer.table("operations", pa.Table.from_pandas(pd.concat(play_step.played, ignore_index=True)))
            writer.close(_manifest(play_step, search, found))
    except (OSError, RunProblem) as error:
        raise PlayFailed(f"the search cannot be written to {out}: {error}") from None
    return found


def steps_table(steps: Sequence[Step]) -> pa.Table:
    """A row a step; what is not known is null."""
    return pa.Table.from_pylist([one.to_json() for one in steps], schema_of(Step))


def _manifest(play_step: LimitPlay, search: Search, found: Limit) -> dict[str, Any]:
    sides = {name: step.to_json() if step else None for name, step in (("below", found.below), ("above", found.above))}
    return {
        "kind": "limit", "title": play_step.thresholds.title, "version": program_version(), "verdict": found.verdict,
        "sentence": found.sentence, **sides, "search": vars(search), "arrivals": play_step.rated.arrivals,
        "traffic": str(play_step.rated.path.name), "left_out": play_step.rated.left_out,
        "target": play_step.target.model_dump(mode="json"), "settings": {**OPEN, **play_step.settings},
        "machine": machine(),
    }  # fmt: skip
