"""The work of `filmless savings`: an option of the savings case by class, line, year, cluster or trust."""

from pathlib import Path
from typing import Any

import pandas as pd

from filmless.failures import BadInput
from filmless.output import give, say, show
from filmless.progress import progress
from sim.answers.case import Case, build_case
from sim.answers.case.options import NAMES
from sim.answers.case.views import VIEWS
from sim.runs.store import Run

ENDS = ("value", "low", "high")
HEADLINES = ("npv", "bcr", "payback_year", "cost_per_exam", "public_cost", "net_cash")


def _one_of(value: str, allowed: list[str], option: str) -> str:
    if value not in allowed:
        raise BadInput(f"{option} {value}: must be one of {', '.join(allowed)}")
    return value


def _plain(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows fit for JSON: what is not there is None."""
    whole = rows.astype(object).where(rows.notna(), None)
    return [{str(k): v for k, v in r.items()} for r in whole.to_dict("records")]


def _text(value: object, year: bool) -> str:
    if value is None or value != value:
        return "none"
    number = float(str(value))
    return f"{number:.0f}" if year else f"{number:,.2f}" if abs(number) < 1000 else f"{number:,.0f}"


def _show(case: Case, option: str, by: str, rows: pd.DataFrame) -> None:
    heads = [c for c in rows.columns if c not in (*ENDS, "n")]
    cells = [
        [
            *(str(r[h]) for h in heads),
            _text(r["value"], False),
            f"{_text(r['low'], False)} to {_text(r['high'], False)}",
            f"{r['n']:,}",
        ]
        for r in rows.to_dict("records")
    ]
    what = f"{case.currency}, prices of {case.price_base}, " + ("undiscounted" if by == "year" else "present value")
    show(f"{NAMES[option]}, less business as usual, by {by} ({what}; benefit above 0)",
         [*heads, "value", "95 % of draws", "draws"], cells)  # fmt: skip


def _show_headlines(case: Case, option: str) -> None:
    mine = {r["measure"]: r for r in _plain(case.summary[case.summary["option"] == option])}
    cells = []
    for name in HEADLINES:
        r, year = mine[name], name == "payback_year"
        ends = f"{_text(r['low'], year)} to {_text(r['high'], year)}"
        cells.append([name, _text(r["value"], year), ends, f"{r['chance_above_zero']:.0%}"])
    show(f"{NAMES[option]}: what it comes to", ["measure", "value", "95 % of draws", "chance above 0"], cells)
    part = next(r for r in _plain(case.draws.variance) if r["option"] == option)["simulation_share"]
    words = "not known from one replication" if part is None else f"{part:.2%}"
    say(f"share of the variance from the simulation: {words}; the rest is from the inputs, most of them assumed")


def print_savings(folder: Path, option: str, by: str, draws: int, json_: bool, xlsx: Path | None = None,
                  ods: Path | None = None) -> None:  # fmt: skip
    """An option of a run's savings case, and its spreadsheets. Classes are never added into one saving."""
    from filmless.office.write import check_names, write_spreadsheets

    check_names(xlsx, ods)
    _one_of(option, list(NAMES), "--option")
    _one_of(by, list(VIEWS), "--by")
    if draws < 100:
        raise BadInput(f"--draws {draws}: too few for an interval; give 100 or more")
    with progress("savings") as report:
        run = Run(folder)
        case = build_case(run, draws, report)
        rows = VIEWS[by](case, option)
        written = write_spreadsheets(run, case, xlsx, ods)
    mine = case.summary[case.summary["option"] == option]
    if json_:
        give({"option": option, "by": by, "currency": case.currency, "price_base": case.price_base, "draws": draws,
              "savings": _plain(rows), "summary": _plain(mine), "variance": _plain(case.draws.variance),
              "written": list(map(str, written))})  # fmt: skip
        return
    _show(case, option, by, rows)
    _show_headlines(case, option)
    for path in written:
        say(f"written: {path}")
