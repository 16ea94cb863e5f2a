"""A second play into the same archive: the objects of the first must not answer for those of the second."""

from pathlib import Path
from typing import Any

import pytest

from loadtest.archives.launch import running
from loadtest.play.launch import PlayJob, play
from loadtest.play.problems import TrafficProblem
from tests.loadtest.play.doctored import Doctored, doctored
from tests.loadtest.traffic_factory import NAN, mixed, row, write


def again(folder: Path, archive: Doctored, rows: list[dict[str, Any]], **settings: Any) -> list[dict[str, Any]]:
    """The same traffic twice; the second time with these settings."""
    file = write(folder / "t.parquet", rows)
    job = PlayJob(file, archive.target)
    return [
        play([job], 1.0, folder / "first", priority="usual"),
        play([job], 1.0, folder / "second", priority="usual", **settings),
    ]


def stores(*objects: int) -> list[dict[str, Any]]:
    return [row("store", 0.02 * n, n, objects=some) for n, some in enumerate(objects)]


def test_l9_traffic_that_was_played_before_into_this_archive_is_refused(tmp_path: Path) -> None:
    """An archive that drops everything in the second play would else be said to have lost nothing."""
    with doctored(lambda n: "ok" if n < 3 else "lose") as archive:
        with pytest.raises(TrafficProblem) as caught:
            again(tmp_path, archive, stores(2, 1))
        assert archive.stores == 3, "nothing was sent the second time"
    words = str(caught.value)
    assert words.startswith("archive 'doctored' holds study 2.25.")
    assert "(exam 0 of south) already, and nothing was sent yet: this was played into it before" in words
    for mend in ("Start a fresh archive", "--lot N", "another seed"):
        assert mend in words
    assert not (tmp_path / "second").exists()


def test_another_lot_can_be_played_and_what_it_loses_is_seen(tmp_path: Path) -> None:
    with doctored(lambda n: "ok" if n < 3 else "lose") as archive:
        first, second = again(tmp_path, archive, stores(2, 1), lot=5)
    assert (first["objects"]["lost"], second["objects"]["lost"]) == (0, 3)
    assert second["verdict"] == "FAIL"


@pytest.mark.parametrize("exam", [0, 124, 149])
def test_one_study_in_the_way_is_found(tmp_path: Path, exam: int) -> None:
    """First, last, and one that is chosen by its hash, of 150."""
    with doctored() as archive:
        alone = tmp_path / "alone"
        alone.mkdir()
        one = row("store", 0.0, exam, objects=1)
        play([PlayJob(write(alone / "t.parquet", [one]), archive.target)], 1.0, alone / "out", priority="usual")
        rows = [row("store", 0.0, n, objects=1) for n in range(150)]
        with pytest.raises(TrafficProblem, match=rf"\(exam {exam} of south\) already"):
            play([PlayJob(write(tmp_path / "t.parquet", rows), archive.target)], 1.0, tmp_path / "out")
        assert archive.stores == 1


def test_a_prefill_that_is_to_be_there_is_not_in_the_way(tmp_path: Path) -> None:
    before = [row("prefill", NAN, 9, objects=1), row("store", 0.0, 1, objects=1)]
    after = [row("prefill", NAN, 9, objects=1), row("store", 0.0, 2, objects=1)]
    with doctored() as archive:
        for name, rows in (("before", before), ("after", after)):
            (tmp_path / name).mkdir()
            file = write(tmp_path / name / "t.parquet", rows)
            settings: dict[str, Any] = {"prefill": "skip"} if name == "after" else {}
            result = play([PlayJob(file, archive.target)], 1.0, tmp_path / name / "o", priority="usual", **settings)
            assert result["objects"]["lost"] == 0
        with pytest.raises(TrafficProblem, match=r"\(exam 9 of south\) already"):
            play([PlayJob(write(tmp_path / "t.parquet", after), archive.target)], 1.0, tmp_path / "out")


def test_an_archive_that_cannot_be_asked_makes_the_measurement_invalid(tmp_path: Path) -> None:
    with doctored() as archive:
        archive.rejecting = True
        file = write(tmp_path / "t.parquet", stores(1))
        result = play([PlayJob(file, archive.target)], 1.0, tmp_path / "out", priority="usual")
    assert result["measurement"] == "INVALID"
    assert any(why.startswith("south: whether its studies were there before could not be asked") for why in
               result["doubts"])  # fmt: skip


def test_real_archives_tell_it_too(tmp_path: Path) -> None:
    with running("orthanc", "south") as target:
        rows = [one for one in mixed() if one["operation"] == "store"]
        file = write(tmp_path / "t.parquet", rows)
        assert play([PlayJob(file, target)], 1.0, tmp_path / "a", priority="usual")["verdict"] != "FAIL"
        with pytest.raises(TrafficProblem, match=r"orthanc.*|south.* holds study 2\.25\."):
            play([PlayJob(file, target)], 1.0, tmp_path / "b", priority="usual")
        result = play([PlayJob(file, target)], 1.0, tmp_path / "c", priority="usual", lot=123_456_789_012)
    assert (result["objects"]["lost"], result["archives"][0]["count"]) == (0, "agrees")
