"""User identity negotiation with pynetdicom's acceptor: taken, refused, not understood; and the secret is nowhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from pynetdicom import AE, evt
from pynetdicom.pdu_primitives import UserIdentityNegotiation

from loadtest.wire import (
    AssociationRejected,
    Peer,
    ProtocolError,
    UserIdentity,
    identity_from,
    open_association,
    pdu,
)
from loadtest.wire.identity import LONGEST, PASSCODE, USER
from loadtest.wire.query import STUDY_ROOT_FIND
from tests.loadtest.wire.wire_servers import EXPLICIT, QUICK, take_pdu

ENVIRONMENT = {USER: "w\u00e4rd", PASSCODE: "do not tell"}
CONTEXTS = [(STUDY_ROOT_FIND, [EXPLICIT])]


@contextmanager
def knowing(users: dict[bytes, bytes], seen: list[tuple[int, bytes, bytes]]) -> Iterator[Peer]:
    def know(event: Any) -> tuple[bool, bytes]:
        seen.append((event.user_id_type, event.primary_field, event.secondary_field))
        return users.get(event.primary_field) == event.secondary_field, b""

    ae = AE("SCP")
    ae.add_supported_context(STUDY_ROOT_FIND, [EXPLICIT])
    handlers: list[Any] = [(evt.EVT_USER_ID, know), (evt.EVT_SOP_EXTENDED, lambda event: event.app_info)]
    server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
    assert server is not None
    try:
        yield Peer("127.0.0.1", server.server_address[1], "SCP")
    finally:
        server.shutdown()


@pytest.mark.parametrize("environment", [ENVIRONMENT, {USER: "w\u00e4rd"}])
def test_the_archive_takes_or_refuses_us(environment: dict[str, str]) -> None:
    seen: list[tuple[int, bytes, bytes]] = []
    secret = environment.get(PASSCODE, "").encode()
    with knowing({"w\u00e4rd".encode(): secret}, seen) as peer:
        identity = identity_from(environment)
        with open_association(peer, "A", CONTEXTS, timeouts=QUICK, identity=identity) as link:
            assert link.agreement.user.identity_answer is None  # pynetdicom answers tickets only
        with pytest.raises(AssociationRejected) as refused:
            open_association(peer, "A", CONTEXTS, timeouts=QUICK, identity=UserIdentity("other", "do not tell"))
    assert seen[0] == (2 if secret else 1, "w\u00e4rd".encode(), secret)
    assert "do not tell" not in str(refused.value)


def test_a_peer_that_wants_to_know_us_hears_it_whoever_opens() -> None:
    seen: list[tuple[int, bytes, bytes]] = []
    with knowing({b"user": b""}, seen) as peer:
        for named, own in ((UserIdentity("user"), None), (UserIdentity("other"), UserIdentity("user"))):
            with open_association(replace(peer, identity=named), "A", CONTEXTS, timeouts=QUICK, identity=own):
                pass
    assert seen == [(1, b"user", b"")] * 2


def test_relational_queries_are_negotiated() -> None:
    with (
        knowing({}, []) as peer,
        open_association(peer, "A", CONTEXTS, timeouts=QUICK, extended={STUDY_ROOT_FIND: b"\1\0"}) as link,
    ):
        assert link.agreement.user.extended == {STUDY_ROOT_FIND: b"\1\0"}


def answering(*items: bytes) -> Callable[[Any], None]:
    """An archive that accepts no context, with these user items beside the maximum length."""

    def answer(talk: Any) -> None:
        take_pdu(talk)
        user = pdu.item(0x50, pdu.item(0x51, bytes(4)) + b"".join(items))
        fixed = b"\0\1\0\0" + pdu.titles("P", "A") + pdu.item(0x10, pdu.APPLICATION_CONTEXT)
        talk.sendall(pdu.pdu(pdu.ASSOCIATE_AC, fixed + user))
        take_pdu(talk)
        talk.sendall(pdu.release_rp())

    return answer


@pytest.mark.parametrize("word", [b"", b"ticket"])
def test_an_archive_says_that_it_has_taken_us(scripted: Callable[..., Peer], word: bytes) -> None:
    theirs = UserIdentityNegotiation()
    theirs.server_response = word
    item = theirs.from_primitive()
    peer = scripted(answering(item.encode()))
    with open_association(peer, "A", CONTEXTS, timeouts=QUICK, identity=identity_from(ENVIRONMENT)) as link:
        assert link.agreement.user.identity_answer == word


@pytest.mark.parametrize("item", [b"\x59\0\0\4\0\5ab", b"\x59\0\0\1\0", b"\x56\0\0\6\0\x0a1.2.", b"\x56\0\0\3\0\1x"])
def test_liars(scripted: Callable[..., Peer], item: bytes) -> None:
    with pytest.raises(ProtocolError, match=r"^user identity|^extended negotiation"):
        open_association(scripted(answering(item)), "A", CONTEXTS, timeouts=QUICK)


def test_the_secret_is_in_no_repr_and_no_message() -> None:
    identity = identity_from(ENVIRONMENT)
    assert "tell" not in repr(identity)
    assert "rd" not in repr(identity).replace("UserIdentity", "")
    assert identity_from({}) is None
    assert identity_from({PASSCODE: "x"}) is None
    long, odd = "do not tell" * LONGEST, "do not tell\udcff"  # odd: bytes of the environment that are no UTF-8
    for name, passcode in (("", "do not tell"), (long, ""), ("x", long), (odd, ""), ("x", odd)):
        with pytest.raises(ValueError, match=r"^FILMLESS_DICOM") as refused:
            UserIdentity(name, passcode)
        assert "tell" not in str(refused.value)
        assert refused.value.__suppress_context__ or refused.value.__context__ is None
