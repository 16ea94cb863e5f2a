"""Commands that make scenarios and simulation runs."""

from pathlib import Path
from typing import Annotated

import typer

from filmless.app import Clusters, Json, ScenarioArg, Sets, app
from filmless.failures import guarded


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
