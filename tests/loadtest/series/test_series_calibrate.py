"""A service law that is known comes back from a measurement: to 1 % at p50, p95 and p99, and as a profile."""

import tomllib
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from loadtest.archives.embedded.law import Law, draw, read_law
from loadtest.archives.launch import running
from loadtest.play.launch import PlayJob, play
from loadtest.play.problems import TrafficProblem
from loadtest.series.calibrate import calibrate, least_squares, profile_toml
from sim.runs.store import Run, RunWriter
from sim.world.quantity import Quantity
from sim.world.scenario import Archive
from tests.loadtest.traffic_factory import NAN, row, write

pytestmark = pytest.mark.alone

TEXT = "servers=64,overhead_ms=150,rate_mb_s=2,spread=lognormal:0.2"
NARROW = TEXT.replace("0.2", "0.1")  # so that chance moves the terms of 1,200 objects by a quarter of the tolerance
MATRICES = {"CT": [64, 64, 2], "CR": [256, 256, 2]}


def into_model(folder: Path, modalities: str, seconds: float, law: str = TEXT) -> Run:
    """200 objects a second into a model archive that is never full, over as many associations as it takes."""
    rows = [row("store", 0.01 * n, n, modality=modalities.split()[n % 2], objects=2, ae_title=f"CT{n % 20:04d}R1")
            for n in range(round(100 * seconds))]  # fmt: skip
    file = write(folder / "t.parquet", rows, matrices=MATRICES)
    with running("embedded", "south", mode="model", law=law) as target:
        play([PlayJob(file, target)], 1.0, folder / "out", ledger="none", modality_associations=8)
    return Run(folder / "out")


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return into_model(tmp_path_factory.mktemp("calibrate"), "CT CR", 6, NARROW)


def test_the_laws_percentiles_are_recovered_to_one_per_cent(tmp_path: Path) -> None:
    """Service of 1,000 objects of one size, sent until answered, against the law itself."""
    objects, law = into_model(tmp_path, "CT CT", 5).table("objects"), read_law(TEXT)
    took = (objects["end_s"] - objects["start_s"]).to_numpy()
    size = int(objects["bytes"].iloc[0])
    found = {q: float(np.quantile(took, q, method="inverted_cdf")) for q in (0.5, 0.95, 0.99)}
    assert found == pytest.approx({q: law.seconds(q, size) for q in found}, rel=0.01)


def test_overhead_and_rate_come_back_within_their_intervals(played: Run) -> None:
    (found,) = calibrate(played)
    assert found.ingest is not None
    overhead, rate = (found.ingest.figures[key][0] for key in ("ingest_overhead", "ingest_rate"))
    assert overhead.value == pytest.approx(150, rel=0.02)
    assert rate.value == pytest.approx(2, rel=0.08)
    assert rate.low <= rate.value <= rate.high
    assert found.ingest.counts == {"objects": 1200}
    assert found.retrieval is None
    assert found.lacking == ["0 studies were retrieved; a profile takes 100"]


def test_the_profile_is_what_a_scenario_reads(played: Run) -> None:
    data = tomllib.loads(profile_toml(played, calibrate(played)))
    found = {key: Quantity.model_validate(value) for key, value in data["archives"]["ge"].items()}
    assert (found["ingest_overhead"].unit, found["ingest_rate"].unit) == ("ms", "MB/s")
    assert found["ingest_rate"].low < found["ingest_rate"].value < found["ingest_rate"].high
    assert "# 0 studies were retrieved; a profile takes 100" in profile_toml(played, calibrate(played))


def retrieved(folder: Path, n: int = 300, noise: float = 0.0, **manifest: Any) -> Run:
    """Retrieves of 1 to 40 objects of 0.1 or 0.5 MB from an archive with 0.3 s, 4 ms an object, 20 MB/s."""
    rng = np.random.default_rng(5)
    objects, each = rng.integers(1, 41, n), rng.choice([100_000, 500_000], n)
    start = np.sort(rng.uniform(0, 600, n))
    first = start + 0.3 * (1 + noise * rng.normal(size=n))
    end = first + (0.004 * objects + objects * each / 20e6) * (1 + noise * rng.normal(size=n))
    operations = pd.DataFrame({
        "op": np.arange(n), "cluster": "south", "supplier": "ge", "phase": "play", "outcome": "ok",
        "operation": rng.choice(["get", "wado"], n), "start_s": start, "first_byte_s": first, "end_s": end,
        "objects": objects, "bytes": objects * each,
    })  # fmt: skip
    columns = {"cluster": pa.string(), "op": pa.int64(), "start_s": pa.float64(), "end_s": pa.float64(),
               "bytes": pa.int64(), "outcome": pa.string()}  # fmt: skip
    with RunWriter(folder) as writer:
        writer.table("operations", operations)
        writer.table("objects", pa.schema(list(columns.items())).empty_table())
        return Run(writer.close({"kind": "load", **manifest}))


def test_the_terms_of_a_retrieval_come_back(tmp_path: Path) -> None:
    (found,) = calibrate(retrieved(tmp_path / "exact"))
    assert found.retrieval is not None
    figures = {key: i.value for key, (i, _) in found.retrieval.figures.items()}
    assert figures == pytest.approx({"retrieve_first": 0.3, "retrieve_overhead": 4.0, "retrieve_rate": 20.0})
    assert sum(found.retrieval.counts.values()) == 300
    assert set(found.retrieval.counts) == {"get", "wado"}
    assert found.ingest is None


def test_noise_about_the_terms_lies_within_their_intervals(tmp_path: Path) -> None:
    (found,) = calibrate(retrieved(tmp_path / "noisy", noise=0.1))
    assert found.retrieval is not None
    truth = {"retrieve_first": 0.3, "retrieve_overhead": 4.0, "retrieve_rate": 20.0}
    for key, (i, _) in found.retrieval.figures.items():
        assert i.low < i.value < i.high
        assert i.low <= truth[key] <= i.high, key


def test_a_scenario_reads_the_profile_of_retrieval(tmp_path: Path) -> None:
    run = retrieved(tmp_path / "exact")
    data = tomllib.loads(profile_toml(run, calibrate(run)))["archives"]["ge"]
    found = {key: Quantity.model_validate(value) for key, value in data.items()}
    assert {key: one.unit for key, one in found.items()} == {
        "retrieve_first": "s", "retrieve_overhead": "ms", "retrieve_rate": "MB/s",
    }  # fmt: skip
    assert set(found) < set(Archive.model_fields)


def test_views_by_images_are_no_retrieves_of_studies(tmp_path: Path) -> None:
    (found,) = calibrate(retrieved(tmp_path / "a", settings={"view_by": "frames"}))
    assert found.retrieval is not None
    assert set(found.retrieval.counts) == {"get"}


def test_a_run_that_bears_neither_says_why_for_both(tmp_path: Path) -> None:
    with pytest.raises(TrafficProblem, match="0 objects were stored; a profile takes 100; south: 60 studies were"):
        calibrate(retrieved(tmp_path / "few", n=60))


@pytest.mark.parametrize("kind", ["embedded", "orthanc"])
def test_a_real_archive_gets_a_profile_of_both_directions(tmp_path: Path, kind: Literal["embedded", "orthanc"]) -> None:
    """By C-GET and WADO-RS, of two modalities whose images differ in size."""
    sizes = {"CT": [256, 256, 2], "CR": [1024, 1024, 2]}
    there = [row("prefill", NAN, n, modality=("CT", "CR")[n % 2], objects=1 + n % 7) for n in range(40)]
    asked = [row(("get", "wado")[n // 2 % 2], 0.04 * n, n % 40, modality=("CT", "CR")[n % 2], objects=1 + n % 40 % 7)
             for n in range(240)]  # fmt: skip
    stores = [row("store", 0.08 * n, 100 + n, modality=("CT", "CR")[n % 2], objects=2) for n in range(60)]
    file = write(tmp_path / "t.parquet", there + sorted(asked + stores, key=lambda one: one["due_s"]), matrices=sizes)
    with running(kind, "south") as target:
        result = play([PlayJob(file, target)], 1.0, tmp_path / "out")
    assert result["outcomes"]["ok"] == 300, result["reasons"]
    run = Run(tmp_path / "out")
    (found,) = calibrate(run)
    assert found.lacking == []
    assert found.ingest is not None
    assert found.retrieval is not None
    assert found.retrieval.counts == {"get": 120, "wado": 120}
    first, rate = (found.retrieval.figures[key][0] for key in ("retrieve_first", "retrieve_rate"))
    assert 0 < first.low <= first.value <= first.high < 1
    assert rate.value > 10  # MB/s, over the loopback
    assert tomllib.loads(profile_toml(run, [found]))["archives"]["ge"]["retrieve_first"]["unit"] == "s"


def test_least_squares() -> None:
    sizes = np.array([1e5, 2e5, 3e5])
    assert least_squares((np.ones(3), sizes), 0.02 + sizes / 50e6) == pytest.approx((0.02, 2e-8))


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
