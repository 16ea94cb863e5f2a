"""`filmless sign`: who made and who checked a run, into its metadata; its tables and their hashes stay as they are."""

import json
import os
from pathlib import Path

from filmless.failures import BadInput
from filmless.output import give, say
from filmless.report.words import clean
from sim.runs.store import MANIFEST, Run

FIELDS = ("analyst", "assurer", "approver", "date", "level", "assured", "not_assured", "limits")


def sign_run(folder: Path, json_: bool, **said: str | None) -> None:
    """Write the names and statements that were given; others stay.

    Raises:
        BadInput: nothing was given, or the analyst would be the assurer: the two must be different people (Aqua Book).
    """
    run, given = Run(folder), {k: clean(v) for k, v in said.items() if v}
    if not given:
        raise BadInput(f"say who did what: {', '.join('--' + f.replace('_', '-') for f in FIELDS)}")
    old = run.manifest.get("quality_assurance")
    people = {**(old if isinstance(old, dict) else {}), **given}
    if people.get("assurer") and str(people.get("assurer")).casefold() == str(people.get("analyst", "")).casefold():
        raise BadInput(f"{people['assurer']} is given as analyst and as assurer: they must be different people")
    part = folder / f".part-{os.getpid()}-{MANIFEST}"
    part.write_text(json.dumps({**run.manifest, "quality_assurance": people}, indent=1, default=str) + "\n")
    part.replace(folder / MANIFEST)
    if json_:
        give({"run": str(folder), "quality_assurance": people})
    else:
        say(f"{folder}: " + "; ".join(f"{k.replace('_', ' ')}: {v}" for k, v in people.items()))
