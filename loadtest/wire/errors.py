"""What can go wrong on the wire, each kind with its own type and its reason in words.

`unknown` is Jepsen's third answer: the whole request had left this machine and no answer came, so the
archive may or may not have acted on it. Such an operation is neither done nor failed (rules F2 and F3).
"""

# PS3.8 table 9-21: A-ASSOCIATE-RJ, bytes 8 (result), 9 (source) and 10 (reason).
REJECT_RESULTS = {1: "rejected permanently", 2: "rejected transiently"}
REJECT_SOURCES = {1: "service user", 2: "service provider (ACSE)", 3: "service provider (presentation)"}
REJECT_REASONS = {
    (1, 1): "no reason given",
    (1, 2): "application context name not supported",
    (1, 3): "calling AE title not recognised",
    (1, 7): "called AE title not recognised",
    (2, 1): "no reason given",
    (2, 2): "protocol version not supported",
    (3, 1): "temporary congestion",
    (3, 2): "local limit exceeded",
}
# PS3.8 table 9-26: A-ABORT, bytes 9 (source) and 10 (reason; it means something only from the provider).
ABORT_SOURCES = {0: "service user", 2: "service provider"}
ABORT_REASONS = {
    0: "reason not specified",
    1: "unrecognised PDU",
    2: "unexpected PDU",
    4: "unrecognised PDU parameter",
    5: "unexpected PDU parameter",
    6: "invalid PDU parameter value",
}
# PS3.8 table 9-18: result of a presentation context in A-ASSOCIATE-AC.
CONTEXT_RESULTS = {
    0: "accepted",
    1: "refused by the user",
    2: "refused, no reason given",
    3: "abstract syntax not supported",
    4: "transfer syntaxes not supported",
}


class WireError(Exception):
    """Base of all errors of this package. `unknown`: the request was sent whole and no answer came."""

    unknown: bool = False


class ConnectFailed(WireError):
    """No TCP (or TLS) connection: refused, unreachable, name not known, certificate not accepted."""


class PeerTimeout(WireError):
    """The peer did not send or take what was due within the bound that `Timeouts` gives."""


class ProtocolError(WireError):
    """The peer broke DICOM's rules (or ours on size); the association is aborted."""


class AssociationAborted(WireError):
    """A-ABORT came from the peer; `source` and `reason` in words."""

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(f"association aborted by {source}: {reason}")
        self.source = source
        self.reason = reason

    @classmethod
    def from_codes(cls, source: int, reason: int) -> "AssociationAborted":
        """Words for the two codes of an A-ABORT PDU (PS3.8 9.3.8)."""
        words = ABORT_REASONS.get(reason, f"reserved reason {reason}") if source == 2 else "no reason is carried"
        return cls(ABORT_SOURCES.get(source, f"reserved source {source}"), words)


class ConnectionLost(AssociationAborted):
    """The TCP connection ended or was reset without A-ABORT or A-RELEASE."""

    def __init__(self, reason: str) -> None:
        super().__init__("the network", reason)


class AssociationRejected(WireError):
    """A-ASSOCIATE-RJ came; `result`, `source` and `reason` are the codes, the message has the words."""

    def __init__(self, result: int, source: int, reason: int) -> None:
        self.result, self.source, self.reason = result, source, reason
        self.result_words = REJECT_RESULTS.get(result, f"reserved result {result}")
        self.source_words = REJECT_SOURCES.get(source, f"reserved source {source}")
        self.reason_words = REJECT_REASONS.get((source, reason), f"reserved reason {reason}")
        super().__init__(f"association {self.result_words} by {self.source_words}: {self.reason_words}")


class ContextRefused(WireError):
    """No accepted presentation context serves this SOP class (and transfer syntax)."""

    def __init__(self, abstract_syntax: str, transfer_syntax: str, why: str) -> None:
        super().__init__(f"no presentation context for {abstract_syntax} in {transfer_syntax or 'any syntax'}: {why}")
        self.abstract_syntax = abstract_syntax
        self.transfer_syntax = transfer_syntax
        self.why = why


def printable(text: bytes | str, longest: int = 256) -> str:
    """A peer's bytes as one line of plain ASCII, cut at `longest` characters (rule Z1)."""
    words = text.decode("ascii", "backslashreplace") if isinstance(text, bytes) else text
    words = words.strip("\0 ")
    cut = words if len(words) <= longest else words[:longest] + "..."
    return "".join(c if " " <= c <= "~" else c.encode("unicode_escape").decode() for c in cut)
