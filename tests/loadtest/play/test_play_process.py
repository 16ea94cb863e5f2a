"""The process that plays: how it ends when it is stopped, abandoned, misled, or has no room on the disk."""

import json
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loadtest.archives.target import Target
from loadtest.play.config import read_config
from loadtest.play.journal import left_words
from loadtest.play.launch import PlayJob, play
from loadtest.play.problems import PlayFailed, TrafficProblem
from loadtest.play.salvage import salvage
from loadtest.verdict.records import STATES
from sim.runs.store import Run
from tests.loadtest.play.doctored import doctored
from tests.loadtest.traffic_factory import row, write

ROOT = Path(__file__).parents[3]


def config(
    folder: Path, target: Target, seconds: float = 30.0, rows: list[dict[str, Any]] | None = None, **settings: Any
) -> Path:
    """A configuration whose plan lasts so long, or is of these rows."""
    rows = rows or [row("store", 0.1 * n, n, objects=1) for n in range(max(int(seconds * 10), 1))]
    said = {"jobs": [{"traffic": str(write(folder / "t.parquet", rows)), "target": target.model_dump(mode="json")}]}
    file = folder / "play.json"
    file.write_text(json.dumps({**said, "out": str(folder / "out"), **settings}))
    return file


def start(file: Path, *words: str, limit: Callable[[], None] | None = None) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "loadtest.play", str(file), *words]
    return subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=limit,
    )  # fmt: skip


def until_it_plays(child: "subprocess.Popen[str]") -> None:
    for line in child.stdout or ():
        said = json.loads(line)
        if said.get("phase") == "play" and said["progress"] > 2:
            return
    pytest.fail("it never played")


def left(folder: Path) -> set[str]:
    return {one.name for one in folder.iterdir()}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_by_a_signal_it_leaves_what_was_sent(tmp_path: Path, number: signal.Signals) -> None:
    """Rule S9: at an archive of others it must be found again."""
    with doctored() as archive:
        child = start(config(tmp_path, archive.target))
        until_it_plays(child)
        child.send_signal(number)
        out, said = child.communicate(timeout=20)
        sent = archive.stores
    journal = tmp_path / "out.partial"
    assert child.returncode == 1
    assert [line for line in said.splitlines() if line.startswith("error: ")] == [
        "error: stopped (Ctrl-C, or the program that started the play has ended): no results were written; what was "
        f"sent is in {journal}: make a run folder of it with `filmless salvage {journal}`, or remove it"
    ]
    assert "Traceback" not in said
    assert json.loads(out.splitlines()[-1])["phase"] == "failed"
    assert left(tmp_path) == {"t.parquet", "play.json", "out.partial"}
    (tmp_path / "t.parquet").unlink()  # as that of a claim or a rate, which is made anew each time
    run, result = salvage(journal)
    ledger = Run(run).table("ledger")
    assert result["verdict"] == "INVALID"
    assert ledger["stored"].sum() == sent
    assert (ledger[list(STATES)].sum(axis=1) == ledger["planned"]).all()


def test_a_killed_parent_takes_the_child_with_it(tmp_path: Path) -> None:
    script = (
        "import sys, json; from pathlib import Path\n"
        "from loadtest.archives.target import Target\n"
        "from loadtest.play.launch import PlayJob, play\n"
        "job = PlayJob(Path(sys.argv[1]), Target.model_validate_json(sys.argv[2]))\n"
        "play([job], 1.0, Path(sys.argv[3]), lambda *step: print(*step, flush=True))\n"
    )
    with doctored() as archive:
        config(tmp_path, archive.target)
        words = [str(tmp_path / "t.parquet"), archive.target.model_dump_json(), str(tmp_path / "out")]
        parent = subprocess.Popen([sys.executable, "-c", script, *words], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert parent.stdout is not None
        while "play" not in parent.stdout.readline():
            continue
        children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
        parent.kill()
        parent.communicate()
        until = time.monotonic() + 10
        while any(Path(f"/proc/{one}/cmdline").exists() for one in children) and time.monotonic() < until:
            time.sleep(0.05)
        assert not [one for one in children if Path(f"/proc/{one}/cmdline").exists()]


def test_ctrl_c_in_the_parent_stops_the_child(tmp_path: Path) -> None:
    def interrupt(done: int, total: int, phase: str) -> None:
        if phase == "play":
            raise KeyboardInterrupt

    with doctored() as archive:
        config(tmp_path, archive.target)
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt) as stopped:
            play([PlayJob(tmp_path / "t.parquet", archive.target)], 1.0, tmp_path / "out", interrupt)
    assert time.monotonic() - began < 15
    assert left(tmp_path) == {"t.parquet", "play.json", "out.partial"}
    assert f"`filmless salvage {tmp_path / 'out.partial'}`" in stopped.value.__notes__[0]


DUE_AND_AFTER = (
    "play: 20 operations in 2 s; it ends after 62 s at the latest; reading back 20 studies then takes 230 s at the "
    "most, if an archive hardly answers\n"
)


@pytest.mark.parametrize(("ledger", "told"), [("full", DUE_AND_AFTER), ("none", "")])
def test_the_person_is_told_beforehand_by_when_all_is_over(
    tmp_path: Path, ledger: str, told: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Before anything is due (rule F4); proofs of headroom, which are not read back, are not told."""
    first: list[str] = []

    def hear(done: int, total: int, phase: str) -> None:
        if phase == "play" and not first:
            first.append(capfd.readouterr().err)

    with doctored() as archive:
        config(tmp_path, archive.target, 2.0)
        play([PlayJob(tmp_path / "t.parquet", archive.target)], 1.0, tmp_path / "out", hear, ledger=ledger)
    assert (first, capfd.readouterr().err) == ([told], "")


@pytest.mark.parametrize("room", [200, 7000])
def test_a_full_disk_is_one_clear_line(tmp_path: Path, room: int) -> None:
    """No file may be larger than so many bytes: enough for the journal and not for the results, or for neither."""

    def little_room() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    with doctored() as archive:
        child = start(config(tmp_path, archive.target, 0.1, priority="usual"), limit=little_room)
        _, said = child.communicate(timeout=30)
    errors = [line for line in said.splitlines() if line.startswith("error: ")]
    assert child.returncode == 1
    assert len(errors) == 1
    assert errors[0].startswith(f"error: the results cannot be written to {tmp_path / 'out'}: ")
    assert "; nothing half was kept" in errors[0]
    assert "Traceback" not in said
    if room == 200:
        assert f"{tmp_path / 'out.partial'} could not be written to the end (File too large)" in errors[0]
        assert left(tmp_path) == {"t.parquet", "play.json"}
    else:
        assert errors[0].endswith(left_words(tmp_path / "out.partial"))
        assert salvage(tmp_path / "out.partial")[1]["outcomes"]["ok"] == 1  # when there is room again


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "JSON: Invalid JSON"),
        ('{"jobs": []}', "jobs: List should have at least 1 item"),
        ('{"jobs": [], "spede": 2}', "spede: Extra inputs are not permitted"),
        ('{"jobs": [{"traffic": "t", "target": {"name": "x", "host": "192.0.2.1", "port": 104, "ae_title": "X"}}]}',
         "host '192.0.2.1' is not this machine"),
    ],
)  # fmt: skip
def test_a_wrong_configuration_is_bad_input(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "play.json"
    file.write_text(text)
    with pytest.raises(TrafficProblem) as found:
        read_config(file)
    assert f"{file}: " in str(found.value)
    assert told in str(found.value)


def test_bad_input_ends_with_code_2(tmp_path: Path) -> None:
    child = start(tmp_path / "missing.json")
    _, said = child.communicate(timeout=30)
    assert child.returncode == 2
    assert said == f"error: {tmp_path / 'missing.json'}: cannot be read: No such file or directory\n"


def test_settings_of_the_caller_are_checked_by_the_child(tmp_path: Path) -> None:
    file = write(tmp_path / "t.parquet", [row("store", 0.0, 1)])
    with doctored() as archive, pytest.raises(TrafficProblem, match="tcp: Input should be 'tuned' or 'modality'"):
        play([PlayJob(file, archive.target)], 1.0, tmp_path / "out", tcp="quick")


def test_a_child_that_dies_has_its_last_words_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHOME", str(tmp_path))  # no standard library: the child cannot even start
    job = PlayJob(tmp_path / "t.parquet", Target(name="x", port=104, ae_title="X"))
    with pytest.raises(PlayFailed, match="ended with code 1 and without a result"):
        play([job], 1.0, tmp_path / "out")
