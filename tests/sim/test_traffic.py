"""Traffic: what the simulation moved, no more and no less, as operations on time."""

import json
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from loadtest.play.traffic import WindowFault
from sim.runs.experiment import simulate
from sim.runs.spec import PlanProblem, Spec
from sim.runs.store import Run
from sim.runs.window import exams_of, write_window
from sim.traffic import COLUMNS, PRIOR_OF, metadata
from sim.world.demand import national_volume
from sim.world.estate import build_estate
from sim.world.faults import Fault, Recovery
from sim.world.load import World


@pytest.fixture(scope="module")
def run(world: World, tmp_path_factory: pytest.TempPathFactory) -> Run:
    spec = Spec(("west",), date(2006, 3, 13), date(2006, 3, 16), 7, 3, warm_up_days=7, cool_down_days=2)
    return Run(simulate(world, spec, tmp_path_factory.mktemp("runs") / "a"))


@pytest.fixture(scope="module")
def frame(run: Run, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    path = tmp_path_factory.mktemp("t") / "t.parquet"
    write_window(run, "west", datetime(2006, 3, 14, 8), 4, path)
    return pd.read_parquet(path)


def test_every_image_of_the_window_is_stored_once(run: Run, frame: pd.DataFrame) -> None:
    w = exams_of(run, "west")
    t0 = (datetime(2006, 3, 14, 8) - w.zero).total_seconds()
    inside = (w.times.room_end >= t0) & (w.times.room_end < t0 + 4 * 3600)
    stores = frame[(frame["operation"] == "store") & (frame["phase"] == "play")]
    assert sorted(stores["exam"]) == sorted(w.exams.exam[inside])
    assert stores["objects"].sum() == w.exams.images[inside].sum()
    assert stores["bytes"].sum() == w.exams.bytes[inside].sum()


def test_what_is_retrieved_was_stored_before(frame: pd.DataFrame) -> None:
    stored = frame[frame["operation"] == "store"].set_index("exam")["due_s"]
    assert stored.index.is_unique
    asked = frame[frame["operation"].isin(["get", "move", "wado"])]
    assert len(asked) > 5
    before = stored[asked["exam"]].to_numpy()
    assert (np.isnan(before) | (before < asked["due_s"].to_numpy())).all()


def test_columns_order_and_names(frame: pd.DataFrame) -> None:
    assert tuple(frame.columns) == COLUMNS
    play = frame[frame["phase"] == "play"]
    assert play["due_s"].is_monotonic_increasing
    assert play["due_s"].between(0, 4 * 3600).all()
    assert frame.loc[frame["phase"] == "prefill", "due_s"].isna().all()
    assert (frame["ae_title"].str.len() <= 16).all()
    assert set(frame["operation"]) <= {"store", "find", "qido", "get", "move", "wado"}


def test_the_wire_is_told_each_sites_link_as_the_simulation_has_it(world: World) -> None:
    estate = build_estate(world, "west")
    told = metadata(world, "west", datetime(2006, 3, 14, 8), 4, "")["wan_bytes_s"]
    links = [told[site.site] for site in estate.sites]
    assert np.allclose(links, estate.wan_bytes_s)
    assert len(links) > 1


@pytest.fixture(scope="module")
def about(run: Run, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = tmp_path_factory.mktemp("t") / "t.parquet"
    write_window(run, "west", datetime(2006, 3, 14, 8), 4, path)
    found: dict[str, Any] = json.loads(pq.read_schema(path).metadata[b"filmless"])
    return found


def test_the_file_tells_what_the_simulation_says_of_its_window(run: Run, about: dict[str, Any]) -> None:
    w = exams_of(run, "west")
    t0 = (datetime(2006, 3, 14, 8) - w.zero).total_seconds()
    inside = (w.times.room_end >= t0) & (w.times.room_end < t0 + 4 * 3600)
    at_archive, whole = ((w.times.ingest_end - since)[inside] for since in (w.times.up_end, w.times.room_end))
    told = about["simulated"]
    assert told["store"]["n"] == inside.sum()
    assert np.allclose(told["store"]["quantiles_s"], np.quantile(at_archive, np.linspace(0, 1, 101)))
    assert told["taken to stored"]["quantiles_s"][50] == pytest.approx(np.median(whole))
    assert told["taken to stored"]["quantiles_s"][0] > told["store"]["quantiles_s"][0] > 0
    assert told["retrieve"]["n"] > 5
    assert told["retrieve"]["quantiles_s"][0] > 0


def test_the_file_tells_the_exams_a_year_behind_it(world: World, about: dict[str, Any]) -> None:
    """Of the financial year 2005/06, to which March 2006 belongs: national volumes times the cluster's share."""
    national = sum(national_volume(world, str(m), 2005) for m in world.scenario.modalities)
    share = world.scenario.clusters["west"].exams_share.value
    assert about["exams_a_year"] == pytest.approx(national * share)


def test_priors_are_studies_of_their_own(frame: pd.DataFrame) -> None:
    priors = frame[frame["purpose"] == "prior"]
    assert (priors["exam"] % 10_000 >= PRIOR_OF).all()
    assert (priors["acquired"] < pd.Timestamp(2006, 3, 14)).all()


def test_the_busiest_hour_is_found(run: Run, tmp_path: Path) -> None:
    found = write_window(run, "west", None, 1, tmp_path / "b.parquet")
    other = write_window(run, "west", datetime(2006, 3, 14, 8), 1, tmp_path / "c.parquet")
    assert found["bytes"] > other["bytes"]


def test_outside_the_run(run: Run, tmp_path: Path) -> None:
    with pytest.raises(PlanProblem, match="not inside the run"):
        write_window(run, "west", datetime(2006, 3, 20), 1, tmp_path / "d.parquet")
    with pytest.raises(PlanProblem, match="no cluster 'north'"):
        write_window(run, "north", None, 1, tmp_path / "d.parquet")


def test_a_window_in_which_nothing_falls_is_refused_and_a_busier_one_named(run: Run, tmp_path: Path) -> None:
    with pytest.raises(
        PlanProblem, match=r"nothing falls in the 0\.06 minutes from 2006-03-14T03:00.*--start 2006-03-1"
    ) as e:
        write_window(run, "west", datetime(2006, 3, 14, 3), 0.001, tmp_path / "e.parquet")
    begin = datetime.fromisoformat(str(e.value).partition("--start ")[2].partition(" ")[0])
    assert write_window(run, "west", begin, 1, tmp_path / "f.parquet")["operations"] > 0
    assert [one.name for one in tmp_path.iterdir()] == ["f.parquet"]


def test_faults_that_touch_the_window_travel_with_it(world: World) -> None:
    """From 9 to 15 o'clock half, all by 21: seen from a window that begins at 10, and from one after it."""
    recovery = Recovery(hours=[0.0, 6.0, 12.0], capacity=[0.0, 0.5, 1.0], source="x", status="assumed")
    out = Fault(what="out", station="archive", cluster="west", start=datetime(2006, 3, 14, 9), recovery=recovery)
    bad = replace(world, scenario=world.scenario.model_copy(update={"faults": {"out": out}}))
    (told,) = metadata(bad, "west", datetime(2006, 3, 14, 10), 1.0, "")["faults"]
    assert (told["since_s"], told["capacity"]) == ([-3600.0, 18_000.0, 39_600.0], [0.0, 0.5, 1.0])
    assert WindowFault.model_validate(told).name == "out"
    for hour in (7, 21):
        assert metadata(bad, "west", datetime(2006, 3, 14, hour), 2.0, "")["faults"] == []
