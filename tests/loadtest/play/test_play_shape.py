"""Sites behave like their links: an image takes its computed time, alone or beside others."""

from pathlib import Path
from threading import Thread
from time import perf_counter
from typing import Any

import pytest

from loadtest.archives.launch import running
from loadtest.play.launch import LISTENER, PlayJob, free_port, play
from loadtest.play.problems import TrafficProblem
from loadtest.wire.pace import Pace
from sim.runs.store import Run
from tests.loadtest.traffic_factory import mixed, row, write

MBIT_2 = 250_000.0  # bytes a second
CT = {"CT": [256, 256, 2]}  # 131,072 bytes of pixels, 0.52 s on 2 Mbit/s


OWN_S = 0.15  # for the archive to negotiate and to answer, beside the rest of the suite


def shaped(folder: Path, rows: list[dict[str, Any]], links: dict[str, float], **settings: Any) -> Any:
    file = write(folder / "t.parquet", rows, matrices=CT, wan_bytes_s=links)
    with running("embedded", "south", {LISTENER: ("127.0.0.1", free_port())}) as target:
        result = play([PlayJob(file, target)], 1.0, folder / "out", shape=True, **settings)
    assert result["done"] == result["planned"], result["reasons"]
    run = Run(folder / "out")
    found, sent = run.table("operations").set_index("op"), run.table("objects").set_index("op")
    arrived = found["end_s"] - found["first_byte_s"]
    return found.assign(passed_s=(sent["sent_s"] - sent["start_s"]).reindex(found.index).fillna(arrived))


def assert_took(one: Any, seconds: float) -> None:
    """The image's bytes passed in that time to 2 %; the whole has the archive's own time in it."""
    assert one["passed_s"] == pytest.approx(seconds, rel=0.02), one["operation"]
    assert 0.98 * seconds <= one["service_s"] <= seconds + OWN_S, one["operation"]


def ct(operation: str, due_s: float, exam: int, **other: Any) -> dict[str, Any]:
    return {**row(operation, due_s, exam, objects=1), "bytes": 131_072, **other}


def test_an_image_takes_its_computed_time_on_a_2_mbit_link_up_and_down(tmp_path: Path) -> None:
    kinds = ("get", "move", "wado")
    rows = [ct("prefill", float("nan"), 1, site="Hub"), ct("store", 0.0, 2)]
    rows += [ct(kind, 0.1 + 0.8 * n, 1, site=f"Site {2 + n}") for n, kind in enumerate(kinds)]
    rows += [ct("store", 0.0, 3, site="Hub", ae_title="CT0009R1")]
    links = {"Hub": 1e9, **{f"Site {n}": MBIT_2 for n in range(1, 5)}}
    found = shaped(tmp_path, rows, links)
    for op in range(1, 5):
        assert_took(found.loc[op], found.loc[op, "bytes"] / MBIT_2)
    assert found.loc[5, "service_s"] < 0.2 * found.loc[1, "service_s"]


def test_two_devices_of_one_site_share_its_link_and_another_site_does_not_wait(tmp_path: Path) -> None:
    rows = [ct("store", 0.0, n, ae_title=f"CT000{n}R1") for n in (1, 2)] + [
        ct("store", 0.0, 3, ae_title="CT0003R1", site="Site 2")
    ]
    found = shaped(tmp_path, rows, {"Site 1": MBIT_2, "Site 2": MBIT_2})
    alone = found.loc[2, "bytes"] / MBIT_2
    assert_took(found.loc[2], alone)
    assert_took(found.loc[[0, 1]].max(), 2 * alone)


def test_traffic_that_does_not_tell_its_links(tmp_path: Path) -> None:
    with pytest.raises(TrafficProblem, match="does not tell the rate of 1 sites' links, such as Site 1: make it again"):
        shaped(tmp_path, mixed()[2:3], {})


def test_one_link_is_not_cut_in_pieces(tmp_path: Path) -> None:
    with pytest.raises(TrafficProblem, match="--shape with --workers: a site's link cannot be shared by processes"):
        shaped(tmp_path, mixed()[2:3], {"Site 1": 1e6}, workers=2)


@pytest.mark.parametrize("together", [1, 3])
def test_a_pace_is_exact_whoever_takes_it(together: int) -> None:
    pace = Pace(100_000.0)
    threads = [Thread(target=lambda: [pace.take(1000) for _ in range(30 // together)]) for _ in range(together)]
    began = perf_counter()
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert perf_counter() - began == pytest.approx(0.3, rel=0.1)


def test_a_saved_burst_passes_at_once() -> None:
    pace = Pace(100_000.0, burst_s=0.1)
    assert pace.take(10_000) < 0.05
    assert pace.take(10_000) == pytest.approx(0.1, abs=0.03)


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan")])
def test_a_link_that_is_none(rate: float) -> None:
    with pytest.raises(ValueError, match="give a rate above 0"):
        Pace(rate)
