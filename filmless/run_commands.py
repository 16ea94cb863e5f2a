"""The work of the commands that make and read simulation runs."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from filmless.failures import FAIL, BadInput
from filmless.output import counted, give, hours, say, show
from filmless.progress import progress
from sim.answers.measures import Measures
from sim.runs.experiment import simulate
from sim.runs.manifest import world_of
from sim.runs.period import LONG_DAYS
from sim.runs.spec import Spec
from sim.runs.store import Run
from sim.runs.window import write_window
from sim.world.load import World, load_world


def parse_day(text: str, option: str) -> date:
    """A day given on the command line."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{option} {text}: not a date; write YYYY-MM-DD, such as 2006-03-06") from None


def _dates(world: World, from_: str | None, to: str | None) -> tuple[date, date]:
    start = parse_day(from_, "--from") if from_ else world.scenario.plan.start
    last = parse_day(to, "--to") if to else start + timedelta(days=6)
    return start, last + timedelta(days=1)


def _one_of(value: str, allowed: tuple[str, ...], option: str) -> str:
    if value not in allowed:
        raise BadInput(f"{option} {value}: must be one of {', '.join(allowed)}")
    return value


@dataclass(frozen=True)
class Asked:
    """The options of `filmless simulate`, as given."""

    clusters: list[str] | None
    from_: str | None
    to: str | None
    engine: str
    seed: int | None
    replications: int | None
    precision: float | None
    worlds: list[str] | None
    keep_exams: bool
    dask: str
    expand: Path | None


def _spec(world: World, asked: Asked) -> Spec:
    start, end = _dates(world, asked.from_, asked.to)
    long = (end - start).days > LONG_DAYS
    worlds = asked.worlds or (["plan"] if long else ["film", "pacs"])
    if asked.precision and asked.replications:
        raise BadInput("--precision finds the number of replications: leave out --replications")
    return Spec(
        tuple(asked.clusters or world.scenario.clusters_used or world.scenario.clusters), start, end,
        world.scenario.seed if asked.seed is None else asked.seed, asked.replications or (1 if long else 10),
        _one_of(asked.engine, ("fast", "simpy"), "--engine"),
        tuple(_one_of(w, ("film", "pacs", "plan"), "--world") for w in worlds),
        dask=asked.dask, keep_exams=asked.keep_exams, precision=asked.precision or 0.0,
    )  # fmt: skip


def run_simulation(scenario: Path, asked: Asked, sets: list[str], out: Path | None, json_: bool) -> None:
    """Simulate and say what came of it."""
    world = load_world(scenario, sets)
    spec = _spec(world, asked)
    start, end = spec.start, spec.end
    folder = out or Path("runs") / f"{scenario.stem}-{start}-{end - timedelta(days=1)}"
    with progress("simulate") as report:
        simulate(world, spec, folder, report, Run(asked.expand) if asked.expand else None)
    run = Run(folder)
    if json_:
        give({"run": str(folder), "hash": run.results_hash, "wall_s": run.manifest["wall_s"],
              "replications": run.manifest["replications"], "precision": run.manifest["precision"]})  # fmt: skip
        return
    if found := run.manifest["precision"]:
        say(f"{found['statistic']}: half width {found['reached']:.1%} of it after {run.manifest['replications']} "
            f"replications ({found['asked']:.1%} asked{'' if found['met'] else ': not met'})")  # fmt: skip
    print_measures(run)
    _tell_warm_up(run)
    say(f"run folder: {folder} ({run.manifest['wall_s']:.1f} s; next: filmless report {folder})")


def _tell_warm_up(run: Run) -> None:
    """Say how long it took two runs that began on different days to become one."""
    found = run.table("warm_up")
    worst, days = found["coupled_after_days"].max(), run.manifest["warm_up_days"]
    if found["proved"].all():
        say(f"warm-up of {days} days proved by coupling: identical after {worst:.1f} days at most")
        return
    where = ", ".join(f"{r['cluster']} ({r['world']})" for r in found[~found["proved"]].to_dict("records"))
    say(f"warm-up of {days} days is not long enough in {where}: the first measured days still depend on when the run "
        "began; begin later with --from, or look for a station that is never empty (`filmless theory`)")  # fmt: skip


def print_measures(run: Run) -> None:
    """Exam to report by cluster and world."""
    table = Measures(run)
    rows = []
    for stat in ("p50", "p95"):
        found = table.table("exam_to_report_s", stat, by=["cluster", "world"])
        for r in found.to_dict("records"):
            interval = f"{hours(r['low'])} to {hours(r['high'])}"
            rows.append([str(r["cluster"]), str(r["world"]), stat, hours(r["value"]), interval, str(r["n"])])
    title = "Simulated exam to report (over exams), 95 % interval over replications"
    show(title, ["cluster", "world", "statistic", "value", "interval", "replications"], rows)


def write_traffic(folder: Path, cluster: str, start: str, length_h: float, out: Path | None, json_: bool) -> None:
    """The timed DICOM operations of a window, as a Parquet file."""
    run = Run(folder)
    begin = None if start == "busiest" else parse_time(start)
    path = out or folder.parent / f"{folder.name}-{cluster}.traffic.parquet"
    found = write_window(run, cluster, begin, length_h, path)
    if json_:
        give({"traffic": str(path), **found})
    else:
        say(f"{path}: {counted(found['operations'], 'operation')} from {found['start']}, "
            f"{counted(found['objects'], 'object')} to store, "
            f"{found['bytes'] / 1e9:.2f} GB (next: filmless load {path} --target embedded)")  # fmt: skip


def parse_time(text: str) -> datetime:
    """A minute given on the command line."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(f"--start {text}: not a time; write YYYY-MM-DDTHH:MM, or busiest") from None


def run_world(run: Run) -> World:
    """The scenario that a run was made of, from its manifest."""
    found: World = world_of(run.manifest["scenario"], Path(run.manifest["scenario_file"]))
    return found


def remake(run: Run, folder: Path) -> Run:
    """The same run again, from its manifest."""
    m: dict[str, Any] = run.manifest
    spec = Spec(
        tuple(m["clusters"]), date.fromisoformat(m["start"]), date.fromisoformat(m["end"]) + timedelta(days=1),
        m["seed"], m["replications"], m["engine"], tuple(m["worlds"]), m["warm_up_days"], m["cool_down_days"],
        keep_exams=m["keep_exams"],
    )  # fmt: skip
    with progress("verify") as report:
        return Run(simulate(run_world(run), spec, folder, report))


def verify_run(folder: Path, json_: bool) -> None:
    """Exit code 3 when a table differs."""
    run = Run(folder)
    if run.manifest["kind"] != "simulation":
        raise BadInput(f"{folder} is a measured run: it cannot be made again bit by bit")
    with TemporaryDirectory(prefix="filmless-verify-") as temporary:
        again = remake(run, Path(temporary) / "again")
        differ = sorted(n for n, h in run.manifest["files"].items() if again.manifest["files"].get(n) != h)
    verdict = "differs" if differ else "same"
    if json_:
        give({"verdict": verdict, "differ": differ, "hash": run.results_hash})
    else:
        say(
            f"{folder}: {verdict}" + (f": {', '.join(differ)}" if differ else f" ({len(run.manifest['files'])} tables)")
        )
    if differ:
        raise SystemExit(FAIL)
