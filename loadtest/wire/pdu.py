"""PDUs that we send, as bytes (PS3.8 section 9.3 and annex D; all numbers big endian)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from struct import Struct

from loadtest.wire.identity import UserIdentity
from loadtest.wire.settings import IMPLEMENTATION_UID, IMPLEMENTATION_VERSION

Buffer = bytes | bytearray | memoryview
Role = tuple[str, bool, bool]  # SOP class, SCU, SCP
ASSOCIATE_RQ, ASSOCIATE_AC, ASSOCIATE_RJ, P_DATA_TF, RELEASE_RQ, RELEASE_RP, ABORT = range(1, 8)
APPLICATION_CONTEXT = b"1.2.840.10008.3.1.1.1"
MOST_CONTEXTS = 128
# For a peer that announces no limit (0): larger PDUs gain nothing.
UNLIMITED_SEND = 1 << 20
# Data share the command's PDU only if at least this much fits: tiny fragments cost more than they save.
WORTH_SHARING = 1024

_VERSION = b"\0\1\0\0"  # 1, and two reserved bytes
_PDU = Struct(">BxI")
_ITEM = Struct(">BxH")
_PDV = Struct(">IBB")
_PDU_PDV = Struct(">BxIIBB")


@dataclass(frozen=True, slots=True)
class Context:
    """A presentation context that is offered: an odd id, one abstract syntax, its transfer syntaxes."""

    id: int
    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]


def pdu(kind: int, body: bytes) -> bytes:
    """One PDU: type (1), reserved (1), length of what follows (4), body."""
    return _PDU.pack(kind, len(body)) + body


def item(kind: int, body: bytes) -> bytes:
    """One item or sub-item: type (1), reserved (1), length of what follows (2), body."""
    return _ITEM.pack(kind, len(body)) + body


def associate_rq(
    called: str,
    calling: str,
    contexts: Sequence[Context],
    max_pdu: int,
    scp_roles: Sequence[str] = (),
    window: tuple[int, int] | None = None,
    extended: Mapping[str, bytes] | None = None,
    identity: UserIdentity | None = None,
) -> bytes:
    """A-ASSOCIATE-RQ (PS3.8 9.3.2).

    ======  =====================================================
    bytes   field
    ======  =====================================================
    1-6     type 01, reserved, length
    7-8     protocol version 0001
    9-10    reserved
    11-26   called AE title, padded with spaces
    27-42   calling AE title
    43-74   reserved
    75-     application context (10H), presentation contexts (20H),
            user information (50H)
    ======  =====================================================
    """
    items = item(0x10, APPLICATION_CONTEXT) + b"".join(_context_rq(c) for c in contexts)
    items += user_information(max_pdu, [(uid, False, True) for uid in scp_roles], window, extended, identity)
    return pdu(ASSOCIATE_RQ, _VERSION + titles(called, calling) + items)


def titles(called: str, calling: str) -> bytes:
    """Bytes 11 to 74 of a request: both AE titles, padded with spaces, and what is reserved."""
    return called.encode("ascii").ljust(16) + calling.encode("ascii").ljust(16) + bytes(32)


def _context_rq(context: Context) -> bytes:
    """PS3.8 9.3.2.2: id (1), reserved (3), abstract syntax (30H), transfer syntaxes (40H)."""
    subs = item(0x30, context.abstract_syntax.encode("ascii"))
    subs += b"".join(item(0x40, t.encode("ascii")) for t in context.transfer_syntaxes)
    return item(0x20, bytes((context.id, 0, 0, 0)) + subs)


def user_information(
    max_pdu: int,
    roles: Sequence[Role] = (),
    window: tuple[int, int] | None = None,
    extended: Mapping[str, bytes] | None = None,
    identity: UserIdentity | None = None,
) -> bytes:
    """PS3.8 9.3.2.3, PS3.7 D.3.3: maximum length 51H, implementation 52H, window 53H, roles 54H, version 55H, extended
    negotiation 56H, user identity 58H."""
    subs = item(0x51, max_pdu.to_bytes(4, "big")) + item(0x52, IMPLEMENTATION_UID.encode("ascii"))
    if window is not None:
        subs += item(0x53, window[0].to_bytes(2, "big") + window[1].to_bytes(2, "big"))
    subs += b"".join(role(*one) for one in roles)
    subs += item(0x55, IMPLEMENTATION_VERSION.encode("ascii"))
    subs += b"".join(item(0x56, _counted(uid.encode("ascii")) + told) for uid, told in (extended or {}).items())
    return item(0x50, subs + (user_identity(identity) if identity is not None else b""))


def user_identity(identity: UserIdentity) -> bytes:
    """PS3.7 D.3.3.7.1: type (1: 1 = name, 2 = name and passcode), answer wanted (1), and both fields in UTF-8."""
    kind = 2 if identity.passcode else 1
    fields = _counted(identity.username.encode("utf-8")) + _counted(identity.passcode.encode("utf-8"))
    return item(0x58, bytes((kind, identity.wants_answer)) + fields)


def _counted(field: bytes) -> bytes:
    """A field after its length (2)."""
    return len(field).to_bytes(2, "big") + field


def role(sop_class: str, scu: bool, scp: bool) -> bytes:
    """SCP/SCU role selection (PS3.7 D.3.3.4): UID length (2), UID, SCU role (1), SCP role (1)."""
    return item(0x54, _counted(sop_class.encode("ascii")) + bytes((scu, scp)))


def associate_ac(
    titles: bytes,
    accepted: Sequence[tuple[int, int, str]],
    max_pdu: int,
    roles: Sequence[Role] = (),
    window: tuple[int, int] | None = None,
) -> bytes:
    """A-ASSOCIATE-AC (PS3.8 9.3.3) from (context id, result, transfer syntax) for each context that was offered.

    `titles`: bytes 11 to 74 of the request, which go back as they came, whatever they are (table 9-17).
    `window` is granted only to who proposed one (PS3.7 D.3.3.3).
    """
    items = item(0x10, APPLICATION_CONTEXT)
    for context_id, result, syntax in accepted:
        items += item(0x21, bytes((context_id, 0, result, 0)) + item(0x40, syntax.encode("ascii")))
    return pdu(ASSOCIATE_AC, _VERSION + titles + items + user_information(max_pdu, roles, window))


def associate_rj(result: int, source: int, reason: int) -> bytes:
    """A-ASSOCIATE-RJ (PS3.8 9.3.4): reserved, result, source, reason."""
    return pdu(ASSOCIATE_RJ, bytes((0, result, source, reason)))


def release_rq() -> bytes:
    """A-RELEASE-RQ (PS3.8 9.3.6): four reserved bytes."""
    return pdu(RELEASE_RQ, bytes(4))


def release_rp() -> bytes:
    """A-RELEASE-RP (PS3.8 9.3.7): four reserved bytes."""
    return pdu(RELEASE_RP, bytes(4))


def abort(source: int = 0, reason: int = 0) -> bytes:
    """A-ABORT (PS3.8 9.3.8): two reserved bytes, source, reason."""
    return pdu(ABORT, bytes((0, 0, source, reason)))


def p_data(context: int, command: bytes, parts: Sequence[Buffer], max_pdu: int) -> list[Buffer]:
    """P-DATA-TF PDUs of one DIMSE message (PS3.8 9.3.5 and annex E) as buffers to be sent in a row.

    `max_pdu` is the most bytes that may follow the six of a PDU's header. Pixel data are sliced, never copied.

    ====  ======================================================
    PDU   04, reserved, length (4), then PDVs:
    PDV   length of what follows (4), context id (1), control (1:
          bit 0 = command, bit 1 = last fragment), fragment
    ====  ======================================================
    """
    room = _room(max_pdu)
    if not parts and len(command) <= room:
        return [_PDU_PDV.pack(P_DATA_TF, len(command) + 6, len(command) + 2, context, 3) + command]
    first = (max_pdu - 12 - len(command)) & ~1  # bytes of the data set that share the command's PDU
    if len(parts) == 2 and first >= WORTH_SHARING:
        header, pixels = memoryview(parts[0]).cast("B"), memoryview(parts[1]).cast("B")
        if 0 < len(header) <= first:
            return _shared(context, command, header, pixels, first, room)
    return _spread(context, command, parts, max_pdu, room)


def _room(max_pdu: int) -> int:
    """Most bytes of a PDU's one fragment, an even number (PS3.8 annex E.1)."""
    return (max_pdu - 6) & ~1


def first_pdu(context: int, command: bytes, header: bytes, max_pdu: int) -> bytes:
    """A command and the beginning of its data set in one PDU, which `last_pdus` follow; empty where they do not fit.

    The same PDUs as those of `p_data` but for the pixels that it puts into the first one.
    """
    size = len(command) + len(header) + 12
    if size > max_pdu or not header or len(header) % 2:
        return b""
    head = _PDU_PDV.pack(P_DATA_TF, size, len(command) + 2, context, 3)
    return b"".join((head, command, _PDV.pack(len(header) + 2, context, 0), header))


def last_pdus(context: int, pixels: memoryview, max_pdu: int) -> Iterator[Buffer]:
    """The PDUs of a data set's end: whole ones, and one with the last fragment."""
    room, end = _room(max_pdu), len(pixels)
    for at in range(0, end, room):
        part = pixels[at : at + room]
        yield _PDU_PDV.pack(P_DATA_TF, len(part) + 6, len(part) + 2, context, 2 if at + room >= end else 0)
        yield part


def _shared(
    context: int, command: bytes, header: memoryview, pixels: memoryview, first: int, room: int
) -> list[Buffer]:
    """The usual: command and header fit into the first PDU, pixels fill it and the others."""
    share = min(first, len(header) + len(pixels))
    at, end = share - len(header), len(pixels)
    head = _PDU_PDV.pack(P_DATA_TF, len(command) + share + 12, len(command) + 2, context, 3)
    data = _PDV.pack(share + 2, context, 0 if at < end else 2)
    out: list[Buffer] = [head + command + data, header, pixels[:at]]
    whole = _PDU_PDV.pack(P_DATA_TF, room + 6, room + 2, context, 0)
    while end - at > room:
        out += (whole, pixels[at : at + room])
        at += room
    if at < end:
        out += (_PDU_PDV.pack(P_DATA_TF, end - at + 6, end - at + 2, context, 2), pixels[at:])
    return out


def _spread(context: int, command: bytes, parts: Sequence[Buffer], max_pdu: int, room: int) -> list[Buffer]:
    """Any shape of message, for a peer that takes tiny PDUs as well."""
    cursor = _Cursor(parts)
    start = _last_fragment(len(command), room)
    out = _whole_fragments(context, command[:start], room)
    out += _end_of_command(context, command[start:], cursor, max_pdu)
    if parts and not cursor.size:  # an empty data set still has its last fragment
        out.append(_PDU_PDV.pack(P_DATA_TF, 6, 2, context, 2))
    whole = _PDU_PDV.pack(P_DATA_TF, room + 6, room + 2, context, 0)
    while cursor.left > room:
        out.append(whole)
        out += cursor.take(room)
    if cursor.left:
        out.append(_PDU_PDV.pack(P_DATA_TF, cursor.left + 6, cursor.left + 2, context, 2))
        out += cursor.take(cursor.left)
    return out


def _last_fragment(size: int, room: int) -> int:
    """Where the last fragment of a command set begins: 0 unless the peer takes only tiny PDUs."""
    return (max(size, 1) - 1) // room * room


def _whole_fragments(context: int, command: bytes, room: int) -> list[Buffer]:
    head = _PDU_PDV.pack(P_DATA_TF, room + 6, room + 2, context, 1)
    return [head + command[at : at + room] for at in range(0, len(command), room)]


def _end_of_command(context: int, last: bytes, cursor: "_Cursor", max_pdu: int) -> list[Buffer]:
    """The command's last fragment, and in the same PDU the first of the data set if enough of it fits."""
    share = min(cursor.left, (max_pdu - 12 - len(last)) & ~1)
    if share <= 0 or share < min(cursor.left, WORTH_SHARING):
        return [_PDU_PDV.pack(P_DATA_TF, len(last) + 6, len(last) + 2, context, 3) + last]
    head = _PDU_PDV.pack(P_DATA_TF, len(last) + share + 12, len(last) + 2, context, 3)
    data = _PDV.pack(share + 2, context, 2 if share == cursor.left else 0)
    return [head + last + data, *cursor.take(share)]


class _Cursor:
    """Takes slices of a row of buffers as if it were one buffer."""

    def __init__(self, parts: Sequence[Buffer]) -> None:
        self.views = [memoryview(p).cast("B") for p in parts if len(p)]
        self.size = self.left = sum(map(len, self.views))
        self.index = self.offset = 0

    def take(self, size: int) -> list[memoryview]:
        """The next `size` bytes as one slice or more."""
        self.left -= size
        taken: list[memoryview] = []
        while size:
            piece = self.views[self.index][self.offset : self.offset + size]
            taken.append(piece)
            size -= len(piece)
            self.offset += len(piece)
            if self.offset == len(self.views[self.index]):
                self.index, self.offset = self.index + 1, 0
        return taken
