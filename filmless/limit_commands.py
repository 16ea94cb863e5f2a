"""The work of the commands that play at a rate, look for an archive's limit, and make a profile of it."""

from dataclasses import dataclass
from math import isnan
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from filmless.failures import INVALID, BadInput
from filmless.load_commands import Judging, tell_finding
from filmless.output import counted, give, hours, say, show
from filmless.play import measure_all, placed, thresholds_for, traffic_file
from filmless.progress import progress
from filmless.report.tables import MISSING, number
from filmless.report.words import short_duration
from loadtest.series.calibrate import calibrate, profile_toml
from loadtest.series.limit import Limit, Search, Step, longest_s
from loadtest.series.limit_play import LimitPlay, search_limit
from loadtest.series.rated import Arrivals, Rated
from sim.runs.store import Run

FROM_PER_S = 5.0  # first step where --rate is not given


@dataclass(frozen=True)
class Rate:
    """Operations a second (0: not given), for how long, and how they arrive."""

    per_s: float
    seconds: float
    arrivals: str

    def checked(self) -> Arrivals:
        """Raises BadInput."""
        if self.arrivals not in ("constant", "poisson"):
            raise BadInput(f"--arrivals {self.arrivals}: must be constant or poisson")
        return cast(Arrivals, self.arrivals)


def _window(file: Path, name: Path) -> dict[str, Any]:
    return {"path": file, "cluster": name.name.split(".")[0]}


def run_at_rate(traffic: Path | None, target: str, rate: Rate, judging: Judging, out: Path | None, json_: bool,
                settings: dict[str, Any] | None = None) -> None:  # fmt: skip
    """Play a file's mix at a rate; the exit code is the verdict's."""
    file = traffic_file(traffic)
    thresholds = thresholds_for(file, judging.sla)
    rated = Rated(file, rate.checked())
    folder = out or Path("runs") / f"load-{file.name.split('.')[0]}-{rate.per_s:g}-per-s"
    with TemporaryDirectory(prefix="filmless-rate-") as work:
        at_rate = Path(work) / file.name
        rated.write(at_rate, rate.per_s, rate.seconds)
        finding, result = measure_all([_window(at_rate, file)], target, folder, thresholds=thresholds,
                                      headroom_s=judging.seconds(), settings=settings or {})  # fmt: skip
    tell_finding(finding, result, folder, json_, judging.junit)


def run_limit(traffic: Path | None, target: str, rate: Rate, judging: Judging, out: Path | None, json_: bool,
              settings: dict[str, Any] | None = None) -> None:  # fmt: skip
    """Raise the rate until a threshold breaks; exit code 4 where the knee was not found."""
    file = traffic_file(traffic)
    thresholds = thresholds_for(file, judging.sla)
    if thresholds is None:
        raise BadInput("--find-limit needs --sla FILE: which thresholds are to hold (see scenarios/thresholds)")
    rated = Rated(file, rate.checked())
    folder = out or Path("runs") / f"limit-{file.name.split('.')[0]}"
    with placed([_window(file, file)], target) as (job,), progress("step") as report:
        step = LimitPlay(
            rated, job.target, job.listener_port, thresholds, settings or {}, report, _say_step, _say_begin
        )
        search = Search(rate.per_s or FROM_PER_S, rate.seconds)
        say(how_long(step, search))
        found = search_limit(step, search, folder)
    if rated.left_out:
        say(f"{counted(rated.left_out, 'operation')} of the file, for what it stores itself, left out")
    _tell(found, folder, json_)


def how_long(step: LimitPlay, search: Search) -> str:
    """What a search may take, and why its steps are longer than asked for."""
    first, (name, operations) = step.length_s(search.from_per_s, search.seconds), step.slowest()
    why = f", not {search.seconds:g} s: threshold '{name}' takes {operations:,.0f} operations of this mix a step"
    above, below = longest_s(lambda per_s: step.length_s(per_s, search.seconds), search)
    return (
        f"steps of {hours(first)} at {search.from_per_s:g} operations/s{why if first > search.seconds else ''}; "
        f"the search plays {hours(above)} at most where the thresholds hold at this rate, {hours(below)} where they "
        "hold only below it (--rate begins elsewhere)"
    )


def _say_begin(number: int, per_s: float, seconds: float) -> None:
    say(f"step {number}: {per_s:.4g} operations/s for {seconds:.3g} s")


def _say_step(step: Step) -> None:
    say(f"{step.per_s:.4g} operations/s for {step.seconds:.3g} s: {step.verdict}, {step.why}")


def _tell(found: Limit, folder: Path, json_: bool) -> None:
    if json_:
        give({"run": str(folder), "verdict": found.verdict, "sentence": found.sentence,
              "below": found.below.to_json() if found.below else None,
              "above": found.above.to_json() if found.above else None,
              "steps": [one.to_json() for one in found.steps]})  # fmt: skip
    else:
        rows = []
        for s in found.steps:
            times = [short_duration(t) for t in (s.p50_s, s.p95_s, s.p99_s)]
            year = MISSING if isnan(s.exams_a_year) else f"{float(f'{s.exams_a_year:.3g}'):,.0f}"
            rates = [number(s.per_s), year, number(s.achieved_per_s)]
            rows.append([*rates, f"{s.n:,}", *times, f"{s.held:,}", s.verdict])
        heads = ["asked (1/s)", "exams a year", "achieved (1/s)", "n", "p50", "p95", "p99", "objects held", "verdict"]
        show("Steps, in their order; response over operations of the steady interval, measured", heads, rows)
        print(found.sentence)
        say(f"run folder: {folder}")
    if found.verdict != "PASS":
        raise SystemExit(INVALID)


def run_calibrate(folder: Path, out: Path | None, json_: bool) -> None:
    """The profile as TOML, to paste into a scenario."""
    run = Run(folder)
    profiles = calibrate(run)
    if json_:
        give({"run": str(folder), "profiles": [one.to_json() for one in profiles]})
    elif out:
        out.write_text(profile_toml(run, profiles) + "\n")
        say(f"{out}: {len(profiles)} profiles (paste the figures into [archives.NAME] of your scenario)")
    else:
        print(profile_toml(run, profiles))
