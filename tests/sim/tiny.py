"""A small whole scenario, invented, written as files: every test that needs a world starts here."""

import csv
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import tomli_w

from sim.world.load import World, load_world
from tests.sim.tiny_money import money_sections

MATRICES = {
    # code: rows, columns, bytes a pixel, images, room min, read min, sheets, lossless ratio
    "CR": (1760, 2140, 2, 2.2, 8, 1.5, 1.55, 3.6),
    "CT": (512, 512, 2, 100, 18, 12, 4.5, 4.0),
    "US": (576, 768, 1, 20, 18, 5, 2.0, 3.4),
}
MIX = {"ae": 0.2, "ip": 0.2, "op": 0.4, "gp": 0.18, "miu": 0.02}
VOLUMES = {"CR": 18e6, "CT": 2.4e6, "US": 6.4e6}


def quantity(value: float, unit: str, **more: Any) -> dict[str, Any]:
    high = min(1.0, 2 * value) if unit == "share" else 2.0 * value
    return {
        "value": float(value),
        "unit": unit,
        "source": "x",
        "status": "assumed",
        "low": value / 2,
        "high": high,
        **more,
    }


def profile(values: Iterable[float]) -> dict[str, Any]:
    return {"values": [float(v) for v in values], "source": "x", "status": "assumed", "low": 0.8, "high": 1.2}


def hours(weekday: list[float], saturday: list[float], sunday: list[float]) -> dict[str, Any]:
    return {"weekday": weekday, "saturday": saturday, "sunday": sunday, "source": "x", "status": "assumed"}


def _modality(code: str) -> dict[str, Any]:
    rows, columns, depth, images, room, read, sheets, ratio = MATRICES[code]
    return {
        "name": code,
        "matrix": {"rows": rows, "columns": columns, "bytes_per_pixel": depth, "source": "x", "status": "assumed"},
        "images": quantity(images, "count"),
        "images_cv": quantity(0.4, "ratio"),
        "lossless_ratio": quantity(ratio, "ratio"),
        "room": quantity(room, "min"),
        "room_cv": quantity(0.5, "ratio"),
        "room_utilisation": quantity(0.6, "share"),
        "hours": hours([8, 18], [9, 12], []),
        "read": quantity(read, "min"),
        "read_cv": quantity(0.6, "ratio"),
        "prior": quantity(0.6, "share"),
        "sheets": quantity(sheets, "count"),
        "sheets_cv": quantity(0.3, "ratio"),
        "reject_film": quantity(0.099, "share"),
        "reject_digital": quantity(0.073, "share"),
        "dose": quantity(0.1, "mSv"),
        "growth": quantity(2, "%/yr"),
        "season": profile([1, 0.9] + [1] * 10),
    }


def _setting(emergency: float, delay_min: float, film_first: bool, back_h: float, views: float) -> dict[str, Any]:
    day = [0.2] * 7 + [1, 2, 3, 4, 4, 3, 3, 3, 3, 2, 2, 1, 1, 0.8, 0.6, 0.4, 0.3]
    return {
        "name": "a setting",
        "emergency": quantity(emergency, "share"),
        "hourly": profile(day),
        "weekend_hourly": profile(day),
        "weekday": profile([1, 1, 1, 1, 1, 0.3, 0.3]),
        "view_delay": quantity(delay_min, "min"),
        "film_goes_first": film_first,
        "film_back": quantity(back_h, "h"),
        "views": quantity(views, "count"),
        "view_trust": quantity(0.1, "share"),
        "view_cluster": quantity(0.05, "share"),
        "view_country": quantity(0.02, "share"),
    }


def _archive() -> dict[str, Any]:
    return {
        "name": "an archive",
        "ingest_servers": quantity(2, "count"),
        "ingest_overhead": quantity(20, "ms"),
        "ingest_rate": quantity(20, "MB/s"),
        "retrieve_servers": quantity(1, "count"),
        "retrieve_first": quantity(3, "s"),
        "retrieve_overhead": quantity(10, "ms"),
        "retrieve_rate": quantity(5, "MB/s"),
        "site_servers": quantity(2, "count"),
        "site_overhead": quantity(20, "ms"),
        "cache": quantity(6, "month"),
        "copies": quantity(2, "count"),
        "compress": True,
    }


def _film() -> dict[str, Any]:
    return {
        "process": quantity(2, "min"),
        "processor_utilisation": quantity(0.3, "share"),
        "pull": quantity(5, "min"),
        "clerk_utilisation": quantity(0.7, "share"),
        "library_hours": hours([8, 18], [9, 12], []),
        "porter": quantity(20, "min"),
        "courier": quantity(24, "h"),
        "lost": quantity(0.1, "share"),
        "chase": quantity(24, "h"),
        "residual_print": quantity(0.1, "share"),
        "filing": quantity(5, "min"),
        "porter_time": quantity(5, "min"),
        "developer": quantity(70, "mL"),
        "fixer": quantity(95, "mL"),
    }


def _prices() -> dict[str, Any]:
    return {
        "sheet": quantity(1.5, "GBP"),
        "chemicals": quantity(0.3, "GBP"),
        "packet": quantity(0.3, "GBP"),
        "clerk": quantity(10, "GBP/h"),
        "porter": quantity(9, "GBP/h"),
        "courier": quantity(2, "GBP"),
        "processor": quantity(2000, "GBP/yr"),
        "library_staff": quantity(5, "FTE/100k exams"),
        "library_released": quantity(0.25, "share"),
        "clerk_year": quantity(22000, "GBP/yr"),
    }


def scenario() -> dict[str, Any]:
    """The scenario as plain data, to be changed by a test before it is written."""
    return {
        "title": "Tiny",
        "description": "three hospitals and a unit, invented",
        "country": "Nowhere",
        "currency": "GBP",
        "price_base": 2004,
        "seed": 7,
        "plan": {
            "start": date(2004, 7, 1),
            "end": date(2014, 12, 31),
            "sizing_year": 2007,
            "ramp": quantity(60, "day"),
        },
        "tables": {n: f"{n}.csv" for n in ("sources", "trusts", "sites", "volumes", "mix", "prior_age")},
        "clusters": {
            "west": {
                "name": "West",
                "lsp": "A provider",
                "suppliers": ["A maker"],
                "archives": ["a"],
                "population": quantity(7e4, "people"),
                "exams_share": quantity(0.003, "share"),
                "central_store_from": date(2004, 7, 1),
                "sharing": True,
            }
        },
        "archives": {"a": _archive()},
        "modalities": {code: _modality(code) for code in MATRICES},
        "settings": {
            "ae": _setting(0.6, 15, True, 12, 0.5),
            "ip": _setting(0.3, 120, True, 8, 1.5),
            "op": _setting(0.02, 3000, False, 0, 1),
            "gp": _setting(0.01, 4000, False, 0, 0.2),
            "miu": _setting(0.3, 15, True, 24, 0.3),
        },
        "demand": {"prior_same_site": quantity(0.8, "share")},
        "network": {
            "lan": quantity(1000, "Mbit/s"),
            "desk": quantity(100, "Mbit/s"),
            "usable": quantity(0.7, "share"),
            "interactive": quantity(0.3, "share"),
        },
        "reading": {
            "utilisation": quantity(0.8, "share"),
            "hours": hours([9, 17], [], []),
            "emergency_hours": hours([8, 20], [9, 13], [9, 13]),
            "typing": quantity(24, "h"),
            "typing_cv": quantity(1, "ratio"),
            "typing_emergency": quantity(2, "h"),
        },
        "film": _film(),
        "prices": _prices(),
        **money_sections(),
    }


def milestone(by: date, share: float) -> dict[str, Any]:
    return {"by": by, "share": share, "source": "x", "status": "assumed"}


def rollout(**more: Any) -> dict[str, Any]:
    """Deployments of exactly two months, no failures, nobody replaced, one team."""
    given = {
        "mode": "paced", "deadline": date(2005, 12, 31), "milestones": [milestone(date(2005, 12, 31), 1.0)],
        "deployment": quantity(2, "month"), "deployment_cv": quantity(0, "ratio"), "failed": quantity(0, "share"),
        "replaced": quantity(0, "share"), "pilot": quantity(3, "month"),
        "months_lost": {**quantity(10, "month"), "low": 10.0, "high": 10.0},
        "providers": {"A provider": {"start": date(2005, 1, 1), "teams": quantity(1, "count"),
                                     "team_every": quantity(1, "month")}},
    }  # fmt: skip
    provider, change = given["providers"]["A provider"], dict(more)
    for key in ("teams", "team_every"):
        if key in change:
            provider[key] = change.pop(key)
    return {**given, **change}


TRUSTS = [
    ("T1", "Trust one", "west", "a", "yes", "2006-03-08", "yes"),
    ("T2", "Trust two", "west", "a", "yes", "2006-04-01", "yes"),
]
SITES = [
    ("A", 2001, "A hospital", "T1", "acute", "yes", "no", "A", "CR CT US", 1.0, 100, "yes"),
    ("B", 2002, "B hospital", "T1", "acute", "no", "no", "B", "CR US", 0.4, 100, "yes"),
    ("C", 2003, "C hospital", "T2", "acute", "yes", "no", "C", "CR CT US", 0.7, 100, "yes"),
    ("M", 2004, "M unit", "T2", "miu", "no", "yes", "C", "CR", 0.1, 2, "yes"),
]
_SITE_HEAD = "site number name trust kind ae rural reads_at modalities weight wan_mbit_s invented".split()  # noqa: SIM905
_TRUST_HEAD = ["trust", "name", "cluster", "archive", "programme", "live", "invented"]


def _csv(path: Path, head: Sequence[str], rows: Iterable[Sequence[Any]], sourced: bool = True) -> None:
    with path.open("w", newline="") as stream:
        out = csv.writer(stream)
        out.writerow([*head, *(("source", "status") if sourced else ())])
        out.writerows([*row, *(("x", "assumed") if sourced else ())] for row in rows)


def write_tiny(folder: Path, data: dict[str, Any] | None = None, sites: Sequence[Sequence[Any]] = SITES,
               trusts: Sequence[Sequence[Any]] = TRUSTS) -> Path:  # fmt: skip
    """Write the scenario and its tables; returns the scenario file."""
    folder.mkdir(parents=True, exist_ok=True)
    data = data or scenario()
    path = folder / "tiny.toml"
    path.write_text(tomli_w.dumps(data))
    _csv(
        folder / "sources.csv",
        ["id", "source", "address", "year", "note"],
        [("x", "a test", "", "", "")],
        sourced=False,
    )
    _csv(folder / "trusts.csv", _TRUST_HEAD, trusts)
    used = list(data["modalities"])
    kept = [(*row[:8], " ".join(m for m in row[8].split() if m in used), *row[9:]) for row in sites]
    _csv(folder / "sites.csv", _SITE_HEAD, kept)
    _csv(folder / "volumes.csv", ["modality", "year", "exams", "low", "high"],
         [(m, 2005, VOLUMES[m], "", "") for m in used])  # fmt: skip
    _csv(folder / "mix.csv", ["modality", "setting", "share", "low", "high"], _mix(used))
    _csv(folder / "prior_age.csv", ["months", "share"], [(0, 0), (3, 0.562), (6, 0.72), (12, 0.85), (60, 1)])
    return path


def _mix(used: Iterable[str]) -> list[tuple[Any, ...]]:
    """The unit takes plain images only."""
    plain = 1 - MIX["miu"]
    return [(m, s, share if m == "CR" else (0 if s == "miu" else share / plain), "", "")
            for m in used for s, share in MIX.items()]  # fmt: skip


def tiny_world(folder: Path, **more: Any) -> World:
    """The scenario, loaded."""
    return load_world(write_tiny(folder, **more))
