"""Commands that make traffic and play it against archives."""

from pathlib import Path
from typing import Annotated

import typer

from filmless.app import Json, RunArg, app
from filmless.failures import guarded

Lot = Annotated[
    int | None,
    typer.Option(
        min=0,
        max=10**12 - 1,
        help="of objects: UIDs that no other lot has; default: those of the traffic's seed, or drawn "
        "anew where a play makes its own (--rate, --find-limit, claim)",
    ),
]


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
    ctx: typer.Context,
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
            "sink before and after, or at the knee; default 10 with --sla, else 0",
        ),
    ] = None,
    junit: Annotated[Path | None, typer.Option(help="verdict as JUnit XML, to this file")] = None,
    limit: Annotated[bool, typer.Option("--find-limit", help="raise the rate until a line of --sla breaks")] = False,
    rate: Annotated[
        float | None, typer.Option(min=0, help="operations/s of the first step of --find-limit, or of the whole play")
    ] = None,
    rate_to: Annotated[float | None, typer.Option(min=0, help="operations/s at the end of --arrivals ramp")] = None,
    seconds: Annotated[
        float, typer.Option(min=0.5, help="of each step of --find-limit, or of a play at --rate")
    ] = 10.0,
    arrivals: Annotated[str, typer.Option(help="of --rate: constant, poisson, or ramp up to --rate-to")] = "constant",
    out: Annotated[Path | None, typer.Option(help="run folder; default: runs/load-<traffic>")] = None,
    transfer_syntax: Annotated[
        str, typer.Option(help="of the objects: explicit, implicit, jpeg-ls, jpeg-2000, htj2k or rle")
    ] = "explicit",
    tcp: Annotated[str, typer.Option(help="tuned (no Nagle, quick ACK), or modality (as shipped)")] = "tuned",
    segment: Annotated[
        int | None, typer.Option(help="bytes of a TCP segment, 88 to 32767: 1448 is Ethernet's; default: the system's")
    ] = None,
    pdu_length: Annotated[
        int | None,
        typer.Option(
            help="bytes of a PDU, 4096 to 1048576: announced, and the most sent; default: 131072, as long as taken"
        ),
    ] = None,
    association: Annotated[str, typer.Option(help="kept, or one for each study, series or image")] = "kept",
    keep_idle: Annotated[
        float | None, typer.Option(help="seconds that a kept association may be idle; default 2")
    ] = None,
    associations: Annotated[
        int | None, typer.Option(min=1, max=64, help="studies that a modality sends at once; default 1")
    ] = None,
    requests: Annotated[
        int | None, typer.Option(min=1, max=64, help="requests that a workstation has at once; default 8")
    ] = None,
    async_window: Annotated[
        int, typer.Option(min=1, max=64, help="C-STOREs under way at once on an association, if granted")
    ] = 1,
    timeouts: Annotated[
        str, typer.Option(help="seconds, such as connect=5,response=30,operation=60 (the default)")
    ] = "",
    shape: Annotated[bool, typer.Option("--shape", help="sites send and receive at their links' rate")] = False,
    store_by: Annotated[str, typer.Option(help="dimse (C-STORE), or stow (STOW-RS)")] = "dimse",
    batch: Annotated[
        int | None, typer.Option(min=1, max=1000, help="objects of a study in one STOW-RS request; default 16")
    ] = None,
    retrieve: Annotated[str, typer.Option(help="planned, or get: C-GET in place of C-MOVE, no listener")] = "planned",
    qido_page: Annotated[
        int | None, typer.Option(min=0, help="QIDO-RS by pages of so many answers; default 0: in one")
    ] = None,
    view_by: Annotated[
        str,
        typer.Option(
            help="instances, series, instance, frames, rendered or metadata: what WADO-RS asks for of a study"
        ),
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
    lot: Lot = None,
    workers: Annotated[int, typer.Option(min=0, max=64, help="processes that play; 0: one, without a master")] = 0,
    master: Annotated[bool, typer.Option("--master", help="the workers come from elsewhere")] = False,
    worker: Annotated[bool, typer.Option("--worker", help="play a share of a master's plan")] = False,
    master_host: Annotated[str, typer.Option(help="where the master listens, or is asked")] = "127.0.0.1",
    master_port: Annotated[int, typer.Option(min=1, max=65535)] = 5557,
    json_: Json = False,
) -> None:
    """Play traffic on time against an archive; or, with --check, try each of its services first.

    What an option would change and cannot here is refused: nothing that is asked for is left out silently.

    Exit codes: 0 PASS, 3 FAIL, 4 INVALID; 2 where what you named is wrong or is not there (an archive that does not
    answer too); 1 where the program failed. Of --check: 3 where a service was refused or failed.
    """
    from filmless import load_options as options
    from filmless.limit_commands import Rate, run_at_rate, run_limit
    from filmless.load_commands import Judging, Play, check_target, run_load
    from filmless.load_modes import mode_of, refuse_others

    mode = mode_of(check, worker, limit, rate is not None)
    refuse_others(mode, ctx)
    how = options.connection_of(tcp, association, async_window)
    how |= options.services_of(transfer_syntax, view_by, store_by, retrieve, batch)
    how |= options.numbers_of(
        pdu_length=pdu_length, segment_bytes=segment, keep_idle_s=keep_idle, modality_associations=associations,
        workstation_associations=requests, qido_page=qido_page,
    )  # fmt: skip
    how |= options.timeouts_of(timeouts) | {"shape": options.shape_of(shape, speed)}
    if mode == "check":
        check_target(target, json_, how)
        return
    if mode == "worker":
        options.work(master_host, master_port)
        return
    how |= options.workers_of(workers, master, master_host, master_port)
    how |= options.witnesses_of(verify_hashes, commit, kill_at) | options.faults_of(faults, target)
    how |= {"lot": lot} if lot is not None and mode == "play" else {}
    play = Play(traffic, target, out, Judging(sla, headroom, junit), how, law, web, json_)
    at = Rate(rate or 0.0, seconds, arrivals, rate_to, lot)
    if mode == "find-limit":
        run_limit(play, at)
    elif mode == "rate":
        run_at_rate(play, at)
    else:
        run_load(play, speed)


@app.command()
@guarded
def consent(
    target: Annotated[Path, typer.Argument(help="target file, such as scenarios/targets/example.toml")],
    json_: Json = False,
) -> None:
    """The Patient ID of the study that an archive's owner stores in it, so that the archive itself agrees to load."""
    from filmless.consent_command import print_consent

    print_consent(target, json_)


@app.command()
@guarded
def salvage(
    folder: Annotated[Path, typer.Argument(help="OUT.partial, which a killed or stopped `filmless load` has left")],
    json_: Json = False,
) -> None:
    """Make a run folder of what a killed or stopped play has recorded: INVALID, with everything accounted for."""
    from filmless.load_options import salvage_run

    salvage_run(folder, json_)


@app.command()
@guarded
def cleanup(
    run: Annotated[Path, typer.Argument(help="run folder of a play, or the OUT.partial that a killed one has left")],
    json_: Json = False,
) -> None:
    """The studies that a play has sent to each archive, so that they can be found and removed; it removes nothing."""
    from filmless.cleanup_command import print_sent

    print_sent(run, json_)


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
    lot: Lot = None,
    json_: Json = False,
) -> None:
    """Play a published claim against an archive; the verdict says at which share of the claimed rate."""
    from filmless.claim_commands import list_claims, play_claim
    from filmless.load_commands import Judging

    if file is None:
        list_claims(json_)
    else:
        play_claim(file, target, scale, seconds, Judging(None, headroom, junit), out, json_, lot)


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
