"""Mutated answers of DICOMweb servers: each ends at once as an answer or a WireError, with little memory."""

import json
import random
import resource
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from loadtest.wire import DicomWeb, ProtocolError, TcpProfile, WireError, http_channel, multipart
from loadtest.wire.dicomweb import FRAMES
from tests.loadtest.wire.test_wire_mutants import BOUNDS, mutate, web_answer
from tests.loadtest.wire.test_wire_web import Answer, chunked, parts_answer, parts_body, serving
from tests.loadtest.wire.wire_servers import dataset, part10

MUTANTS = 1000
JSON, PARTS = "application/dicom+json", 'multipart/related; type="application/dicom"; boundary=B'
INSTANCE = "studies/1.2/series/1.3/instances/1.4"
HELD = part10(dataset(0, pixels=64))
STUDIES = [{"0020000D": {"vr": "UI", "Value": [f"1.{n}"]}, "00100010": {"vr": "PN"}} for n in range(2)]
NAMED = {"00081155": {"vr": "UI", "Value": [dataset(0).SOPInstanceUID]}}
REFUSED = {"00081155": {"vr": "UI", "Value": ["9.9"]}, "00081197": {"vr": "US", "Value": [272]}}
STOW = {"00081199": {"vr": "SQ", "Value": [NAMED]}, "00081198": {"Value": [REFUSED]}, "0008119A": {"Value": [REFUSED]}}
OK = b"HTTP/1.1 200 OK\r\n"
WARNED = b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" + OK + b"Warning: 299 x: There are 1 additional results\r\n"


def told(body: Any, content_type: str = JSON) -> bytes:
    return web_answer(body if isinstance(body, bytes) else json.dumps(body).encode(), content_type)


def parts(*held: bytes, media: str = PARTS) -> bytes:
    return told(b"".join(multipart.encode(held, b"B")), media)


CASES: dict[str, tuple[Sequence[bytes], Callable[[DicomWeb], object]]] = {
    "stow": ([told(STOW)], lambda web: web.stow([HELD, b"x"])),
    "qido pages": (
        [told(STUDIES).replace(OK, WARNED), told(STUDIES), told(STUDIES[:1])],
        lambda web: web.qido("studies", {}, page=2, most=20),
    ),
    "metadata": ([told(STUDIES)], lambda web: web.wado_metadata("studies/1.2")),
    "study": ([parts(HELD, HELD)], lambda web: web.wado_study("1.2", hashing=True)),
    "series": ([parts(HELD, HELD)], lambda web: web.wado("studies/1.2/series/1.3")),
    "instance": ([parts(HELD)], lambda web: web.wado(INSTANCE, hashing=True)),
    "instance in chunks": ([chunked(b"".join(multipart.encode([HELD], b"B")), 99)], lambda web: web.wado(INSTANCE)),
    "frames": (
        [parts(bytes(64), bytes(64), media="multipart/related; boundary=B")],
        lambda web: web.wado(f"{INSTANCE}/frames/1,2", media=FRAMES),
    ),
    "rendered": ([told(b"\xff\xd8\xff\xe0JFIF" * 9, "image/jpeg")], lambda web: web.wado_rendered(INSTANCE)),
}


class Line:
    """A connection on which all answers lie already, each in a segment; what is sent is thrown away."""

    def __init__(self, said: Sequence[bytes]) -> None:
        self.said = [memoryview(one) for one in said if one]

    def recv_into(self, room: memoryview) -> int:
        if not self.said:
            return 0
        piece = self.said[0][: len(room)]
        room[: len(piece)] = piece
        self.said[:1] = [self.said[0][len(piece) :]] if len(piece) < len(self.said[0]) else []
        return len(piece)

    def sendall(self, data: bytes) -> None:
        assert data

    def settimeout(self, left: float) -> None:
        assert left > 0

    def close(self) -> None:
        self.said.clear()


@pytest.mark.parametrize("name", CASES)
def test_mutants(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    answers, ask = CASES[name]
    rng = random.Random(f"filmless web {name}")
    said = list(answers)
    monkeypatch.setattr(http_channel, "connect", lambda *_: Line(said))
    monkeypatch.setattr(http_channel, "_is_stale", lambda _: False)

    def act() -> object:
        with DicomWeb("http://127.0.0.1:1/", BOUNDS, profile=TcpProfile.MODALITY, environment={}) as web:
            return ask(web)

    act()  # the good conversation is understood
    classes: Counter[str] = Counter()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(MUTANTS):
        said[:] = answers
        which = rng.randrange(len(said))
        said[which] = mutate(said[which], rng)
        began = time.perf_counter()
        try:
            act()
            classes["understood"] += 1
        except WireError as error:
            classes[type(error).__name__] += 1
        assert time.perf_counter() - began < 2 * BOUNDS.operation_s, said[which].hex()
    assert classes.total() == MUTANTS
    assert len(classes) > 2, classes
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024, "kB of growth"


# Lies that fit one kind of answer; those that fit all are in test_wire_web.py.
LIES: dict[str, tuple[str, Answer]] = {
    "metadata that is one object": ("metadata", told({})),
    "metadata of numbers": ("metadata", told([1])),
    "metadata that stops": ("metadata", told(b'[{"a":')),
    "metadata in parts": ("metadata", parts(HELD)),
    "a study in JSON": ("study", told(STUDIES)),
    "a series without closing delimiter": ("series", parts_answer(parts_body([HELD])[:-6])),
    "an instance of another type": ("instance", told(HELD, "application/dicom")),
    "frames without parts": ("frames", told(b"", PARTS)),
    "an image that is compressed": (
        "rendered",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx",
    ),
    "an image that stops": ("rendered", lambda talk: talk.sendall(told(b"x" * 99, "image/jpeg")[:-9])),
    "a stow answer that is a list": ("stow", told([STOW])),
    "a page that is one object": ("qido pages", told({})),
}


@pytest.mark.parametrize("name", LIES)
def test_liars(name: str) -> None:
    case, lie = LIES[name]
    with serving(lie, told([])) as (server, web):
        with pytest.raises(WireError) as caught:
            CASES[case][1](web)
        assert isinstance(caught.value, ProtocolError) or "stops" in name
        assert caught.value.unknown  # the request had left
        assert web.qido("studies", {})[1].status == 200  # on a new connection
        assert (len(server.requests), server.connections) == (2, 2)  # and nothing was repeated


def test_an_image_of_no_bytes_is_none() -> None:
    with serving(told(b"", "image/jpeg")) as (_, web):
        assert web.wado_rendered(INSTANCE).objects == 0
