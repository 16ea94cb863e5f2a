"""A published claim as a file: what was claimed, by whom, as a load with thresholds; or why it cannot be played.

A claim is played at a scale of its own rates, and the scale stands in the verdict line (rule L14). Rates that are to be
reached are asked for 5 % faster than claimed, or an interval could never lie above the claim.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from math import isclose, nan
from pathlib import Path
from typing import Annotated, Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field, model_validator

from loadtest.play.rates import constant, poisson
from loadtest.verdict.judged import operations_for
from loadtest.verdict.sources import check_sources
from loadtest.verdict.strict_file import read_strict
from loadtest.verdict.thresholds import Name, Threshold, Thresholds
from sim.world.quantity import Sourced, Strict
from sim.world.streams import stream_key

MARGIN = 1.05
SPARE = 2.1  # times the operations that a statistic needs: the rule may cut up to half as warm-up
LARGEST_S = 3600.0
CLUSTER, SEED = "claim", 2004
_TEXTS = ("phase", "cluster", "supplier", "site", "ae_title", "operation", "purpose")
_TYPES: dict[str, pa.DataType] = {
    "op": pa.int64(), "due_s": pa.float64(), **dict.fromkeys(_TEXTS, pa.string()), "exam": pa.int64(),
    "patient": pa.int64(), "modality": pa.string(), "objects": pa.int32(), "bytes": pa.int64(),
    "acquired": pa.timestamp("us"),
}  # fmt: skip
SCHEMA = pa.schema(_TYPES)
Rate = Annotated[float, Field(gt=0, le=1e6)]


class Figure(Sourced):
    """A published figure, as it was printed. A lone `low` reads "at least", a lone `high` "at most"."""

    id: str = Field(description="id of the row in the table of claims")
    quantity: str
    value: float | str | None = None
    low: float | None = None
    high: float | None = None
    unit: str
    address: str = ""


class Flow(Strict):
    """One kind of operation of the load, in whole studies."""

    operation: Literal["store", "find", "qido", "get", "move", "wado"]
    per_s: Rate = Field(description="operations a second, as claimed")
    devices: int = Field(default=8, ge=1, le=999, description="that it comes from")


class Load(Strict):
    """What is played at scale 1. `assumed` says which of it the claim does not state."""

    seconds: float = Field(gt=0, le=LARGEST_S, description="at least; longer where a statistic needs more operations")
    modality: Literal["CT", "CR", "MR", "US"] = "CT"
    rows: int = Field(default=512, ge=16, le=8192)
    columns: int = Field(default=512, ge=16, le=8192)
    objects: int = Field(default=1, ge=1, le=9999, description="images of a study")
    prefill: int = Field(default=20, ge=0, le=10_000, description="studies that are there before, to ask for")
    arrivals: Literal["constant", "poisson"] = "constant"
    assumed: str = Field(min_length=1, description="what of this load the claim does not say")
    flows: list[Flow] = Field(min_length=1, max_length=12)

    @property
    def study_bytes(self) -> int:
        """Pixel bytes of one study."""
        return self.rows * self.columns * 2 * self.objects


class Claim(Strict):
    """A claim file: `load` and `thresholds`, or `unplayable` with the reason."""

    title: str
    product: str = Field(description="what the claim is about")
    figures: list[Figure] = Field(min_length=1)
    unplayable: str = Field(default="", description="why it cannot be played")
    load: Load | None = None
    thresholds: dict[Name, Threshold] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_or_the_other(self) -> "Claim":
        if bool(self.unplayable) == (self.load is not None):
            raise ValueError("unplayable and [load] exclude each other: give the reason, or the load with thresholds")
        if (self.load is not None) != bool(self.thresholds):
            raise ValueError("thresholds and [load] go together")
        return self


def read_claim(path: Path) -> Claim:
    """A claim file; its thresholds rest on its own figures, or on a source that is known.

    Raises ScenarioErrors with every problem and its place.
    """
    found = read_strict(path, Claim)
    check_sources(path, found.thresholds, more=[one.id for one in found.figures])
    return found


@dataclass(frozen=True)
class Scaled:
    """A claim as it is played here: which share of its rates, for how long, and the thresholds that follow."""

    claim: Claim
    load: Load
    scale: float
    seconds: float
    thresholds: Thresholds

    def words(self) -> str:
        """For the verdict line."""
        share = "" if self.scale == 1 else f"{_share(self.scale)} "
        asked = f"asked {100 * (MARGIN - 1):.0f} % more"
        return f"played at {share}the claimed rate on this machine, for {self.seconds:.3g} s; {asked}"


def _share(scale: float) -> str:
    """In words that are true to six digits: 1/20 of, 2/3 of, 0.9999 of, 2 times."""
    of = Fraction(scale).limit_denominator(10**6)
    if not isclose(of, scale, rel_tol=1e-9) or (of.denominator > 100 and of.numerator > 1):
        return f"{scale:.6g} of"
    return f"{of.numerator}/{of.denominator} of" if of.denominator > 1 else f"{of.numerator} times"


def scaled(claim: Claim, scale: float, at_least_s: float | None = None) -> Scaled:
    """Rates and rate thresholds times `scale`, latencies as claimed; long enough for each statistic.

    Raises ValueError for a claim that cannot be played, and where it would take over an hour.
    """
    load = claim.load
    if load is None:
        raise ValueError(f"'{claim.title}' cannot be played: {claim.unplayable}")
    seconds = max([at_least_s or load.seconds, *(_needs(one, load, scale) for one in claim.thresholds.values())])
    if seconds > LARGEST_S:
        raise ValueError(f"at scale {scale:g} it would take {seconds:,.0f} s for its statistics: take a larger scale")
    lines = {name: _scaled(one, scale) for name, one in claim.thresholds.items()}
    return Scaled(claim, load, scale, seconds, Thresholds(title=claim.title, thresholds=lines))


def _scaled(one: Threshold, scale: float) -> Threshold:
    if not one.at_least or scale == 1:
        return one
    ends = {name: value * scale for name in ("value", "low", "high") if (value := getattr(one.limit, name)) is not None}
    note = f"{one.limit.note}; {scale:g} of the claimed {one.limit.value:g} {one.limit.unit}".removeprefix("; ")
    return one.model_copy(update={"limit": one.limit.model_copy(update={**ends, "note": note})})


def _needs(one: Threshold, load: Load, scale: float) -> float:
    """Seconds until so many operations have come as the statistic needs."""
    per_s = sum(flow.per_s for flow in load.flows if flow.operation in one.operations()) * scale * MARGIN
    return SPARE * operations_for(one) / per_s if per_s else 0.0


def auto_scale(load: Load, images_per_s: float) -> float:
    """The largest scale of 1, 1/2, 1/5, 1/10, ... at which no more images a second move than this."""
    moved = sum(flow.per_s * (load.objects if flow.operation not in ("find", "qido") else 1) for flow in load.flows)
    steps = (m / 10**k for k in range(7) for m in (1.0, 0.5, 0.2))
    return next((scale for scale in steps if scale * moved <= images_per_s), 1e-6)


def write_claim(one: Scaled, to: Path) -> int:
    """The claim's operations as a traffic file; returns how many are due."""
    played = sorted(_played(one), key=lambda row: row["due_s"])
    rows = [*_prefill(one.load), *played]
    about = {"seed": SEED, "scenario": one.claim.title, "start": "2007-03-06T10:00:00", "hours": one.seconds / 3600,
             "cluster": CLUSTER, "matrices": {one.load.modality: [one.load.rows, one.load.columns, 2]}}  # fmt: skip
    table = pa.Table.from_pylist([{**row, "op": n} for n, row in enumerate(rows)], schema=SCHEMA)
    pq.write_table(table.replace_schema_metadata({"filmless": json.dumps(about)}), to)
    return len(played)


def _prefill(load: Load) -> Iterator[dict[str, Any]]:
    for n in range(load.prefill):
        yield _row(load, "store", "prefill", nan, n, "PREFILL")


def _played(one: Scaled) -> Iterator[dict[str, Any]]:
    new = one.load.prefill
    for number, flow in enumerate(one.load.flows):
        rate = flow.per_s * one.scale * MARGIN
        key = stream_key(SEED, 0, "claim", flow.operation, str(number))
        due = constant(rate, one.seconds) if one.load.arrivals == "constant" else poisson(rate, one.seconds, key)
        for n, at in enumerate(due):
            exam = new + n if flow.operation == "store" else n % max(one.load.prefill, 1)
            title = f"{flow.operation.upper()[:4]}{number}D{n % flow.devices:03d}"
            shift = number / len(one.load.flows) / rate if one.load.arrivals == "constant" else 0.0
            yield _row(one.load, flow.operation, "play", float(at) + shift, exam, title)
        new += len(due) if flow.operation == "store" else 0


def _row(load: Load, operation: str, phase: str, due_s: float, exam: int, title: str) -> dict[str, Any]:
    return {
        "due_s": due_s, "phase": phase, "cluster": CLUSTER, "supplier": "claim", "site": "here", "ae_title": title,
        "operation": operation, "purpose": "claim", "exam": 10**9 + exam, "patient": exam % 5000,
        "modality": load.modality, "objects": load.objects, "bytes": load.study_bytes,
        "acquired": datetime(2007, 3, 6, 10),
    }  # fmt: skip
