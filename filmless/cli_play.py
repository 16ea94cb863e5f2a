"""Commands that make traffic and play it against archives."""

from pathlib import Path
from typing import Annotated

import typer

from filmless.app import Json, RunArg, app
from filmless.failures import guarded


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
        str, typer.Option(help="of the objects: explicit, implicit, jpeg-ls, jpeg-2000, htj2k or rle")
    ] = "explicit",
    tcp: Annotated[str, typer.Option(help="tuned (no Nagle, quick ACK), or modality (as shipped)")] = "tuned",
    association: Annotated[str, typer.Option(help="kept, or one for each study, series or image")] = "kept",
    async_window: Annotated[
        int, typer.Option(min=1, max=64, help="C-STOREs under way at once on an association, if granted")
    ] = 1,
    shape: Annotated[bool, typer.Option("--shape", help="sites send and receive at their links' rate")] = False,
    view_by: Annotated[
        str, typer.Option(help="instances, frames, rendered or metadata: what WADO-RS asks for of a study")
    ] = "instances",
    verify_hashes: Annotated[float, typer.Option(min=0, max=1, help="share of studies got back and compared")] = 0.0,
    commit: Annotated[bool, typer.Option("--commit", help="ask for storage commitment of every object")] = False,
    kill_at: Annotated[
        float | None, typer.Option(min=0, max=1, help="kill -9 and restart the archive at this share; 1: at the end")
    ] = None,
    faults: Annotated[
        bool, typer.Option("--faults", help="the scenario's faults befall the embedded archive and the sites' links")
    ] = False,
    law: Annotated[
        str, typer.Option(help="of the embedded archive: storing takes servers=3,overhead_ms=20,rate_mb_s=50")
    ] = "",
    workers: Annotated[int, typer.Option(min=0, max=64, help="processes that play; 0: one, without a master")] = 0,
    master: Annotated[bool, typer.Option("--master", help="the workers come from elsewhere")] = False,
    worker: Annotated[bool, typer.Option("--worker", help="play a share of a master's plan")] = False,
    master_host: Annotated[str, typer.Option(help="where the master listens, or is asked")] = "127.0.0.1",
    master_port: Annotated[int, typer.Option(min=1, max=65535)] = 5557,
    json_: Json = False,
) -> None:
    """Play traffic on time against an archive; or, with --check, try each of its services first.

    Exit codes: 0 PASS, 3 FAIL, 4 INVALID; 2 where what you named is wrong or is not there (an archive that does not
    answer too); 1 where the program failed. Of --check: 3 where a service was refused or failed.
    """
    from filmless.load_commands import Judging, check_target, run_load
    from filmless.load_options import (
        connection_of,
        faults_of,
        refuse_with_rate,
        shape_of,
        syntax_of,
        view_of,
        witnesses_of,
        work,
        workers_of,
    )  # fmt: skip

    if worker:
        return work(master_host, master_port, traffic, master)
    how = connection_of(tcp, association, async_window)
    how |= {"transfer_syntax": syntax_of(transfer_syntax), "shape": shape_of(shape, speed), "view_by": view_of(view_by)}
    if check:
        check_target(target, json_)
    elif limit or rate:
        refuse_with_rate(faults, law)
        from filmless.limit_commands import Rate, run_at_rate, run_limit

        judging, at = Judging(sla, headroom, junit), Rate(rate, seconds, arrivals)
        (run_limit if limit else run_at_rate)(traffic, target, at, judging, out, json_, how)
    else:
        how |= workers_of(workers, master, master_host, master_port)
        how |= witnesses_of(verify_hashes, commit, kill_at) | faults_of(faults, target)
        run_load(traffic, target, speed, web, out, json_, Judging(sla, headroom, junit), how, law)


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
    """A measured archive as a profile for a scenario: what storing and retrieving cost, with intervals."""
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
    law: Annotated[
        str, typer.Option(help="how long storing takes: servers=2,overhead_ms=20,rate_mb_s=50,spread=none")
    ] = "",
) -> None:
    """Run the embedded archive (DIMSE and DICOMweb) until Ctrl-C."""
    from filmless.archive_command import run_archive

    run_archive(mode, port, http_port, ae, folder, law)
