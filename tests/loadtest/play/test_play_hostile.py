"""What is left of the rules for hostile archives (Z1 to Z9), and the page that names the test of each."""

import ast
import json
import re
import socket
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from struct import pack
from typing import Any

import pytest
from pydicom.pixels.decoders.base import DecodeRunner

from loadtest.play.services import Done
from loadtest.play.studies import study_of
from loadtest.verdict.ledger import compare_names
from loadtest.wire import ProtocolError, TcpProfile, Timeouts
from loadtest.wire.channel import Channel
from tests.loadtest.play.test_play_witness import sink_of
from tests.loadtest.wire.test_wire_web import JSON_HEAD, answer, serving

PAGE = Path(__file__).parents[3] / "docs" / "hostile.md"
TESTS = Path(__file__).parents[1]
HOSTILE = ["../../x", "/abs\0", "a\nb\r\nc", "\x1b[31mred", "=cmd()", "<script>alert(1)</script>", "x" * 10_000]


@pytest.mark.parametrize("said", HOSTILE, ids=range(len(HOSTILE)))
def test_a_peers_words_are_printable_and_short(said: str) -> None:
    done = Done()
    done.note("failed", 1, said)
    assert done.detail.isprintable()
    assert len(done.detail) < 1000


def test_a_foreign_object_is_counted_and_not_named() -> None:
    """The ledger's `named` holds our numbers only."""
    assert compare_names([1], [1], [1], [1, None, None]).words() == "phantom: 2 objects"


@pytest.mark.parametrize("length", [0xFFFFFFFF, 1 << 30, 262_145])
@pytest.mark.parametrize("kind", [1, 2, 4])
def test_a_claimed_length_allocates_nothing(kind: int, length: int) -> None:
    here, there = socket.socketpair()
    with here, there:
        channel = Channel(here, TcpProfile.MODALITY, Timeouts(1.0, 1.0, 1.0), 262_144)
        there.sendall(pack(">BxI", kind, length))
        tracemalloc.start()
        with pytest.raises(ProtocolError, match=rf"claims {length} bytes"):
            channel.read_pdu()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 100_000


def test_pixels_that_come_back_are_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither equal objects nor those whose pixels are another's, of any claimed size."""

    def decoded(*_: Any) -> None:
        raise AssertionError("a decoder was called")

    for name in ("decode", "_decode_frame", "set_source"):
        monkeypatch.setattr(DecodeRunner, name, decoded)
    sink, factory, entry = sink_of()
    raw = factory.encode(study_of(entry.operation), 1)
    at = raw.index(pack("<HH", 0x0028, 0x0010))  # Rows
    changes: list[Callable[[bytes], bytes]] = [
        lambda r: r,
        lambda r: r[:-100] + b"\xff" * 100,
        lambda r: r[: at + 8] + b"\xff\xff" + r[at + 10 :],
    ]
    for change in changes:
        sink.begin(sink.sop_class, factory.instance_uid(5, 1), "")
        sink.write(memoryview(change(raw)))
        assert sink.end() == 0
    assert sink.equal == {1}


def test_addresses_in_an_answer_are_not_followed() -> None:
    """Retrieve URL, BulkDataURI, Location and Link of another host: one request was made, to the host consented to."""
    other = "http://192.0.2.1/x"
    retrieve, bulk = {"vr": "UR", "Value": [other]}, {"vr": "OW", "BulkDataURI": other}
    found = json.dumps([{"00081190": retrieve, "7FE00010": bulk}]).encode()
    said = answer(found, f"{JSON_HEAD}Location: {other}\r\nLink: <{other}>; rel=next\r\n")
    stored = answer(json.dumps({"00081190": retrieve}).encode())
    with serving(said, said, stored) as (server, web):
        assert len(web.qido("studies", {})[0]) == 1
        assert len(web.wado_metadata("studies/1.2")[0]) == 1
        web.stow([b"x"])
    assert len(server.requests) == 3
    assert all(b"192.0.2.1" not in request for request in server.requests)


def test_the_page_names_a_test_of_each_rule_and_each_is_there() -> None:
    rows = re.findall(r"^\| (Z\d+) \|.*\| (.+) \|$", PAGE.read_text(), re.MULTILINE)
    assert [rule for rule, _ in rows] == [f"Z{n}" for n in range(1, 10)]
    for rule, told in rows:
        named = re.findall(r"`([\w/]+\.py)::(\w+)`", told)
        assert named, rule
        for file, test in named:
            tree = ast.parse((TESTS / file).read_text())
            there = {one.name for one in tree.body if isinstance(one, ast.FunctionDef)}
            assert test in there, f"{rule}: {file}::{test}"
