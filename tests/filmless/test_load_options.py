"""Options of `filmless load`: what a person types becomes the play's settings, or is told with what is allowed."""

import json
import os
import re
import signal
from pathlib import Path
from typing import Any, get_args

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from filmless.cli import app
from filmless.failures import BadInput
from filmless.load_commands import check_law
from filmless.load_modes import TAKES
from filmless.load_options import (
    ASSOCIATION,
    RETRIEVE,
    STORE_BY,
    TCP,
    VIEW_BY,
    connection_of,
    faults_of,
    lot_of,
    numbers_of,
    salvage_run,
    services_of,
    shape_of,
    syntax_of,
    timeouts_of,
    witnesses_of,
    workers_of,
)  # fmt: skip
from filmless.output import counted, show
from loadtest.play.config import PlayConfig
from loadtest.play.journal import Journal
from tests.loadtest.play.doctored import doctored
from tests.loadtest.play.test_play_process import config


@pytest.mark.parametrize(
    ("given", "settings"),
    [
        ((0, False, "h", 1), {}),
        ((3, False, "h", 1), {"workers": 3}),
        ((2, True, "127.0.0.1", 5557), {"workers": 2, "master": "127.0.0.1:5557"}),
    ],
)
def test_workers(given: tuple[int, bool, str, int], settings: dict[str, Any]) -> None:
    assert workers_of(*given) == settings


@pytest.mark.parametrize(
    ("given", "settings"),
    [
        ((0.0, False, None), {}),
        ((0.1, True, 0.0), {"verify_hashes": 0.1, "commit": True, "kill_at": 0.0}),
        ((1.0, False, 1.0), {"verify_hashes": 1.0, "kill_at": 1.0}),
    ],
)
def test_witnesses(given: tuple[float, bool, float | None], settings: dict[str, Any]) -> None:
    assert witnesses_of(*given) == settings
    assert set(settings) <= set(PlayConfig.model_fields)


def test_what_cannot_be_is_told() -> None:
    with pytest.raises(BadInput, match="--master needs --workers N"):
        workers_of(0, True, "h", 1)
    with pytest.raises(BadInput, match="must be one of explicit, implicit, jpeg-ls, jpeg-2000, htj2k, rle"):
        syntax_of("jpeg-xl")
    with pytest.raises(BadInput, match="--tcp quick: must be one of tuned, modality"):
        connection_of("quick", "kept", 1)
    with pytest.raises(BadInput, match="--association none: must be one of kept, study, series, image"):
        connection_of("tuned", "none", 1)
    with pytest.raises(BadInput, match="--view-by pages: must be one of instances, series, instance, frames, rendered"):
        services_of("explicit", "pages", "dimse", "planned", None)
    with pytest.raises(BadInput, match="--store-by post: must be one of dimse, stow"):
        services_of("explicit", "frames", "post", "planned", None)
    with pytest.raises(BadInput, match="--batch: a C-STORE has one object; --store-by stow"):
        services_of("explicit", "frames", "dimse", "planned", 4)
    with pytest.raises(BadInput, match="--async-window with --association image"):
        connection_of("tuned", "image", 2)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"pdu_length": 100}, "--pdu-length 100: max_pdu 100: allowed are 4096 to 1048576 bytes"),
        ({"segment_bytes": 40_000}, "--segment 40000: segment_bytes 40000: Linux allows 88 to 32767"),
        ({"keep_idle_s": 0.0}, "--keep-idle 0: Input should be greater than 0"),
        ({"modality_associations": 65}, "--associations 65: Input should be less than or equal to 64"),
    ],
)
def test_a_number_out_of_its_bounds_is_told_with_them(given: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput, match=re.escape(says)):
        numbers_of(**given)


def test_numbers_that_were_not_given_are_left_to_the_play() -> None:
    assert numbers_of(pdu_length=16_384, segment_bytes=None) == {"pdu_length": 16_384}


def test_timeouts() -> None:
    assert timeouts_of("") == {}
    assert timeouts_of("connect=2,operation=9.5") == {"connect_s": 2.0, "operation_s": 9.5}
    for wrong in ("5", "connect", "connect=soon", "reply=3"):
        with pytest.raises(BadInput, match="is not NAME=SECONDS with a name of connect, response, operation"):
            timeouts_of(wrong)
    with pytest.raises(BadInput, match="--timeouts response 0: Input should be greater than 0"):
        timeouts_of("response=0")


def test_faults_are_the_embedded_archives_and_of_a_play_on_time() -> None:
    assert faults_of(True, "embedded") == {"faults": True}
    assert faults_of(False, "orthanc") == {}
    with pytest.raises(BadInput, match="--faults: only the embedded archive can be broken, not 'orthanc': use"):
        faults_of(True, "orthanc")
    with pytest.raises(BadInput, match="--law: only the embedded archive has one, not 'orthanc'"):
        check_law("servers=1", "orthanc")
    with pytest.raises(BadInput, match="--law server: allowed are servers"):
        check_law("server=1", "embedded")


def test_every_option_is_taken_by_some_way_to_play() -> None:
    """One that is new and in no table of `load_modes` would be refused wherever it is given."""
    options = {one.name for one in get_command(app).commands["load"].params}  # type: ignore[attr-defined]
    assert options == set().union(*TAKES.values())


def test_links_have_real_time_alone() -> None:
    assert shape_of(True, 1.0)
    assert not shape_of(False, 60.0)
    with pytest.raises(BadInput, match=r"--shape with --speed 60: the links' rates belong to real time.*use --speed 1"):
        shape_of(True, 60.0)


def test_help_names_how_a_study_may_be_viewed() -> None:
    helped = CliRunner().invoke(app, ["load", "--help"], env={"COLUMNS": "400", "NO_COLOR": "1"}).output
    (line,) = (line for line in helped.splitlines() if "--view-by" in line)
    assert f"{', '.join(VIEW_BY[:-1])} or {VIEW_BY[-1]}" in line


@pytest.mark.parametrize(("n", "told"), [(1, "1 study"), (0, "0 studies"), (2000, "2,000 studies")])
def test_things_are_counted_in_words(n: int, told: str) -> None:
    assert counted(n, "study", "studies") == told
    assert counted(1, "operation") == "1 operation"


def test_a_table_shows_words_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    show("[ours]", ["value", "n"], [["[x]", "2"]])
    told = capsys.readouterr().out
    assert "[ours]" in told
    assert "[x]" in told


def test_what_is_offered_is_what_the_play_takes() -> None:
    every = {"tcp": TCP, "association": ASSOCIATION, "view_by": VIEW_BY, "store_by": STORE_BY, "retrieve": RETRIEVE}
    for name, offered in every.items():
        assert get_args(PlayConfig.model_fields[name].annotation) == offered


def test_salvage_of_a_play_that_was_killed_before_its_first_operation_ended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with doctored() as archive:
        file = config(tmp_path, archive.target, 1.0)
    child = os.fork()
    if child == 0:  # as a play that is killed at once: nothing of the journal is removed
        Journal(tmp_path / "out", file.read_text())
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    with pytest.raises(SystemExit) as ended:
        salvage_run(tmp_path / "out.partial", json_=True)
    assert ended.value.code == 4
    said = json.loads(capsys.readouterr().out)
    assert (said["verdict"], said["planned"], said["done"]) == ("INVALID", 10, 0)
    assert said["outcomes"]["dropped"] + said["outcomes"]["unknown"] == 10
    assert any(
        re.fullmatch(r"\d+ of 10 operations were not sent, because it was killed.*", why) for why in said["reasons"]
    )
    assert "too small" not in str(said["reasons"])
    assert (tmp_path / "out" / "manifest.json").is_file()


def test_a_lot_is_kept_or_drawn_and_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert lot_of(7) == 7
    assert lot_of(0) == 0
    assert capsys.readouterr().err == ""
    drawn = [lot_of(None) for _ in range(20)]
    assert len(set(drawn)) == 20
    assert f"--lot {drawn[0]} makes the same again" in capsys.readouterr().err
