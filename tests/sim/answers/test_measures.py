from datetime import date
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from sim.answers.buckets import N_BUCKETS, quantiles
from sim.answers.intervals import section_of, sectioned, sections, student
from sim.answers.measures import Measures, Over, Stat
from sim.engines.kernels.histogram import bucket_of
from sim.runs.experiment import simulate
from sim.runs.spec import Spec
from sim.runs.store import Run
from sim.world.load import World


@pytest.fixture(scope="module")
def run(world: World, tmp_path_factory: pytest.TempPathFactory) -> Run:
    spec = Spec(("west",), date(2006, 3, 13), date(2006, 3, 16), 7, 4, warm_up_days=7, cool_down_days=2)
    return Run(simulate(world, spec, tmp_path_factory.mktemp("runs") / "a"))


def test_bucketed_quantiles_are_within_half_a_percent() -> None:
    x = np.random.default_rng(1).lognormal(4, 2, 200_000)
    x = x[x > 0.2]
    counts = np.bincount([bucket_of(v) for v in x], minlength=N_BUCKETS)
    for q in (0.5, 0.95, 0.99, 0.999):
        exact = np.quantile(x, q, method="inverted_cdf")
        assert abs(quantiles(counts[None], (q,))[0, 0] / exact - 1) < 0.0051


def test_an_empty_group_has_no_quantile() -> None:
    assert np.isnan(quantiles(np.zeros((1, N_BUCKETS), np.int64), (0.5,))).all()


@pytest.mark.parametrize("n", [10, 20, 40])
def test_student_covers_95_percent(n: int) -> None:
    """500 repetitions: 95 % +- 2 %, the error allowed by credibility rule A5."""
    rng = np.random.default_rng(2)
    hits = sum((i := student(rng.normal(3, 1, n), 0.95)).low <= 3 <= i.high for _ in range(500))
    assert 0.93 <= hits / 500 <= 0.97


@pytest.mark.parametrize("n", [10, 23, 40])
def test_sectioning_covers_95_percent(n: int) -> None:
    """The p95 of exponentials, 400 a replication, pooled; of 23 some sections hold one replication more than others."""
    rng, truth, hits = np.random.default_rng(3), stats.expon.ppf(0.95), 0
    for _ in range(500):
        x = rng.exponential(size=(n, 400))
        groups = np.array([np.quantile(x[g], 0.95) for g in sections(n)])
        found = sectioned(float(np.quantile(x, 0.95)), groups, n, 0.95)
        hits += found.low <= truth <= found.high
    assert 0.93 <= hits / 500 <= 0.97


def test_a_replication_stays_in_its_section_when_others_are_added() -> None:
    for n in (1, 4, 10, 23, 1000):
        assert all(section_of(int(r)) == i for i, part in enumerate(sections(n)) for r in part)
        assert sorted(np.concatenate(sections(n))) == list(range(n))


def test_too_few_replications_give_no_interval() -> None:
    found = student(np.array([1.0, 2.0]), 0.95)
    assert np.isnan(found.low)
    assert "fewer than 3" in found.method


def test_every_figure_has_interval_n_and_kind(run: Run) -> None:
    for stat in ("mean", "p50", "p95", "p99"):
        table = Measures(run).table("exam_to_report_s", stat, by=["cluster", "world"])
        assert len(table) == 2
        assert (table["low"] <= table["value"]).all()
        assert (table["value"] <= table["high"]).all()
        assert (table["n"] == 4).all()
        assert set(table["over"]) == {"exams"}


def test_more_replications_than_sections_share_them(world: World, tmp_path: Path) -> None:
    spec = Spec(("west",), date(2006, 3, 13), date(2006, 3, 16), 7, 12, warm_up_days=7, cool_down_days=2)
    whole = Run(simulate(world, spec, tmp_path / "a"))
    found = Measures(whole).table("exam_to_report_s", "p95", world="film").iloc[0]
    assert (found["n"], found["method"]) == (12, "sectioning, 10 groups of replications")
    assert found["low"] < found["value"] < found["high"]
    counted = whole.table("histograms").query("measure == 'room_wait_s'").groupby("section")["count"].sum()
    by_replication = whole.table("flows").groupby("replication")["exams"].sum()
    assert counted[0] == by_replication[0] + by_replication[10]
    assert counted[1] == by_replication[1] + by_replication[11]
    assert counted[2] == by_replication[2]


def test_over_exams_and_over_days_differ(run: Run) -> None:
    exams = Measures(run).table("exam_to_report_s", "p95", over="exams", world="film")
    day = Measures(run).table("exam_to_report_s", "p95", over="day", world="film")
    assert exams["value"].iloc[0] != day["value"].iloc[0]


def test_means_by_trust(run: Run) -> None:
    table = Measures(run).table("first_view_s", "mean", by=["trust"], world="pacs")
    assert set(table["trust"]) == {"T1", "T2"}


def test_unknown_names_are_told(run: Run) -> None:
    with pytest.raises(ValueError, match="no measure 'x'"):
        Measures(run).table("x")
    with pytest.raises(ValueError, match="p95 over day cannot be split by site; by cluster, world"):
        Measures(run).table("stored_s", "p95", "day", by=["site"])


@pytest.mark.parametrize(("stat", "over"), [("mean", "exams"), ("p95", "exams"), ("p95", "day"), ("p99.9", "exams")])
def test_a_design_against_itself_differs_by_exactly_nothing(run: Run, stat: Stat, over: Over) -> None:
    m = Measures(run)
    found = m.difference(m, "exam_to_report_s", stat, over, by=["world"])
    assert found[["value", "low", "high"]].to_numpy().tolist() == [[0.0, 0.0, 0.0]] * 2


def test_percentiles_by_site_trust_and_supplier_hold_all_exams(run: Run) -> None:
    m = Measures(run)
    whole = m.table("first_view_s", "p95", world="pacs")
    for key in ("site", "trust", "supplier"):
        parts = m.table("first_view_s", "p95", by=[key], world="pacs")
        assert parts["n_exams"].sum() == whole["n_exams"].sum()
        assert parts["value"].min() <= whole["value"].iloc[0] <= parts["value"].max()
    with pytest.raises(ValueError, match="p95 over exams cannot be split by modality"):
        m.table("first_view_s", "p95", by=["site", "modality"])


@pytest.mark.parametrize("common", [True, False])
def test_paired_difference_covers_95_percent(common: bool) -> None:
    """Student on paired values, the two designs on common random numbers or not: 500 repetitions."""
    rng, hits = np.random.default_rng(5), 0
    for _ in range(500):
        x = rng.normal(size=(2, 20))
        shared = rng.normal(size=20) if common else np.zeros(20)
        found = student((x[1] + 5 * shared + 1) - (x[0] + 5 * shared), 0.95)
        hits += found.low <= 1 <= found.high
    assert 0.93 <= hits / 500 <= 0.97
