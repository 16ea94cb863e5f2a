"""Discounting, bias, directions and what must be refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.answers.case import Case, build_case
from sim.answers.case.discount import factors, optimism
from sim.answers.case.draws import at_means
from sim.answers.case.evaluate import credit, model_of, money
from sim.answers.case.inputs import at_end, base_values, draw, inputs_of
from sim.answers.case.options import BAU
from sim.answers.case.places import CaseProblem
from sim.answers.case.summary import payback, realised
from sim.answers.case.table import shared_out
from sim.runs.store import Run
from sim.world.load import World, load_world
from sim.world.problems import ScenarioErrors
from tests.sim.answers.case.hand import place
from tests.sim.tiny import quantity, scenario, tiny_world, write_tiny
from tests.sim.tiny_money import exact

PUBLISHED = {1: 0.9662, 2: 0.9335, 5: 0.8420, 10: 0.7089, 20: 0.5026, 30: 0.3563, 31: 0.3459, 75: 0.0942, 76: 0.0919}


@pytest.mark.parametrize("year", PUBLISHED)
def test_factors_are_the_published_ones(year: int) -> None:
    """G4."""
    assert factors(126, 3.5, 3.0, 2.5)[year] == pytest.approx(PUBLISHED[year], abs=5e-5)


def test_health_effects_have_their_own_rates() -> None:
    """G4: 1.5 % for 30 years, then 1.29 %, then 1.07 %."""
    found = factors(126, 1.5, 1.29, 1.07)
    assert found[0] == 1
    assert found[30] == pytest.approx(1.015**-30)
    assert found[76] == pytest.approx(1.015**-30 * 1.0129**-45 * 1.0107**-1)


def test_optimism_starts_at_the_upper_bound_and_stays_above_the_lower() -> None:
    """G6, with the example of the source: 51 % of which 92 % is managed gives 4 %."""
    one = np.array([1.0])
    assert optimism(2.0, 0.1, one, 0 * one) == 2.0
    assert optimism(0.51, 0.04, one, 0.92 * one) == pytest.approx(0.0408)
    assert optimism(2.0, 0.1, one, one) == 0.1


def test_the_year_after_is_worth_1035_times_less(world: World) -> None:
    """The same trust, live a year later: what happens once is worth exactly 1.035 times less."""
    model = model_of(world)
    x = {**base_values(inputs_of(world)), "appraisal.bias.duration": np.array([0.0])}
    worth = []
    for live in (0.9, 1.9):
        amounts = money(model, _years(place(live=live), model.years), x).levels["programme"]
        line = [item.id for item in model.lines].index("project_team")
        worth.append(float(amounts[line, :, 0] @ factors(model.years, 3.5, 3, 2.5)))
    assert worth[0] < 0
    assert worth[0] / worth[1] == pytest.approx(1.035, rel=1e-12)


def _years(short: Any, years: int) -> Any:
    units = np.repeat(short.units[..., :1], years, axis=3)
    object.__setattr__(short, "units", units)
    return short


def test_at_a_rate_of_nothing_the_present_value_is_the_plain_sum(case: Case) -> None:
    plain = at_means(case.work.model, case.work.places, case.work.base, np.ones(case.years))
    for option in case.options:
        rows = case.lines[case.lines["option"] == option]
        assert plain.net(option)[0] == pytest.approx(rows["amount_gbp"].sum(), abs=len(rows) * 0.005)


def test_pennies_of_what_is_paid_once_add_up() -> None:
    parts = np.array([[1 / 3, 10.0], [1 / 3, 0.004], [1 / 3, 0.004]])
    assert shared_out(parts).sum(axis=0).tolist() == [100, 1001]
    assert (np.abs(shared_out(parts) - parts * 100) < 1).all()
    assert shared_out(-parts).sum(axis=0).tolist() == [-100, -1001]


@pytest.mark.parametrize(
    ("by_year", "year"),
    [([-10, 4, 4, 4], 2007), ([-10, 20, -20, 5], None), ([1, 1, 1, 1], 2004), ([0, 0, 0, 0], None)],
)
def test_payback_is_the_year_after_which_it_stays_paid(by_year: list[float], year: int | None) -> None:
    """G7."""
    found = payback(np.array(by_year, dtype=float)[:, None], np.ones(4), 2004)[0]
    assert found == (np.inf if year is None else year)


# a figure moved to its high end: the line that it moves and which way its amount in the programme goes
DIRECTIONS = {
    "prices.sheet": ("film", 1), "prices.chemicals": ("chemicals", 1), "prices.packet": ("packets", 1),
    "costs.film_copy": ("copies", 1), "effects.copy_share": ("copies", 1), "costs.film_drift": ("film", 1),
    "prices.courier": ("couriers", 1), "prices.processor": ("upkeep", 1), "film.lost": ("missing_time", 1),
    "modalities.CR.sheets": ("film", 1), "modalities.CR.reject_film": ("repeat_time", 1),
    "modalities.CR.reject_digital": ("repeat_time", -1), "effects.exposure_share": ("repeat_time", 0),
    "film.residual_print": ("film", -1), "effects.print_first": ("film", -1), "effects.parallel": ("film", -1),
    "plan.ramp": ("film", -1), "appraisal.bias.duration": ("film", -1), "appraisal.demand": ("film", 1),
    "counterfactual.rate": ("film", -1), "counterfactual.start_share": ("film", -1),
    "film.pull": ("library_time", 1), "film.filing": ("library_time", 1), "effects.search": ("library_time", 1),
    "film.porter_time": ("porter_time", 1), "effects.radiographer_film": ("radiographer_time", 1),
    "effects.radiographer_pacs": ("radiographer_time", -1), "effects.doctor_film": ("doctor_time", 1),
    "effects.doctor_pacs": ("doctor_time", -1), "effects.reading_gain": ("radiologist_time", 1),
    "effects.missing_exam": ("missing_exams", 1), "effects.missing_visit": ("missing_journeys", 1),
    "costs.patient_hour": ("waiting", 1),
    "effects.miu_journey": ("miu_journeys", 1), "costs.silver": ("silver", -1), "costs.space": ("space", 1),
    "effects.space_lag": ("space", -1), "effects.contract_lag": ("upkeep", -1),
    "effects.laser_wet": ("chemicals", 1), "effects.training_hours": ("training_time", -1),
    "effects.dip": ("golive_dip", -1), "effects.dip_months": ("golive_dip", -1), "costs.cd": ("cd_exchange", -1),
    "effects.downtime": ("downtime", -1), "costs.service_announced": ("service", -1), "costs.store": ("store", -1),
    "costs.network": ("network", -1), "costs.support": ("support", -1), "costs.office": ("office", -1),
    "costs.trust_capital": ("pacs_capital", -1), "costs.local_capital": ("pacs_capital", 1),
    "costs.displays": ("displays", -1), "costs.migration": ("migration", -1), "costs.storage": ("storage", 1),
    "costs.storage_fall": ("storage", -1), "appraisal.bias.running": ("service", -1),
    "appraisal.bias.benefits": ("film", -1), "benefits.film.attribution": ("film", 1),
    "benefits.radiologist_time.attribution": ("radiologist_time", 1), "benefits.film.realisation": ("film", 1),
    "prices.library_released": ("library_posts", 1), "costs.miu_link": ("unit_links", -1),
}  # fmt: skip


@pytest.fixture(scope="module")
def moved(case: Case) -> dict[str, dict[str, float]]:
    """Present value of each line of the programme, with each figure at its high end; key '': the base."""
    work = case.work
    keys = ["", *DIRECTIONS]
    columns = [at_end(work.inputs, key, "high") for key in keys]
    x = {name: np.concatenate([c[name] for c in columns]) for name in columns[0]}
    found = at_means(work.model, work.places, x, work.factors).by_line["programme"]
    ids = [line.id for line in work.model.lines]
    return {key: dict(zip(ids, found[:, n], strict=True)) for n, key in enumerate(keys)}


@pytest.mark.parametrize("key", DIRECTIONS)
def test_each_figure_moves_its_line_the_right_way(moved: dict[str, dict[str, float]], key: str) -> None:
    line, way = DIRECTIONS[key]
    change = moved[key][line] - moved[""][line]
    assert np.sign(round(change, 6)) == way or (way == 0 and change >= 0), change


def test_more_loss_means_more_repeats_dose_and_cost(case: Case) -> None:
    """Losses -> exams made again -> dose and money."""
    work = case.work
    x = {k: np.concatenate([v, at_end(work.inputs, "film.lost", "high")[k]]) for k, v in work.base.items()}
    found = at_means(work.model, work.places, x, work.factors).spared["programme"]
    names = list(case.draws.spared["programme"])
    for name in ("missing", "visits", "man_sv"):
        few, many = found[names.index(name)]
        assert many > few > 0


# --- the register -----------------------------------------------------------------------------------


def case_of(run: Run, folder: Path, change: Any, draws: int = 100) -> Case:
    """The case of the run, had the scenario been another."""
    from sim.runs.manifest import dump_world

    data = scenario()
    change(data)
    world = tiny_world(folder, data=data)
    kept = run.manifest["scenario"]
    run.manifest["scenario"] = dump_world(world)
    try:
        return build_case(run, draws)
    finally:
        run.manifest["scenario"] = kept


def amounts(case: Case, line: str, option: str = "programme") -> float:
    rows = case.lines[(case.lines["line"] == line) & (case.lines["option"] == option)]
    return float(rows["amount_gbp"].sum())


def test_a_benefit_without_baseline_is_a_claim_and_not_counted(run: Run, tmp_path: Path, case: Case) -> None:
    """N1."""
    assert amounts(case, "porter_time") > 0
    other = case_of(run, tmp_path, lambda d: d["benefits"]["porter_time"].update(baseline=""))
    assert amounts(other, "porter_time") == 0
    row = other.register.set_index("id").loc["porter_time"]
    assert row["state"].startswith("claim")
    assert row["pv_gbp"] == 0


def test_length_of_stay_is_a_switch_that_is_off(run: Run, tmp_path: Path, case: Case) -> None:
    assert amounts(case, "length_of_stay") == 0
    on = case_of(run, tmp_path, lambda d: d["benefits"]["length_of_stay"].update(counted=True))
    assert amounts(on, "length_of_stay") > 0


def test_attribution_is_a_switch_too(run: Run, tmp_path: Path) -> None:
    """N3."""
    none = case_of(run, tmp_path, lambda d: d["benefits"]["radiologist_time"].update(attribution=exact(0, "share")))
    assert amounts(none, "radiologist_time") == 0


def test_fewer_source_trusts_widen_the_interval(run: Run, tmp_path: Path) -> None:
    """N8."""
    wide = []
    for trusts in (1, 16):
        change = {"source_trusts": exact(trusts, "count")}
        found = case_of(run, tmp_path / str(trusts), lambda d, c=change: d["benefits"]["porter_time"].update(c), 400)
        row = found.register.set_index("id").loc["porter_time"]
        wide.append(row["pv_high_gbp"] - row["pv_low_gbp"])
    assert wide[0] > 1.2 * wide[1]


def test_cash_is_split_from_what_stays_in_kind(run: Run, tmp_path: Path, case: Case) -> None:
    half = case_of(run, tmp_path, lambda d: d["benefits"]["couriers"].update(cash=exact(0.5, "share")))
    kinds = half.lines.set_index("line")["class"]
    assert amounts(half, "couriers") == pytest.approx(amounts(half, "couriers_in_kind"), abs=1)
    assert amounts(half, "couriers") == pytest.approx(amounts(case, "couriers") / 2, abs=1)
    assert (kinds["couriers"] == "cash-releasing").all()
    assert (kinds["couriers_in_kind"] == "non-cash-releasing").all()


def test_library_cash_can_be_nothing(run: Run, tmp_path: Path) -> None:
    """N7."""
    none = case_of(run, tmp_path, lambda d: d["prices"].update(library_released=quantity(0.01, "share")))
    assert amounts(none, "library_posts") == 0


def test_every_benefit_says_who_owns_it_and_how_it_is_made(case: Case) -> None:
    """N10, G12."""
    for column in ("owner", "beneficiary", "measure", "mechanism", "unit", "value_per_unit", "double_counting"):
        assert (case.register[column].str.len() > 0).all(), column
    assert set(case.inputs["source"]) == {"x"}


def test_what_lies_in_the_future_is_told_apart(case: Case) -> None:
    """N9."""
    found = realised(case.lines, case.factors, case.first_year, 2007)
    whole = case.summary.set_index(["option", "measure"])["value"]
    cash = found[(found["option"] == "programme") & (found["class"] == "cash-releasing")].iloc[0]
    assert cash["realised_gbp"] > 0
    assert cash["realised_gbp"] + cash["forecast_gbp"] == pytest.approx(whole["programme", "pv_cash_releasing"], abs=50)


def test_the_financial_case_is_reconciled_line_by_line(case: Case) -> None:
    """G5: VAT in, time out; BAU against itself nothing."""
    f = case.financial
    assert np.allclose(f["economic_gbp"] + f["left_out_gbp"] + f["vat_gbp"], f["financial_gbp"])
    rows = f[f["option"] == "programme"].set_index("line")
    assert rows.loc["film", "vat_gbp"] == pytest.approx(0.175 * rows.loc["film", "economic_gbp"], abs=0.01)
    assert rows.loc["porter_time", "financial_gbp"] == 0
    assert (f[f["option"] == BAU]["financial_gbp"] == 0).all()


def test_what_is_not_in_money_has_size_and_direction(case: Case) -> None:
    """G11."""
    rows = case.unmonetised[case.unmonetised["option"] == "programme"].set_index("measure")
    assert (rows["low"] <= rows["high"]).all()
    assert rows.loc["sheets", "direction"] == "spared"
    assert rows.loc["man_sv", "value"] > 0


def test_trusts_add_up_with_intervals(case: Case) -> None:
    """G10."""
    mine = case.trusts[(case.trusts["option"] == "programme") & (case.trusts["class"] == "npv")]
    whole = case.summary.set_index(["option", "measure"])["value"]
    assert mine["value"].sum() == pytest.approx(whole["programme", "npv"])
    assert set(mine["trust"]) == {"T1", "T2"}


@pytest.mark.parametrize("grouping", ["size", "units"])
def test_groups_add_up_to_the_nation(case: Case, grouping: str) -> None:
    """G10: who gains and who pays."""
    rows = case.groups[(case.groups["option"] == "programme") & (case.groups["grouping"] == grouping)]
    whole = case.summary.set_index(["option", "measure"])["value"]
    assert rows.loc[rows["class"] == "npv", "value"].sum() == pytest.approx(whole["programme", "npv"])
    assert rows.drop_duplicates("group")["trusts"].sum() == 2
    assert (rows["low"] <= rows["high"]).all()


def test_a_trust_that_had_pacs_is_the_same_in_every_option(run: Run, tmp_path: Path) -> None:
    """G2: it keeps what it has; its money is nobody's saving."""
    from sim.runs.manifest import dump_world

    trusts = [
        ("T1", "One", "west", "a", "no", "2003-01-01", "yes"),
        ("T2", "T", "west", "a", "yes", "2006-04-01", "yes"),
    ]
    kept = run.manifest["scenario"]
    run.manifest["scenario"] = dump_world(tiny_world(tmp_path, trusts=trusts))
    try:
        found = build_case(run, 100)
    finally:
        run.manifest["scenario"] = kept
    rows = found.lines[found.lines["trust"] == "T1"]
    assert (rows["amount_p"] == 0).all()
    assert rows["level_gbp"].abs().sum() > 0
    assert set(found.trusts["trust"]) == {"T2"}


# --- draws ------------------------------------------------------------------------------------------


def test_draws_keep_to_their_ranges_and_go_together(world: World) -> None:
    inputs = inputs_of(world)
    x = draw(world, inputs, 4000, 7)
    for i in inputs:
        if i.distribution == "triangular":
            assert i.low <= x[i.key].min()
            assert x[i.key].max() <= i.high
            assert x[i.key].mean() == pytest.approx((i.low + i.value + i.high) / 3, rel=0.05)
    together = np.corrcoef(x["prices.sheet"], x["prices.chemicals"])[0, 1]
    apart = np.corrcoef(x["prices.sheet"], x["prices.courier"])[0, 1]
    assert together == pytest.approx(0.7, abs=0.05)
    assert abs(apart) < 0.05


def test_an_inputs_draws_hang_on_its_key_alone(world: World) -> None:
    """Common random numbers: fewer inputs, or more draws, change nobody's draws."""
    inputs = inputs_of(world)
    x, y = draw(world, inputs, 100, 7), draw(world, inputs[10:], 200, 7)
    for i in inputs[10:]:
        assert (x[i.key] == y[i.key][:100]).all()


def test_shares_of_credit_multiply(world: World) -> None:
    """A4: attribution 0.8, realisation 0.8, and 18 % of optimism on benefits."""
    model, x = model_of(world), base_values(inputs_of(world))
    film, silver = (next(line for line in model.lines if line.id == n) for n in ("film", "silver"))
    assert credit(model, film, x)[0] == pytest.approx(0.8 * 0.8 * (1 - 0.3 * 0.6))
    assert credit(model, silver, x)[0] == pytest.approx(0.8 * 0.8)  # a dis-benefit is not made smaller


# --- bad input --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d["prices"].pop("packet"), "prices.packet: this key is missing"),
        (lambda d: d["costs"].pop("store"), "costs.store: this key is missing"),
        (lambda d: d["prices"].update(sheet=quantity(-1.5, "GBP", low=-2.0, high=1.0)), "outside the allowed 0"),
        (lambda d: d["benefits"].pop("silver"), "benefits.silver: this key is missing"),
        (lambda d: d["costs"].update(doctor=quantity(40, "EUR/h")), "not the scenario's currency"),
        (lambda d: d["costs"].update(doctor=quantity(40, "GBP/h", price_year=2001)), "of 2001 among prices of 2004"),
    ],
)  # fmt: skip
def test_bad_money_is_named_and_explained(tmp_path: Path, change: Any, words: str) -> None:
    data = scenario()
    change(data)
    with pytest.raises(ScenarioErrors, match=words):
        load_world(write_tiny(tmp_path, data))


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("worlds", ["pacs"], "no film world: simulate with"),
        ("kind", "load", "a measured run: a savings case needs a simulation run"),
        ("scenario", {}, "another version"),
    ],
)
def test_a_run_that_has_no_case_says_why(run: Run, key: str, value: Any, words: str) -> None:
    kept = run.manifest[key]
    run.manifest[key] = {**kept, "scenario": {**kept["scenario"], "costs": {}}} if key == "scenario" else value
    try:
        with pytest.raises(CaseProblem, match=words):
            build_case(run, 100)
    finally:
        run.manifest[key] = kept
