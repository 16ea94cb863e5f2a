"""Kept associations are given up all at once, so that an archive that serves a few at a time is not held up."""

import socket
from types import SimpleNamespace
from typing import Any

import pytest
from gevent import Timeout, joinall
from gevent.event import Event

from loadtest.play import associations
from loadtest.play.associations import Associations, Proposal, is_terms, terms
from loadtest.play.config import PlayConfig
from loadtest.wire import Peer, StoreListener, TcpProfile, Timeouts, pdu


class Line:
    """Its release is answered when the other one's has come too, as where the archive still serves the other."""

    connect_s = negotiate_s = 0.0
    window, channel = 1, SimpleNamespace(max_pdu=131_072, congestion="cubic")
    user = SimpleNamespace(max_pdu=0, implementation_version="PACS_1", implementation_uid="1.2.3")
    agreement, send_pdu, security = SimpleNamespace(user=user), 1 << 20, ""

    def __init__(self, asked: Event, other: Event) -> None:
        self.asked, self.other, self.is_open = asked, other, True

    def release(self) -> None:
        self.asked.set()
        self.other.wait()
        self.is_open = False


def test_releases_do_not_wait_for_each_other(monkeypatch: Any) -> None:
    one, two = Event(), Event()
    lines = [Line(one, two), Line(two, one)]
    waiting = iter(lines)
    monkeypatch.setattr(associations, "open_association", lambda *given, **named: next(waiting))
    kept = Associations(Peer("127.0.0.1", 104, "X"), lambda *_: Proposal([]), TcpProfile.TUNED, Timeouts(), keep_s=60.0)
    for scanner in ("CT1", "CT2"):
        with kept.borrow(scanner, "store"):
            pass
    with Timeout(5.0):
        joinall(kept.release_idle(older_than_s=0.0), raise_error=True)
    assert not any(line.is_open for line in lines)
    assert kept.tally["released"] == 2
    agreed = (
        "PDU length: 131072 bytes taken here, any number of bytes by the archive; asynchronous window: none proposed; "
        "TCP congestion control: cubic; implementation of the archive: PACS_1 1.2.3"
    )
    assert {words: count for words, count in kept.tally.items() if is_terms(words)} == {agreed: 2}
    assert kept.release_idle(older_than_s=0.0) == []


@pytest.mark.parametrize(("answer", "told"), [(None, "not answered"), (b"", "taken"), (b"a ticket", "taken")])
def test_what_became_of_a_user_identity_is_told_and_no_word_of_it(answer: bytes | None, told: str) -> None:
    link: Any = Line(Event(), Event())
    link.agreement = SimpleNamespace(user=SimpleNamespace(**vars(Line.user), identity_answer=answer))
    assert terms(link, 1, with_identity=True) == f"{terms(link, 1)}; user identity: offered, {told}"


CT, EXPLICIT = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1"


@pytest.mark.parametrize(
    ("asked", "theirs", "announced", "sent", "told"),
    [
        (0, 65_536, 131_072, 65_536, "131072 bytes taken here, 65536 bytes by the archive;"),
        (16_384, 65_536, 16_384, 16_384, "16384 bytes taken here, 65536 bytes by the archive, at most 16384 sent;"),
        (262_144, 8192, 262_144, 8192, "262144 bytes taken here, 8192 bytes by the archive;"),
    ],
)
def test_a_pdu_is_as_long_as_was_asked_for_and_never_longer_than_the_archive_takes(
    asked: int, theirs: int, announced: int, sent: int, told: str
) -> None:
    with StoreListener("X", max_pdu=theirs) as archive:
        peer, proposal = Peer("127.0.0.1", archive.port, "X"), Proposal([(CT, [EXPLICIT])])
        lines = Associations(peer, lambda *_: proposal, TcpProfile.TUNED, Timeouts(), 0.0, asked)
        with lines.borrow("CT1", "store") as line:
            assert (line.link.channel.max_pdu, line.link.send_pdu) == (announced, sent)
            pieces = list(pdu.p_data(1, b"", [bytes(300_000)], line.link.send_pdu))
            assert max(len(piece) for piece in pieces) <= sent
    assert any(told in words for words in lines.tally)


def test_a_segment_is_as_long_as_was_asked_for() -> None:
    profile = PlayConfig.model_construct(tcp="modality", segment_bytes=1448).profile()
    assert (profile.name, profile.no_delay, profile.segment_bytes) == ("modality", False, 1448)
    with StoreListener("X") as archive:
        peer, proposal = Peer("127.0.0.1", archive.port, "X"), Proposal([(CT, [EXPLICIT])])
        for one, most in ((profile, 1448), (TcpProfile.MODALITY, 65_536)):
            with Associations(peer, lambda *_: proposal, one, Timeouts(), 0.0).borrow("CT1", "store") as line:
                segment = line.link.channel.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)
                assert most - 12 <= segment <= most or (most > 1448 and segment > 1448)
