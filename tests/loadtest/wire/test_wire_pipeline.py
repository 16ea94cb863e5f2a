"""Several C-STOREs under way on one association: negotiation, order, and one outcome for each, whatever goes wrong."""

import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pynetdicom import AE, evt

from loadtest.archives.launch import running
from loadtest.wire import (
    Association,
    AssociationAborted,
    ConnectionLost,
    ContextRefused,
    Peer,
    PeerTimeout,
    ProtocolError,
    Reply,
    Timeouts,
    WireError,
    open_association,
    pdu,
)
from loadtest.wire.command import OUT_OF_RESOURCES
from loadtest.wire.errors import printable
from loadtest.wire.pipeline import Request, pipelined
from tests.loadtest.wire.wire_servers import (
    CT,
    EXPLICIT,
    QUICK,
    Script,
    accept,
    reply,
    response_elements,
    take_message,
    take_pdu,
)

Serve = Callable[[Script], Peer]
SHORT = Timeouts(connect_s=1.0, response_s=0.3, operation_s=1.0)
MR = "1.2.840.10008.5.1.4.1.1.4"
LARGE = bytes(8 << 20)  # more than the kernel's buffers take


def opened(peer: Peer, window: int, timeouts: Timeouts = QUICK) -> Association:
    return open_association(peer, "TESTER", [(CT, [EXPLICIT])], timeouts=timeouts, window=window)


class Tried:
    """What came of some C-STOREs: answers by number in their order, what had none, and the error."""

    def __init__(self, link: Association, sizes: list[int | bytes]) -> None:
        self.answers: dict[int, Reply] = {}
        self.requests: dict[int, Request] = {}
        self.error: WireError | None = None
        self.outstanding: dict[int, Request] = {}
        try:
            with pipelined(link, self.take) as pipe:
                self.outstanding = pipe.outstanding
                for number, size in enumerate(sizes):
                    data = size if isinstance(size, bytes) else bytes(size)
                    pipe.store(CT, f"1.2.{number}", EXPLICIT, (data,), number)
        except WireError as error:
            self.error = error

    def take(self, one: Request, answer: Reply) -> None:
        assert one.number not in self.answers
        self.answers[one.number], self.requests[one.number] = answer, one

    def ends(self) -> dict[int, str]:
        """Each object's one end."""
        found = dict.fromkeys(self.answers, "answered")
        for one in self.outstanding.values():
            assert one.number not in found
            found[one.number] = "unknown" if one.sent else "cut"
        return found


def test_what_is_proposed_is_what_pynetdicom_reads_and_its_answer_keeps_us_synchronous() -> None:
    asked: list[tuple[int, int]] = []

    def on_window(event: evt.Event) -> tuple[int, int]:
        asked.append((event.nr_invoked, event.nr_performed))
        return event.nr_invoked, event.nr_performed

    entity = AE("SCP")
    entity.add_supported_context(CT)
    handlers: list[evt.EventHandlerType] = [(evt.EVT_ASYNC_OPS, on_window), (evt.EVT_C_STORE, lambda event: 0)]
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
    assert server is not None
    with opened(Peer("127.0.0.1", server.server_address[1], "SCP"), 5) as link:
        assert asked == [(5, 1)]
        assert link.agreement.user.window == (1, 1)
        assert link.window == 1
    server.shutdown()


def test_storescp_does_not_answer_the_window_and_stores_all_the_same(storescp: Peer) -> None:
    with opened(storescp, 8) as link:
        assert link.window == 1
        assert [link.store(CT, f"1.2.{n}", EXPLICIT, (bytes(1000),)).status for n in range(3)] == [0, 0, 0]


@pytest.mark.parametrize(("granted", "window"), [((2, 1), 2), ((0, 0), 4), ((9, 1), 4), ((1, 1), 1), (None, 1)])
def test_no_more_is_used_than_was_proposed_and_granted(
    scripted: Serve, granted: tuple[int, int] | None, window: int
) -> None:
    link = opened(scripted(lambda talk: accept(talk, window=granted)), 4)
    assert link.window == window
    link.abort()


def test_a_window_that_nobody_proposed_counts_for_nothing(scripted: Serve) -> None:
    link = opened(scripted(lambda talk: accept(talk, window=(9, 9))), 1)
    assert link.window == 1
    link.abort()


@pytest.mark.parametrize("window", [0, 65])
def test_a_window_has_bounds(window: int) -> None:
    with pytest.raises(ValueError, match=r"allowed are 1 \(synchronous\) to 64"):
        opened(Peer("127.0.0.1", 1, "X"), window)


def test_the_null_sink_grants_what_is_asked_for_and_every_object_is_answered() -> None:
    with running("embedded", "sink", mode="null") as sink:
        with opened(sink.peer(), 8) as link:
            assert link.window == 8
            tried = Tried(link, [100_000] * 200)
            assert tried.error is None
            assert sorted(tried.answers) == list(range(200))
            assert all(answer.ok and 0 < answer.sent <= answer.end for answer in tried.answers.values())
            assert link.store(CT, "1.3", EXPLICIT, (bytes(10),)).ok  # and goes on, one at a time
        assert sink.count_instances() == 201


def test_answers_in_any_order_find_their_requests(scripted: Serve) -> None:
    def backwards(talk: socket.socket) -> None:
        accept(talk, window=(3, 1))
        for _ in range(2):
            asked = [take_message(talk) for _ in range(3)]
            for context, request, data in reversed(asked):
                status = OUT_OF_RESOURCES if len(data) == 20 else 0
                reply(talk, context, *response_elements(request, status, instance=request.sop_instance))
        take_pdu(talk)
        talk.sendall(pdu.release_rp())

    with opened(scripted(backwards), 3) as link:
        tried = Tried(link, [10, 20, 30, 40, 50, 60])
    assert list(tried.answers) == [2, 1, 0, 5, 4, 3]
    assert {n for n, answer in tried.answers.items() if not answer.ok} == {1}
    assert [tried.requests[n].size for n in range(6)] == [10, 20, 30, 40, 50, 60]


def test_never_more_without_an_answer_than_granted(scripted: Serve) -> None:
    waiting: list[int] = []

    def count(talk: socket.socket) -> None:
        accept(talk, window=(3, 1))
        asked = [take_message(talk) for _ in range(3)]
        talk.settimeout(0.2)
        with pytest.raises(TimeoutError):
            talk.recv(1)  # a fourth would come now
        talk.settimeout(None)
        waiting.append(len(asked))
        for context, request, _ in asked:
            reply(talk, context, *response_elements(request, 0))
        reply(talk, *_answer(take_message(talk)))

    link = opened(scripted(count), 3)
    tried = Tried(link, [10] * 4)
    assert (waiting, sorted(tried.answers), tried.error) == ([3], [0, 1, 2, 3], None)
    link.abort()


def _answer(message: tuple[int, object, bytes]) -> tuple[object, ...]:
    return message[0], *response_elements(message[1], 0)  # type: ignore[arg-type]


def test_an_answer_has_its_own_time_though_a_large_object_is_leaving(scripted: Serve) -> None:
    def slow(talk: socket.socket) -> None:
        accept(talk, window=(2, 1))
        context, request, _ = take_message(talk)
        reply(talk, context, *response_elements(request, 0))
        time.sleep(0.5)  # the second object waits in the kernel's buffers meanwhile
        reply(talk, *_answer(take_message(talk)))

    began = time.perf_counter()
    link = opened(scripted(slow), 2)
    tried = Tried(link, [10, LARGE])
    assert tried.error is None
    assert tried.answers[0].end - began < 0.4
    assert tried.answers[1].sent - began > 0.4
    link.abort()


def test_silence_leaves_what_was_sent_unknown(scripted: Serve) -> None:
    said: list[int] = []

    def silent(talk: socket.socket) -> None:
        accept(talk, window=(4, 1))
        reply(talk, *_answer(take_message(talk)))
        for _ in range(3):
            take_message(talk)
        said.append(take_pdu(talk)[0])

    link = opened(scripted(silent), 4, SHORT)
    tried = Tried(link, [10] * 4)
    assert isinstance(tried.error, PeerTimeout)
    assert tried.error.unknown
    assert tried.ends() == {0: "answered", 1: "unknown", 2: "unknown", 3: "unknown"}
    assert not link.is_open
    time.sleep(0.1)
    assert said == [pdu.ABORT]


def test_a_peer_that_takes_nothing_more_leaves_one_cut(scripted: Serve) -> None:
    def deaf(talk: socket.socket) -> None:
        accept(talk, window=(4, 1))
        take_message(talk)
        time.sleep(2)

    began = time.perf_counter()
    tried = Tried(opened(scripted(deaf), 4, SHORT), [10, LARGE, 10])
    assert isinstance(tried.error, PeerTimeout)
    assert tried.ends() == {0: "unknown", 1: "cut"}
    assert time.perf_counter() - began < 1.5


def test_an_abort_with_several_outstanding_says_why(scripted: Serve) -> None:
    def abort(talk: socket.socket) -> None:
        accept(talk, window=(4, 1))
        asked = [take_message(talk) for _ in range(3)]
        reply(talk, *_answer(asked[1]))
        talk.sendall(pdu.abort(2, 1))

    tried = Tried(opened(scripted(abort), 4), [10, 20, 30])
    assert isinstance(tried.error, AssociationAborted)
    assert "unrecognised PDU" in printable(str(tried.error))
    assert tried.ends() == {0: "unknown", 1: "answered", 2: "unknown"}


def test_a_connection_that_ends_while_an_object_leaves(scripted: Serve) -> None:
    def hang_up(talk: socket.socket) -> None:
        accept(talk, window=(4, 1))
        context, request, _ = take_message(talk)
        reply(talk, context, *response_elements(request, 0))
        take_message(talk)
        talk.recv(1000)

    tried = Tried(opened(scripted(hang_up), 4), [10, 20, LARGE])
    assert isinstance(tried.error, ConnectionLost)
    assert tried.ends() == {0: "answered", 1: "unknown", 2: "cut"}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"message_id": 999}, "answer to message 999, which waits for none"),
        ({"field": 0x8030}, "where the response to 0001H was due"),
        ({"instance": "9.9"}, "the answer is about 9.9, not about 1.2.0"),
    ],
)
def test_a_wrong_answer_ends_the_association(scripted: Serve, wrong: dict[str, int | str], words: str) -> None:
    def lie(talk: socket.socket) -> None:
        accept(talk, window=(2, 1))
        context, request, _ = take_message(talk)
        take_message(talk)
        reply(talk, context, *response_elements(request, 0, **wrong))
        take_pdu(talk)

    tried = Tried(opened(scripted(lie), 2), [10, 20, 30])
    assert isinstance(tried.error, ProtocolError)
    assert words in str(tried.error)
    assert tried.ends() == {0: "unknown", 1: "unknown"}


def test_an_answer_twice_ends_the_association(scripted: Serve) -> None:
    def stutter(talk: socket.socket) -> None:
        accept(talk, window=(2, 1))
        context, request, _ = take_message(talk)
        take_message(talk)
        reply(talk, context, *response_elements(request, 0))
        reply(talk, context, *response_elements(request, 0))
        take_pdu(talk)

    tried = Tried(opened(scripted(stutter), 2), [10, 20])
    assert "which waits for none" in str(tried.error)
    assert tried.ends() == {0: "answered", 1: "unknown"}


def test_a_refused_context_sends_nothing_and_ends_nothing(scripted: Serve) -> None:
    def serve(talk: socket.socket) -> None:
        accept(talk, window=(2, 1))
        for _ in range(2):
            reply(talk, *_answer(take_message(talk)))

    answers: list[int] = []
    link = opened(scripted(serve), 2)
    with pipelined(link, lambda one, answer: answers.append(one.number)) as pipe:
        pipe.store(CT, "1.1", EXPLICIT, (bytes(10),), 0)
        with pytest.raises(ContextRefused):
            pipe.store(MR, "1.2", EXPLICIT, (bytes(10),), 1)
        pipe.store(CT, "1.3", EXPLICIT, (bytes(10),), 2)
    assert answers == [0, 2]
    link.abort()


def test_a_fault_of_the_caller_ends_the_association_and_is_raised(scripted: Serve) -> None:
    def serve(talk: socket.socket) -> None:
        accept(talk, window=(2, 1))
        take_message(talk)
        assert take_pdu(talk)[0] == pdu.ABORT

    link = opened(scripted(serve), 2)
    kept: list[dict[int, Request]] = []

    def send_and_fail() -> None:
        with pipelined(link, lambda one, answer: None) as pipe:
            kept.append(pipe.outstanding)
            pipe.store(CT, "1.1", EXPLICIT, (bytes(10),), 0)
            raise KeyError("ours")

    with pytest.raises(KeyError):
        send_and_fail()
    assert not link.is_open
    assert [one.number for one in kept[0].values()] == [0]


def test_over_tls_a_window_is_refused_with_the_reason(tmp_path: Path) -> None:
    import ssl

    with pytest.raises(ValueError, match="OpenSSL lets nobody read"):
        open_association(Peer("127.0.0.1", 1, "X"), "A", [(CT, [EXPLICIT])], tls=ssl.create_default_context(), window=2)
