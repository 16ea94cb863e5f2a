"""Studies viewed over DICOMweb by instances, frames, rendered images or metadata, against real archives."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest

from loadtest.archives.launch import running
from loadtest.play.launch import PlayJob, play
from loadtest.wire import DicomWeb
from sim.runs.store import Run
from tests.loadtest.play.bench import carry_out
from tests.loadtest.traffic_factory import NAN, row, write

STUDIES, IMAGES = 3, 4
MATRICES = {"CT": [64, 64, 2]}


def rows() -> list[dict[str, Any]]:
    there = [row("prefill", NAN, n, objects=IMAGES) for n in range(STUDIES)]
    return there + [row("wado", 0.1 * n, n, objects=IMAGES) for n in range(STUDIES)]


def viewed(folder: Path, kind: Literal["embedded", "orthanc"], **settings: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Operations of the play and their requests."""
    with running(kind, "view") as target:
        result = play([PlayJob(write(folder / "t.parquet", rows(), matrices=MATRICES), target)], 1.0, folder / "out",
                      **settings)  # fmt: skip
    run = Run(folder / "out")
    assert result["verdict"] == "PASS", (result["reasons"], run.table("operations")["detail"].tolist())
    operations, objects = run.table("operations"), run.table("objects")
    played = operations[operations["phase"] == "play"]
    return played, objects[objects["op"].isin(played["op"])]


@pytest.mark.parametrize("kind", ["embedded", "orthanc"])
@pytest.mark.parametrize("by", ["frames", "rendered"])
def test_metadata_then_image_after_image(tmp_path: Path, kind: Literal["embedded", "orthanc"], by: str) -> None:
    operations, requests = viewed(tmp_path, kind, view_by=by)
    assert (operations["objects"] == IMAGES).all()
    assert requests.groupby("op")["kind"].apply(list).tolist() == [["metadata", *[by] * IMAGES]] * STUDIES
    assert (requests["outcome"] == "ok").all()
    assert (requests["start_s"] < requests["first_byte_s"]).all()
    assert (requests["first_byte_s"] <= requests["end_s"]).all()
    images = requests[requests["kind"] == by]
    assert ((images["first_byte_s"] <= images["first_object_s"]) & (images["first_object_s"] <= images["end_s"])).all()
    assert requests.loc[requests["kind"] == "metadata", "first_object_s"].isna().all()
    if by == "frames":
        assert (images["bytes"] == 64 * 64 * 2).all()
    by_op = requests.groupby("op")
    told = operations.set_index("op")
    assert np.allclose(told["first_byte_s"], by_op["first_byte_s"].min())
    assert np.allclose(told["first_object_s"], by_op["first_object_s"].min())
    assert np.allclose(told["end_s"], by_op["end_s"].max())
    assert (told["bytes"] == by_op["bytes"].sum()).all()


@pytest.mark.parametrize("kind", ["embedded", "orthanc"])
def test_metadata_alone_brings_no_image(tmp_path: Path, kind: Literal["embedded", "orthanc"]) -> None:
    operations, requests = viewed(tmp_path, kind, view_by="metadata")
    assert requests["kind"].tolist() == ["metadata"] * STUDIES
    assert (operations["objects"] == IMAGES).all()
    assert operations["first_object_s"].isna().all()
    assert operations["first_byte_s"].notna().all()


@pytest.mark.parametrize("kind", ["embedded", "orthanc"])
@pytest.mark.parametrize(("by", "requests_each"), [("series", 1), ("instance", IMAGES)])
def test_series_by_series_or_instance_by_instance(
    tmp_path: Path, kind: Literal["embedded", "orthanc"], by: str, requests_each: int
) -> None:
    operations, requests = viewed(tmp_path, kind, view_by=by)
    assert (operations["objects"] == IMAGES).all()
    assert requests.groupby("op")["kind"].apply(list).tolist() == [[by] * requests_each] * STUDIES
    assert (operations["first_object_s"] <= operations["end_s"]).all()
    assert operations["bytes"].sum() == requests["bytes"].sum() > STUDIES * IMAGES * 64 * 64 * 2


@pytest.mark.parametrize(("page", "requests"), [(0, 1), (1, 2), (50, 2)])
def test_a_query_is_asked_by_pages(tmp_path: Path, page: int, requests: int) -> None:
    asked: list[int] = []

    ask = DicomWeb.qido

    def counted(self: DicomWeb, level: str, params: Any, **named: Any) -> Any:
        found, reply = ask(self, level, params, **named)
        asked.append(reply.requests)
        return found, reply

    rows = [row("prefill", NAN, 1), row("qido", 0.0, 1)]
    with running("embedded", "view") as target, pytest.MonkeyPatch.context() as patch:
        patch.setattr(DicomWeb, "qido", counted)
        assert carry_out(tmp_path, rows, target, qido_page=page).operations[-1].outcome == "ok"
    assert asked[0] == requests, "the first page is no end for sure, be it full or short"


def test_instances_are_the_default_and_have_no_rows_of_requests(tmp_path: Path) -> None:
    operations, requests = viewed(tmp_path, "embedded")
    assert requests.empty
    assert (operations["objects"] == IMAGES).all()


@pytest.mark.parametrize(("transfer_syntax", "by"), [("jpeg-ls", "frames"), ("htj2k", "rendered"), ("rle", "rendered")])
def test_of_compressed_objects(tmp_path: Path, transfer_syntax: str, by: str) -> None:
    operations, _ = viewed(tmp_path, "embedded", view_by=by, transfer_syntax=transfer_syntax)
    assert (operations["outcome"] == "ok").all()


def test_images_that_are_not_there_are_refused_one_by_one(tmp_path: Path) -> None:
    """Two of four images were stored: the archive tells of two, and refuses the others."""
    asked = [row("store", 0.0, 1, objects=2), row("wado", 0.1, 1, objects=4)]
    with running("embedded", "view") as target:
        found = carry_out(tmp_path, asked, target, view_by="frames")
    view = found.operations[1]
    assert (view.outcome, view.status, view.objects) == ("refused", 404, 2)
    assert "frames of image 3: 404" in view.detail
    told = [(one.kind, one.outcome) for one in found.objects if one.op == view.op]
    assert told == [("metadata", "ok"), ("frames", "ok"), ("frames", "ok"), ("frames", "refused"),
                    ("frames", "refused")]  # fmt: skip
    assert (found.ledger[0].state, found.ledger[0].stored) == ("stored", 2)


def test_metadata_that_tells_of_too_few_is_failed(tmp_path: Path) -> None:
    asked = [row("store", 0.0, 1, objects=2), row("wado", 0.1, 1, objects=4)]
    with running("embedded", "view") as target:
        found = carry_out(tmp_path, asked, target, view_by="metadata")
    assert (found.operations[1].outcome, found.operations[1].detail) == ("failed", "2 objects came of 4")
