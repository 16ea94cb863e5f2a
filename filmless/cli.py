"""The command line. Commands import their work when they run: `filmless --help` loads nothing heavy."""

from pathlib import Path
from typing import Annotated

import typer

from filmless.failures import guarded

app = typer.Typer(
    name="filmless", no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False,
    help="A rehearsal of a national PACS rollout: one scenario in, every exam simulated on film and on PACS, "
    "its DICOM traffic played against real archives, latency, storage and savings side by side.\n\n"
    "Start with [bold]filmless demo[/bold]. Exit codes: 0 done or PASS, 1 the program failed, 2 bad input, "
    "3 FAIL (a threshold was missed), 4 INVALID (the measurement cannot be trusted).",
)  # fmt: skip

ScenarioArg = Annotated[Path, typer.Argument(help="scenario file, such as scenarios/england-2004.toml")]
RunArg = Annotated[Path, typer.Argument(help="run folder, such as runs/england; see `filmless runs`")]
Json = Annotated[bool, typer.Option("--json", help="one JSON object on stdout, on failure too")]
Sets = Annotated[list[str] | None, typer.Option("--set", help="override a value: key.path=TOML value; repeatable")]
Clusters = Annotated[list[str] | None, typer.Option("--cluster", help="only this cluster; repeatable")]


@app.command()
@guarded
def demo(
    target: Annotated[str, typer.Option(help="embedded, orthanc, or a target file")] = "embedded",
    minutes: Annotated[float, typer.Option(help="minutes of the busiest hour to play", min=0.1, max=60)] = 1.0,
    replications: Annotated[int, typer.Option(help="replications of the simulated week", min=3)] = 10,
    out: Annotated[Path, typer.Option(help="folder for the runs and the report")] = Path("runs"),
    json_: Json = False,
) -> None:
    """The rehearsal: simulate England's week, play each cluster's busiest minutes, build the report."""
    from filmless.demo import run_demo

    run_demo(target, minutes, replications, out, json_)


@app.command()
@guarded
def init(name: Annotated[str, typer.Argument(help="name of the new scenario")], json_: Json = False) -> None:
    """Write a commented scenario to start from."""
    from filmless.scenario_commands import write_start

    write_start(name, json_)


@app.command()
@guarded
def schema() -> None:
    """Print the JSON Schema of scenario files, for editors."""
    from filmless.scenario_commands import schema_json

    print(schema_json(), end="")


@app.command()
@guarded
def check(
    scenario: ScenarioArg,
    resolved: Annotated[bool, typer.Option("--resolved", help="each value, and the file and line that set it")] = False,
    sets: Sets = None,
    json_: Json = False,
) -> None:
    """Check a scenario: every problem at once, with file, line and what to do."""
    from filmless.scenario_commands import check_scenario

    check_scenario(scenario, resolved, sets or [], json_)


@app.command()
@guarded
def simulate(
    scenario: ScenarioArg,
    cluster: Clusters = None,
    from_: Annotated[
        str | None, typer.Option("--from", help="first day, YYYY-MM-DD; default: the plan's start")
    ] = None,
    to: Annotated[str | None, typer.Option("--to", help="last day; default: six days later")] = None,
    engine: Annotated[
        str, typer.Option(help="fast (compiled columns) or simpy (a process an exam); same answers")
    ] = "fast",
    seed: Annotated[int | None, typer.Option(help="default: the scenario's")] = None,
    replications: Annotated[
        int | None,
        typer.Option(min=1, help="intervals need 3 at least; default: 10, of more than 100 days 1"),
    ] = None,
    precision: Annotated[
        float | None,
        typer.Option(
            min=0.001,
            max=0.5,
            help="instead: add replications until the half width of the mean daily p95 "
            "from exam to report is within this share of it, such as 0.05, and stays so",
        ),
    ] = None,
    world: Annotated[
        list[str] | None,
        typer.Option(
            help="film, pacs or plan (as each site goes live); repeatable; default: film and pacs, of more "
            "than 100 days plan"
        ),
    ] = None,
    keep_exams: Annotated[bool, typer.Option("--keep-exams", help="keep every exam's timeline (Parquet)")] = False,
    dask: Annotated[str, typer.Option(help="address of a Dask scheduler, such as tcp://127.0.0.1:8786")] = "",
    expand: Annotated[
        Path | None, typer.Option(help="a run of the same scenario and days: take over its replications, add the rest")
    ] = None,
    sets: Sets = None,
    out: Annotated[Path | None, typer.Option(help="run folder; default: runs/<scenario>-<dates>")] = None,
    json_: Json = False,
) -> None:
    """Simulate every exam of the chosen clusters and days, on film and on PACS."""
    from filmless.run_commands import Asked, run_simulation

    asked = Asked(cluster, from_, to, engine, seed, replications, precision, world, keep_exams, dask, expand)
    run_simulation(scenario, asked, sets or [], out, json_)


@app.command()
@guarded
def traffic(
    run: RunArg,
    cluster: Annotated[str, typer.Option(help="whose archive")],
    start: Annotated[str, typer.Option(help="YYYY-MM-DDTHH:MM, or 'busiest' for the busiest hour")] = "busiest",
    hours: Annotated[float, typer.Option(min=0.001, help="length of the window")] = 1.0,
    out: Annotated[Path | None, typer.Option(help="Parquet file; default: beside the run")] = None,
    json_: Json = False,
) -> None:
    """Turn a window of a simulated run into timed DICOM operations."""
    from filmless.run_commands import write_traffic

    write_traffic(run, cluster, start, hours, out, json_)


@app.command()
@guarded
def load(
    traffic: Annotated[Path | None, typer.Argument(help="traffic file of `filmless traffic`")] = None,
    target: Annotated[str, typer.Option(help="embedded, orthanc, or a target file")] = "embedded",
    speed: Annotated[float, typer.Option(min=0.01, help="10 plays ten times as fast")] = 1.0,
    web: Annotated[bool, typer.Option("--web", help="with Locust's page, on the loopback")] = False,
    check: Annotated[bool, typer.Option("--check", help="only try each service of the target")] = False,
    sla: Annotated[
        Path | None, typer.Option(help="thresholds, such as scenarios/thresholds/hospital-2004.toml")
    ] = None,
    headroom: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="seconds of the plan's busiest time played into a null "
            "sink before and after; default 10 with --sla, else 0",
        ),
    ] = None,
    junit: Annotated[Path | None, typer.Option(help="verdict as JUnit XML, to this file")] = None,
    limit: Annotated[bool, typer.Option("--find-limit", help="raise the rate until a line of --sla breaks")] = False,
    rate: Annotated[
        float, typer.Option(min=0, help="operations/s of the first step of --find-limit, or of the whole play")
    ] = 0.0,
    seconds: Annotated[
        float, typer.Option(min=0.5, help="of each step of --find-limit, or of a play at --rate")
    ] = 10.0,
    arrivals: Annotated[str, typer.Option(help="of --rate: constant or poisson")] = "constant",
    out: Annotated[Path | None, typer.Option(help="run folder; default: runs/load-<traffic>")] = None,
    transfer_syntax: Annotated[
        str, typer.Option(help="of the objects: explicit, implicit, jpeg-ls, jpeg-2000 or rle")
    ] = "explicit",
    tcp: Annotated[str, typer.Option(help="tuned (no Nagle, quick ACK), or modality (as shipped)")] = "tuned",
    association: Annotated[str, typer.Option(help="kept, or one for each study, series or image")] = "kept",
    shape: Annotated[bool, typer.Option("--shape", help="sites send and receive at their links' rate")] = False,
    verify_hashes: Annotated[float, typer.Option(min=0, max=1, help="share of studies got back and compared")] = 0.0,
    commit: Annotated[bool, typer.Option("--commit", help="ask for storage commitment of every object")] = False,
    kill_at: Annotated[
        float | None, typer.Option(min=0, max=1, help="kill -9 and restart the archive at this share; 1: at the end")
    ] = None,
    workers: Annotated[int, typer.Option(min=0, max=64, help="processes that play; 0: one, without a master")] = 0,
    master: Annotated[bool, typer.Option("--master", help="the workers come from elsewhere")] = False,
    worker: Annotated[bool, typer.Option("--worker", help="play a share of a master's plan")] = False,
    master_host: Annotated[str, typer.Option(help="where the master listens, or is asked")] = "127.0.0.1",
    master_port: Annotated[int, typer.Option(min=1, max=65535)] = 5557,
    json_: Json = False,
) -> None:
    """Play traffic on time against an archive; or, with --check, try each of its services first."""
    from filmless.load_commands import Judging, check_target, run_load
    from filmless.load_options import connection_of, syntax_of, witnesses_of, work, workers_of

    if check:
        check_target(target, json_)
    elif limit or rate:
        from filmless.limit_commands import Rate, run_at_rate, run_limit

        judging, at = Judging(sla, headroom, junit), Rate(rate, seconds, arrivals)
        (run_limit if limit else run_at_rate)(traffic, target, at, judging, out, json_)
    elif worker:
        work(master_host, master_port)
    else:
        settings = workers_of(workers, master, master_host, master_port)
        settings |= {"transfer_syntax": syntax_of(transfer_syntax), "shape": shape}
        settings |= connection_of(tcp, association)
        settings |= witnesses_of(verify_hashes, commit, kill_at)
        run_load(traffic, target, speed, web, out, json_, Judging(sla, headroom, junit), settings)


@app.command()
@guarded
def salvage(
    folder: Annotated[Path, typer.Argument(help="OUT.partial, which a killed `filmless load` has left")],
    json_: Json = False,
) -> None:
    """Make a run folder of what a killed play has recorded: INVALID, with everything accounted for."""
    from filmless.load_options import salvage_run

    salvage_run(folder, json_)


@app.command()
@guarded
def claim(
    file: Annotated[Path | None, typer.Argument(help="claim file of scenarios/claims; none: list them")] = None,
    target: Annotated[str, typer.Option(help="embedded, orthanc, or a target file")] = "embedded",
    scale: Annotated[
        float | None, typer.Option(min=1e-6, max=10, help="of the claimed rate; default: what one machine can do")
    ] = None,
    seconds: Annotated[float | None, typer.Option(min=1, help="at least; longer where a statistic needs it")] = None,
    headroom: Annotated[float | None, typer.Option(min=0, help="seconds into a null sink, before and after")] = None,
    junit: Annotated[Path | None, typer.Option(help="verdict as JUnit XML, to this file")] = None,
    out: Annotated[Path | None, typer.Option(help="run folder; default: runs/claim-<name>")] = None,
    json_: Json = False,
) -> None:
    """Play a published claim against an archive; the verdict says at which share of the claimed rate."""
    from filmless.claim_commands import list_claims, play_claim
    from filmless.load_commands import Judging

    if file is None:
        list_claims(json_)
    else:
        play_claim(file, target, scale, seconds, Judging(None, headroom, junit), out, json_)


@app.command()
@guarded
def calibrate(
    run: RunArg,
    out: Annotated[Path | None, typer.Option(help="TOML file; default: to stdout")] = None,
    json_: Json = False,
) -> None:
    """A measured archive as a profile for a scenario: overhead and rate of one object, with intervals."""
    from filmless.limit_commands import run_calibrate

    run_calibrate(run, out, json_)


@app.command()
@guarded
def archive(
    mode: Annotated[
        str, typer.Option(help="memory, disk, null (keeps nothing) or model (a known service law)")
    ] = "memory",
    port: Annotated[int, typer.Option(help="DICOM port; 0: a free one")] = 11112,
    http_port: Annotated[int, typer.Option(help="DICOMweb port; 0: a free one")] = 8042,
    ae: Annotated[str, typer.Option(help="AE title")] = "FILMLESS",
    folder: Annotated[Path | None, typer.Option(help="where mode disk keeps its objects")] = None,
    law: Annotated[str, typer.Option(help="of mode model: servers=2,overhead_ms=20,rate_mb_s=50,spread=none")] = "",
) -> None:
    """Run the embedded archive (DIMSE and DICOMweb) until Ctrl-C."""
    from filmless.load_commands import run_archive

    run_archive(mode, port, http_port, ae, folder, law)


@app.command()
@guarded
def report(
    runs: Annotated[list[Path], typer.Argument(help="one simulation run; loads, sizes, sweeps and rural runs")],
    out: Annotated[Path | None, typer.Option(help="HTML file; default: report.html beside the first run")] = None,
    json_: Json = False,
) -> None:
    """Execute the notebooks on run folders, into one self-contained HTML file."""
    from filmless.run_commands import write_report

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


def main() -> None:
    """Entry point of the console script."""
    app()
