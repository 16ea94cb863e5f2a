"""DIMSE command sets (PS3.7 chapter 6, 9.3 and annex E): always implicit VR little endian, group 0000 only.

An element is: group (2), element (2), length (4), value of even length.
"""

from functools import lru_cache
from struct import Struct
from typing import NamedTuple

from loadtest.wire.errors import ProtocolError, printable
from loadtest.wire.negotiation import plain_uid, uid
from loadtest.wire.pdu import Buffer

C_STORE_RQ, C_GET_RQ, C_FIND_RQ, C_MOVE_RQ, C_ECHO_RQ, C_CANCEL_RQ = 0x0001, 0x0010, 0x0020, 0x0021, 0x0030, 0x0FFF
N_EVENT_REPORT_RQ, N_ACTION_RQ = 0x0100, 0x0130
RESPONSE = 0x8000  # a response's command field is its request's with this bit (PS3.7 annex E.1)
NO_DATA_SET, DATA_SET = 0x0101, 0x0001  # any other number than 0101H; DCMTK and pynetdicom write 1
COMMAND_CAP = 64 * 1024  # rule Z4

SUCCESS, PENDING, PENDING_WARNING = 0x0000, 0xFF00, 0xFF01
NOT_AUTHORISED, OUT_OF_RESOURCES = 0x0124, 0xA700

_ELEMENT = Struct("<HHI")
_US = Struct("<HHIH")
_UL = Struct("<HHII")
_SHORT, _LONG = Struct("<H"), Struct("<I")
# A usual C-STORE and its answer, after the class: four numbers, each with its head (element and length), head of 1000.
_USUAL = Struct("<8s2s8s2s8s2s8s2s4sI")
_USUAL_NUMBERS = {
    tuple(_ELEMENT.pack(0, element, 2) for element in elements): elements
    for elements in ((0x0100, 0x0110, 0x0700, 0x0800), (0x0100, 0x0120, 0x0800, 0x0900))
}
_GROUP_HEAD, _CLASS_HEAD, _INSTANCE_HEAD = _ELEMENT.pack(0, 0, 4), b"\0\0\2\0", b"\0\0\0\x10"


def us(element: int, value: int) -> bytes:
    """Unsigned short (0000,element)."""
    return _US.pack(0, element, 2, value)


def ui(element: int, value: str) -> bytes:
    """UID (0000,element), padded with NUL to an even length (PS3.5 9.1)."""
    raw = _even(value)
    return _ELEMENT.pack(0, element, len(raw)) + raw


def _even(uid: str) -> bytes:
    return uid.encode("ascii") + b"\0" * (len(uid) & 1)


def ae(element: int, value: str) -> bytes:
    """AE title (0000,element), padded with a space to an even length."""
    raw = value.encode("ascii")
    raw += b" " * (len(raw) & 1)
    return _ELEMENT.pack(0, element, len(raw)) + raw


def command_set(*elements: bytes) -> bytes:
    """Put the group length (0000,0000) before elements that are already in ascending order."""
    body = b"".join(elements)
    return _UL.pack(0, 0, 4, len(body)) + body


def echo_rq(message_id: int) -> bytes:
    """C-ECHO-RQ (PS3.7 9.3.5.1)."""
    return command_set(
        ui(0x0002, "1.2.840.10008.1.1"), us(0x0100, C_ECHO_RQ), us(0x0110, message_id), us(0x0800, NO_DATA_SET)
    )


def store_rq(sop_class: str, instance_uid: str, message_id: int, priority: int = 0) -> bytes:
    """C-STORE-RQ (PS3.7 9.3.1.1); priority 0 = medium, 1 = high, 2 = low.

    ====================  =======================================
    element               value
    ====================  =======================================
    0000, 0002, 0100      group length, SOP class, command field
    0110                  message id: 2 bytes, between the two
                          parts that all images share
    0700, 0800            priority, data set type
    1000                  SOP instance: length (4), UID
    ====================  =======================================
    """
    before, after = _store_frame(sop_class, priority)
    instance = _even(instance_uid)
    size = len(before) + 2 + len(after) + 4 + len(instance)
    return b"".join(
        (_UL.pack(0, 0, 4, size), before, _SHORT.pack(message_id), after, _LONG.pack(len(instance)), instance)
    )


@lru_cache(maxsize=256)
def _store_frame(sop_class: str, priority: int) -> tuple[bytes, bytes]:
    """What stands before and after the message id, the group length and the instance's length left out."""
    before = ui(0x0002, sop_class) + us(0x0100, C_STORE_RQ) + us(0x0110, 0)[:-2]
    return before, us(0x0700, priority) + us(0x0800, DATA_SET) + ui(0x1000, "")[:-4]


def query_rq(field: int, model: str, message_id: int, priority: int = 0, destination: str = "") -> bytes:
    """C-FIND-RQ, C-GET-RQ, or C-MOVE-RQ with its destination (PS3.7 9.3.2 to 9.3.4)."""
    where = (ae(0x0600, destination),) if field == C_MOVE_RQ else ()
    return command_set(
        ui(0x0002, model),
        us(0x0100, field),
        us(0x0110, message_id),
        *where,
        us(0x0700, priority),
        us(0x0800, DATA_SET),
    )


def cancel_rq(message_id: int) -> bytes:
    """C-CANCEL-RQ (PS3.7 9.3.2.3): stop the C-FIND, C-GET or C-MOVE with this message id."""
    return command_set(us(0x0100, C_CANCEL_RQ), us(0x0120, message_id), us(0x0800, NO_DATA_SET))


def action_rq(sop_class: str, instance_uid: str, message_id: int, action: int) -> bytes:
    """N-ACTION-RQ (PS3.7 10.3.5.1)."""
    return command_set(
        ui(0x0003, sop_class),
        us(0x0100, N_ACTION_RQ),
        us(0x0110, message_id),
        us(0x0800, DATA_SET),
        ui(0x1001, instance_uid),
        us(0x1008, action),
    )


def event_report_rsp(request: "Command", status: int) -> bytes:
    """N-EVENT-REPORT-RSP (PS3.7 10.3.1.2)."""
    return command_set(
        ui(0x0002, request.sop_class),
        us(0x0100, N_EVENT_REPORT_RQ | RESPONSE),
        us(0x0120, request.message_id),
        us(0x0800, NO_DATA_SET),
        us(0x0900, status),
        ui(0x1000, request.sop_instance),
        us(0x1002, request.must(0x1002)),
    )


def response(field: int, request: "Command", status: int) -> bytes:
    """C-ECHO-RSP or C-STORE-RSP to a request that a listener got (PS3.7 9.3.1.2 and 9.3.5.2)."""
    before, after = _response_frame(request.values.get(0x0002, b""), field, status)
    instance = _instance(request.values[0x1000]) if 0x1000 in request.values else b""
    size = len(before) + 2 + len(after) + len(instance)
    return b"".join((_UL.pack(0, 0, 4, size), before, _SHORT.pack(request.message_id), after, instance))


def _instance(raw: bytes) -> bytes:
    """Affected SOP Instance UID (0000,1000) as it was asked for."""
    text = plain_uid(raw, "command set: (0000,1000)")
    return _ELEMENT.pack(0, 0x1000, len(text) + (len(text) & 1)) + text + b"\0" * (len(text) & 1)


@lru_cache(maxsize=256)
def _response_frame(sop_class: bytes, field: int, status: int) -> tuple[bytes, bytes]:
    """What stands before and after the id of the message that is answered, the group length left out."""
    before = ui(0x0002, uid(sop_class, "command set: (0000,0002)")) + us(0x0100, field | RESPONSE) + us(0x0120, 0)[:-2]
    return before, us(0x0800, NO_DATA_SET) + us(0x0900, status)


class Command(NamedTuple):
    """A command set that came from a peer: element number of group 0000 -> value bytes."""

    values: dict[int, bytes]

    def number(self, element: int) -> int | None:
        """An unsigned short, or None where it is absent; another length is a ProtocolError."""
        return self.must(element) if element in self.values else None

    def must(self, element: int) -> int:
        """An unsigned short that has to be there."""
        raw = self.values.get(element)
        if raw is None:
            raise ProtocolError(f"command set: (0000,{element:04X}) is missing")
        if len(raw) != 2:
            raise ProtocolError(f"command set: (0000,{element:04X}) has {len(raw)} bytes where 2 are due")
        return raw[0] | raw[1] << 8

    @property
    def field(self) -> int:
        """Command Field (0000,0100)."""
        return self.must(0x0100)

    @property
    def message_id(self) -> int:
        """Message ID (0000,0110) of a request."""
        return self.must(0x0110)

    @property
    def status(self) -> int:
        """Status (0000,0900) of a response."""
        return self.must(0x0900)

    @property
    def has_data(self) -> bool:
        """Command Data Set Type (0000,0800): 0101H means none."""
        return self.must(0x0800) != NO_DATA_SET

    @property
    def sop_class(self) -> str:
        """Affected SOP Class UID (0000,0002)."""
        return uid(self.values.get(0x0002, b""), "command set: (0000,0002)")

    @property
    def sop_instance(self) -> str:
        """Affected SOP Instance UID (0000,1000)."""
        return uid(self.values.get(0x1000, b""), "command set: (0000,1000)")

    def check_instance(self, instance_uid: str) -> None:
        """Raise ProtocolError where an answer names another SOP instance."""
        raw = self.values.get(0x1000)
        if raw is not None and raw.rstrip(b"\0 ") != instance_uid.encode("ascii"):
            raise ProtocolError(f"the answer is about {self.sop_instance}, not about {instance_uid}")

    @property
    def comment(self) -> str:
        """Error Comment (0000,0902), made printable."""
        raw = self.values.get(0x0902)
        return printable(raw, 64) if raw else ""


def read_command(raw: Buffer) -> Command:
    """Read a command set element by element; never by searching for bytes (findings, section 3)."""
    whole = bytes(raw)
    return Command(_usual(whole) or _elements(whole))


def _usual(whole: bytes) -> dict[int, bytes] | None:
    """The elements of a C-STORE-RQ or -RSP as PS3.7 9.3.1 has them; None for what is not to the byte so.

    Group length (12 bytes), 0002 (8 + n), then 0100, 0110, 0700, 0800 or 0100, 0120, 0800, 0900 (10 each),
    1000 (8 + m): no comment, and not of a C-MOVE.
    """
    at = 20 + int.from_bytes(whole[16:20], "little")
    if whole[:8] != _GROUP_HEAD or whole[12:16] != _CLASS_HEAD or len(whole) < at + 48:
        return None
    head1, one, head2, two, head3, three, head4, four, instance, size = _USUAL.unpack_from(whole, at)
    numbers = _USUAL_NUMBERS.get((head1, head2, head3, head4))
    if numbers is None or instance != _INSTANCE_HEAD or len(whole) != at + 48 + size:
        return None
    return {
        0x0000: whole[8:12], 0x0002: whole[20:at], numbers[0]: one, numbers[1]: two, numbers[2]: three,
        numbers[3]: four, 0x1000: whole[at + 48 :],
    }  # fmt: skip


def _elements(whole: bytes) -> dict[int, bytes]:
    values: dict[int, bytes] = {}
    at, before, end = 0, -1, len(whole)
    while at < end:
        if end - at < 8:
            raise ProtocolError(f"command set: {end - at} bytes left where an element has at least 8")
        group, element, length = _ELEMENT.unpack_from(whole, at)
        at += 8
        if group or element <= before or length > end - at:
            raise ProtocolError(
                f"command set: element ({group:04X},{element:04X}) of {length} bytes is out of place or too long"
            )
        values[element] = whole[at : at + length]
        at, before = at + length, element
    return values
