"""Kept associations are given up all at once, so that an archive that serves a few at a time is not held up."""

from types import SimpleNamespace
from typing import Any

from gevent import Timeout, joinall
from gevent.event import Event

from loadtest.play import associations
from loadtest.play.associations import Associations, Proposal, is_terms
from loadtest.wire import Peer, TcpProfile, Timeouts


class Line:
    """Its release is answered when the other one's has come too, as where the archive still serves the other."""

    connect_s = negotiate_s = 0.0
    window, channel = 1, SimpleNamespace(max_pdu=131_072, congestion="cubic")
    agreement = SimpleNamespace(user=SimpleNamespace(max_pdu=0))

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
        "TCP congestion control: cubic"
    )
    assert {words: count for words, count in kept.tally.items() if is_terms(words)} == {agreed: 2}
    assert kept.release_idle(older_than_s=0.0) == []
