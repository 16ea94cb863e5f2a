"""The generator proves its own headroom (rule L4): the same plan into a null sink, before and after the measured play.

The sink answers success as fast as bytes can be read. What the generator cannot send on time there, no archive can
answer; a measurement beside which it could not is INVALID. The plan may be shortened to its busiest seconds, and the
manifest says so. Retrieves return nothing from a sink: receiving is not part of the proof.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from loadtest.archives.launch import running
from loadtest.play.launch import LISTENER, OnProgress, PlayJob, free_port, play
from loadtest.play.problems import TrafficProblem
from loadtest.verdict.health import Limits

LIMITS = ("lag_p99_s", "loop_delay_p99_s", "cpu_share", "clock_step_s")
ASIDE = ("commit", "verify_hashes", "kill_at", "faults")  # what is asked of an archive, and a sink cannot answer
KEPT = (
    "planned",
    "sent",
    "dropped",
    "lag_p50_s",
    "lag_p99_s",
    "loop_delay_p99_s",
    "cpu_share",
    "clock_step_s",
    "wall_s",
)


@dataclass(frozen=True)
class Headroom:
    """One proof: `when` is before or after; `doubts` are what was beyond its limit."""

    when: str
    seconds: float
    of_s: float
    generator: dict[str, Any]
    doubts: list[str]

    def to_json(self) -> dict[str, Any]:
        """For the manifest."""
        short = f"the busiest {self.seconds:g} s of {self.of_s:g} s" if self.seconds < self.of_s else "the whole plan"
        return {
            "when": self.when, "played": f"{short}, into a null sink; retrieves return nothing there",
            "seconds": self.seconds, "of_s": self.of_s, "generator": self.generator, "doubts": self.doubts,
        }  # fmt: skip


def prove(when: str, jobs: Sequence[PlayJob], speed: float, seconds: float, settings: Mapping[str, Any],
          progress: OnProgress = lambda done, total, phase: None) -> Headroom:  # fmt: skip
    """Play the busiest `seconds` of the jobs' traffic (after `speed`) into null sinks.

    Raises TrafficProblem when a file cannot be read, PlayFailed when the play could not be done.
    """
    with TemporaryDirectory(prefix="filmless-headroom-") as folder, ExitStack() as sinks:
        length = max(_length(one.traffic) for one in jobs) / speed
        at = busiest([_dues(one.traffic) / speed for one in jobs], seconds) if seconds < length else 0.0
        placed, processes = [], max(1, int(settings.get("workers", 0)))  # a sink must not be slower than who sends
        for number, one in enumerate(jobs):
            file = Path(folder) / f"{number}.traffic.parquet"
            if shorten(one.traffic, file, at * speed, min(seconds, length) * speed):
                port = free_port()
                movers = {LISTENER: ("127.0.0.1", port)}
                sink = sinks.enter_context(running("embedded", f"sink-{number}", movers, "null", processes=processes))
                placed.append(replace(one, traffic=file, target=sink, listener_port=port))
        quiet = {k: v for k, v in settings.items() if k not in ASIDE} | {"ledger": "none", "prefill": "skip"}
        result = play(placed, speed, Path(folder) / "out", progress, **quiet)
    generator = {name: result["generator"].get(name) for name in KEPT}
    return Headroom(when, min(seconds, length), length, generator, doubts_of(when, generator))


def doubts_of(when: str, generator: Mapping[str, Any], limits: Limits | None = None) -> list[str]:
    """Why the proof failed: lag, event-loop delay, CPU, clock, and what could not be sent; not what a sink answers."""
    most = asdict(limits or Limits())
    told = [f"{name} is {abs(generator[name]):.3g}, over {most[name]:g}" for name in LIMITS
            if generator.get(name) is not None and abs(generator[name]) > most[name]]  # fmt: skip
    if generator["dropped"]:
        told.append(f"{generator['dropped']} of {generator['planned']} operations were due and never sent")
    return [f"headroom {when} the play, into a null sink: {one}" for one in told]


def busiest(dues: Sequence["np.ndarray[Any, Any]"], seconds: float) -> float:
    """Where the window of `seconds` begins that holds most due times of all files together."""
    every = np.sort(np.concatenate(dues))
    inside = np.searchsorted(every, every + seconds) - np.arange(len(every))
    return float(every[int(np.argmax(inside))]) if len(every) else 0.0


def shorten(file: Path, to: Path, from_s: float, seconds: float) -> bool:
    """Write the operations that are due in a window, from its beginning on; false where there are none."""
    table = _table(file)
    data = table.to_pandas()
    due = data["due_s"].to_numpy(np.float64)
    inside = (data["phase"].astype(str) == "play").to_numpy() & (due >= from_s) & (due <= from_s + seconds)
    part = table.filter(pa.array(inside))
    at = part.schema.get_field_index("due_s")
    part = part.set_column(at, part.schema.field(at), pa.array(due[inside] - from_s))
    pq.write_table(part.replace_schema_metadata(table.schema.metadata), to)
    return bool(part.num_rows)


def _table(file: Path) -> pa.Table:
    try:
        return pq.read_table(file)
    except (OSError, pa.ArrowException) as error:
        raise TrafficProblem(f"{file}: cannot be read as Parquet ({str(error).splitlines()[0]}): make it with "
                             "`filmless traffic`") from None  # fmt: skip


def _dues(file: Path) -> "np.ndarray[Any, Any]":
    table = _table(file)
    due = table.column("due_s").to_numpy().astype(np.float64)
    found: np.ndarray[Any, Any] = due[np.isfinite(due)]
    return found


def _length(file: Path) -> float:
    due = _dues(file)
    return float(due.max()) if len(due) else 0.0
