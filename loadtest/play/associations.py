"""Each device's own associations: opened when first needed, kept while in use, released after a while without.

A device sends one operation at a time over an association. One that the peer closed while it was idle is opened anew
before anything is sent, and counted; nothing that was sent is ever sent again (rule L8).
"""

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from time import perf_counter

from gevent import Greenlet, spawn

from loadtest.wire import Association, Peer, TcpProfile, Timeouts, WireError, open_association
from loadtest.wire.pdu import UNLIMITED_SEND
from loadtest.wire.settings import ANNOUNCED

Contexts = Sequence[tuple[str, Sequence[str]]]
Key = tuple[str, str]  # AE title, service
COUNTS = ("opened", "released", "closed_by_peer_while_idle")


@dataclass(frozen=True)
class Proposal:
    """What an association is opened for: its presentation contexts, and the classes in which we are SCP (C-GET).

    `window` above 1 proposes so many requests without an answer at once.
    """

    contexts: Contexts
    scp_roles: Sequence[str] = ()
    window: int = 1


@dataclass
class Line:
    """A borrowed association. `connect_s` and `negotiate_s` are what opening it has cost this borrower, else 0."""

    link: Association
    connect_s: float = 0.0
    negotiate_s: float = 0.0


def terms(link: Association, window: int, with_identity: bool = False) -> str:
    """What was proposed to the archive and granted by it, for the disclosure (rule L10).

    `with_identity`: a user identity was offered, which is told, and never whose.
    """
    theirs = link.agreement.user.max_pdu
    length = f"PDU length: {link.channel.max_pdu} bytes taken here, {theirs or 'any number of'} bytes by the archive"
    length += f", at most {link.send_pdu} sent" if link.send_pdu < (theirs or UNLIMITED_SEND) else ""
    asked = f"{window} proposed, {link.window} granted" if window > 1 else "none proposed"
    user, tcp = link.agreement.user, link.channel.congestion or "untold"
    theirs_is = " ".join(filter(None, (user.implementation_version, user.implementation_uid))) or "untold"
    more = [link.security] if link.security else []
    if with_identity:
        more.append(f"user identity: offered, {'not answered' if user.identity_answer is None else 'taken'}")
    return (
        f"{length}; asynchronous window: {asked}; TCP congestion control: {tcp}; implementation of the archive: "
        f"{'; '.join([theirs_is, *more])}"
    )


def is_terms(key: str) -> bool:
    """Whether a key of the tally counts associations by what was agreed."""
    return key not in COUNTS


class Associations:
    """The associations of all devices with one archive. Not for threads: greenlets share it without a lock."""

    def __init__(
        self,
        peer: Peer,
        propose: Callable[[str, str], Proposal],
        profile: TcpProfile,
        timeouts: Timeouts,
        keep_s: float,
        pdu_length: int = 0,
    ) -> None:
        """`propose(ae_title, service)` names the contexts; `keep_s` 0 releases each association after its use.

        `pdu_length`: see PlayConfig.
        """
        self._peer, self._propose, self._profile, self._timeouts = peer, propose, profile, timeouts
        self._keep_s, self.connect_s = keep_s, timeouts.connect_s
        self._pdu_length = pdu_length
        self._idle: defaultdict[Key, deque[tuple[float, Association]]] = defaultdict(deque)
        self.tally: Counter[str] = Counter(dict.fromkeys(COUNTS, 0))  # and by the terms agreed, see `terms`

    def within(self, bounds: Timeouts) -> "Associations":
        """Others with the same archive, counted together with these, that wait no longer than `bounds`."""
        own = self._timeouts
        least = [min(getattr(own, name), getattr(bounds, name)) for name in ("connect_s", "response_s", "operation_s")]
        limits = Timeouts(*least)
        found = Associations(self._peer, self._propose, self._profile, limits, self._keep_s, self._pdu_length)
        found.tally = self.tally
        return found

    @contextmanager
    def borrow(self, ae_title: str, service: str) -> Iterator[Line]:
        """An association of this device for this service. Raises WireErrors of opening it."""
        line = self._take((ae_title, service)) or self._open(ae_title, service)
        yield line  # after an error the association is closed already, and is not kept
        self._give_back((ae_title, service), line.link)

    def _take(self, key: Key) -> Line | None:
        kept = self._idle.get(key)
        while kept:
            _, link = kept.pop()  # the one used last: the others may grow old and be released
            if self._is_alive(link):
                return Line(link)
            self.tally["closed_by_peer_while_idle"] += 1
        return None

    @staticmethod
    def _is_alive(link: Association) -> bool:
        try:
            spoken = link.channel.has_spoken()
        except WireError:
            spoken = True
        if spoken:
            link.abort()
        return not spoken

    def _open(self, ae_title: str, service: str) -> Line:
        proposal = self._propose(ae_title, service)
        link = open_association(
            self._peer,
            ae_title,
            proposal.contexts,
            profile=self._profile,
            timeouts=self._timeouts,
            max_pdu=self._pdu_length or ANNOUNCED,
            scp_roles=proposal.scp_roles,
            window=proposal.window,
        )
        link.send_pdu = min(link.send_pdu, self._pdu_length or link.send_pdu)
        self.tally["opened"] += 1
        self.tally[terms(link, proposal.window, self._peer.identity is not None)] += 1
        return Line(link, link.connect_s, link.negotiate_s)

    def _give_back(self, key: Key, link: Association) -> None:
        if not link.is_open:
            return
        if self._keep_s:
            self._idle[key].append((perf_counter(), link))
        else:
            self._release(link)

    def _release(self, link: Association) -> None:
        self.tally["released"] += 1
        with suppress(WireError):  # what was to be measured is done; the connection is closed either way
            link.release()

    def release_idle(self, older_than_s: float | None = None) -> list[Greenlet]:
        """Begin to release what has been idle for `keep_s` (or the given time); one greenlet an association.

        All at once: an archive that serves a few associations at a time answers nobody else before it is rid of those.
        """
        limit = perf_counter() - (self._keep_s if older_than_s is None else older_than_s)
        old = []
        for kept in self._idle.values():
            while kept and kept[0][0] <= limit:  # appended on the right: the oldest is on the left
                old.append(kept.popleft()[1])
        return [spawn(self._release, link) for link in old]
