"""Against pynetdicom's SCPs: PDU lengths, queries with caps and cancel, C-GET and C-MOVE with failures."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE, PYNETDICOM_IMPLEMENTATION_UID, PYNETDICOM_IMPLEMENTATION_VERSION, evt

from loadtest.wire import (
    AssociationRejected,
    ContextRefused,
    CountingSink,
    Peer,
    ProtocolError,
    StoreListener,
    command,
    open_association,
    pdu,
)
from loadtest.wire.negotiation import read_request
from loadtest.wire.query import STUDY_ROOT_FIND, STUDY_ROOT_GET, STUDY_ROOT_MOVE
from tests.loadtest.wire.wire_servers import (
    CT,
    EXPLICIT,
    QUICK,
    STUDY,
    accept,
    dataset,
    encoded,
    reply,
    response_elements,
    take_message,
    take_pdu,
)

IMPLICIT = "1.2.840.10008.1.2"


@contextmanager
def scp(handlers: list[tuple[Any, Callable[..., Any]]], max_pdu: int = 16384, **settings: Any) -> Iterator[Peer]:
    """A pynetdicom SCP for storage and query/retrieve."""
    ae = AE("SCP")
    ae.maximum_pdu_size = max_pdu
    for model in (STUDY_ROOT_FIND, STUDY_ROOT_MOVE, STUDY_ROOT_GET, "1.2.840.10008.1.1"):
        ae.add_supported_context(model, [IMPLICIT, EXPLICIT])
    ae.add_supported_context(CT, [EXPLICIT], scu_role=True, scp_role=True)
    for name, value in settings.items():
        setattr(ae, name, value)
    server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
    try:
        yield Peer("127.0.0.1", server.server_address[1], "SCP")
    finally:
        server.shutdown()


@pytest.mark.parametrize("max_pdu", [0, 64, 4096, 16384, 131072])
def test_store_obeys_the_peers_pdu_length(max_pdu: int) -> None:
    seen: list[bytes] = []
    sizes: list[int] = []

    def keep(event: Any) -> int:
        seen.append(event.request.DataSet.getvalue())
        return 0xB000

    def look(event: Any) -> None:
        sizes.append(len(event.pdu))

    pixels = 2048 if max_pdu == 64 else 300_000
    raw = encoded(dataset(0, pixels=pixels))
    with (
        scp([(evt.EVT_C_STORE, keep), (evt.EVT_PDU_RECV, look)], max_pdu) as peer,
        open_association(peer, "TESTER", [(CT, [EXPLICIT])], timeouts=QUICK) as link,
    ):
        for parts in ((raw,), (raw[:777], memoryview(raw)[777:]), (raw[:1], raw[1:], b"")):
            got = link.store(CT, dataset(0).SOPInstanceUID, EXPLICIT, parts)
            assert (got.status, got.category, got.ok) == (0xB000, "Warning", True)
    assert seen == [raw] * 3
    if max_pdu:
        assert max(sizes[1:]) - 6 <= max_pdu  # the limit is on what follows the header (PS3.8 annex D.1)


def test_message_ids_wrap() -> None:
    with (
        scp([(evt.EVT_C_ECHO, lambda event: 0)]) as peer,
        open_association(peer, "TESTER", [("1.2.840.10008.1.1", [IMPLICIT])], timeouts=QUICK) as link,
    ):
        link._message_id = 0xFFFE
        assert [link.echo().status for _ in range(3)] == [0, 0, 0]
        assert link._message_id == 2


def test_rejection_by_pynetdicom() -> None:
    with scp([], require_called_aet=True) as peer, pytest.raises(AssociationRejected, match="called AE title"):
        open_association(Peer(peer.host, peer.port, "OTHER"), "TESTER", [(CT, [EXPLICIT])], timeouts=QUICK)
    with (
        scp([], maximum_associations=1) as peer,
        open_association(peer, "TESTER", [(CT, [EXPLICIT])], timeouts=QUICK),
        pytest.raises(AssociationRejected, match="local limit"),
    ):
        open_association(peer, "TESTER", [(CT, [EXPLICIT])], timeouts=QUICK)


def answers(total: int, pause_s: float = 0.0) -> Callable[[Any], Iterator[tuple[int, Dataset | None]]]:
    def find(event: Any) -> Iterator[tuple[int, Dataset | None]]:
        for number in range(total):
            if event.is_cancelled:
                yield 0xFE00, None
                return
            time.sleep(pause_s)
            found = Dataset()
            found.QueryRetrieveLevel, found.StudyInstanceUID, found.PatientName = "STUDY", f"1.2.{number}", "TEST^Ä"
            found.SpecificCharacterSet = "ISO_IR 100"
            yield 0xFF00, found

    return find


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT])
def test_find_reads_all_answers(syntax: str) -> None:
    query = Dataset()
    query.QueryRetrieveLevel, query.StudyInstanceUID = "STUDY", ""
    with (
        scp([(evt.EVT_C_FIND, answers(5))]) as peer,
        open_association(peer, "TESTER", [(STUDY_ROOT_FIND, [syntax])], timeouts=QUICK) as link,
    ):
        found, got = link.find(STUDY_ROOT_FIND, query)
        assert [one.StudyInstanceUID for one in found] == [f"1.2.{n}" for n in range(5)]
        assert found[0].PatientName == "TEST^Ä"
        assert (got.status, got.cut) == (0, 0)
        none, _ = link.find(STUDY_ROOT_FIND, query, most=0)
        assert none == []


def test_find_over_the_cap_is_cancelled_and_counted() -> None:
    query = Dataset()
    query.QueryRetrieveLevel = "STUDY"
    with (
        scp([(evt.EVT_C_FIND, answers(900, 0.001))]) as peer,
        open_association(peer, "TESTER", [(STUDY_ROOT_FIND, [EXPLICIT])], timeouts=QUICK) as link,
    ):
        found, got = link.find(STUDY_ROOT_FIND, query, most=10)
        assert len(found) == 10
        assert got.category == "Cancel"
        assert got.cut >= 1
        assert link.find(STUDY_ROOT_FIND, query, most=2000)[1].ok  # the association is still good


def test_endless_pending_is_aborted(scripted: Callable[..., Peer]) -> None:
    def endless(talk: Any) -> None:
        accept(talk)
        context, request, _ = take_message(talk)
        while True:
            reply(talk, context, *response_elements(request, 0xFF00, data_set=1), data=encoded(study()))

    link = open_association(scripted(endless), "TESTER", [(STUDY_ROOT_FIND, [EXPLICIT])], timeouts=QUICK)
    with pytest.raises(ProtocolError, match="after C-CANCEL at 5"):
        link.find(STUDY_ROOT_FIND, study(), most=5)


@pytest.mark.parametrize("data", [b"\xff" * 10, b"\x08\0\x05\0ZZ\xff\xff", b"\x10\0\x20\0LO\xff\x00abc"])
def test_identifier_that_cannot_be_read(scripted: Callable[..., Peer], data: bytes) -> None:
    def bad(talk: Any) -> None:
        accept(talk)
        context, request, _ = take_message(talk)
        reply(talk, context, *response_elements(request, 0xFF00, data_set=1), data=data)
        reply(talk, context, *response_elements(request, 0))

    link = open_association(scripted(bad), "TESTER", [(STUDY_ROOT_FIND, [EXPLICIT])], timeouts=QUICK)
    with pytest.raises(ProtocolError, match=r"identifier of|data set:"):
        link.find(STUDY_ROOT_FIND, study())


def test_identifier_over_a_mebibyte(scripted: Callable[..., Peer]) -> None:
    def huge(talk: Any) -> None:
        accept(talk)
        context, request, _ = take_message(talk)
        reply(talk, context, *response_elements(request, 0xFF00, data_set=1), data=bytes(2 << 20))

    link = open_association(scripted(huge), "TESTER", [(STUDY_ROOT_FIND, [EXPLICIT])], timeouts=QUICK)
    with pytest.raises(ProtocolError, match="over 1048576"):
        link.find(STUDY_ROOT_FIND, study())


def study() -> Dataset:
    found = Dataset()
    found.QueryRetrieveLevel, found.StudyInstanceUID = "STUDY", STUDY
    return found


def retrieve(total: int, claimed: int) -> Callable[[Any], Iterator[Any]]:
    def get(event: Any) -> Iterator[Any]:
        yield claimed
        for number in range(total):
            yield 0xFF00, dataset(number, pixels=20_480)

    return get


def test_get_counts_hashes_and_answers() -> None:
    contexts = [(STUDY_ROOT_GET, [EXPLICIT]), (CT, [EXPLICIT])]
    with scp([(evt.EVT_C_GET, retrieve(4, 4))]) as peer:
        with open_association(peer, "TESTER", contexts, timeouts=QUICK, scp_roles=[CT]) as link:
            assert link.agreement.user.roles == {CT: (False, True)}
            sink = CountingSink(hashing=True)
            got = link.get(STUDY_ROOT_GET, study(), sink)
            assert (got.status, got.completed, got.failed, got.warned) == (0, 4, 0, 0)
            sizes = {dataset(n).SOPInstanceUID: len(encoded(dataset(n, pixels=20_480))) for n in range(4)}
            assert (sink.objects, sink.bytes, sink.sizes) == (4, sum(sizes.values()), sizes)
            assert len(sink.hashes) == 4
            assert got.sent < got.first_byte < sink.first_object < got.end
        with open_association(peer, "TESTER", contexts, timeouts=QUICK, scp_roles=[CT]) as link:
            got = link.get(STUDY_ROOT_GET, study(), CountingSink(most=1))  # a full sink answers A700
            assert (got.completed, got.failed, got.category) == (1, 3, "Warning")


def test_get_of_an_object_in_another_context_is_a_protocol_error(scripted: Callable[..., Peer]) -> None:
    def sneak(talk: Any) -> None:
        accept(talk)
        context, _, _ = take_message(talk)
        talk.sendall(b"".join(pdu.p_data(context, command.store_rq(CT, "1.2", 1), (bytes(10),), 16384)))

    link = open_association(scripted(sneak), "TESTER", [(STUDY_ROOT_GET, [EXPLICIT])], timeouts=QUICK)
    with pytest.raises(ProtocolError, match="which was agreed for"):
        link.get(STUDY_ROOT_GET, study(), CountingSink())


@pytest.mark.parametrize("roles", [[], [(CT, True, False)], [(CT, False, False)], [("1.2.3", False, True)]])
@pytest.mark.parametrize("sop_class", [CT, ""])
def test_get_without_the_role_of_scp_is_refused_before_anything_is_sent(
    scripted: Callable[..., Peer], roles: list[Any], sop_class: str
) -> None:
    """Not granted, refused, or left at its default, which is SCU (PS3.7 D.3.3.4)."""
    heard: list[int] = []

    def refusing(talk: Any) -> None:
        request = read_request(take_pdu(talk)[1])
        answers = [(one.id, 0, one.transfer_syntaxes[0]) for one in request.contexts]
        talk.sendall(pdu.associate_ac(request.titles, answers, 16384, roles))
        heard.append(take_pdu(talk)[0])
        talk.sendall(pdu.release_rp())

    contexts = [(STUDY_ROOT_GET, [EXPLICIT]), (CT, [EXPLICIT])]
    with open_association(scripted(refusing), "TESTER", contexts, timeouts=QUICK, scp_roles=[CT]) as link:
        with pytest.raises(ContextRefused, match="does not let us be its SCP"):
            link.get(STUDY_ROOT_GET, study(), CountingSink(), sop_class)
        assert link.is_open
    assert heard == [pdu.RELEASE_RQ]


def test_get_of_a_class_that_was_not_accepted_says_why() -> None:
    contexts = [(STUDY_ROOT_GET, [EXPLICIT]), (CT, [EXPLICIT]), ("1.2.3", [EXPLICIT])]
    with (
        scp([(evt.EVT_C_GET, retrieve(1, 1))]) as peer,
        open_association(peer, "TESTER", contexts, timeouts=QUICK, scp_roles=[CT, "1.2.3"]) as link,
    ):
        with pytest.raises(ContextRefused, match=r"for 1\.2\.3 .*abstract syntax not supported"):
            link.get(STUDY_ROOT_GET, study(), CountingSink(), "1.2.3")
        assert link.get(STUDY_ROOT_GET, study(), CountingSink(), CT).completed == 1


def test_the_peers_implementation_is_told() -> None:
    with (
        scp([(evt.EVT_C_GET, retrieve(1, 1))]) as peer,
        open_association(peer, "TESTER", [(STUDY_ROOT_GET, [EXPLICIT])], timeouts=QUICK) as link,
    ):
        user = link.agreement.user
    assert user.implementation_uid == PYNETDICOM_IMPLEMENTATION_UID
    assert user.implementation_version == PYNETDICOM_IMPLEMENTATION_VERSION


def test_a_sink_that_raises_aborts_the_association() -> None:
    class Full(CountingSink):
        def write(self, fragment: memoryview) -> None:
            raise MemoryError

    contexts = [(STUDY_ROOT_GET, [EXPLICIT]), (CT, [EXPLICIT])]
    with scp([(evt.EVT_C_GET, retrieve(1, 1))]) as peer:
        link = open_association(peer, "TESTER", contexts, timeouts=QUICK, scp_roles=[CT])
        with pytest.raises(MemoryError):
            link.get(STUDY_ROOT_GET, study(), Full())
        assert not link.is_open


def test_move_reports_what_the_archive_says_and_the_listener_what_came() -> None:
    with StoreListener("MOVER", timeouts=QUICK) as listener:

        def move(event: Any) -> Iterator[Any]:
            assert event.move_destination == "MOVER"
            yield "127.0.0.1", listener.port, {"ae_title": "MOVER", "contexts": [context_of_ct()]}
            yield from retrieve(2, 3)(event)  # promises three, sends two

        with (
            scp([(evt.EVT_C_MOVE, move)]) as peer,
            open_association(peer, "TESTER", [(STUDY_ROOT_MOVE, [EXPLICIT])], timeouts=QUICK) as link,
        ):
            got = link.move(STUDY_ROOT_MOVE, study(), "MOVER")
            assert got.completed == 2
            assert listener.studies[STUDY].objects == 2
            with pytest.raises(ValueError, match="AE title"):
                link.move(STUDY_ROOT_MOVE, study(), "A\\B")


def context_of_ct() -> Any:
    from pynetdicom import build_context

    return build_context(CT, EXPLICIT)


def test_move_to_an_unknown_destination() -> None:
    def nowhere(event: Any) -> Iterator[Any]:
        yield None, None

    with (
        scp([(evt.EVT_C_MOVE, nowhere)]) as peer,
        open_association(peer, "TESTER", [(STUDY_ROOT_MOVE, [EXPLICIT])], timeouts=QUICK) as link,
    ):
        got = link.move(STUDY_ROOT_MOVE, study(), "MOVER")
        assert (got.status, got.category) == (0xA801, "Failure")
        with pytest.raises(ContextRefused):
            link.get(STUDY_ROOT_GET, study(), CountingSink())
