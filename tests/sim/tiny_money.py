"""The money side of the tiny scenario: round, invented figures."""

from typing import Any

from sim.world.money import Benefits

COSTS = {
    "typical_trust": (1e5, "count"), "fixed": (0.5, "share"), "local_capital": (2e6, "GBP/trust"),
    "local_maintenance": (0.1, "share"), "trust_capital": (8e5, "GBP/trust"), "team": (1e5, "GBP/trust"),
    "displays": (2e5, "GBP/trust"), "display_life": (5, "year"), "service_announced": (4e5, "GBP/trust/yr"),
    "service_paid": (5e5, "GBP/trust/yr"), "store": (2e5, "GBP/trust/yr"), "network": (4e4, "GBP/trust/yr"),
    "miu_link": (3e3, "GBP/yr"), "support": (8e4, "GBP/trust/yr"), "office": (5e6, "GBP/yr"),
    "migration": (1e5, "GBP/trust"), "storage": (20, "GBP/GB"), "storage_fall": (0.3, "share"),
    "local_copies": (2, "count"), "cd": (8, "GBP"), "film_copy": (5, "GBP"),
    "space": (100, "GBP/m2/yr"), "silver": (0.1, "GBP/g"),
    "film_drift": (0.02, "share"),
    "radiographer": (30, "GBP/h"), "radiologist": (100, "GBP/h"), "doctor": (40, "GBP/h"), "visit": (60, "GBP"),
    "journey": (15, "GBP"), "patient_hour": (5, "GBP/h"),
    "exam": (20, "GBP"), "bed_day": (200, "GBP"), "vat": (0.175, "share"),
}  # fmt: skip
EFFECTS = {
    "radiographer_film": (1.2, "min"), "radiographer_pacs": (0.6, "min"), "repeat_time": (10, "min"),
    "doctor_film": (1.5, "min"), "doctor_pacs": (1, "min"), "reading_gain": (0.08, "share"), "search": (30, "min"),
    "missing_minutes": (5, "min"), "missing_visit": (0.04, "share"), "missing_exam": (0.02, "share"),
    "miu_journey": (0.05, "share"), "bed_days": (0.02, "day/exam"), "training_staff": (300, "FTE/100k exams"),
    "training_hours": (2, "h"), "dip": (0.1, "share"), "dip_months": (3, "month"), "print_first": (0.6, "share"),
    "parallel": (6, "month"), "exposure_share": (0.5, "share"),
    "laser_wet": (0.5, "share"), "sheet_area": (0.1, "m2"), "silver_area": (5, "g/m2"),
    "silver_recovered": (0.5, "share"), "space_area": (300, "m2/100k exams"),
    "cd_share": (0.03, "share"), "copy_share": (0.01, "share"),
    "downtime": (0.003, "share"), "downtime_minutes": (20, "min"), "contract_lag": (6, "month"),
    "post_lag": (12, "month"), "space_lag": (48, "month"), "hours_post": (1600, "h"),
}  # fmt: skip
KINDS = {
    "cash-releasing": "film repeat_film chemicals packets copies couriers upkeep library_posts space",
    "non-cash-releasing": "library_time porter_time radiographer_time repeat_time doctor_time radiologist_time "
                          "missing_time missing_exams missing_visits length_of_stay",
    "societal": "missing_journeys miu_journeys waiting",
    "dis-benefit": "silver training_time golive_dip cd_exchange downtime",
}  # fmt: skip


def figure(value: float, unit: str, **more: Any) -> dict[str, Any]:
    """An assumption from half of its value to twice as much."""
    high = min(1.0, 2 * value) if unit == "share" else 2.0 * value
    return {"value": float(value), "unit": unit, "source": "x", "status": "assumed", "low": value / 2, "high": high,
            **more}  # fmt: skip


def exact(value: float, unit: str) -> dict[str, Any]:
    """A figure without a range."""
    return {"value": float(value), "unit": unit, "source": "x", "status": "verified"}


def _bias(upper: float, lower: float) -> dict[str, Any]:
    return {"upper": exact(upper, "ratio"), "lower": exact(lower, "ratio")}


def _benefit(code: str, kind: str) -> dict[str, Any]:
    words = dict.fromkeys(("owner", "beneficiary", "measure", "baseline", "mechanism", "unit", "value_per_unit",
                           "dependency", "double_counting"), "a test")  # fmt: skip
    shares = {"attribution": figure(0.8, "share"), "realisation": figure(0.8, "share"), "cash": exact(1, "share")}
    counted = code != "length_of_stay"
    return {"name": code, "kind": kind, "counted": counted, **words, "confidence": "low", **shares,
            "source_trusts": exact(4, "count"), "spread": exact(0.4, "ratio")}  # fmt: skip


def money_sections() -> dict[str, Any]:
    """[appraisal], [counterfactual], [costs], [effects], [benefits.*] and [correlations.*] as plain data."""
    kind = {code: name for name, codes in KINDS.items() for code in codes.split()}
    return {
        "appraisal": {
            "guide": "2003", "years": exact(10, "year"), "demand": figure(1, "ratio"),
            "discount": {k: exact(v, "%/yr") for k, v in
                         {"rate": 3.5, "rate_31": 3, "rate_76": 2.5}.items()},
            "bias": {"capital": _bias(2, 0.1), "duration": _bias(0.54, 0.1), "running": _bias(0.41, 0),
                     "benefits": _bias(0.3, 0)},
            "causes": {"supplier": {"weight": exact(0.5, "share"), "managed": figure(0.5, "share")},
                       "sites": {"weight": exact(0.5, "share"), "managed": figure(0.3, "share")}},
        },
        "counterfactual": {"start_share": figure(0.2, "share"), "rate": figure(0.3, "1/yr"),
                           "ceiling": figure(0.9, "share"), "minimum": figure(0.3, "share")},
        "costs": {k: figure(*v) for k, v in COSTS.items()},
        "effects": {k: figure(*v) for k, v in EFFECTS.items()},
        "benefits": {code: _benefit(code, kind[code]) for code in Benefits.model_fields},
        "correlations": {"film": {"members": ["prices.sheet", "prices.chemicals"],
                                  "correlation": exact(0.7, "share")}},
    }  # fmt: skip
