"""The spreadsheets of a run, under the names that the user gave."""

import os
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from filmless.failures import BadInput
from filmless.office.model import write_model
from filmless.office.published import write_ods
from filmless.office.rates import grid_of
from sim.answers.case.case import Case
from sim.runs.store import Run


def check_names(xlsx: Path | None, ods: Path | None) -> None:
    """Refuse a wrong ending, and ODS without LibreOffice, before any work.

    Raises:
        BadInput: says which ending is meant. Failed: LibreOffice is missing.
    """
    from filmless.office.libreoffice import soffice

    for path, ending, option in ((xlsx, ".xlsx", "--xlsx"), (ods, ".ods", "--ods")):
        if path and path.suffix != ending:
            raise BadInput(f"{option} {path}: the name must end in {ending}")
    if ods:
        soffice()


def write_spreadsheets(run: Run, case: Case, xlsx: Path | None, ods: Path | None) -> list[Path]:
    """The live model and the published tables; each written whole or not at all. Returns what was written."""
    out = []
    if xlsx:
        part = xlsx.with_name(f".part-{os.getpid()}-{xlsx.name}")
        part.parent.mkdir(parents=True, exist_ok=True)
        day = datetime.fromisoformat(str(run.manifest["start"]))
        write_model(part, grid_of(run), case, run.folder.name, day)
        part.replace(xlsx)
        out.append(xlsx)
    if ods:
        write_ods(ods, case, run.folder.name, version("filmless"))
        out.append(ods)
    return out
