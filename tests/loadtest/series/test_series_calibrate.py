"""A service law that is known comes back from a measurement: to 1 % at p50, p95 and p99, and as a profile."""

import tomllib
from pathlib import Path

import numpy as np
import pytest

from loadtest.archives.embedded.law import Law, draw, read_law
from loadtest.archives.launch import running
from loadtest.play.launch import PlayJob, play
from loadtest.play.problems import TrafficProblem
from loadtest.series.calibrate import calibrate, line, profile_toml
from sim.runs.store import Run
from sim.world.quantity import Quantity
from tests.loadtest.traffic_factory import row, write

pytestmark = pytest.mark.alone

TEXT = "servers=64,overhead_ms=150,rate_mb_s=2,spread=lognormal:0.2"
MATRICES = {"CT": [64, 64, 2], "CR": [256, 256, 2]}


def into_model(folder: Path, modalities: str, seconds: float) -> Run:
    """200 objects a second into a model archive that is never full, over as many associations as it takes."""
    rows = [row("store", 0.01 * n, n, modality=modalities.split()[n % 2], objects=2, ae_title=f"CT{n % 20:04d}R1")
            for n in range(round(100 * seconds))]  # fmt: skip
    file = write(folder / "t.parquet", rows, matrices=MATRICES)
    with running("embedded", "south", mode="model", law=TEXT) as target:
        play([PlayJob(file, target)], 1.0, folder / "out", ledger="none", modality_associations=8)
    return Run(folder / "out")


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return into_model(tmp_path_factory.mktemp("calibrate"), "CT CR", 3)


def test_the_laws_percentiles_are_recovered_to_one_per_cent(tmp_path: Path) -> None:
    """Service of 1,000 objects of one size, sent until answered, against the law itself."""
    objects, law = into_model(tmp_path, "CT CT", 5).table("objects"), read_law(TEXT)
    took = (objects["end_s"] - objects["start_s"]).to_numpy()
    size = int(objects["bytes"].iloc[0])
    found = {q: float(np.quantile(took, q, method="inverted_cdf")) for q in (0.5, 0.95, 0.99)}
    assert found == pytest.approx({q: law.seconds(q, size) for q in found}, rel=0.01)


def test_overhead_and_rate_come_back_within_their_intervals(played: Run) -> None:
    (found,) = calibrate(played)
    assert found.overhead_ms.value == pytest.approx(150, rel=0.02)
    assert found.rate_mb_s.value == pytest.approx(2, rel=0.08)
    assert found.rate_mb_s.low <= found.rate_mb_s.value <= found.rate_mb_s.high
    assert found.objects == 600


def test_the_profile_is_what_a_scenario_reads(played: Run) -> None:
    data = tomllib.loads(profile_toml(played, calibrate(played)))
    found = {key: Quantity.model_validate(value) for key, value in data["archives"]["ge"].items()}
    assert (found["ingest_overhead"].unit, found["ingest_rate"].unit) == ("ms", "MB/s")
    assert found["ingest_rate"].low < found["ingest_rate"].value < found["ingest_rate"].high


def test_least_squares() -> None:
    sizes = np.array([1e5, 2e5, 3e5])
    assert line(sizes, 0.02 + sizes / 50e6) == pytest.approx((0.02, 2e-8))


def test_one_size_cannot_tell_overhead_from_rate(tmp_path: Path) -> None:
    file = write(tmp_path / "t.parquet", [row("store", 0.002 * n, n, objects=2) for n in range(60)])
    with running("embedded", "south", mode="null") as target:
        play([PlayJob(file, target)], 1.0, tmp_path / "out", ledger="none")
    with pytest.raises(TrafficProblem, match="cannot be told apart"):
        calibrate(Run(tmp_path / "out"))


def test_draws_fill_the_law_evenly() -> None:
    for every in (1, 2, 3, 10):
        shares = np.sort([draw(n) for n in range(0, 1000 * every, every)])
        assert np.abs(shares - (np.arange(1000) + 0.5) / 1000).max() < 0.004
        assert shares[0] > 0


@pytest.mark.parametrize("spread", ["none", "exponential", "lognormal:0.5"])
def test_every_spread_has_mean_one(spread: str) -> None:
    law = read_law(f"servers=1,overhead_ms=1000,rate_mb_s=1e9,spread={spread}")
    assert np.mean([law.seconds(draw(n), 0) for n in range(50_000)]) == pytest.approx(1.0, rel=2e-3)


@pytest.mark.parametrize(
    ("text", "told"),
    [("server=1", "allowed are servers"), ("servers=x", "give a number"), ("spread=wide", "allowed are none"),
     ("servers=0", "servers 1 to 1000")],
)  # fmt: skip
def test_a_wrong_law_is_told(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        read_law(text)


def test_growth_counts_what_is_held() -> None:
    assert Law(overhead_ms=1, rate_mb_s=1e9, growth_us=10).seconds(0.5, 0, 1000) == pytest.approx(0.011)
