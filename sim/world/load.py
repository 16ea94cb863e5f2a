"""Reading a scenario (first cut; the loader with places and all errors at once follows)."""

import csv
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.world.scenario import Scenario
from sim.world.tables import MixRow, PriorAgeRow, SiteRow, SourceRow, TrustRow, VolumeRow


@dataclass(frozen=True)
class World:
    """A checked scenario with its tables; trusts and sites only of the clusters in use."""

    path: Path
    scenario: Scenario
    trusts: list[TrustRow]
    sites: list[SiteRow]
    volumes: list[VolumeRow]
    mix: list[MixRow]
    prior_age: list[PriorAgeRow]
    sources: dict[str, SourceRow]


def _merge(base: dict[str, Any], top: dict[str, Any]) -> dict[str, Any]:
    out = dict(base)
    for k, v in top.items():
        out[k] = _merge(out[k], v) if isinstance(v, dict) and isinstance(out.get(k), dict) and "value" not in v else v
    return out


def _read(path: Path) -> dict[str, Any]:
    data = tomllib.loads(path.read_text())
    base = data.pop("extends", None)
    return _merge(_read(path.parent / base), data) if base else data


def load_world(path: Path | str, sets: Sequence[str] = ()) -> World:
    """The world of a scenario file."""
    path = Path(path)
    data = _read(path)
    for item in sets:
        key, _, value = item.partition("=")
        parts = key.strip().split(".")
        patch: Any = tomllib.loads(f"v = {value}")["v"]
        for part in reversed(parts):
            patch = {part: patch}
        data = _merge(data, patch)
    sc = Scenario.model_validate(data)

    def rows(name: str, model: Any) -> list[Any]:
        with (path.parent / getattr(sc.tables, name)).open(newline="") as stream:
            return [
                model.model_validate(r) for r in csv.DictReader(line for line in stream if not line.startswith("#"))
            ]

    used = sc.clusters_used or list(sc.clusters)
    trusts = [t for t in rows("trusts", TrustRow) if t.cluster in used]
    codes = {t.trust for t in trusts}
    sites = [s for s in rows("sites", SiteRow) if s.trust in codes]
    return World(path, sc, trusts, sites, rows("volumes", VolumeRow), rows("mix", MixRow),
                 rows("prior_age", PriorAgeRow), {r.id: r for r in rows("sources", SourceRow)})  # fmt: skip
