"""The command line's frame: the program, and the arguments that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="filmless", no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False,
    help="A rehearsal of a national PACS rollout: one scenario in, every exam simulated on film and on PACS, "
    "its DICOM traffic played against real archives, latency, storage and savings side by side.\n\n"
    "Start with [bold]filmless demo[/bold]. Exit codes: 0 done or PASS, 1 the program failed, "
    "2 bad input (what you named is wrong, or is not there), 3 FAIL (a threshold was missed), "
    "4 INVALID (the measurement cannot be trusted).",
)  # fmt: skip

ScenarioArg = Annotated[Path, typer.Argument(help="scenario file, such as scenarios/england-2004.toml")]
RunArg = Annotated[Path, typer.Argument(help="run folder, such as runs/england; see `filmless runs`")]
Json = Annotated[bool, typer.Option("--json", help="one JSON object on stdout, on failure too")]
Sets = Annotated[list[str] | None, typer.Option("--set", help="override a value: key.path=TOML value; repeatable")]
Clusters = Annotated[list[str] | None, typer.Option("--cluster", help="only this cluster; repeatable")]
