"""The whole play in its own process, against real archives: rows, ledger, run folder, page."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from loadtest.archives.launch import running
from loadtest.archives.target import Target
from loadtest.play.launch import LISTENER, PlayJob, free_port, play
from loadtest.verdict.operations import summary
from loadtest.verdict.records import StudyRow, to_table
from sim.runs.store import Run
from tests.loadtest.play.doctored import doctored
from tests.loadtest.traffic_factory import mixed, row, write


@contextmanager
def archive(kind: Any = "embedded", name: str = "south", mode: Any = "memory") -> Iterator[Target]:
    with running(kind, name, {LISTENER: ("127.0.0.1", free_port())}, mode) as target:
        yield target


SECRET = "planted-secret"


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Run, list[tuple[int, int, str]]]:
    """Two clusters at once, each with every kind of operation."""
    folder = tmp_path_factory.mktemp("two")
    told: list[tuple[int, int, str]] = []
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        patch.setenv("FILMLESS_WEB_TOKEN", SECRET)
        jobs = [
            PlayJob(write(folder / f"{c}.parquet", mixed(c, e * 10**10)), stack.enter_context(archive(name=c)))
            for c, e in (("south", 1), ("london", 2))
        ]
        result = play(jobs, 1.0, folder / "out", lambda *step: told.append(step))
    return result, Run(folder / "out"), told


Played = tuple[dict[str, Any], Run, list[tuple[int, int, str]]]


def test_every_operation_of_two_clusters_is_done(played: Played) -> None:
    result, run, _ = played
    operations = run.table("operations")
    assert result["verdict"] == "PASS", result["reasons"]
    assert result["outcomes"] == {"ok": 18, "refused": 0, "failed": 0, "unknown": 0, "dropped": 0}
    assert len(operations) == 22
    assert (operations["outcome"] == "ok").all(), operations[["operation", "detail"]]
    assert operations.groupby(["cluster", "operation"]).size()["south", "find"] == 2


def test_what_was_asked_for_came(played: Played) -> None:
    operations = played[1].table("operations")
    retrieved = operations[operations["operation"].isin(["get", "move", "wado", "store"])]
    assert (retrieved["objects"] == retrieved["planned_objects"]).all()
    assert (retrieved["bytes"] > 0).all()
    assert (operations.loc[operations["operation"].isin(["find", "qido"]), "objects"] == 1).all()


def test_times_of_every_operation_are_in_order(played: Played) -> None:
    operations = played[1].table("operations")
    now = operations[operations["phase"] == "play"]
    assert (now["due_s"] <= now["start_s"]).all()
    assert (now["start_s"] < now["first_byte_s"]).all()
    assert (now["first_byte_s"] <= now["end_s"]).all()
    assert np.allclose(now["response_s"], now["lag_s"] + now["blocked_s"] + now["service_s"])
    assert (operations.loc[operations["phase"] == "prefill", "end_s"] < 0).all()


def test_the_ledger_agrees_with_three_witnesses(played: Played) -> None:
    result, run, _ = played
    ledger = run.table("ledger")
    assert set(ledger["state"]) == {"stored"}
    assert set(ledger["finding"]) == {"as answered"}
    for column in ("sent", "answered", "stored", "found_cfind", "found_qido"):
        assert (ledger[column] == ledger["planned"]).all()
    assert [one["count"] for one in result["archives"]] == ["agrees", "agrees"]
    assert result["instances"] == {"south": 10, "london": 10}


def test_objects_are_rows_too(played: Played) -> None:
    objects = played[1].table("objects")
    assert len(objects) == 20
    assert not objects.duplicated(["cluster", "exam", "number"]).any()


def test_l10_the_manifest_lets_an_outsider_repeat_it(played: Played) -> None:
    manifest = played[1].manifest
    assert manifest["kind"] == "load"
    assert manifest["clusters"] == ["south", "london"]
    assert set(manifest["traffic"]) == {"south", "london"}
    assert all(len(one) == 64 for one in manifest["traffic"].values())
    assert manifest["settings"]["tcp"] == manifest["tcp_profile"] == "tuned"
    assert manifest["settings"]["association"] == "kept"
    assert manifest["targets"]["south"]["tcp"]
    assert {"locust", "gevent", "pydicom"} <= set(manifest["machine"]["versions"])
    assert manifest["verdict"] == "PASS"
    assert manifest["generator"]["planned"] == 18


def test_no_secret_reaches_the_run_folder(played: Played) -> None:
    for file in played[1].folder.iterdir():
        assert SECRET.encode() not in file.read_bytes()


def test_progress_goes_through_the_phases(played: Played) -> None:
    told = played[2]
    assert list(dict.fromkeys(phase for _, _, phase in told)) == ["prepare", "prefill", "play", "ledger"]
    assert (4, 4, "prefill") in told
    assert (18, 18, "play") in told


def test_the_summary_reads_a_run_folder(played: Played) -> None:
    found = summary(played[1].table("operations"))
    assert set(found["n"]) == {1, 2, 3}
    assert set(found["enough"]) == {f"too few: {n} needed" for n in (20, 200, 1000, 10000)}
    assert set(found.loc[found["measure"] == "first_image_s", "operation"]) == {"get", "move", "wado"}


def test_orthanc(tmp_path: Path) -> None:
    file = write(tmp_path / "t.parquet", mixed())
    with archive("orthanc") as target:
        result = play([PlayJob(file, target)], 1.0, tmp_path / "out")
        assert target.count_instances() == 10
    assert result["verdict"] == "PASS", result["reasons"]
    ledger = Run(tmp_path / "out").table("ledger")
    assert (ledger["found_cfind"] == ledger["planned"]).all()
    assert (ledger["found_qido"] == ledger["planned"]).all()


def test_other_settings_store_the_same(tmp_path: Path) -> None:
    file = write(tmp_path / "t.parquet", mixed())
    settings = {"retrieve": "get", "association": "image", "tcp": "modality", "priority": "usual"}
    with archive() as target:
        result = play([PlayJob(file, target)], 10.0, tmp_path / "out", **settings)
    assert result["verdict"] == "PASS", result["reasons"]
    operations = Run(tmp_path / "out").table("operations")
    assert operations.loc[operations["phase"] == "play", "due_s"].max() == pytest.approx(0.04)


def test_an_archive_that_loses_an_object_fails_whatever_else_is_said(tmp_path: Path) -> None:
    rows = [row("prefill", float("nan"), 9, objects=1), *(row("store", 0.01 * n, n, objects=2) for n in range(5))]
    file = write(tmp_path / "t.parquet", rows)
    acts = {0: "A700", 4: "lose"}
    with doctored(lambda n: acts.get(n, "ok")) as broken:
        result = play([PlayJob(file, broken.target)], 1.0, tmp_path / "out")
    assert (result["verdict"], result["measurement"]) == ("FAIL", "INVALID")
    assert result["reasons"] == [
        "1 objects were acknowledged and are not found",
        "1 of 1 studies of the prefill were not stored",
    ]
    ledger = Run(tmp_path / "out").table("ledger")
    assert list(ledger.loc[ledger["finding"] != "as answered", "exam"]) == [1]


def test_the_page_shows_a_closed_list_and_its_stop_button_ends_the_play(tmp_path: Path) -> None:
    rows = [row("store", 0.05 * n, n, objects=1) for n in range(400)]
    file, port, page = write(tmp_path / "t.parquet", rows), free_port(), {}

    def press(done: int, total: int, phase: str) -> None:
        if phase == "play" and done > 10 and not page:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/stats/requests", timeout=5) as answer:
                page.update(json.load(answer))
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                page["html"] = answer.read().decode()
            urllib.request.urlopen(f"http://127.0.0.1:{port}/stop", data=b"", timeout=5).close()

    with archive() as target:
        result = play([PlayJob(file, target)], 1.0, tmp_path / "out", press, web_port=port)
    assert {(one["method"], one["name"]) for one in page["stats"]} == {("DIMSE", "south store"), ("", "Aggregated")}
    assert page["user_count"] == 1
    (tab,) = page["extended_stats"]
    (told,) = tab["data"]
    assert (tab["key"], told["name"], told["planned"]) == ("pacs", "south store", 400)
    assert 10 < told["done"] <= told["due"] <= 400
    assert told["due"] == told["done"] + told["open"] + told["failed"] + told["dropped"]
    assert "Due by now" in page["html"]
    assert '"title": "PACS"' in page["html"] or "&#34;PACS&#34;" in page["html"]
    assert result["verdict"] == "INVALID"
    assert "the play was stopped on Locust's page" in result["reasons"]
    assert result["outcomes"]["ok"] + result["outcomes"]["dropped"] == 400
    assert len(Run(tmp_path / "out").table("operations")) == 400


@pytest.mark.parametrize("workers", [0, 1])
def test_the_pages_figures_are_those_of_the_run_folder(tmp_path: Path, workers: int) -> None:
    """Each time that it is asked, of what had ended by then: to three digits, and as the PACS tab says."""
    file, port = write(tmp_path / "t.parquet", [row("store", 0.01 * n, n, objects=1) for n in range(300)]), free_port()
    pages: list[dict[str, Any]] = []

    def look(done: int, total: int, phase: str) -> None:
        if phase == "play" and done > 30:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/stats/requests", timeout=5) as answer:
                pages.append(json.load(answer))

    with archive() as target:
        settings = {"web_port": port, "workers": workers, "priority": "usual"}
        play([PlayJob(file, target)], 1.0, tmp_path / "out", look, **settings)
    rows = Run(tmp_path / "out").table("operations").sort_values("end_s")  # one device: in the order of the records
    shown = [(one, page["extended_stats"][0]["data"][0]) for page in pages for one in page["stats"]]
    assert len({one["num_requests"] for one, _ in shown}) > 1
    for one, tab in shown:
        took = 1000 * rows["response_s"].head(one["num_requests"])
        assert one["num_requests"] == tab["done"] + tab["failed"]
        assert (one["min_response_time"], one["max_response_time"]) == pytest.approx(
            (took.min(), took.max()), rel=0.006
        )
        assert one["avg_response_time"] == pytest.approx(took.mean(), rel=0.006)
        for q in (0.95, 0.99):
            exact = np.quantile(took, q, method="inverted_cdf")
            assert one[f"response_time_percentile_{q:g}"] == pytest.approx(exact, rel=0.006)
        assert one["response_time_percentile_0.99"] == tab["response"]


def test_a_parent_without_locust() -> None:
    script = "import sys, loadtest.play.launch, loadtest.verdict.operations; print('gevent' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "False\n"


def test_pandas_reads_null_counts() -> None:
    table = to_table(StudyRow, [StudyRow("south", "ge", "CT", 1, "play", "CT", 1)]).to_pandas()
    assert pd.isna(table["found_cfind"].iloc[0])
