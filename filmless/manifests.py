"""Run folders by their manifests alone: what kind a run is, and which simulated run a load run's traffic is of.

Nothing here imports tables: a mistake of the folders named is told before anything slow begins.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filmless.failures import BadInput

PLANS = ("sizing", "sweep", "rural", "bad-day")
OF_ONE_WORLD = ("scenario_hash", "seed")


@dataclass(frozen=True)
class ReportRuns:
    """The runs that a report is made of."""

    simulated: Path
    loads: list[Path] = field(default_factory=list)
    limits: list[Path] = field(default_factory=list)
    plans: list[Path] = field(default_factory=list)


def manifest_in(folder: Path) -> dict[str, Any]:
    """A run folder's manifest. Raises BadInput."""
    try:
        found = json.loads((folder / "manifest.json").read_text())
    except OSError:
        raise BadInput(f"{folder} is not a run folder: it has no manifest.json (see `filmless runs`)") from None
    except ValueError as error:
        raise BadInput(f"{folder / 'manifest.json'} is damaged ({error}): run it again") from None
    return dict(found)


def runs_of_report(folders: Sequence[Path]) -> ReportRuns:
    """The folders by their kinds. Raises BadInput where there is not one simulated run, and says what to add."""
    places = [f / "collection" if (f / "collection").is_dir() else f for f in folders]
    manifests = {place: manifest_in(place) for place in places}
    kinds = {place: str(m.get("kind")) for place, m in manifests.items()}
    simulated = [place for place, kind in kinds.items() if kind == "simulation"]
    if not simulated:
        raise BadInput(_add_simulated(folders, manifests))
    if len(simulated) > 1:
        raise BadInput(f"a report is of one simulated run, not of {', '.join(map(str, simulated))}: name one of them")
    loads, limits = ([p for p, kind in kinds.items() if kind == one] for one in ("load", "limit"))
    return ReportRuns(simulated[0], loads, limits, [p for p, kind in kinds.items() if kind in PLANS])


def _add_simulated(folders: Sequence[Path], manifests: dict[Path, dict[str, Any]]) -> str:
    found = (simulated_beside(place, manifest) for place, manifest in manifests.items())
    run = next(filter(None, found), None) or "RUN"
    what = "that the traffic was made from" if any(m.get("kind") == "load" for m in manifests.values()) else "simulated"
    named = " ".join(map(str, folders))
    return f"{named}: no simulated run is among these; add the run {what}: filmless report {run} {named}"


def simulated_beside(folder: Path, manifest: dict[str, Any]) -> Path | None:
    """A simulated run in the same folder, or in runs, that has this load run's scenario and seed; None: there is none.

    A traffic file names its scenario by hash, and no folder, for folders are moved.
    """
    wanted, clusters = [manifest.get(name) for name in OF_ONE_WORLD], set(manifest.get("clusters", []))
    places = (p.parent for parent in dict.fromkeys((folder.parent, Path("runs")))
              for p in sorted(parent.glob("*/manifest.json")))  # fmt: skip
    for place in places if wanted[0] else ():
        try:
            other = manifest_in(place)
        except BadInput:
            continue  # another run beside it that is damaged is not this one's trouble
        same = [other.get(name) for name in OF_ONE_WORLD] == wanted and clusters <= set(other.get("clusters", []))
        if same and other.get("kind") == "simulation":
            return place
    return None
