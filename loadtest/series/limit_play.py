"""The plays of a limit search: one archive that fills from step to step, a traffic file's mix at each rate.

A search that does not come to its end keeps the steps that did, INVALID; the journal of the one that did not lies
beside its run folder, as that of any play.
"""

import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import pyarrow as pa

from loadtest.archives.target import Target
from loadtest.play.journal import SUFFIX, check_none_left
from loadtest.play.keep import check_new, machine, program_version
from loadtest.play.launch import OnProgress, PlayJob, play
from loadtest.play.problems import PlayFailed
from loadtest.series.headroom import Headroom, prove
from loadtest.series.limit import Limit, Search, Step, find_limit, step_of
from loadtest.series.measure import NOT_PROVED
from loadtest.series.rated import Rated, new_lot
from loadtest.verdict.finding import find
from loadtest.verdict.judged import FAIL, INVALID, LONGEST_S, operations_for
from loadtest.verdict.records import schema_of
from loadtest.verdict.thresholds import Threshold, Thresholds
from loadtest.wire import WireError
from sim.runs.store import Run, RunProblem, RunWriter

OPEN = {"modality_associations": 64, "workstation_associations": 64}  # so that a device's own lines are not the limit
STEP = "-step-"
SPARE = 2.1  # times the operations that a statistic needs: the rule may cut up to half as warm-up


@dataclass
class LimitPlay:
    """Plays steps against one target. The first of them sends the prefill; operations of each are kept.

    All are of one `lot` of objects, drawn anew for each search, so that an archive may be searched twice.
    """

    rated: Rated
    target: Target
    listener_port: int
    thresholds: Thresholds
    settings: dict[str, Any] = field(default_factory=dict)
    lot: int = field(default_factory=new_lot)
    progress: OnProgress = lambda done, total, phase: None
    told: Callable[[Step], None] = lambda step: None
    begins: Callable[[int, float, float], None] = lambda number, per_s, seconds: None
    played: list[pd.DataFrame] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    beside: Path | None = None  # the search's run folder; without one a step is played in a folder that goes

    def __call__(self, per_s: float, seconds: float) -> Step:
        """One step; longer than asked for where a percentile needs more operations."""
        seconds, number = self.length_s(per_s, seconds), len(self.played) + 1
        self.begins(number, per_s, seconds)
        held, at = self._held(), f"step {number}, {per_s:.4g} operations/s"
        with TemporaryDirectory(prefix="filmless-limit-") as folder:
            file = Path(folder) / "step.traffic.parquet"
            self.rated.write(file, per_s, seconds)
            result, operations, objects = self._play(file, self._out(Path(folder), number), at)
        self.played.append(operations.assign(step=len(self.played)))
        longest_s = float(self.settings.get("operation_s", LONGEST_S))
        finding = find(operations, objects, result, self.thresholds, longest_s=longest_s)
        found = step_of(per_s, seconds, finding, operations[operations["phase"] == "play"], result, held)
        self.steps.append(replace(found, exams_a_year=self.rated.stands_for(per_s)))
        self.told(self.steps[-1])
        return self.steps[-1]

    def _out(self, folder: Path, number: int) -> Path:
        return self.beside.with_name(f"{self.beside.name}{STEP}{number}") if self.beside else folder / "out"

    def _play(self, file: Path, out: Path, at: str) -> tuple[dict[str, Any], pd.DataFrame, pd.DataFrame]:
        """Result, operations and objects of one step; its run folder does not stay."""
        prefill = {"prefill": "skip"} if self.played else {}
        try:
            result = play([PlayJob(file, self.target, self.listener_port)], 1.0, out,
                          lambda done, total, phase: self.progress(done, total, f"{at}, {phase}"),
                          **(self.all_settings() | prefill))  # fmt: skip
            return result, Run(out).table("operations"), Run(out).table("objects")
        finally:
            shutil.rmtree(out, ignore_errors=True)

    def all_settings(self) -> dict[str, Any]:
        """Those of every step, prefill apart."""
        return {**OPEN, **self.settings, "lot": self.lot}

    def prove(self, found: Limit, seconds: float) -> Headroom | None:
        """The generator's headroom at the highest rate that gave evidence; None where none did."""
        top = found.above if found.above and found.above.verdict == FAIL else found.below
        if top is None:
            return None
        with TemporaryDirectory(prefix="filmless-knee-") as folder:
            file = Path(folder) / "knee.traffic.parquet"
            self.rated.write(file, top.per_s, seconds)
            job = PlayJob(file, self.target, self.listener_port)
            when = f"at the {top.per_s:.4g} operations/s of the knee, after"
            return prove(when, [job], 1.0, seconds, self.all_settings(), self.progress)

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
        longest_s = float(self.settings.get("operation_s", LONGEST_S))
        return SPARE * operations_for(one, longest_s) / share if share else 0.0

    def _held(self) -> int:
        try:
            return self.target.count_instances() or 0
        except WireError:
            return 0


def search_limit(play_step: LimitPlay, search: Search, out: Path, headroom_s: float | None = None) -> Limit:
    """Search and keep: tables `steps` and `operations` (with the step's number). Raises TrafficProblem, PlayFailed.

    `headroom_s`: the rate above the knee is played into a null sink for so long (rule L4): who cannot drive it there
    has not shown that it was the archive that broke. 0: it is not, and the verdict says so; None: nobody asks.
    """
    check_new(out)
    for left in out.parent.glob(f"{out.name}{STEP}*{SUFFIX}"):
        check_none_left(left.with_suffix(""))
    play_step = replace(play_step, beside=out)
    try:
        found = find_limit(play_step, search)
        proof = play_step.prove(found, headroom_s) if headroom_s else None
    except BaseException as error:
        _keep_steps(play_step, search, out, error)
        raise
    if doubts := proof.doubts if proof else [NOT_PROVED] if headroom_s == 0 else []:
        sentence = f"{found.sentence}; not shown to be the archive's: {'; '.join(doubts)}"
        found = replace(found, verdict=INVALID, sentence=sentence)
    _keep(play_step, search, out, found, [proof.to_json()] if proof else [])
    return found


def _keep(play_step: LimitPlay, search: Search, out: Path, found: Limit, headroom: list[dict[str, Any]]) -> None:
    try:
        with RunWriter(out) as writer:
            writer.table("steps", steps_table(found.steps))
            writer.table("operations", pa.Table.from_pandas(pd.concat(play_step.played, ignore_index=True)))
            writer.close(_manifest(play_step, search, found) | {"headroom": headroom})
    except (OSError, RunProblem) as error:
        raise PlayFailed(f"the search cannot be written to {out}: {error}") from None


def _keep_steps(play_step: LimitPlay, search: Search, out: Path, error: BaseException) -> None:
    """Of a search that ends in an error: the steps that came to their end, which the error's note names."""
    if not play_step.steps:
        return
    words = "the search was ended before it had found a knee"
    with suppress(PlayFailed):  # what ended the search is what is to be told
        _keep(play_step, search, out, Limit(None, None, play_step.steps, INVALID, words), [])
        n = len(play_step.steps)
        told = f"{n} steps that came to their end are" if n > 1 else "1 step that came to its end is"
        error.add_note(f"the {told} in {out}, INVALID")


def steps_table(steps: Sequence[Step]) -> pa.Table:
    """A row a step; what is not known is null."""
    return pa.Table.from_pylist([one.to_json() for one in steps], schema_of(Step))


def _manifest(play_step: LimitPlay, search: Search, found: Limit) -> dict[str, Any]:
    sides = {name: step.to_json() if step else None for name, step in (("below", found.below), ("above", found.above))}
    return {
        "kind": "limit", "title": play_step.thresholds.title, "version": program_version(), "verdict": found.verdict,
        "sentence": found.sentence, **sides, "search": vars(search), "arrivals": play_step.rated.arrivals,
        "traffic": str(play_step.rated.path.name), "seed": play_step.rated.seed(), "left_out": play_step.rated.left_out,
        "target": play_step.target.model_dump(mode="json"), "settings": play_step.all_settings(),
        "machine": machine(),
    }  # fmt: skip
