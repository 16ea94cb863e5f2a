"""Byte for byte against pynetdicom's encoders, and what its decoders make of our bytes."""

from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.uid import UID
from pynetdicom import dimse_messages, dimse_primitives, pdu_primitives
from pynetdicom.pdu import (
    A_ABORT_RQ,
    A_ASSOCIATE_AC,
    A_ASSOCIATE_RJ,
    A_ASSOCIATE_RQ,
    A_RELEASE_RP,
    A_RELEASE_RQ,
    P_DATA_TF,
)
from pynetdicom.presentation import build_context

from loadtest.wire import UserIdentity, command, pdu
from loadtest.wire.command import read_command
from loadtest.wire.negotiation import read_request
from loadtest.wire.pdu import Context
from loadtest.wire.settings import IMPLEMENTATION_UID, IMPLEMENTATION_VERSION
from tests.loadtest.wire.wire_servers import CT, EXPLICIT

IMPLICIT = "1.2.840.10008.1.2"
CONTEXTS = [
    Context(1, "1.2.840.10008.1.1", (IMPLICIT,)),
    Context(3, CT, (EXPLICIT, IMPLICIT)),
    Context(5, CT, (IMPLICIT,)),
]


def user_items(max_pdu: int, roles: list[str], window: tuple[int, int] | None) -> list[object]:
    """pynetdicom's user information in the order of the item numbers, as ours."""
    length = pdu_primitives.MaximumLengthNotification()
    length.maximum_length_received = max_pdu
    uid = pdu_primitives.ImplementationClassUIDNotification()
    uid.implementation_class_uid = UID(IMPLEMENTATION_UID)
    version = pdu_primitives.ImplementationVersionNameNotification()
    version.implementation_version_name = IMPLEMENTATION_VERSION
    found: list[object] = [length, uid]
    if window:
        operations = pdu_primitives.AsynchronousOperationsWindowNegotiation()
        operations.maximum_number_operations_invoked, operations.maximum_number_operations_performed = window
        found.append(operations)
    for role in roles:
        selection = pdu_primitives.SCP_SCU_RoleSelectionNegotiation()
        selection.sop_class_uid, selection.scu_role, selection.scp_role = UID(role), False, True
        found.append(selection)
    return [*found, version]


def primitive(items: list[object]) -> pdu_primitives.A_ASSOCIATE:
    ask = pdu_primitives.A_ASSOCIATE()
    ask.application_context_name = UID("1.2.840.10008.3.1.1.1")
    ask.called_ae_title, ask.calling_ae_title = "ARCHIVE", "SIXTEEN_LETTERS_"
    ask.user_information = items
    return ask


@pytest.mark.parametrize("window", [None, (4, 1)])
@pytest.mark.parametrize("roles", [[], [CT, "1.2.840.10008.5.1.4.1.1.1"]])
def test_associate_rq(roles: list[str], window: tuple[int, int] | None) -> None:
    ask = primitive(user_items(131072, roles, window))
    ask.presentation_context_definition_list = []
    for context in CONTEXTS:
        theirs = build_context(context.abstract_syntax, list(context.transfer_syntaxes))
        theirs.context_id = context.id
        ask.presentation_context_definition_list += [theirs]
    oracle = A_ASSOCIATE_RQ()
    oracle.from_primitive(ask)
    assert pdu.associate_rq("ARCHIVE", "SIXTEEN_LETTERS_", CONTEXTS, 131072, roles, window) == oracle.encode()


RELATIONAL = {"1.2.840.10008.5.1.4.1.2.2.1": b"\1\0\1", CT: b"\2\0\3\0\0\0"}


@pytest.mark.parametrize("extended", [{}, RELATIONAL])
@pytest.mark.parametrize("passcode", [None, "", "pass:\u00e9\u00fc"])
@pytest.mark.parametrize("wants_answer", [False, True])
def test_identity_and_extended_negotiation(
    extended: dict[str, bytes], passcode: str | None, wants_answer: bool
) -> None:
    items = user_items(16384, [CT], None)
    for sop_class, told in extended.items():
        negotiation = pdu_primitives.SOPClassExtendedNegotiation()
        negotiation.sop_class_uid, negotiation.service_class_application_information = sop_class, told
        items.append(negotiation)
    identity = None if passcode is None else UserIdentity("w\u00e4rd", passcode, wants_answer)
    if identity is not None:
        theirs = pdu_primitives.UserIdentityNegotiation()
        theirs.user_identity_type = 2 if passcode else 1
        theirs.primary_field = identity.username.encode()
        theirs.secondary_field = identity.passcode.encode()
        theirs.positive_response_requested = wants_answer
        items.append(theirs)
    ask = primitive(items)
    context = build_context(CT, EXPLICIT)
    context.context_id = 1
    ask.presentation_context_definition_list = [context]
    oracle = A_ASSOCIATE_RQ()
    oracle.from_primitive(ask)
    contexts = [Context(1, CT, (EXPLICIT,))]
    mine = pdu.associate_rq("ARCHIVE", "SIXTEEN_LETTERS_", contexts, 16384, [CT], None, extended, identity)
    assert mine == oracle.encode()
    assert read_request(mine[6:]).user.extended == extended


@pytest.mark.parametrize("window", [None, (4, 1), (0, 0)])
def test_associate_ac_is_read_by_pynetdicom(window: tuple[int, int] | None) -> None:
    answer = primitive(user_items(16384, [], window))
    answer.result = 0
    answer.presentation_context_definition_results_list = []
    given_back = [(1, 0, IMPLICIT), (3, 4, EXPLICIT), (5, 3, IMPLICIT)]
    for context_id, result, syntax in given_back:
        context = build_context(CT, syntax)
        context.context_id, context.result = context_id, result
        answer.presentation_context_definition_results_list += [context]
    oracle = A_ASSOCIATE_AC()
    oracle.from_primitive(answer)
    assert pdu.associate_ac(pdu.titles("ARCHIVE", "SIXTEEN_LETTERS_"), given_back, 16384, (), window) == oracle.encode()


def test_short_pdus() -> None:
    refusal = A_ASSOCIATE_RJ()
    refusal.decode(pdu.associate_rj(2, 3, 1))
    assert (refusal.result, refusal.source, refusal.reason_diagnostic) == (2, 3, 1)
    assert refusal.encode() == pdu.associate_rj(2, 3, 1)
    assert pdu.release_rq() == A_RELEASE_RQ().encode()
    assert pdu.release_rp() == A_RELEASE_RP().encode()
    end = A_ABORT_RQ()
    end.source, end.reason_diagnostic = 2, 6
    assert pdu.abort(2, 6) == end.encode()


def oracle_command(message: object, request: object) -> bytes:
    message.primitive_to_message(request)  # type: ignore[attr-defined]
    fragments = list(message.encode_msg(1, 0))  # type: ignore[attr-defined]
    value = fragments[0].presentation_data_value_list[0][1]
    assert value[0] & 1
    return bytes(value[1:])


@pytest.mark.parametrize("instance", ["1.2.3", "2.25.77.1.9.10", "2.25." + "1" * 59])
def test_store_rq_and_rsp(instance: str) -> None:
    ask = dimse_primitives.C_STORE()
    ask.MessageID, ask.Priority = 521, 2
    ask.AffectedSOPClassUID, ask.AffectedSOPInstanceUID = CT, instance
    ask.DataSet = BytesIO(b"\0\0")
    mine = command.store_rq(CT, instance, 521, 2)
    assert mine == oracle_command(dimse_messages.C_STORE_RQ(), ask)
    back = dimse_primitives.C_STORE()
    back.MessageIDBeingRespondedTo, back.Status = 521, 0xA700
    back.AffectedSOPClassUID, back.AffectedSOPInstanceUID = CT, instance
    answer = command.response(command.C_STORE_RQ, read_command(mine), 0xA700)
    assert answer == oracle_command(dimse_messages.C_STORE_RSP(), back)


REQUEST = ((0x0100, 0x0001), (0x0110, 7), (0x0700, 0), (0x0800, 1))
ANSWER = ((0x0100, 0x8001), (0x0120, 7), (0x0800, 0x0101), (0x0900, 0))


@given(
    numbers=st.sampled_from([REQUEST, ANSWER]),
    instance=st.from_regex(r"[0-9.]{0,64}", fullmatch=True),
    comment=st.booleans(),
    at=st.integers(0, 200),
    byte=st.integers(0, 255),
    cut=st.integers(0, 12),
)
def test_the_usual_is_read_as_any_command_set(
    numbers: tuple[tuple[int, int], ...], instance: str, comment: bool, at: int, byte: int, cut: int
) -> None:
    """With a byte changed and an end cut off: the short way gives the same elements, or leaves it to the long one."""
    tail = (command._ELEMENT.pack(0, 0x1008, 2) + b"no",) if comment else ()
    heads = [command.us(element, value) for element, value in numbers]
    good = command.command_set(command.ui(2, CT), *heads, command.ui(0x1000, instance), *tail)
    assert bool(command._usual(good)) is not comment
    raw = bytearray(good[: len(good) - cut])
    raw[min(at, len(raw) - 1)] = byte
    if (found := command._usual(bytes(raw))) is not None:
        assert found == command._elements(bytes(raw))


def test_echo_rq() -> None:
    ask = dimse_primitives.C_ECHO()
    ask.MessageID, ask.AffectedSOPClassUID = 7, "1.2.840.10008.1.1"
    assert command.echo_rq(7) == oracle_command(dimse_messages.C_ECHO_RQ(), ask)


def test_cancel_rq() -> None:
    ask = dimse_primitives.C_CANCEL()
    ask.MessageIDBeingRespondedTo = 9
    assert command.cancel_rq(9) == oracle_command(dimse_messages.C_CANCEL_RQ(), ask)


@pytest.mark.parametrize(
    ("field", "message", "request_type"),
    [
        (command.C_FIND_RQ, dimse_messages.C_FIND_RQ, dimse_primitives.C_FIND),
        (command.C_GET_RQ, dimse_messages.C_GET_RQ, dimse_primitives.C_GET),
        (command.C_MOVE_RQ, dimse_messages.C_MOVE_RQ, dimse_primitives.C_MOVE),
    ],
)
def test_query_rq(field: int, message: type, request_type: type) -> None:
    model = "1.2.840.10008.5.1.4.1.2.2.1"
    ask = request_type()
    ask.MessageID, ask.AffectedSOPClassUID, ask.Priority, ask.Identifier = 3, model, 0, BytesIO(b"\0\0")
    if field == command.C_MOVE_RQ:
        ask.MoveDestination = "MOVER"
    mine = command.query_rq(field, model, 3, destination="MOVER")
    assert mine == oracle_command(message(), ask)


@settings(max_examples=150, deadline=None)
@given(
    command_size=st.integers(1, 120).map(lambda n: 2 * n),
    sizes=st.lists(st.integers(0, 3000), max_size=5),
    max_pdu=st.one_of(st.integers(16, 64), st.integers(1024, 9000)),
)
def test_p_data_of_any_shape(command_size: int, sizes: list[int], max_pdu: int) -> None:
    """Every PDU is within the limit; pynetdicom decodes them, and the fragments give the message back."""
    message = bytes(range(256))[:command_size].ljust(command_size, b"c")
    parts = [bytes([n + 1]) * size for n, size in enumerate(sizes)]
    stream = b"".join(pdu.p_data(3, message, parts, max_pdu))
    got_command, got_data, lasts = b"", b"", 0
    while stream:
        length = int.from_bytes(stream[2:6], "big")
        assert length <= max_pdu
        one = P_DATA_TF()
        one.decode(stream[: 6 + length])
        assert one.encode() == stream[: 6 + length]
        for value in one.presentation_data_value_items:
            assert value.presentation_context_id == 3
            control, fragment = value.presentation_data_value[0], value.presentation_data_value[1:]
            lasts += control >> 1
            if control & 1:
                got_command += fragment
            else:
                got_data += fragment
        stream = stream[6 + length :]
    assert (got_command, got_data) == (message, b"".join(parts))
    assert lasts == (2 if parts else 1)  # an empty data set has its last fragment too


@settings(max_examples=300, deadline=None)
@given(
    command_size=st.integers(1, 300),
    sizes=st.lists(st.integers(0, 40_000), max_size=3),
    max_pdu=st.one_of(st.integers(16, 64), st.integers(1024, 2000), st.integers(16383, 16385)),
)
def test_usual_shapes_of_message_are_the_same_bytes(command_size: int, sizes: list[int], max_pdu: int) -> None:
    """The short ways for the usual shapes beside the one that takes any."""
    message, parts = b"c" * command_size, [bytes([n + 1]) * size for n, size in enumerate(sizes)]
    any_way = pdu._spread(3, message, parts, max_pdu, (max_pdu - 6) & ~1)
    assert b"".join(pdu.p_data(3, message, parts, max_pdu)) == b"".join(any_way)


def test_command_and_first_data_share_a_pdu_and_pixels_are_not_copied() -> None:
    pixels = bytes(40000)
    pieces = pdu.p_data(1, b"c" * 100, (b"h" * 500, pixels), 16384)
    first = bytes(pieces[0])
    assert int.from_bytes(first[2:6], "big") == 16384
    assert first[11] == 3
    assert first[-1] == 0  # a data fragment that is not the last
    views = [p for p in pieces if isinstance(p, memoryview)]
    assert sum(len(v) for v in views if v.obj is pixels) == 40000


def test_small_data_set_is_one_pdu_and_no_room_means_two() -> None:
    assert b"".join(pdu.p_data(1, b"c" * 100, (b"d" * 10,), 16384))[:6] == b"\x04\0\0\0\0\x7a"
    two = b"".join(pdu.p_data(1, b"c" * 100, (b"d" * 5000,), 600))
    assert int.from_bytes(two[2:6], "big") == 106
