"""One byte in an archive's answer costs a study its witness, never the run: what went wrong is a line of the result."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from struct import pack
from typing import Any

import pytest

from loadtest.play import witness
from loadtest.play.archive import Archive
from loadtest.play.entries import Entry
from loadtest.play.final_read import read_back
from loadtest.play.patience import Patience
from loadtest.play.studies import study_of
from loadtest.play.troubles import MOST_LINES, OTHERS, Troubles
from loadtest.wire import ConnectFailed, DicomWeb
from tests.loadtest.play.bench import carry_out
from tests.loadtest.play.doctored import doctored
from tests.loadtest.play.test_play_witness import sink_of
from tests.loadtest.traffic_factory import row

STUDY = "2.25.9"


class NoAssociations:
    def within(self, bounds: Any) -> "NoAssociations":
        return self


@dataclass
class Found:
    """What the final read knows of an archive."""

    cluster: str
    factory: Any
    target: Any
    listener: Any = None
    associations: Any = field(default_factory=NoAssociations)

    def release(self) -> None:
        pass


def test_each_thing_once_with_how_often_and_the_first_study() -> None:
    troubles = Troubles()
    for study in ("1.2", "1.3"):
        with troubles.caught("south: asking", study):
            raise ConnectFailed("nobody")
        with troubles.caught("south: asking", study):
            raise NotImplementedError(f"\x1b of {study}")
    with troubles.caught("south: asking", "1.4"):
        pass
    first, second = troubles.lines()
    assert first == "south: asking: nobody (2 times)"
    assert second.startswith("south: asking: NotImplementedError at test_play_troubles.py:")
    assert second.endswith(r": \x1b of 1.2 (study 1.2) (2 times)")


def test_a_mistake_of_ours_is_told_with_its_place() -> None:
    troubles = Troubles()
    with troubles.caught("x", "1.2"):
        witness.is_sampled("1.2", None)  # type: ignore[arg-type]
    assert "TypeError at witness.py:" in troubles.lines()[0]


def test_an_archive_cannot_fill_the_result_with_lines() -> None:
    troubles = Troubles()
    for number in range(3 * MOST_LINES):
        troubles.tell("x", f"answer {number}")
    assert len(troubles.lines()) == MOST_LINES + 1
    assert troubles.lines()[-1] == f"{OTHERS} ({2 * MOST_LINES} times)"


def test_a_vr_that_is_none_inside_a_sequence_makes_the_object_another() -> None:
    """Other Patient IDs Sequence comes back with the VR "UK" inside."""
    sink, factory, entry = sink_of()
    raw = factory.encode(study_of(entry.operation), 1)
    at = raw.index(b"\x10\0\x20\0LO", raw.index(pack("<HH", 0x0010, 0x1002)))
    sink.begin(sink.sop_class, factory.instance_uid(5, 1), "")
    sink.write(memoryview(raw[: at + 4] + b"UK" + raw[at + 6 :]))
    assert sink.end() == 0
    assert (sink.found, sink.equal) == ({1}, set())


@pytest.mark.parametrize("told", ["two", -5, "-5", 99999999999999999999, 2**31, "", "7" * 5000], ids=range(7))
def test_a_count_that_is_none_is_told(told: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def qido(*_: Any, **__: Any) -> Any:
        found = json.loads(json.dumps([{"00201208": {"vr": "IS", "Value": [told]}}]))
        return found, type("Reply", (), {"ok": True})

    monkeypatch.setattr(DicomWeb, "qido", qido)
    with doctored() as archive:
        target = archive.target.model_copy(update={"base_url": "http://127.0.0.1:1/x"})
        found = carry_out(tmp_path, [row("store", 0.1, 1, objects=2)], target)
    (trouble,) = found.troubles
    assert trouble.startswith("south: the final read by QIDO-RS failed: the archive ")
    assert len(trouble) < 200
    assert (found.ledger[0].found_cfind, found.ledger[0].found_qido) == (2, None)
    assert found.ledger[0].finding == "as answered"


def test_a_negative_count_by_c_find_is_told(tmp_path: Path) -> None:
    with doctored() as archive:
        archive.extra = -7
        found = carry_out(tmp_path, [row("store", 0.1, 1, objects=2)], archive.target)
    assert found.troubles == [
        "south: the final read by C-FIND failed: the archive gives '-5' as a number of objects (1 times)"
    ]
    assert found.ledger[0].found_cfind is None


def broken(*_: object) -> str:
    raise KeyError("nobody thought of it")


def an_archive() -> tuple[Archive, Entry]:
    _, factory, entry = sink_of()
    entry.row.stored = 2
    target: Any = type("Target", (), {"base_url": "", "destinations": ()})
    found: Any = Found("south", factory, target)
    return found, entry


Asking = Callable[[Archive, Entry], list[str]]


@pytest.mark.parametrize(
    ("name", "ask"),
    [
        ("_commit", lambda archive, entry: witness.commit([archive], [entry])),
        ("_compare", lambda archive, entry: witness.compare([archive], [entry], 1.0)),
    ],
)
def test_what_nobody_thought_of_costs_a_witness_one_study(
    name: str, ask: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(witness, name, broken)
    archive, entry = an_archive()
    (line,) = ask(archive, entry)
    assert "KeyError at " in line
    assert f"(study {archive.factory.study_uid(5)})" in line


def test_what_nobody_thought_of_costs_the_final_read_one_study() -> None:
    archive, entry = an_archive()
    (line,) = read_back([archive], [entry], Patience(1))  # its associations cannot be borrowed
    assert line.startswith("south: the final read by C-FIND failed: AttributeError at final_read.py:")
    assert f"(study {archive.factory.study_uid(5)})" in line
    assert entry.row.finding == "not asked"
