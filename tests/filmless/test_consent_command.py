"""`filmless consent`: the marker's Patient ID that a run will look for, told without anything being sent."""

import json
import socket
from pathlib import Path

import pytest

from loadtest.archives.check_consent import marker
from loadtest.archives.consent import token
from loadtest.archives.target_file import load_target
from tests.filmless.test_load_cli import here
from tests.loadtest.archives.test_archives_target import CONSENT, EXAMPLE, HERE, NOON, THERE

TOKEN = token("192.0.2.7", 4242, "ARCHIVE", "Test Trust")


def file_of(folder: Path, text: str) -> Path:
    file = folder / "target.toml"
    file.write_text(text)
    return file


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*given: object, **named: object) -> None:
        raise AssertionError("the network was asked")

    for name in ("socket", "getaddrinfo", "create_connection"):
        monkeypatch.setattr(socket, name, never)


@pytest.mark.usefixtures("offline")
def test_it_is_what_a_run_looks_for_at_any_hour(tmp_path: Path) -> None:
    """The consent is of 2026, and the owner may store the study before its hours, or its days, have begun."""
    for days in ("2026", "2036"):
        done = here("consent", file_of(tmp_path, HERE + THERE + CONSENT.replace("2026-", f"{days}-")))
        assert done.stdout == f"{TOKEN}\n"
        (line,) = done.stderr.splitlines()
        assert line.startswith("archive 'x' (192.0.2.7:4242, ARCHIVE): the archive's owner agrees by storing one study")
        assert "before each run we look for it by C-FIND" in line


def test_a_play_and_the_command_mean_the_same_study(tmp_path: Path) -> None:
    file = file_of(tmp_path, HERE + THERE + CONSENT)
    assert marker(load_target(file, NOON)) == here("consent", file).stdout.strip()


@pytest.mark.usefixtures("offline")
def test_a_name_is_not_resolved_and_other_words_give_another_study(tmp_path: Path) -> None:
    text = HERE + THERE.replace("192.0.2.7", "PACS.example") + CONSENT
    changes = (("PACS.example", "pacs.example"), ("4242", "4243"), ('"ARCHIVE"', '"OTHER"'), ("Test Trust", "A Trust"))
    found = [here("consent", file_of(tmp_path, text.replace(*one))).stdout for one in (("x", "x"), *changes)]
    assert found[0] == found[1], "a host's name has no case"
    assert len(set(found)) == 4


def test_one_object_for_a_program(tmp_path: Path) -> None:
    found = json.loads(here("consent", file_of(tmp_path, HERE + THERE + CONSENT), "--json").stdout)
    assert found.pop("how").startswith("the archive's owner agrees by storing one study")
    assert found == {"target": "x", "host": "192.0.2.7", "port": 4242, "ae_title": "ARCHIVE", "owner": "Test Trust",
                     "patient_id": TOKEN}  # fmt: skip


def test_this_machine_is_not_asked() -> None:
    done = here("consent", EXAMPLE)
    assert done.stdout == ""
    assert "no such study is asked for: the target is on this machine" in done.stderr
    assert json.loads(here("consent", EXAMPLE, "--json").stdout)["patient_id"] is None


def test_mistakes_name_file_and_key(tmp_path: Path) -> None:
    file = file_of(tmp_path, HERE + THERE + CONSENT.replace('owner = "Test Trust"', ""))
    told = here("consent", file, code=2).stderr
    assert told.startswith(f"error: {file}:")
    assert "consent.owner: this key is missing" in told
    error = json.loads(here("consent", file, "--json", code=2).stdout)["error"]
    assert (error["file"], error["key"]) == (str(file), "consent.owner")
    assert "is found out, not given" in here("consent", file_of(tmp_path, HERE + "pid = 7\n"), code=2).stderr
    nowhere = tmp_path / "nowhere.toml"
    assert f"{nowhere}" in here("consent", nowhere, code=2).stderr
