"""What is made of a DICOMweb server's answers: JSON within memory, pages to their end, objects stored only by name."""

import json
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest.wire import DicomWeb, ProtocolError, paging
from loadtest.wire.json_array import ITEM_CAP, MOST_ITEMS, JsonArray, weight
from loadtest.wire.paging import MOST_REQUESTS, Pages
from loadtest.wire.web_reply import instance_of
from tests.loadtest.wire.test_wire_web import JSON_HEAD, answer, serving
from tests.loadtest.wire.wire_servers import dataset, part10

MIB = 1 << 20
MORE = "Warning: 299 dicom.test: There are 5 additional results that can be requested\r\n"


@contextmanager
def at_most(limit: int) -> Iterator[None]:
    """The memory that Python takes inside, at its height."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < limit, tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()


# --- JSON (rule Z5) ---

ATTRIBUTE = '"%08X":{"vr":"LO","Value":["words of it"]}'
STUDY = "{" + ",".join(ATTRIBUTE % tag for tag in range(0x00100010, 0x00100010 + 25)) + "}"
BOMBS = {
    "many objects": b"[" + b"{}," * (4 * MIB // 3) + b"{}]",
    "many lists": b'[{"a":[' + b"[]," * (4 * MIB // 3) + b"[]]}]",
    "many small objects": b'[{"a":[' + b'{"a":1},' * (4 * MIB // 8) + b"{}]}]",
    "one wide character": b'[{"a":"' + b"x" * 3 * MIB + b'\\ud83d\\ude00","b":[' + b"[]," * (MIB // 3) + b"[]]}]",
    "deep": b'[{"a":' + b"[" * MIB,
    "never whole": b'[{"a":"' + b"x" * (ITEM_CAP + MIB),
    "no JSON after its start": b'[{"a":x' + b"x" * (ITEM_CAP + MIB),
}
Ask = Callable[[DicomWeb], object]
ASKS: dict[str, Ask] = {
    "qido": lambda web: web.qido("studies", {}, most=10),
    "metadata": lambda web: web.wado_metadata("studies/1", most=0),
}


@pytest.mark.parametrize("ask", ASKS)
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_of_json_takes_little_memory(name: str, ask: str) -> None:
    with serving(answer(BOMBS[name])) as (_, web), at_most(40 * MIB), pytest.raises(ProtocolError):
        ASKS[ask](web)


@pytest.mark.parametrize("name", ["many lists", "many small objects"])
def test_a_bomb_of_json_to_stow(name: str) -> None:
    with serving(answer(BOMBS[name][1:-1][: 4 * MIB])) as (_, web), at_most(40 * MIB), pytest.raises(ProtocolError):
        web.stow([b"x"])


def test_what_is_not_kept_takes_no_memory_and_is_counted() -> None:
    body = ("[" + ",".join([STUDY] * 1500) + "]").encode()
    with serving(answer(body), answer(body)) as (_, web), at_most(4 * MIB):
        found, got = web.qido("studies", {}, most=10)
        assert (len(found), got.objects, got.bytes, got.ok) == (10, 10, len(body), True)
        assert got.detail == "1490 answers over 10 were thrown away"
        assert found[0] == json.loads(STUDY)
        assert web.wado_metadata("studies/1", most=0)[1].objects == 1500


def test_answers_that_are_kept_have_a_bound_over_all_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "KEPT_CAP", 4 * MIB)
    page = answer(("[" + ",".join([STUDY] * 100) + "]").encode())
    with serving(*[page] * 9) as (server, web), at_most(6 * MIB), pytest.raises(ProtocolError, match="fewer"):
        web.qido("studies", {}, page=100)
    assert len(server.requests) > 2


def test_a_long_refusal_is_not_kept() -> None:
    with serving(answer(b"no " * MIB, "HTTP/1.1 500 Oh\r\n")) as (_, web), at_most(2 * MIB):
        assert web.qido("studies", {})[1].detail.startswith("500 Oh: no no no")


SHAPES = [
    "[" + "{}," * 9999 + "{}]",
    "[" + "[]," * 9999 + "[]]",
    "[" + '{"a":1},' * 9999 + "{}]",
    "[" + "1.5," * 9999 + "1]",
    "[" + '"ab",' * 9999 + "1]",
    '["' + "\\ud83d\\ude00" + "x" * 100_000 + '"]',
    "[" + '"é😀",' * 9999 + "1]",
    "{" + ",".join(f'"k{n}":{n}' for n in range(10_000)) + "}",
    "[" + ",".join([STUDY] * 400) + "]",
]


@pytest.mark.parametrize("text", SHAPES, ids=lambda text: text[:12])
def test_the_weight_of_json_is_no_less_than_what_it_takes(text: str) -> None:
    tracemalloc.start()
    kept = json.loads(text)
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert kept
    assert weight(text) > 0.8 * taken  # a table that has just grown may hold a little more


def test_more_objects_than_any_study_has() -> None:
    array = JsonArray(0)
    array.feed(b"[" + b"{}," * MOST_ITEMS)
    with pytest.raises(ProtocolError, match="more than"):
        array.feed(b"{}]")


def read(raw: bytes) -> JsonArray:
    array = JsonArray(99)
    array.feed(raw)
    array.finish()
    return array


@settings(max_examples=40, deadline=None)
@given(
    value=st.lists(st.dictionaries(st.text(max_size=5), st.recursive(st.text() | st.none(), st.lists, max_leaves=5))),
    spaced=st.sampled_from([None, 2]),
    wide=st.booleans(),
    cuts=st.lists(st.integers(1, 9), min_size=1, max_size=9),
)
def test_an_array_in_any_slicing(
    value: list[dict[str, object]], spaced: int | None, wide: bool, cuts: list[int]
) -> None:
    raw = json.dumps(value, indent=spaced, ensure_ascii=wide).encode("utf-8", "surrogatepass")
    array, at, turn = JsonArray(99), 0, 0
    while at < len(raw):
        array.feed(raw[at : at + cuts[turn % len(cuts)]])
        at, turn = at + cuts[turn % len(cuts)], turn + 1
    array.finish()
    assert (array.kept, array.count) == (value, len(value))
    for end in range(1, len(raw), len(raw) // 10 + 1):
        with pytest.raises(ProtocolError):
            read(raw[:end].rstrip())


@pytest.mark.parametrize("raw", [b"[{}]]", b"[{}],", b"[{},]", b"[,{}]", b"[{}{}]", b"]", b"[{}] x", b"", b'["a"]'])
def test_no_array_of_objects(raw: bytes) -> None:
    with pytest.raises(ProtocolError):
        read(raw)


# --- pages (PS3.18 8.3.4.4, 10.6) ---


def page_of(count: int, more: str = "") -> bytes:
    return answer(json.dumps([{}] * count).encode(), JSON_HEAD + more)


@pytest.mark.parametrize(
    ("counts", "asked"),
    [
        ([2, 2, 1, 0], 4),  # the server's own limit is 2: only an empty page is the end
        ([1, 0], 2),
        ([3, 3, 0], 3),
        ([3, 1], 2),
        ([0], 1),
        ([7], 1),  # it knows no limit: more than was asked for is all
    ],
)
def test_pages_end_where_the_answers_end(counts: list[int], asked: int) -> None:
    with serving(*map(page_of, counts)) as (server, web):
        found, got = web.qido("studies", {}, page=3)
    assert (len(found), got.objects, got.requests, got.ok, got.detail) == (sum(counts), sum(counts), asked, True, "")
    assert b"offset=%d " % sum(counts[:-1]) in server.requests[-1]


def test_a_warning_that_there_is_more_is_followed_and_kept() -> None:
    with serving(page_of(3, MORE), page_of(1, MORE), page_of(1), page_of(2, MORE), page_of(2)) as (server, web):
        found, got = web.qido("studies", {}, page=3)
        assert (len(found), got.requests) == (5, 3)
        assert "5 additional results" in got.detail
        found, got = web.qido("studies", {"PatientID": "1"})  # without a limit of ours
        assert (len(found), got.requests) == (4, 2)
    assert server.requests[3].startswith(b"GET /base/studies?PatientID=1 HTTP")
    assert server.requests[4].startswith(b"GET /base/studies?PatientID=1&offset=2 HTTP")


def test_another_warning_asks_for_nothing_more() -> None:
    fuzzy = "Warning: 299 x: The fuzzymatching parameter is not supported.\x1b[2J\r\n"
    with serving(page_of(2, fuzzy)) as (_, web):
        found, got = web.qido("studies", {})
    assert (len(found), got.requests) == (2, 1)
    assert got.detail == "299 x: The fuzzymatching parameter is not supported.\\x1b[2J"


def test_pages_without_end_have_one() -> None:
    pages = Pages(5, most=10**9)
    array = JsonArray(9)
    array.feed(b"[{}]")
    for _ in range(MOST_REQUESTS - 1):
        assert pages.take(array, more=False)
    with pytest.raises(ProtocolError, match="no end"):
        pages.take(array, more=False)


# --- STOW-RS (PS3.18 annex I) ---

UIDS = [dataset(n).SOPInstanceUID for n in range(3)]
OBJECTS = [part10(dataset(n)) for n in range(3)]


def stow_body(stored: Sequence[str], failed: Sequence[str] = (), other: Sequence[int] = ()) -> bytes:
    def named(uid: str) -> dict[str, object]:
        return {"00081155": {"vr": "UI", "Value": [uid]}} if uid else {}

    body = {
        "00081199": {"vr": "SQ", "Value": [named(uid) for uid in stored]},
        "00081198": {"vr": "SQ", "Value": [named(uid) | {"00081197": {"vr": "US", "Value": [272]}} for uid in failed]},
        "0008119A": {"vr": "SQ", "Value": [{"00081197": {"vr": "US", "Value": [code]}} for code in other]},
    }
    return json.dumps(body).encode()


@pytest.mark.parametrize(
    ("body", "stored", "failed", "unknown"),
    [
        (stow_body(UIDS), 3, 0, 0),
        (stow_body(UIDS[:2]), 2, 0, 1),
        (stow_body(UIDS[:2], UIDS[2:]), 2, 1, 0),
        (stow_body(UIDS[:2], [], [0xC000]), 2, 1, 0),
        (stow_body([UIDS[0]] * 3), 1, 0, 2),  # one named three times
        (stow_body(["", "", ""]), 0, 0, 3),  # named without a name
        (stow_body(["9.9.1", "9.9.2", "9.9.3"]), 0, 0, 3),  # others than those sent
        (stow_body(UIDS, UIDS[:1]), 2, 1, 0),  # named as both
        (b"{}", 0, 0, 3),
        (b"", 0, 0, 3),
    ],
)
def test_an_object_is_stored_when_the_answer_names_it(body: bytes, stored: int, failed: int, unknown: int) -> None:
    with serving(answer(body)) as (_, web):
        got = web.stow(OBJECTS)
    assert (got.status, got.stored, got.failed, got.unknown) == (200, stored, failed, unknown)
    assert got.ok == (stored == 3)


@pytest.mark.parametrize(
    ("body", "head", "stored"),
    [
        (stow_body(UIDS), "HTTP/1.1 409 Conflict\r\n", 3),  # as Orthanc says it: no Content-Type
        (b"{no JSON", "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n", 0),
        (stow_body(UIDS), "HTTP/1.1 200 OK\r\nContent-Type: application/dicom+xml\r\n", 0),
    ],
)
def test_answers_of_another_type_or_none(body: bytes, head: str, stored: int) -> None:
    with serving(answer(body, head)) as (_, web):
        got = web.stow(OBJECTS)
    assert (got.stored, got.unknown, got.ok) == (stored, 3 - stored, False)


def test_reasons_of_other_failures() -> None:
    with serving(answer(stow_body(UIDS[:1], UIDS[1:2], [0xC000, 0xA700]))) as (_, web):
        assert web.stow(OBJECTS).reasons == (272, 0xC000, 0xA700)


def test_the_uid_of_what_is_sent() -> None:
    assert instance_of(OBJECTS[0]) == instance_of(memoryview(OBJECTS[0])) == UIDS[0]
    for other in (b"", b"no DICOM", bytes(128) + b"DICM", OBJECTS[0][:140], OBJECTS[0][:144] + b"\xff" * 99):
        assert instance_of(other) == ""
