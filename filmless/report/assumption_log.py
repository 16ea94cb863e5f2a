"""The assumptions log (Aqua Book): every figure that nobody read at its source, with what it may do to the answer.

Made from the resolved scenario of the run and its savings case; written as CSV beside the report, and shown in it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from filmless.report.assumptions import TABLES, figures
from filmless.report.simulated import Simulated
from filmless.report.words import clean
from sim.answers.case import Case
from sim.answers.case.register import OPTION
from sim.world.quantity import ASSUMPTIONS, Profile, Quantity, Sourced, Status

COLUMNS = (
    "id", "quantity", "value", "low", "high", "unit", "year", "scope", "source", "address", "status", "reliability",
    "effect_on_npv_of_low", "effect_on_npv_of_high", "share_of_variance", "evppi", "made_by", "date", "signed_by",
    "refresh_by", "note",
)  # fmt: skip
RELIABILITY: dict[Status, str] = {
    "verified": "high", "verified-second-hand": "high", "verified-address-lost": "medium", "derived": "medium",
    "from-memory-high": "medium", "from-memory-medium": "medium", "from-memory-low": "low", "assumed": "low",
}  # fmt: skip
NOT_IN_MONEY = "not an input of the money model"
NOBODY = "nobody"
EFFECTS = ("effect_on_npv_of_low", "effect_on_npv_of_high", "share_of_variance", "evppi")
KEYS = {"trusts": ("trust",), "sites": ("site",), "volumes": ("modality", "year"), "mix": ("modality", "setting"),
        "prior_age": ("months",)}  # fmt: skip
VALUES = {"trusts": ("live", "date"), "sites": ("wan_mbit_s", "Mbit/s"), "volumes": ("exams", "exams/yr"),
          "mix": ("share", "share"), "prior_age": ("share", "share")}  # fmt: skip


def people(sim: Simulated) -> dict[str, str]:
    """Who made and signed the assumptions, and when: the run's metadata, or that nobody is named there."""
    found = sim.run.manifest.get("quality_assurance")
    named = {k: clean(str(v)) for k, v in found.items()} if isinstance(found, dict) else {}
    return {"made_by": named.get("analyst") or "authors of the scenario", "date": named.get("date") or "not recorded",
            "signed_by": named.get("approver") or NOBODY,
            "refresh_by": named.get("refresh_by") or "before each decision that rests on it"}  # fmt: skip


def _source(sim: Simulated, code: str) -> dict[str, str]:
    known = sim.world.sources.get(code)
    if known is None:
        return {"source": code, "address": "", "year": ""}
    return {"source": clean(known.source), "address": clean(known.address), "year": clean(known.year)}


def _quantity(q: Sourced) -> dict[str, Any]:
    if isinstance(q, Quantity):
        return {"value": q.value, "low": q.low, "high": q.high, "unit": q.unit}
    if isinstance(q, Profile):
        return {"value": " ".join(f"{v:g}" for v in q.values), "low": q.low, "high": q.high, "unit": "relative weights"}
    return {"value": "stated as a whole in the scenario", "low": None, "high": None, "unit": type(q).__name__.lower()}


def _scenario_rows(sim: Simulated) -> Iterator[dict[str, Any]]:
    for key, q in figures(sim.world.scenario):
        if q.status in ASSUMPTIONS:
            yield {"id": key, "quantity": key.replace("_", " ").replace(".", ", "), **_quantity(q),
                   "scope": clean(sim.world.scenario.country), **_source(sim, q.source), "status": q.status,
                   "note": clean(q.note)}  # fmt: skip


def _table_rows(sim: Simulated) -> Iterator[dict[str, Any]]:
    """Rows of the scenario's tables; their ranges where the table has them."""
    for name in TABLES:
        value, unit = VALUES[name]
        for row in getattr(sim.world, name):
            if row.status not in ASSUMPTIONS:
                continue
            code = ".".join(str(getattr(row, k)) for k in KEYS[name])
            found = getattr(row, value)
            yield {"id": f"{name}.{code}", "quantity": f"{value.replace('_', ' ')} of {code.replace('.', ', ')}",
                   "value": "" if found is None else str(found), "low": getattr(row, "low", None),
                   "high": getattr(row, "high", None), "unit": unit, "scope": clean(sim.world.scenario.country),
                   **_source(sim, row.source), "status": row.status, "note": f"table {name}"}  # fmt: skip


def _model_rows(case: Case) -> Iterator[dict[str, Any]]:
    """Inputs that the money model makes of several figures: optimism bias by its formula, evidence from few trusts."""
    known = {key for key, _ in figures(case.world.scenario)}
    for r in case.inputs.to_dict("records"):
        if r["key"] not in known and r["status"] in ASSUMPTIONS:
            source = case.world.sources.get(r["source"])
            yield {"id": r["key"], "quantity": str(r["key"]).replace("_", " ").replace(".", ", "), "value": r["value"],
                   "low": r["low"], "high": r["high"], "unit": r["unit"], "scope": clean(case.world.scenario.country),
                   "source": clean(source.source) if source else r["source"], "address": "", "year": "",
                   "status": r["status"], "note": clean(str(r["note"]))}  # fmt: skip


def effects(case: Case) -> pd.DataFrame:
    """What each input of the money model does to the programme's net present value, by key."""
    found = case.sensitivity
    bars = found.tornado.set_index("input")
    out = pd.DataFrame({
        "effect_on_npv_of_low": bars["npv_low_gbp"] - bars["npv_gbp"],
        "effect_on_npv_of_high": bars["npv_high_gbp"] - bars["npv_gbp"],
    })  # fmt: skip
    out["share_of_variance"] = found.first_order.set_index("input")["share"]
    out["evppi"] = found.evppi.set_index("input")["evppi_gbp"]
    return out


def log(sim: Simulated, case: Case | None) -> pd.DataFrame:
    """Every assumption, one row each, in the columns of the Aqua Book's log; effects in money of the price base.

    Without a case the effects are told as not computed.
    """
    rows = pd.DataFrame([*_scenario_rows(sim), *(_model_rows(case) if case else ()), *_table_rows(sim)])
    known, who = effects(case) if case else None, people(sim)
    for column in EFFECTS:
        if known is None:
            rows[column] = "not computed"
            continue
        found = rows["id"].map(known[column].to_dict()).astype(object)
        rows[column] = found.where(found.notna(), NOT_IN_MONEY)
    rows["reliability"] = [RELIABILITY[s] for s in rows["status"]]
    whole: pd.DataFrame = rows.assign(**who)[list(COLUMNS)]
    return whole


def write_log(sim: Simulated, case: Case, report: Path) -> Path:
    """The log as CSV beside the report, under the report's name."""
    path = report.with_name(f"{report.stem}-assumptions.csv")
    log(sim, case).to_csv(path, index=False)
    return path


def shown(sim: Simulated, case: Case | None) -> pd.DataFrame:
    """The log's rows of the scenario itself, the columns that fit a page; those that move the answer most first."""
    rows = log(sim, case)
    rows = rows[~rows["note"].str.startswith("table ")]
    ends = rows[["effect_on_npv_of_low", "effect_on_npv_of_high"]].apply(pd.to_numeric, errors="coerce")
    order = (ends.iloc[:, 1] - ends.iloc[:, 0]).abs().fillna(-1.0).sort_values(ascending=False, kind="stable").index
    keep = ["id", "value", "low", "high", "unit", "status", "reliability", "effect_on_npv_of_low",
            "effect_on_npv_of_high", "share_of_variance", "evppi", "source"]  # fmt: skip
    out = rows.loc[order, keep].copy()
    for column in keep[7:11]:
        numbers = pd.to_numeric(out[column], errors="coerce").round(4 if column == "share_of_variance" else -3)
        out[column] = numbers.astype(object).where(numbers.notna(), "[z]")
    heads = {c: c.replace("_", " ").replace("npv", f"NPV ({OPTION})") for c in keep}
    renamed: pd.DataFrame = out.rename(columns=heads)
    return renamed
