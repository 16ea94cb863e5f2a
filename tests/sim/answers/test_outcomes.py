"""Outcomes: each id is there, small cases by hand, directions, days before go-live, and the shape of what is told."""

from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from sim.answers.case import build_case
from sim.answers.case.case import Case
from sim.answers.outcomes import BY_ID, OutcomeProblem, outcomes
from sim.answers.outcomes.archive import erlang_wait_share
from sim.answers.outcomes.figure import Report, Told
from sim.answers.outcomes.inputs import Input, ranged
from sim.runs.experiment import simulate
from sim.runs.spec import Spec
from sim.runs.store import Run
from sim.world.demand import yearly_exams
from sim.world.estate import build_estate
from sim.world.load import World
from tests.sim.tiny import quantity, scenario, tiny_world

SPEC = Spec(("west",), date(2006, 3, 13), date(2006, 3, 15), 7, 3, warm_up_days=2, cool_down_days=1)
ASKED = {
    "trusts_live", "images_stored", "images_per_exam", "stored_mb_per_exam", "storage_tb", "exams_per_year",
    "busy_hour_share", "turnaround_h", "time_to_image_min", "image_unavailable_share", "reject_rate",
    "film_saving_per_trust_year", "benefit_share", "total_cost", "total_benefit", "benefit_cost_ratio",
    "reports_per_reader_month", "prior_from_archive_share", "retrieval_s", "journeys_avoided", "dose_avoided_man_sv",
}  # fmt: skip
BETWEEN = date(2006, 3, 20)  # T1 is live since 8 March, T2 on 1 April


@pytest.fixture(scope="module")
def run(world: World, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run(simulate(world, SPEC, tmp_path_factory.mktemp("runs") / "a"))


def one(report: Report, which: str, **split: str) -> Told:
    found = [t for t in report.outcomes if t.id == which and split.items() <= t.split.items()]
    assert len(found) == 1, [t.split for t in found]
    return found[0]


def value(told: Told) -> float:
    assert told.value is not None
    return told.value


@pytest.fixture(scope="module")
def case(run: Run) -> Case:
    return build_case(run, 300)


@pytest.fixture(scope="module")
def later(run: Run, world: World, case: Case) -> Report:
    return outcomes(run, date(2009, 3, 31), case=lambda: case, world=world)


def test_every_id_is_there_with_interval_n_and_inputs(later: Report) -> None:
    assert {t.id for t in later.outcomes} == set(BY_ID) >= ASKED
    for told in later.outcomes:
        assert told.method
        assert told.unit
        drawn = "draws" in told.method  # the base of a skewed share need not lie within its draws
        if told.interval != "none" and told.value is not None and not drawn:
            assert told.low is not None
            assert told.high is not None
            assert told.low <= told.value <= told.high, told
        if "simulation" in told.interval:
            assert told.n == (300 if drawn else SPEC.replications)
    driven = {t.id for t in later.outcomes if t.inputs}
    assert driven == set(BY_ID)


def test_the_json_is_what_its_schema_says(later: Report) -> None:
    jsonschema.validate(later.model_dump(mode="json"), Report.model_json_schema())
    broken: dict[str, Any] = later.model_dump(mode="json")
    broken["outcomes"][0]["n"] = "many"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, Report.model_json_schema())


def test_assumptions_are_named_as_such(later: Report) -> None:
    statuses = {i.status: i.assumption for t in later.outcomes for i in t.inputs}
    assert all(said == (status == "assumed" or status.startswith("from-memory")) for status, said in statuses.items())


@pytest.mark.parametrize(("day", "live"), [("2006-03-07", 0), ("2006-03-08", 1), ("2006-03-31", 1), ("2006-04-01", 2)])
def test_trusts_live_by_hand(run: Run, world: World, day: str, live: int) -> None:
    report = outcomes(run, date.fromisoformat(day), ids=["trusts_live"], world=world)
    assert value(one(report, "trusts_live", trusts="programme trusts")) == live


@pytest.mark.parametrize("day", [date(2004, 1, 1), date(2004, 6, 30), date(2006, 3, 7)])
def test_before_go_live_nothing_is_stored_or_spared(run: Run, world: World, day: date) -> None:
    names = ("images_stored", "storage_tb", "journeys_avoided", "dose_avoided_man_sv", "prior_from_archive_share")
    report = outcomes(run, day, ids=names, world=world)
    for name in names[:-1]:
        assert [value(t) for t in report.outcomes if t.id == name] == [0.0] * sum(t.id == name for t in report.outcomes)
    assert one(report, "prior_from_archive_share", cache_months="6", of="digital priors").value is None


def test_images_of_one_day_by_hand(run: Run, world: World) -> None:
    """Site A of T1 alone is live on its first day: its exams of that day, each with its images."""
    report = outcomes(run, date(2006, 3, 8), ids=["images_stored"], world=world)
    estate = build_estate(world, "west")
    from sim.world.demand import daily_national, site_shares

    exams = (daily_national(world, [date(2006, 3, 8)])[0] * site_shares(world, "west", estate.sites)[0]).sum(axis=1)
    images = np.array([m.images.value for m in world.scenario.modalities.values()])
    assert value(one(report, "images_stored", trusts="programme trusts")) == pytest.approx(float(exams @ images))


def test_exams_are_the_scenarios(run: Run, world: World) -> None:
    report = outcomes(run, date(2007, 12, 1), ids=["exams_per_year"], world=world)
    exams = yearly_exams(world, "west", build_estate(world, "west").sites, 2007).sum(axis=(0, 2))
    found = [value(one(report, "exams_per_year", modality=m)) for m in ("CR", "CT", "US")]
    assert found == pytest.approx(list(exams))
    assert value(one(report, "exams_per_year", modality="all")) == pytest.approx(exams.sum())


def test_a_new_pacs_asks_its_archive_for_nothing(run: Run, world: World) -> None:
    """Two weeks after go-live no digital prior is older than the cache; years later the age table alone decides."""
    young = outcomes(run, BETWEEN, ids=["prior_from_archive_share"], world=world)
    old = outcomes(run, date(2014, 12, 31), ids=["prior_from_archive_share"], world=world)
    assert value(one(young, "prior_from_archive_share", cache_months="6", of="digital priors")) == 0
    assert value(one(old, "prior_from_archive_share", cache_months="6", of="digital priors")) == pytest.approx(1 - 0.72)
    longer = [
        value(one(old, "prior_from_archive_share", cache_months=c, of="digital priors")) for c in ("3", "12", "36")
    ]
    assert longer == sorted(longer, reverse=True)


def test_on_the_day_is_between_film_and_pacs(run: Run, world: World) -> None:
    report = outcomes(run, BETWEEN, ids=["turnaround_h", "image_unavailable_share"], world=world)
    film, pacs, mixed = (value(one(report, "turnaround_h", pathway=p, setting="all", statistic="mean"))
                         for p in ("film", "PACS", "on the day"))  # fmt: skip
    assert pacs < mixed < film
    lost = {p: value(one(report, "image_unavailable_share", pathway=p, setting="all")) for p in ("film", "on the day")}
    assert 0 < lost["on the day"] < lost["film"]


def test_money_is_the_cases(later: Report, case: Case) -> None:
    """One cluster is the nation here: the same present values and ratio as the case's own summary."""
    own = case.summary[case.summary["option"] == "programme"].set_index("measure")
    split = {"option": "programme", "basis": "present value over the years appraised"}
    cost = one(later, "total_cost", **split)
    assert (cost.value, cost.n) == (pytest.approx(own["value"]["public_cost"], abs=0.5), 300)
    assert cost.low == pytest.approx(own["low"]["public_cost"], rel=0.05)
    assert value(one(later, "benefit_cost_ratio", **split)) == pytest.approx(own["value"]["bcr"], rel=1e-6)
    shares = [value(t) for t in later.outcomes if t.id == "benefit_share" and t.split["of"] == "cash-releasing"]
    assert sum(shares) == pytest.approx(1)


def test_film_saving_by_hand(later: Report, world: World, run: Run) -> None:
    """Packets alone: 30p for each exam of a year, over two trusts."""
    both = [value(one(later, "film_saving_per_trust_year", of=of)) for of in ("film", "film, chemicals and packets")]
    exams = yearly_exams(world, "west", build_estate(world, "west").sites, 2008).sum()
    flows = run.table("flows").groupby("world")[["sheets", "exams"]].sum()
    assert both[0] > 0
    chemicals = both[0] / 1.5 * 0.3
    assert both[1] - both[0] - chemicals == pytest.approx(0.3 * exams / 2)
    assert flows.loc["film", "sheets"] > flows.loc["pacs", "sheets"]


@pytest.mark.parametrize(
    ("at", "new", "outcome", "split"),
    [
        (("modalities", "CT", "images"), quantity(200, "count"), "images_stored", {"trusts": "programme trusts"}),
        (("modalities", "CT", "images"), quantity(200, "count"), "storage_tb", {"copies": "one"}),
        (("modalities", "CR", "reject_film"), quantity(0.2, "share"), "dose_avoided_man_sv",
         {"period": "twelve months to the day"}),
        (("film", "lost"), quantity(0.3, "share"), "journeys_avoided",
         {"period": "twelve months to the day", "reason": "visit not repeated for want of a film"}),
        (("archives", "a", "retrieve_first"), quantity(9, "s"), "retrieval_s",
         {"tier": "cluster archive", "load": "alone", "modality": "CT"}),
        (("reading", "utilisation"), quantity(0.9, "share"), "reports_per_reader_month", {"pathway": "film"}),
    ],
)  # fmt: skip
def test_more_of_a_cause_gives_more(run: Run, world: World, tmp_path: Path, at: tuple[str, ...], new: dict[str, Any],
                                    outcome: str, split: dict[str, str]) -> None:  # fmt: skip
    data = scenario()
    place = data
    for key in at[:-1]:
        place = place[key]
    place[at[-1]] = new
    more = outcomes(run, date(2009, 3, 31), ids=[outcome], world=tiny_world(tmp_path, data=data))
    less = outcomes(run, date(2009, 3, 31), ids=[outcome], world=world)
    assert value(one(more, outcome, **split)) > value(one(less, outcome, **split))


@pytest.mark.parametrize(
    ("more", "says"),
    [({"day": date(2003, 1, 1)}, "2004-01-01 to 2014-12-31"), ({"cluster": "east"}, "it has west"),
     ({"ids": ["trusts"]}, "there is no outcome 'trusts'")],
)  # fmt: skip
def test_what_cannot_be_answered_is_refused(run: Run, world: World, more: dict[str, Any], says: str) -> None:
    with pytest.raises(OutcomeProblem, match=says):
        outcomes(run, world=world, **more)


def test_a_range_moves_one_input_at_a_time() -> None:
    a = Input("a", 2, 1, 3, "count", "assumed", "x")
    b = Input("b", 5, 1, 9, "count", "assumed", "x")
    assert ranged(lambda x: 3 * x["a"] + x["b"], [a, b]) == (11, 6, 16)  # 3 and 4 down, so 5
    assert ranged(lambda x: x["a"] ** 2, [a]) == (4, 1, 9)


@pytest.mark.parametrize(("servers", "load", "wait"), [(1, 0.5, 0.5), (2, 1.0, 1 / 3), (3, 0.0, 0.0), (2, 2.0, 1.0)])
def test_erlang_c_is_the_textbooks(servers: int, load: float, wait: float) -> None:
    assert erlang_wait_share(servers, load) == pytest.approx(wait)
