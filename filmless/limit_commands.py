"""The work of the commands that play at a rate, look for an archive's limit, and make a profile of it."""

from dataclasses import dataclass
from math import isnan
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast, get_args

from filmless.failures import INVALID, BadInput
from filmless.load_commands import CODES, Play, stem_of, tell_finding
from filmless.load_options import lot_of
from filmless.output import counted, give, hours, say, show
from filmless.play import measure_all, placed, thresholds_for
from filmless.progress import progress
from filmless.report.tables import MISSING, number
from filmless.report.words import short_duration
from loadtest.series.calibrate import calibrate, profile_toml
from loadtest.series.limit import Limit, Search, Step, longest_s
from loadtest.series.limit_play import LimitPlay, search_limit
from loadtest.series.rated import Arrivals, Rated
from loadtest.verdict.judged import PASS
from loadtest.verdict.junit import junit_xml
from sim.runs.store import Run

FROM_PER_S = 5.0  # first step where --rate is not given


@dataclass(frozen=True)
class Rate:
    """Operations a second (0: not given), for how long, how they arrive, and at which rate a ramp ends."""

    per_s: float
    seconds: float
    arrivals: str
    to_per_s: float | None = None
    lot: int | None = None  # None: one is drawn

    def rated(self, file: Path) -> Rated:
        """A file's operations at such times. Raises BadInput for a rate that cannot be, TrafficProblem for the file."""
        if self.arrivals not in get_args(Arrivals):
            raise BadInput(f"--arrivals {self.arrivals}: must be one of {', '.join(get_args(Arrivals))}")
        if (self.arrivals == "ramp") != (self.to_per_s is not None):
            raise BadInput("--arrivals ramp and --rate-to N go together: a ramp goes evenly from --rate to --rate-to")
        return Rated(file, cast(Arrivals, self.arrivals), self.to_per_s or 0.0)


def _window(file: Path, name: Path) -> dict[str, Any]:
    return {"path": file, "cluster": name.name.split(".")[0]}


def run_at_rate(play: Play, rate: Rate) -> None:
    """Play a file's mix at a rate; the exit code is the verdict's."""
    file, folder = play.checked(f"load-{stem_of(play.traffic).split('.')[0]}-{rate.per_s:g}-per-s")
    thresholds = thresholds_for(file, play.judging.sla)
    rated = rate.rated(file)
    try:
        rated.due(rate.per_s, rate.seconds)
    except ValueError as error:
        raise BadInput(f"--rate: {error}") from None
    with TemporaryDirectory(prefix="filmless-rate-") as work:
        at_rate = Path(work) / file.name
        rated.write(at_rate, rate.per_s, rate.seconds)
        how = play.settings | {"lot": lot_of(rate.lot)}
        finding, result = measure_all([_window(at_rate, file)], play.target, folder, play.law, thresholds=thresholds,
                                      headroom_s=play.judging.seconds(), web_port=play.web_port(),
                                      settings=how)  # fmt: skip
    tell_finding(finding, result, folder, play.json_, play.judging.junit)


def run_limit(play: Play, rate: Rate) -> None:
    """Raise the rate until a threshold breaks; exit code 4 where the knee was not found."""
    file, folder = play.checked(f"limit-{stem_of(play.traffic).split('.')[0]}")
    thresholds = thresholds_for(file, play.judging.sla)
    if thresholds is None:
        raise BadInput("--find-limit needs --sla FILE: which thresholds are to hold (see scenarios/thresholds)")
    if rate.arrivals == "ramp":
        raise BadInput("--find-limit with --arrivals ramp: each step has one rate; take constant or poisson")
    rated = rate.rated(file)
    with placed([_window(file, file)], play.target, law=play.law) as (job,), progress("step") as report:
        lot = lot_of(rate.lot)
        step = LimitPlay(
            rated, job.target, job.listener_port, thresholds, play.settings, lot, report, _say_step, _say_begin
        )
        search = Search(rate.per_s or FROM_PER_S, rate.seconds)
        say(how_long(step, search))
        found = search_limit(step, search, folder, play.judging.seconds())
    if rated.left_out:
        say(f"{counted(rated.left_out, 'operation')} of the file, for what it stores itself, left out")
    if play.judging.junit:
        beyond = [] if found.verdict == PASS else [found.sentence]
        seconds = sum(one.seconds for one in found.steps)
        title = f"the knee of '{thresholds.title}'"
        play.judging.junit.write_text(junit_xml(title, [], found.verdict, beyond, seconds, found.sentence))
    _tell(found, folder, play.json_)


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
        raise SystemExit(CODES.get(found.verdict, INVALID))


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
