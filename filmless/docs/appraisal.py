"""docs/appraisal.md: where each rule of appraisal (Green Book, G) and of benefits (N) is tested, and where it is shown.

A test is `file::test`; a place is a heading of the savings notebook, a command's option or a sheet. A test checks that
each exists.
"""

from filmless.docs.markdown import table

CASE, REPORT, OFFICE = "tests/sim/answers/case", "tests/filmless/report", "tests/filmless/office"
Rule = tuple[str, str, tuple[str, ...], tuple[str, ...]]
ECONOMIC = "Economic case: is it worth it"
RULES: tuple[Rule, ...] = (
    ("G1", "business as usual, do minimum, preferred, at least one more",
     (f"{CASE}/test_case.py::test_business_as_usual_against_itself_is_nothing_to_the_penny",
      f"{REPORT}/test_report_case.py::test_options_and_lines_are_all_in_the_tables"), (ECONOMIC,)),
    ("G2", "the world without the programme adopts too",
     (f"{CASE}/test_exposure.py::test_adoption_follows_the_logistic_curve",
      f"{CASE}/test_money.py::test_a_trust_that_had_pacs_is_the_same_in_every_option"), (ECONOMIC,)),
    ("G3", "one price base; relative prices move only on evidence",
     (f"{CASE}/test_money.py::test_bad_money_is_named_and_explained",
      f"{CASE}/test_mechanisms.py::test_film_grows_dearer_in_real_terms",
      f"{CASE}/test_mechanisms.py::test_storage_prices_fall_while_charges_stay"), ("Where the figures come from",)),
    ("G4", "discounting", (f"{CASE}/test_money.py::test_factors_are_the_published_ones",
                           f"{CASE}/test_money.py::test_the_year_after_is_worth_1035_times_less",
                           f"{CASE}/test_money.py::test_at_a_rate_of_nothing_the_present_value_is_the_plain_sum"),
     ("sheet Years",)),
    ("G5", "economic and financial case reconciled",
     (f"{CASE}/test_money.py::test_the_financial_case_is_reconciled_line_by_line",),
     ("Financial case: what budgets feel",)),
    ("G6", "optimism bias on cost, time and benefits",
     (f"{CASE}/test_money.py::test_optimism_starts_at_the_upper_bound_and_stays_above_the_lower",
      f"{CASE}/test_exposure.py::test_optimism_bias_on_duration_delays_go_live",
      f"{CASE}/test_mechanisms.py::test_a_known_price_carries_no_bias"), ("sheet Optimism",)),
    ("G7", "net present value first, then ratio, payback, cost per exam",
     (f"{CASE}/test_case.py::test_every_figure_has_its_interval_and_n",
      f"{REPORT}/test_report_case.py::test_waterfall_ends_at_the_net_present_value"), ("What it comes to",)),
    ("G8", "switching values",
     (f"{CASE}/test_spline.py::test_a_switching_value_is_where_the_net_present_value_is_nothing",
      f"{REPORT}/test_report_case.py::test_the_tornado_names_status_and_switching_value"), ("How sure that is",)),
    ("G9", "sensitivity, scenarios, Monte Carlo",
     (f"{CASE}/test_money.py::test_draws_keep_to_their_ranges_and_go_together",
      f"{CASE}/test_spline.py::test_a_linear_model_returns_its_shares",
      f"{CASE}/test_england.py::test_the_base_range_can_show_a_loss_and_a_gain"), ("How sure that is",)),
    ("G10", "who gains and who pays", (f"{CASE}/test_money.py::test_groups_add_up_to_the_nation",
                                       f"{CASE}/test_money.py::test_trusts_add_up_with_intervals"),
     ("Who gains and who pays",)),
    ("G11", "what is not in money, with size and direction",
     (f"{CASE}/test_money.py::test_what_is_not_in_money_has_size_and_direction",),
     ("What is not in money, and what gets worse",)),
    ("G12", "who measures afterwards", (f"{REPORT}/test_report_case.py::test_who_measures_is_said_for_every_benefit",),
     ("Benefits register and monitoring",)),
    ("N1", "no benefit without a baseline",
     (f"{CASE}/test_money.py::test_a_benefit_without_baseline_is_a_claim_and_not_counted",),
     ("Benefits register and monitoring",)),
    ("N2", "deadweight through the counterfactual",
     (f"{CASE}/test_case.py::test_business_as_usual_against_itself_is_nothing_to_the_penny",), (ECONOMIC,)),
    ("N3", "attribution below one, switchable", (f"{CASE}/test_money.py::test_attribution_is_a_switch_too",
                                                 f"{CASE}/test_money.py::test_shares_of_credit_multiply"),
     ("Benefits register and monitoring",)),
    ("N4", "one minute is spent once", (f"{CASE}/test_mechanisms.py::test_a_minute_is_spent_once",
                                        f"{CASE}/test_mechanisms.py::"
                                        "test_hours_that_a_post_takes_are_never_more_than_were_freed"), (ECONOMIC,)),
    ("N5", "a repeat's film is not also in the film line",
     (f"{CASE}/test_mechanisms.py::test_good_sheets_and_spoilt_ones_are_all_sheets",), ("What it comes to",)),
    ("N6", "ramp-up and parallel running",
     (f"{CASE}/test_exposure.py::test_integrals_are_sums_of_small_steps",
      f"{CASE}/test_mechanisms.py::test_printing_beyond_the_residual_needs_packets_and_clerks"), ("Strategic case: why "
                                                                                                   "change",)),
    ("N7", "whole posts or none", (f"{CASE}/test_mechanisms.py::test_posts_go_whole_or_not_at_all",
                                   f"{CASE}/test_money.py::test_library_cash_can_be_nothing"), ("What it comes to",)),
    ("N8", "few source trusts widen the interval",
     (f"{CASE}/test_money.py::test_fewer_source_trusts_widen_the_interval",), ("How sure that is",)),
    ("N9", "how much is still to come", (f"{CASE}/test_money.py::test_what_lies_in_the_future_is_told_apart",
                                         f"{REPORT}/test_report_case.py::"
                                         "test_what_is_to_come_is_split_at_the_reports_year"),
     ("Benefits still to come",)),
    ("N10", "each figure traceable by an outsider",
     (f"{OFFICE}/test_model.py::test_a_changed_input_goes_all_the_way",
      f"{OFFICE}/test_model.py::test_every_input_has_source_status_and_range",
      f"{REPORT}/test_report_assumptions.py::test_every_assumption_is_in_the_log_as_one"),
     ("Where the figures come from", "sheet Inputs")),
)  # fmt: skip


def appraisal() -> str:
    """The whole document."""
    rows = [
        (code, words, "; ".join(f"`{t}`" for t in tests), "; ".join(places)) for code, words, tests, places in RULES
    ]
    return ("# Appraisal: where each rule is tested and shown\n\nRules of appraisal (Green Book: G) and of benefits "
            "(N), "
            "as this project numbers them. A place is a heading of the savings chapter, or a sheet of the XLSX model "
            "(`filmless savings RUN --xlsx FILE`). Written by `python -m filmless.docs`.\n\n"
            + table(("rule", "in short", "tested by", "shown at"), rows) + "\n")  # fmt: skip
