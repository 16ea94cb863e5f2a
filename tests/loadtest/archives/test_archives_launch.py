"""Archives as processes: ready quickly, stopped wholly, durable where they say so."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from loadtest.archives import orthanc
from loadtest.archives.embedded.options import mover, read_options
from loadtest.archives.launch import ae_title_from, running
from loadtest.archives.process import LOOPBACK, ArchiveFailed, ArchiveProcess, answers, free_port
from loadtest.archives.target import Target
from loadtest.wire import Timeouts, open_association
from tests.loadtest.archives.archive_objects import ROOT, ct, dcmtk, encoded, save

CT, EXPLICIT = ct().SOPClassUID, ct().file_meta.TransferSyntaxUID


def send(target: Target, *numbers: int) -> None:
    """C-STORE of images of study 1."""
    with open_association(target.peer(), "TESTER", [(CT, [EXPLICIT])], timeouts=Timeouts(5, 10, 10)) as association:
        for number in numbers:
            data = ct(1, 1, number)
            assert association.store(CT, data.SOPInstanceUID, EXPLICIT, [encoded(data)]).status == 0


def is_running(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize("mode", ["memory", "null"])
def test_embedded_starts_counts_and_stops(mode: str) -> None:
    began = time.monotonic()
    with running("embedded", "Archive 1", mode=mode) as target:  # type: ignore[arg-type]
        assert time.monotonic() - began < 5.0  # about 0.5 s on an idle machine
        assert target.ae_title == "ARCHIVE1"
        send(target, 1, 2)
        assert target.count_instances() == 2
        assert is_running(target.pid)
    assert not is_running(target.pid)
    assert not answers(target.port)


def test_a_null_sink_of_several_processes_counts_as_one() -> None:
    """Each association is served by the process that was free; all end with the archive."""
    with running("embedded", "sink", mode="null", processes=3) as target:
        children = [int(n) for n in Path(f"/proc/{target.pid}/task/{target.pid}/children").read_text().split()]
        assert len(children) == 2
        for number in range(12):
            send(target, number)
        assert target.count_instances() == 12
    assert not any(is_running(process) for process in (target.pid, *children))


def test_it_stops_with_associations_open() -> None:
    with running("embedded", "A") as target:
        association = open_association(target.peer(), "TESTER", [(CT, [EXPLICIT])])
        began = time.monotonic()
    assert time.monotonic() - began < 8.0
    association.abort()


def test_acknowledged_objects_survive_a_killed_disk_archive(tmp_path: Path) -> None:
    """Rule L9: what was acknowledged is found after kill -9 and a new start on the same folder."""
    with running("embedded", "A", mode="disk", folder=tmp_path) as target:
        send(target, 1, 2, 3)
        os.kill(target.pid, signal.SIGKILL)
    with running("embedded", "A", mode="disk", folder=tmp_path) as again:
        assert again.count_instances() == 3
        send(again, 4)
        assert again.count_instances() == 4
        out = tmp_path / "out"
        out.mkdir()
        one = ("-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={ROOT}.1")
        dcmtk("getscu", "-S", "-od", out, "-aec", "A", LOOPBACK, again.port, *one)
        assert len(list(out.iterdir())) == 4


def test_command_line_speaks_json_and_heeds_sigterm() -> None:
    command = [sys.executable, "-m", "loadtest.archives.embedded", "--ae", "X", "--move", "L=127.0.0.1:11113"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        said = json.loads(process.stdout.readline())
        assert (said["ae_title"], said["pid"]) == ("X", process.pid)
        assert answers(said["port"])
        assert answers(said["http_port"])
        process.terminate()
        assert process.wait(10) == 0


def test_it_ends_with_the_process_that_started_it() -> None:
    """However that ends: a killed test run leaves no archive behind."""
    lines = ["import time", "from loadtest.archives.launch import running"]
    lines += ["with running('embedded', 'A', mode='null', processes=2) as target:"]
    lines += [
        "    print(target.pid, *open(f'/proc/{target.pid}/task/{target.pid}/children').read().split(), flush=True)"
    ]
    program = "\n".join([*lines, "    time.sleep(60)"])
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout
        ours = [int(process) for process in starter.stdout.readline().split()]
        starter.kill()
    assert len(ours) == 2
    until = time.monotonic() + 5
    while any(map(is_running, ours)) and time.monotonic() < until:
        time.sleep(0.02)
    assert not any(map(is_running, ours))


@pytest.mark.parametrize(
    "words",
    [
        ["--mode", "disk"],  # needs a folder
        ["--folder", "x"],  # has no use for one
        ["--ae", "SEVENTEEN_LETTERS"],
        ["--move", "L"],
        ["--move", "L=host:0"],
        ["--mode", "quick"],
        ["--processes", "2"],  # of a null sink only
    ],
)
def test_bad_options_end_with_code_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        read_options(words)
    assert ended.value.code == 2
    assert "error:" in capsys.readouterr().err


def test_a_mover() -> None:
    assert mover("LISTEN=127.0.0.1:11112") == ("LISTEN", ("127.0.0.1", 11112))


def test_a_taken_port_is_told() -> None:
    with running("embedded", "A") as target:
        command = [sys.executable, "-m", "loadtest.archives.embedded", "--port", str(target.port)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_kind_is_told() -> None:
    with pytest.raises(ValueError, match="'embedded', 'orthanc' and the path"), running("dcm4chee", "x"):  # type: ignore[arg-type]
        pass


def test_a_target_file_is_read_not_started() -> None:
    with running(Path("scenarios/targets/example.toml"), "x") as target:
        assert (target.name, target.pid) == ("test-archive", 0)


def test_orthanc_counts_and_leaves_nothing(tmp_path: Path) -> None:
    mover_port = free_port()
    with running("orthanc", "Orthanc", {"LISTENER": (LOOPBACK, mover_port)}) as target:
        assert target.tcp == "started with TCP_NODELAY=1 in its environment"
        assert target.software.startswith("Orthanc 1.")
        dcmtk("storescu", "-aec", "ORTHANC", LOOPBACK, target.port, "+sd", save(tmp_path, ct(1), ct(1, 1, 2), ct(2)))
        assert target.count_instances() == 3
        words = Path(f"/proc/{target.pid}/cmdline").read_text().split("\0")
        (folder,) = {Path(word).parent for word in words if word.endswith(".json")}
        assert (folder / "orthanc.json").exists()
    assert not folder.exists()
    assert not is_running(target.pid)


def test_a_missing_orthanc_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(ArchiveFailed, match="apt-get install orthanc orthanc-dicomweb"), running("orthanc", "x"):
        pass


def test_a_missing_plugin_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orthanc, "PLUGIN_FOLDERS", ("/nowhere",))
    with pytest.raises(ArchiveFailed, match="orthanc-dicomweb"), running("orthanc", "x"):
        pass


def test_a_process_that_ends_early_has_its_words_repeated() -> None:
    with (
        ArchiveProcess([sys.executable, "-c", "print('no such setting'); raise SystemExit(3)"]) as process,
        pytest.raises(ArchiveFailed, match="ended with code 3") as failed,
    ):
        process.wait_until(lambda: False, 10, "it")
    assert "no such setting" in str(failed.value)


def test_a_process_that_never_answers_is_given_up() -> None:
    with (
        ArchiveProcess([sys.executable, "-c", "import time; time.sleep(60)"]) as process,
        pytest.raises(ArchiveFailed, match=r"not ready within 0\.2 s"),
    ):
        process.wait_until(lambda: False, 0.2, "it")


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(ArchiveFailed, match="cannot be started"):
        ArchiveProcess(["/nowhere/archive"])


@pytest.mark.parametrize(("name", "title"), [("North West", "NORTHWEST"), ("é!", "FILMLESS"), ("a" * 30, "A" * 16)])
def test_ae_titles_from_names(name: str, title: str) -> None:
    assert ae_title_from(name) == title
