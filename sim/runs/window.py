"""A window of a run, exam by exam: drawn and computed again from the manifest, since only tallies are kept."""

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sim.engines.jobs import Jobs, join_jobs
from sim.engines.times import Times, join_times
from sim.runs.manifest import world_of
from sim.runs.period import Period
from sim.runs.spec import COOL_DOWN_DAYS, PlanProblem
from sim.runs.store import Run
from sim.runs.unit import Unit, finished_exams
from sim.traffic import Window, busiest_hour, metadata, simulated, traffic_of, year_of
from sim.world.estate import build_estate
from sim.world.exams import Exams, concatenate

VIEW_DAYS = 31  # later views reach this far back


def exams_of(run: Run, cluster: str, replication: int = 0) -> Window:
    """All exams of a cluster that arrive in the run's period or up to a month before, on PACS (or as planned)."""
    m: dict[str, Any] = run.manifest
    if cluster not in m["clusters"]:
        raise PlanProblem(f"the run has no cluster '{cluster}'; it has {', '.join(m['clusters'])}")
    which = "pacs" if "pacs" in m["worlds"] else m["worlds"][-1]
    start, end = date.fromisoformat(m["start"]), date.fromisoformat(m["end"]) + timedelta(days=1)
    first = start - timedelta(days=max(VIEW_DAYS, m["warm_up_days"]))
    period = Period(first, start, end, end + timedelta(days=COOL_DOWN_DAYS))
    world = world_of(m["scenario"], Path(m["scenario_file"]))
    unit = Unit(cluster, replication, m["seed"], "fast", (which,), period)
    parts = [(e.take(d), j.take(d), t.take(d)) for _, e, j, t, d in finished_exams(world, unit)]
    exams: Exams = concatenate([p[0] for p in parts])
    jobs: Jobs = join_jobs([p[1] for p in parts])
    times: Times = join_times([p[2] for p in parts])
    zero = datetime(first.year, first.month, first.day)
    hours = (end - start).days * 24.0
    return Window(world, build_estate(world, cluster), exams, jobs, times, zero, period.warm_up_s, hours)


def write_window(run: Run, cluster: str, begin: datetime | None, hours: float, path: Path) -> dict[str, Any]:
    """Write the traffic of a window (in the middle of the busiest hour where `begin` is None); returns what is in it.

    Raises:
        PlanProblem: the cluster or the time is not in the run, or nothing falls in the window.
    """
    whole = exams_of(run, cluster)
    try:
        # the middle of the busiest hour: its first minutes may lie before the doors open
        begin = begin or busiest_hour(whole)[0] + timedelta(hours=max(0.0, 1 - hours) / 2)
    except ValueError as error:
        raise PlanProblem(str(error)) from None
    t0 = (begin - whole.zero).total_seconds()
    if not whole.t0_s <= t0 <= t0 + 3600 * hours <= whole.t0_s + 3600 * whole.hours:
        raise PlanProblem(f"{begin:%Y-%m-%dT%H:%M} and {hours:g} h after it are not inside the run, "
                          f"{run.manifest['start']} to {run.manifest['end']}")  # fmt: skip
    w = Window(whole.world, whole.estate, whole.exams, whole.jobs, whole.times, whole.zero, t0, hours)
    frame = traffic_of(w)
    if not (frame["phase"] == "play").any():
        raise PlanProblem(_empty(whole, begin, hours))
    about = metadata(whole.world, cluster, begin, hours, run.manifest["scenario_hash"])
    about |= {"exams_a_year": year_of(w, begin), "simulated": simulated(w)}
    table = pa.Table.from_pandas(frame, preserve_index=False)
    table = table.replace_schema_metadata({"filmless": json.dumps(about)})
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    pq.write_table(table, part)
    part.rename(path)
    stores = frame[(frame["operation"] == "store") & (frame["phase"] == "play")]
    return {
        "cluster": cluster, "start": begin.isoformat(), "hours": hours,
        "operations": int((frame["phase"] == "play").sum()),
        "prefill": int((frame["phase"] == "prefill").sum()), "objects": int(stores["objects"].sum()),
        "bytes": int(stores["bytes"].sum()),
        "bytes_to_keep": int(frame.loc[frame["operation"] == "store", "bytes"].sum()),
    }  # fmt: skip


def _empty(whole: Window, begin: datetime, hours: float) -> str:
    """Nothing falls in a window: which one is busier."""
    told = f"nothing falls in the {60 * hours:g} minutes from {begin:%Y-%m-%dT%H:%M}, and nothing was written"
    try:
        busiest = busiest_hour(whole)[0]
    except ValueError as error:
        return f"{told}: {error}"
    return f"{told}: the busiest hour is --start {busiest:%Y-%m-%dT%H:%M} --hours 1, and --start busiest finds it"
