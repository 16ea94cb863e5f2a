"""Reading association PDUs that a peer sent (PS3.8 9.3.2 to 9.3.4): every length is checked against what remains."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from loadtest.wire.errors import CONTEXT_RESULTS, ContextRefused, ProtocolError, printable
from loadtest.wire.pdu import Buffer, Context

FIXED_BYTES = 68  # protocol version, two AE titles and reserved fields before the first item
MOST_ITEMS = 1024
_DEFAULT_ROLES = (True, False)  # the requestor is SCU


@dataclass(frozen=True, slots=True)
class UserInformation:
    """The user items (50H) that we use. The window is what was answered; (1, 1) = synchronous, also when absent."""

    max_pdu: int  # bytes after a PDU's header that the peer takes, 0 = unlimited
    roles: dict[str, tuple[bool, bool]] = field(default_factory=dict)  # SOP class -> (SCU, SCP) granted
    window: tuple[int, int] = (1, 1)
    implementation_uid: str = ""  # printable, whatever the peer wrote
    implementation_version: str = ""
    extended: dict[str, bytes] = field(default_factory=dict)  # SOP class -> its application information (PS3.7 D.3.3.5)
    identity_answer: bytes | None = None  # the peer's word to our user identity; None = it has not said that it took it

    def granted(self, proposed: int) -> int:
        """Requests that may be without an answer at once, of those proposed; 0 = unlimited (PS3.7 D.3.3.3)."""
        return min(self.window[0] or proposed, proposed)


@dataclass(frozen=True, slots=True)
class Agreement:
    """What an A-ASSOCIATE-AC grants: contexts with one transfer syntax each, PDU length, roles, window."""

    accepted: dict[int, tuple[str, str]]  # context id -> (abstract syntax, transfer syntax)
    refused: dict[int, str]  # context id -> result in words
    user: UserInformation

    def context_for(self, offered: Sequence[Context], abstract: str, syntax: str | None = None) -> int:
        """Id of the accepted context for a SOP class (and transfer syntax); ContextRefused says why there is none."""
        for number, (got_abstract, got_syntax) in self.accepted.items():
            if got_abstract == abstract and syntax in (None, got_syntax):
                return number
        raise ContextRefused(abstract, syntax or "", self._why(offered, abstract, syntax))

    def check_receives(self, offered: Sequence[Context], model: str, wanted: str = "") -> None:
        """Raise ContextRefused where the peer may send no object back here, or none of class `wanted`.

        A C-GET needs a context for the objects' class, in which we are SCP: a role that the peer has to grant
        (PS3.7 D.3.3.4).
        """
        offers = {c.abstract_syntax for c in offered} - {model}
        classes = [wanted] if wanted else sorted(offers)
        accepted = {abstract for abstract, _ in self.accepted.values()}
        if classes and not any(uid in accepted and self.user.roles.get(uid, _DEFAULT_ROLES)[1] for uid in classes):
            why = "the peer does not let us be its SCP (role selection, PS3.7 D.3.3.4), so no object can come back"
            raise ContextRefused(
                classes[0], "", why if classes[0] in accepted else self._why(offered, classes[0], None)
            )

    def _why(self, offered: Sequence[Context], abstract: str, syntax: str | None) -> str:
        mine = [
            c for c in offered if c.abstract_syntax == abstract and (syntax is None or syntax in c.transfer_syntaxes)
        ]
        if not mine:
            return "it was not offered when the association was opened"
        other = [self.accepted[c.id][1] for c in mine if c.id in self.accepted]
        return f"the peer chose {other[0]}" if other else self.refused.get(mine[0].id, "the peer did not answer it")


@dataclass(frozen=True, slots=True)
class Request:
    """What an A-ASSOCIATE-RQ asks for, as a listener needs it; `titles` are its bytes 11 to 74, for the answer."""

    called: str
    calling: str
    contexts: tuple[Context, ...]
    user: UserInformation
    titles: bytes
    application_context: str


def items(body: Buffer, where: str) -> Iterator[tuple[int, memoryview]]:
    """Split items or sub-items: type (1), reserved (1), length (2), value. Raises ProtocolError on a lying length."""
    view = memoryview(body)
    count = 0
    while view:
        count += 1
        length = int.from_bytes(view[2:4], "big") if len(view) >= 4 else 0
        if len(view) < 4 + length or len(view) < 4 or count > MOST_ITEMS:
            raise ProtocolError(f"{where}: item {count} claims {length} bytes where {max(len(view) - 4, 0)} remain")
        yield view[0], view[4 : 4 + length]
        view = view[4 + length :]


def uid(value: Buffer, where: str) -> str:
    """A UID of at most 64 characters, padding removed (PS3.5 9.1); anything else is a ProtocolError."""
    return plain_uid(value, where).decode("ascii")


def plain_uid(value: Buffer, where: str) -> bytes:
    """The same, not decoded."""
    text = bytes(value).rstrip(b"\0 ")
    if not 0 < len(text) <= 64 or text.translate(None, b"0123456789."):
        raise ProtocolError(f"{where}: {printable(text, 80)!r} is not a UID of digits and dots, 64 characters at most")
    return text


def read_accept(body: Buffer, offered: Sequence[Context]) -> Agreement:
    """Decode the body of A-ASSOCIATE-AC and hold it against what was offered."""
    by_id = {c.id: c for c in offered}
    accepted: dict[int, tuple[str, str]] = {}
    refused: dict[int, str] = {}
    user: UserInformation | None = None
    for kind, value in _after_fixed(body, "A-ASSOCIATE-AC"):
        if kind == 0x21:
            _read_context(value, by_id, accepted, refused)
        elif kind == 0x50:
            user = _read_user(value)
    if user is None:
        raise ProtocolError("A-ASSOCIATE-AC: no user information, which PS3.8 9.3.3 demands")
    return Agreement(accepted, refused, user)


def read_request(body: Buffer) -> Request:
    """Decode the body of A-ASSOCIATE-RQ."""
    titles = bytes(memoryview(body)[4:FIXED_BYTES])
    contexts: list[Context] = []
    user, application = UserInformation(0), ""
    for kind, value in _after_fixed(body, "A-ASSOCIATE-RQ"):
        if kind == 0x20 and len(value) >= 4:
            subs = [(k, uid(v, "context offered")) for k, v in items(value[4:], "context offered")]
            abstract = next((u for k, u in subs if k == 0x30), "")
            contexts.append(Context(value[0], abstract, tuple(u for k, u in subs if k == 0x40)))
        elif kind == 0x10:
            application = uid(value, "application context")
        elif kind == 0x50:
            user = _read_user(value)
    called, calling = printable(titles[:16]), printable(titles[16:32])
    return Request(called, calling, tuple(contexts), user, titles, application)


def _after_fixed(body: Buffer, where: str) -> Iterator[tuple[int, memoryview]]:
    if len(body) < FIXED_BYTES:
        raise ProtocolError(f"{where}: {len(body)} bytes where at least {FIXED_BYTES} are due")
    return items(memoryview(body)[FIXED_BYTES:], where)


def _read_context(
    value: memoryview, by_id: dict[int, Context], accepted: dict[int, tuple[str, str]], refused: dict[int, str]
) -> None:
    """PS3.8 9.3.3.2: id (1), reserved (1), result (1), reserved (1), one transfer syntax (40H)."""
    if len(value) < 4 or value[0] not in by_id or value[0] in accepted or value[0] in refused:
        raise ProtocolError("A-ASSOCIATE-AC: a context that was not offered, or answered twice")
    number, result = value[0], value[2]
    if result != 0:  # the transfer syntax is not significant then, and may be empty
        refused[number] = CONTEXT_RESULTS.get(result, f"reserved result {result}")
        return
    syntaxes = [uid(v, "context accepted") for k, v in items(value[4:], "context accepted") if k == 0x40]
    if len(syntaxes) != 1 or syntaxes[0] not in by_id[number].transfer_syntaxes:
        raise ProtocolError(f"A-ASSOCIATE-AC: context {number} accepted with a transfer syntax that was not offered")
    accepted[number] = (by_id[number].abstract_syntax, syntaxes[0])


def _read_user(value: memoryview) -> UserInformation:
    """Other items are skipped, as PS3.8 9.3.1 demands of unknown ones; the maximum length must be there (annex D.1)."""
    max_pdu: int | None = None
    roles: dict[str, tuple[bool, bool]] = {}
    window, implementation, version = (1, 1), "", ""
    extended, answer = dict[str, bytes](), None
    for kind, sub in items(value, "user information"):
        if kind == 0x51 and len(sub) == 4:
            max_pdu = int.from_bytes(sub, "big")
        elif kind == 0x53 and len(sub) == 4:
            window = (int.from_bytes(sub[:2], "big"), int.from_bytes(sub[2:], "big"))
        elif kind == 0x54:
            roles |= _read_role(sub)
        elif kind == 0x52:
            implementation = printable(bytes(sub), 64)
        elif kind == 0x55:
            version = printable(bytes(sub), 16)
        elif kind == 0x56:
            extended |= _read_extended(sub)
        elif kind == 0x59:
            answer = _read_identity_answer(sub)
    if max_pdu is None:
        raise ProtocolError("user information: no maximum length, which PS3.8 annex D.1 demands")
    return UserInformation(max_pdu, roles, window, implementation, version, extended, answer)


def _read_role(sub: memoryview) -> dict[str, tuple[bool, bool]]:
    length = int.from_bytes(sub[:2], "big")
    if len(sub) != length + 4:
        raise ProtocolError(f"role selection: UID of {length} bytes in an item of {len(sub)}")
    return {uid(sub[2 : 2 + length], "role selection"): (bool(sub[-2]), bool(sub[-1]))}


def _read_extended(sub: memoryview) -> dict[str, bytes]:
    """PS3.7 D.3.3.5.2: UID length (2), UID, application information."""
    length = int.from_bytes(sub[:2], "big")
    if len(sub) < length + 2:
        raise ProtocolError(f"extended negotiation: UID of {length} bytes in an item of {len(sub)}")
    return {uid(sub[2 : 2 + length], "extended negotiation"): bytes(sub[2 + length :])}


def _read_identity_answer(sub: memoryview) -> bytes:
    """PS3.7 D.3.3.7.2: length of the server's response (2), response; empty for a name and passcode."""
    length = int.from_bytes(sub[:2], "big")
    if len(sub) != length + 2:
        raise ProtocolError(f"user identity: answer of {length} bytes in an item of {len(sub)}")
    return bytes(sub[2:])
