"""The live model: forced to compute, it gives the program's net present value, also when an input is changed."""

from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest

from filmless.office.libreoffice import convert
from filmless.office.model import name_of, words_of
from filmless.office.rates import Grid, Rate, grid_of
from sim.answers.case import Case, build_case
from sim.answers.case.inputs import base_values
from sim.runs.store import Run

OPTIONS = ("minimum", "programme", "programme_paid", "local")
CLOSE = 1e-9


def summary(path: Path) -> dict[tuple[str, str], tuple[Any, Any]]:
    sheet = openpyxl.load_workbook(path, data_only=True)["Summary"]
    return {(r[0], r[1]): (r[2], r[3]) for r in sheet.iter_rows(min_row=5, values_only=True)}


def changed(path: Path, to: Path, **values: float) -> Path:
    """The workbook with other inputs, and without any stored result."""
    book = openpyxl.load_workbook(path)
    wanted = {key.replace("__", "."): value for key, value in values.items()}
    for row in book["Inputs"].iter_rows(min_row=3):
        if row[0].value in wanted:
            assert row[6].value == "yes"
            row[2].value = wanted.pop(row[0].value)
    assert not wanted
    book.save(to)
    return to


def test_rates_and_quantities_are_the_case(grid: Grid, case: Case) -> None:
    x = base_values(grid.inputs)
    known = case.summary[case.summary["measure"] == "npv"].set_index("option")["value"]
    for option in OPTIONS:
        assert grid.npv(option, x) == pytest.approx(known[option], rel=CLOSE)


def test_stored_results_are_the_cases(files: tuple[Path, Path], case: Case) -> None:
    for (name, measure), (live, stored) in summary(files[0]).items():
        row = case.summary[(case.summary["option_name"] == name) & (case.summary["measure"] == measure)].iloc[0]
        assert live == pytest.approx(row["value"], rel=CLOSE)
        assert stored == pytest.approx(row["value"], rel=CLOSE)


def test_forced_to_compute_it_is_the_same(files: tuple[Path, Path], tmp_path: Path) -> None:
    plain = changed(files[0], tmp_path / "plain.xlsx")  # openpyxl keeps formulas and drops results
    assert summary(plain)["Programme, price as announced", "npv"][0] is None
    found = summary(convert(plain, "xlsx", _folder(tmp_path)))
    assert len(found) == 3 * len(OPTIONS)
    for live, stored in found.values():
        assert live == pytest.approx(stored, rel=CLOSE)


def test_a_changed_input_goes_all_the_way(files: tuple[Path, Path], grid: Grid, case: Case, tmp_path: Path) -> None:
    more = {"prices__sheet": 2.25, "appraisal__bias__capital": 0.5, "benefits__film__realisation": 0.4}
    path = changed(files[0], tmp_path / "more.xlsx", **more)
    found = summary(convert(path, "xlsx", _folder(tmp_path)))
    x = {**base_values(grid.inputs), **{k.replace("__", "."): np.array([v]) for k, v in more.items()}}
    for option in OPTIONS:
        assert found[case.options[option], "npv"][0] == pytest.approx(grid.npv(option, x), rel=CLOSE)
    assert found[case.options["programme"], "npv"][0] != pytest.approx(found[case.options["programme"], "npv"][1])


def test_the_grid_at_other_inputs_is_the_models(run: Run, grid: Grid, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two inputs at once, by the whole model: rates are right together, not only one at a time."""
    keys = {"prices.sheet": 0.5, "costs.local_capital": 1.5, "costs.doctor": 1.2}
    scenario = run.manifest["scenario"]["scenario"]
    for key, factor in keys.items():
        section, name = key.split(".")
        q = dict(scenario[section][name])
        q |= {"value": q["value"] * factor, "low": q["low"] * factor, "high": q["high"] * factor}
        monkeypatch.setitem(scenario[section], name, q)
    other = build_case(run, 10)
    known = other.summary[other.summary["measure"] == "npv"].set_index("option")["value"]
    x = base_values(grid.inputs)
    x |= {key: x[key] * factor for key, factor in keys.items()}
    for option in OPTIONS:
        assert grid.npv(option, x) == pytest.approx(known[option], rel=CLOSE)
    assert grid_of(run).npv("programme", base_values(grid_of(run).inputs)) == pytest.approx(grid.npv("programme", x))


def test_every_input_has_source_status_and_range(files: tuple[Path, Path], grid: Grid) -> None:
    sheet = openpyxl.load_workbook(files[0])["Inputs"]
    rows = {r[0]: r for r in sheet.iter_rows(min_row=4, values_only=True)}
    assert {i.key for i in grid.inputs} <= set(rows)
    for i in grid.inputs:
        assert rows[i.key][7] == i.status
        assert rows[i.key][8]
        assert rows[i.key][3:5] == pytest.approx((i.low, i.high), rel=1e-14)
    named = set(openpyxl.load_workbook(files[0]).defined_names)
    assert {name_of(i.key) for i in grid.inputs} | {"headline_npv"} <= named


def test_clusters_and_years_add_up_to_the_headline(files: tuple[Path, Path], tmp_path: Path) -> None:
    book = openpyxl.load_workbook(convert(files[0], "xlsx", _folder(tmp_path)), data_only=True)
    headline = summary(files[0])["Programme, price as announced", "npv"][0]
    clusters = [r[3] for r in book["Clusters"].iter_rows(min_row=4, values_only=True) if r[0] == "programme"]
    years = [r for r in book["Years"].iter_rows(min_row=4, values_only=True) if r[0] == "programme"]
    n = len(years[0]) - 4
    assert sum(clusters) == pytest.approx(headline, rel=CLOSE)
    assert sum(r[2 + n] for r in years) == pytest.approx(headline, rel=CLOSE)


def test_words_of_a_rate() -> None:
    assert words_of(Rate((("prices.sheet", "x"), ("a.b", "1-x"), ("c.d", "1+x")))) == (
        "in_prices_sheet*(1-in_a_b)*(1+in_c_d)"
    )
    assert words_of(Rate(())) == "1"


def _folder(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir(exist_ok=True)
    return tmp_path / "out"
