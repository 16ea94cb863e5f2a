"""Commands that read runs: reports, comparisons, money, planning, checks."""

from pathlib import Path
from typing import Annotated

import typer

from filmless.app import Json, RunArg, ScenarioArg, Sets, app
from filmless.failures import guarded


@app.command()
@guarded
def report(
    runs: Annotated[list[Path], typer.Argument(help="one simulation run; loads, sizes, sweeps, rural, bad days")],
    out: Annotated[Path | None, typer.Option(help="HTML file; default: report.html beside the first run")] = None,
    json_: Json = False,
) -> None:
    """Execute the notebooks on run folders, into one self-contained HTML file."""
    from filmless.report_command import write_report

    write_report(runs, out, json_)


@app.command()
@guarded
def runs(
    folder: Annotated[Path, typer.Argument(help="where the runs are")] = Path("runs"), json_: Json = False
) -> None:
    """List run folders."""
    from filmless.compare import print_runs

    print_runs(folder, json_)


@app.command()
@guarded
def compare(a: RunArg, b: RunArg, json_: Json = False) -> None:
    """What differs between two runs: scenario values, and measures with paired intervals."""
    from filmless.compare import print_comparison

    print_comparison(a, b, json_)


@app.command()
@guarded
def savings(
    run: RunArg,
    option: Annotated[str, typer.Option(help="minimum, programme, programme_paid or local")] = "programme",
    by: Annotated[str, typer.Option(help="class, line, year, cluster, trust or group")] = "class",
    draws: Annotated[int, typer.Option(help="draws of the money inputs")] = 10_000,
    xlsx: Annotated[Path | None, typer.Option(help="also a spreadsheet with live formulas and stored results")] = None,
    ods: Annotated[Path | None, typer.Option(help="also published tables; needs LibreOffice")] = None,
    json_: Json = False,
) -> None:
    """An option's benefits, dis-benefits and costs against business as usual, with intervals."""
    from filmless.savings_commands import print_savings

    print_savings(run, option, by, draws, json_, xlsx, ods)


@app.command()
@guarded
def size(
    scenario: ScenarioArg,
    cluster: Annotated[str, typer.Option(help="which cluster to size")],
    sla: Annotated[Path, typer.Option(help="service levels, such as scenarios/sla/planning-2004.toml")],
    share: Annotated[float, typer.Option(min=0.01, max=0.99, help="of busiest days that must hold all levels")] = 0.8,
    confidence: Annotated[float, typer.Option(min=0.5, max=0.999, help="of the whole search")] = 0.95,
    replications: Annotated[int, typer.Option(min=0, help="of each design; 0: as few as the confidence needs")] = 0,
    confirm: Annotated[int, typer.Option(min=0, help="fresh replications of the found design")] = 50,
    days: Annotated[int, typer.Option(min=1, max=28, help="busiest days of the sizing year to judge by")] = 1,
    seed: Annotated[int | None, typer.Option(help="default: the scenario's")] = None,
    frontier: Annotated[str, typer.Option(help="level to set against cost; default: the tightest p95")] = "",
    sets: Sets = None,
    out: Annotated[Path | None, typer.Option(help="run folder; default: runs/size-<scenario>-<cluster>-<sla>")] = None,
    json_: Json = False,
) -> None:
    """The cheapest links, archive, cache, rooms and readers that hold all service levels; exit 3 if none in range."""
    from filmless.size_commands import run_sizing

    run_sizing(scenario, cluster, sla, share, confidence, replications, confirm, days, seed, frontier, sets or [], out,
               json_)  # fmt: skip


@app.command()
@guarded
def outcomes(
    run: RunArg,
    date: Annotated[str | None, typer.Option(help="YYYY-MM-DD, 2004 to 2014; default: the run's last day")] = None,
    cluster: Annotated[str | None, typer.Option(help="one cluster; default: all of the run's")] = None,
    id_: Annotated[list[str] | None, typer.Option("--id", help="only this outcome; repeatable")] = None,
    json_: Json = False,
) -> None:
    """Headline figures by id for any day of the plan, each with its interval, n and the inputs that drive it."""
    from filmless.outcome_commands import print_outcomes

    print_outcomes(run, date, cluster, id_ or [], json_)


@app.command()
@guarded
def rollout(
    scenario: ScenarioArg,
    mode: Annotated[str, typer.Option(help="announced, table or paced; default: the scenario's")] = "",
    replications: Annotated[int, typer.Option(min=3, max=100_000, help="of a paced rollout")] = 200,
    seed: Annotated[int | None, typer.Option(help="default: the scenario's")] = None,
    sets: Sets = None,
    table: Annotated[Path | None, typer.Option(help="write a trusts table with these go-live dates")] = None,
    json_: Json = False,
) -> None:
    """When trusts go live: as announced, as in the table, or paced by teams, failures and a maker replaced."""
    from filmless.rollout_commands import print_rollout

    print_rollout(scenario, mode, replications, seed, sets or [], table, json_)


@app.command()
@guarded
def rural(
    file: Annotated[Path, typer.Argument(help="a sweep over links and picture quality")] = Path(
        "scenarios/sweeps/rural.toml"
    ),
    image: Annotated[float, typer.Option(min=0.1, help="minutes until the reader must have the picture")] = 15.0,
    opinion: Annotated[float, typer.Option(min=0.1, help="minutes that a patient waits for an opinion")] = 60.0,
    out: Annotated[Path | None, typer.Option(help="run folder; default: runs/rural-<file>")] = None,
    json_: Json = False,
) -> None:
    """Units on thin links: picture and opinion by remote reading, journeys spared, the link that is too small."""
    from filmless.rural_commands import print_rural

    print_rural(file, image, opinion, out, json_)


@app.command(name="bad-day")
@guarded
def bad_day(
    run: RunArg,
    sla: Annotated[Path, typer.Option(help="service levels, such as scenarios/sla/planning-2004.toml")],
    out: Annotated[Path | None, typer.Option(help="run folder; default: bad-day-<run> beside the run")] = None,
    json_: Json = False,
) -> None:
    """Service levels before, during and after a fault, the largest backlog, and the time to catch up."""
    from filmless.bad_day_commands import print_bad_day

    print_bad_day(run, sla, out, json_)


@app.command()
@guarded
def sweep(
    file: Annotated[Path, typer.Argument(help="what varies, such as scenarios/sweeps/england-2004.toml")],
    out: Annotated[
        Path | None, typer.Option(help="folder; default: runs/sweep-<file>; goes on where it stopped")
    ] = None,
    json_: Json = False,
) -> None:
    """Simulate variants of a scenario on the same exams, and compare each with the base."""
    from filmless.sweep_commands import sweep_file

    sweep_file(file, out, json_)


@app.command()
@guarded
def sign(
    run: RunArg,
    analyst: Annotated[str | None, typer.Option(help="who made the run")] = None,
    assurer: Annotated[str | None, typer.Option(help="who checked it; never the analyst")] = None,
    approver: Annotated[str | None, typer.Option(help="who signs it off")] = None,
    date: Annotated[str | None, typer.Option(help="when")] = None,
    level: Annotated[str | None, typer.Option(help="level of assurance applied")] = None,
    assured: Annotated[str | None, typer.Option(help="what was assured")] = None,
    not_assured: Annotated[str | None, typer.Option(help="what was not")] = None,
    limits: Annotated[str | None, typer.Option(help="known limits")] = None,
    json_: Json = False,
) -> None:
    """Name who made and who checked a run; its report says no more than this."""
    from filmless.sign import sign_run

    sign_run(run, json_, analyst=analyst, assurer=assurer, approver=approver, date=date, level=level, assured=assured,
             not_assured=not_assured, limits=limits)  # fmt: skip


@app.command()
@guarded
def theory(
    run: RunArg,
    station: Annotated[str | None, typer.Option(help="only this station, such as ingest or wan_up")] = None,
    json_: Json = False,
) -> None:
    """Queueing theory beside a run: utilisation, Little's law, and Erlang-C or its like where it holds."""
    from filmless.theory import print_theory

    print_theory(run, station, json_)


@app.command()
@guarded
def verify(run: RunArg, json_: Json = False) -> None:
    """Make a run again from its manifest, and compare the hashes of all tables."""
    from filmless.run_commands import verify_run

    verify_run(run, json_)


@app.command()
@guarded
def doctor(json_: Json = False) -> None:
    """What this machine has and lacks, with the one command that mends it."""
    from filmless.doctor import print_doctor

    print_doctor(json_)
