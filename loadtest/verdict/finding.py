"""All that is found in one play: the steady interval, stalls, the split of latency, each threshold's line, the verdict.

The gravest word wins: an acknowledged object that is gone is FAIL (rule L9); then a measurement that is not the
archive's is INVALID; then what was refused or failed, and no error-share line speaks of, is FAIL, and so is a threshold
that is missed; then one that is undecided, or what took no answer and no error-share line speaks of, is INVALID.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import isfinite
from typing import Any

import numpy as np
import pandas as pd

from loadtest.verdict.delayed_ack import find_pauses, in_words, without_pauses
from loadtest.verdict.faulted import told
from loadtest.verdict.judged import FAIL, INVALID, LONGEST_S, PASS, Line, lines_of, spoken_of, word_of
from loadtest.verdict.judgement import ended_badly
from loadtest.verdict.operations import QUANTILES
from loadtest.verdict.stalls import Stall, find_stalls, split_of, without
from loadtest.verdict.steady import Steady, steady_interval
from loadtest.verdict.thresholds import Thresholds

MOST_STALLS = 20  # told in the manifest


@dataclass(frozen=True)
class Finding:
    """What came of one play. `scale` says how a claim was scaled, '' where it was not (rule L14)."""

    verdict: str
    reasons: list[str]  # all of them, the gravest first
    beyond: list[str]  # those that are of no threshold: losses, doubts, operations that ended badly
    lines: list[Line]
    steady: Steady
    stalls: list[Stall]
    remarks: list[str]
    title: str = ""
    scale: str = ""
    figures: list[dict[str, Any]] = field(default_factory=list)
    split: list[dict[str, Any]] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)  # why the measurement is not the archive's
    faults: list[str] = field(default_factory=list)  # names of those that were played

    def sentence(self) -> str:
        """The verdict line."""
        beside = [self.scale, f"with the fault {', '.join(self.faults)}" if self.faults else ""]
        at = f" ({'; '.join(filter(None, beside))})" if any(beside) else ""
        met = sum(one.verdict == PASS for one in self.lines)
        held = f": {met} of {len(self.lines)} thresholds of '{self.title}' met" if self.lines else ""
        return f"{self.verdict}{at}{held}"

    def to_json(self) -> dict[str, Any]:
        """For the manifest and for programs; what is not known is null."""
        return {
            "verdict": self.verdict, "verdict_line": self.sentence(), "reasons": self.reasons, "scale": self.scale,
            "thresholds": {"title": self.title, "lines": [one.to_json() for one in self.lines]},
            "steady": asdict(self.steady),
            "stalls": [{**asdict(one), "lasted_s": one.lasted_s} for one in self.stalls[:MOST_STALLS]],
            "stalls_found": len(self.stalls), "remarks": self.remarks, "figures": self.figures, "split": self.split,
        }  # fmt: skip


def find(
    operations: pd.DataFrame, objects: pd.DataFrame, result: Mapping[str, Any], thresholds: Thresholds | None = None,
    doubts: Sequence[str] = (), scale: str = "", longest_s: float = LONGEST_S,
) -> Finding:  # fmt: skip
    """The finding of a play's tables and result; `doubts` are reasons against the measurement found elsewhere.

    `longest_s`: the time-out of an operation.
    """
    played = operations[operations["phase"] == "play"]
    stalls, pauses = find_stalls(played, objects), find_pauses(objects)
    first = min((one.from_s for one in stalls if not one.cold), default=None)
    steady = steady_interval(played, first)
    lines = lines_of(thresholds.thresholds, played, steady, longest_s) if thresholds else []
    every = [*result.get("doubts", []), *doubts]
    verdict, beyond = _verdict(result, lines, every, _unjudged(result["outcomes"], played, thresholds))
    missed = [f"{one.verdict} {one.name} ({one.words}): {one.why}" for one in lines if one.verdict != PASS]
    remarks = told(result.get("faults", []), result.get("bad_outside_faults", 0))
    remarks += [_told(one) for one in stalls[:3]]
    eased = without_pauses(played, objects, pauses) if pauses else None
    remarks += [in_words(one, played, eased) for one in pauses if eased is not None]
    return Finding(
        verdict, [*beyond, *missed], beyond, lines, steady, stalls, remarks, thresholds.title if thresholds else "",
        scale, _records(figures_of(played, stalls, eased)), _records(split_of(played)), every,
        [one["name"] for one in result.get("faults", []) if one["outcome"] == "played"],
    )  # fmt: skip


def _verdict(
    result: Mapping[str, Any], lines: Sequence[Line], doubts: Sequence[str], unjudged: Mapping[str, int]
) -> tuple[str, list[str]]:
    losses = list(result.get("losses", []))
    broken, unanswered = ended_badly(unjudged, sum(result["outcomes"].values()))
    by_lines = word_of(lines)
    word = FAIL if broken or by_lines == FAIL else INVALID if unanswered else by_lines
    word = FAIL if losses else INVALID if doubts else word
    return word, [*losses, *doubts, *broken, *unanswered]


def _unjudged(outcomes: Mapping[str, int], played: pd.DataFrame, thresholds: Thresholds | None) -> dict[str, int]:
    """Operations by outcome that no error-share line speaks of."""
    shares = [one for one in (thresholds.thresholds if thresholds else {}).values() if one.statistic == "error-share"]
    judged = np.zeros(len(played), dtype=bool)
    for one in shares:
        judged |= spoken_of(one, played).to_numpy()
    found = played.loc[judged, "outcome"].value_counts()
    return {name: max(0, n - int(found.get(name, 0))) for name, n in outcomes.items()}


def _told(one: Stall) -> str:
    return (
        f"{one.cluster}: nothing was completed for {one.lasted_s:.2f} s from {one.from_s:.1f} s on, while "
        f"something was due; {one.hit} operations were held up{'; a cold start' if one.cold else ''}"
    )


def figures_of(played: pd.DataFrame, stalls: Sequence[Stall], eased: pd.DataFrame | None = None) -> pd.DataFrame:
    """Plain percentiles of response by cluster and operation, with and without the stalls: seconds, and n of both.

    `eased`: the operations without TCP's own pauses, whose percentiles then stand beside them (`..._without_pauses_s`).
    """
    calm, rows = without(played, stalls), []
    for (cluster, operation), part in played[played["outcome"] == "ok"].groupby(["cluster", "operation"], sort=True):
        others = calm[(calm["cluster"] == cluster) & (calm["operation"] == operation) & (calm["outcome"] == "ok")]
        row: dict[str, Any] = {"cluster": cluster, "operation": operation, "n": len(part), "n_without": len(others)}
        for stat, q in QUANTILES.items():
            less = [] if eased is None else [("_without_pauses", eased.loc[part.index])]
            for name, some in [("", part), ("_without", others), *less]:
                row[f"{stat}{name}_s"] = float(some["response_s"].quantile(q, "higher")) if len(some) else float("nan")
        rows.append(row)
    return pd.DataFrame(rows)


def _records(data: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(k): None if isinstance(v, float) and not isfinite(v) else v for k, v in row.items()}
            for row in data.to_dict("records")]  # fmt: skip
