"""The smoke scenario is small, and yet has one of everything; its film times come near the published ones."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from sim.answers.measures import Measures
from sim.runs.experiment import simulate
from sim.runs.spec import Spec
from sim.world.demand import daily_national, site_shares
from sim.world.load import World, load_world

SCENARIOS = Path(__file__).parents[2] / "scenarios"


@pytest.fixture(scope="module")
def smoke() -> World:
    return load_world(SCENARIOS / "smoke.toml")


def test_two_trusts_three_hospitals_and_a_unit_on_a_thin_link(smoke: World) -> None:
    assert [t.cluster for t in smoke.trusts] == ["london", "london"]
    assert [s.kind for s in smoke.sites] == ["acute", "acute", "acute", "miu"]
    assert smoke.sites[-1].wan_mbit_s == 2


def test_a_day_has_a_few_hundred_exams_of_every_kind(smoke: World) -> None:
    days = [date(2005, 10, 3) + timedelta(days=i) for i in range(7)]
    shares = site_shares(smoke, "london", smoke.sites)
    week = daily_national(smoke, days)[:, None] * shares[None]  # [day, site, modality, setting]
    assert 300 <= week.sum() / 7 <= 600
    assert week.sum(axis=(0, 1, 3)).min() > 0  # all eight modalities
    assert week.sum(axis=(0, 1, 2)).min() > 0  # all five settings
    assert week.shape[2:] == (8, 5)


def test_film_takes_about_as_long_as_published(smoke: World, tmp_path: Path) -> None:
    spec = Spec(("london",), date(2005, 9, 5), date(2005, 9, 19), smoke.scenario.seed, 1, processes=1)
    simulate(smoke, spec, tmp_path / "run")
    table = Measures.open(tmp_path / "run").table("exam_to_report_s", "mean", by=["world"])
    mean_h = dict(zip(table["world"].astype(str), table["value"] / 3600, strict=True))
    assert 98 <= mean_h["film"] <= 163  # one London hospital: 98 h specialist, 163 h plain; national 144 h
    assert mean_h["pacs"] < mean_h["film"]
