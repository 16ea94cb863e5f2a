"""What a DICOMweb request gives back, and how its JSON is read (PS3.18 annexes F and I)."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPResponse
from typing import Any

from loadtest.wire.errors import ProtocolError, printable
from loadtest.wire.json_array import KEPT_CAP, weight
from loadtest.wire.pdu import Buffer
from loadtest.wire.scan import find_uid

_REFERENCED, _FAILED, _OTHER, _REASON, _INSTANCE = "00081199", "00081198", "0008119A", "00081197", "00081155"
_MORE = re.compile("additional results", re.IGNORECASE)  # PS3.18 10.6.3.3, and as its earlier editions had it
_PREAMBLE = 132  # bytes of a Part 10 file before its meta information, whose first 256 have the SOP Instance UID
_META_INSTANCE = 0x00020003
NO_REASON = 0x0110  # processing failure (PS3.18 table I.2-2), for a failure that is named without a reason


@dataclass(frozen=True, slots=True)
class WebReply:
    """What a request gave; times are perf_counter seconds, `bytes` are bytes inside parts (WADO) or of the body.

    Of what was sent by STOW-RS: `stored` are objects that ReferencedSOPSequence names; `failed` those named in
    FailedSOPSequence or counted in OtherFailuresSequence, `reasons` their codes; `unknown` those of which the answer
    says nothing.
    `named`: SOP Instance UID -> 0 for one that is named as stored, else its failure reason.
    `first_part`: the first object was whole (WADO). `requests`: HTTP requests made (QIDO pages). `detail`: words of a
    refusal, or a warning that came with an answer (Warning 299).
    """

    status: int
    first_byte: float
    end: float
    stored: int = 0
    failed: int = 0
    unknown: int = 0
    objects: int = 0
    bytes: int = 0
    first_part: float = 0.0
    sent: float = 0.0
    requests: int = 1
    reasons: tuple[int, ...] = ()
    hashes: tuple[str, ...] = ()
    detail: str = ""
    named: Mapping[str, int] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """2xx, nothing failed, and the answer accounts for all that was sent."""
        return 200 <= self.status < 300 and self.failed == self.unknown == 0


def detail(answer: HTTPResponse, raw: bytes) -> str:
    """Status, reason and the first words of an error's body, made printable; "" for 2xx."""
    return "" if 200 <= answer.status < 300 else printable(f"{answer.status} {answer.reason}: ".encode() + raw[:200])


def warning(answer: HTTPResponse) -> tuple[str, bool]:
    """Warning 299 in its words, "" if there is none; and whether it says that there are more results."""
    said = [one for one in answer.headers.get_all("Warning", []) if "299" in one]
    return printable("; ".join(said)), any(map(_MORE.search, said))


def _json(raw: bytes) -> Any:
    try:
        text = raw.decode("utf-8-sig")
        if weight(text) > KEPT_CAP:
            raise ProtocolError(f"JSON of {len(raw)} bytes would take more than {KEPT_CAP} bytes of memory")
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"the answer of {len(raw)} bytes is not JSON: {type(error).__name__}") from error


def instance_of(part10: Buffer) -> str:
    """SOP Instance UID of a Part 10 file from its meta information (PS3.10 7.1); "" for what is no such file."""
    head = bytes(memoryview(part10)[: _PREAMBLE + 256])
    try:
        return find_uid(head[_PREAMBLE:], True, _META_INSTANCE) or "" if head[_PREAMBLE - 4 :][:4] == b"DICM" else ""
    except ProtocolError:
        return ""


def stow_answer(answer: HTTPResponse, raw: bytes, sent: Sequence[str]) -> dict[str, Any]:
    """Counts from a Store Instances Response (PS3.18 annex I.2): 200 or 202 alone does not mean that all was stored.

    `sent`: the SOP Instance UID of each object, "" where it is not known. An object is stored when it is named so; for
    one without UID any name will do that is nobody else's.
    """
    kind = answer.headers.get("Content-Type", "").lower()
    if ("json" not in kind and (kind or raw[:1] != b"{")) or not raw:  # Orthanc's 400 and 409 do not tell their type
        return {"unknown": len(sent), "detail": detail(answer, raw) or "the answer names no objects"}
    body = _json(raw)
    if not isinstance(body, dict):
        raise ProtocolError("a STOW-RS answer must be one JSON object (PS3.18 annex F)")
    failed = _sequence(body, _FAILED) + _sequence(body, _OTHER)
    became = named(_sequence(body, _REFERENCED), failed)
    told = {uid for uid, reason in became.items() if reason == 0}
    stored = sum(uid in told for uid in sent) + min(len(told.difference(sent)), sent.count(""))
    return {
        "stored": stored,
        "failed": len(failed),
        "unknown": max(len(sent) - stored - len(failed), 0),
        "reasons": tuple(_number(one.get(_REASON)) for one in failed),
        "detail": detail(answer, raw),
        "named": became,
    }


def named(stored: Sequence[Mapping[str, Any]], failed: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """What became of each object that a Store Instances Response names; failed, where it is named as both."""
    good = {_uid(one): 0 for one in stored}
    bad = {_uid(one): _number(one.get(_REASON)) or NO_REASON for one in failed}
    return {uid: reason for uid, reason in (good | bad).items() if uid}


def _uid(item: Mapping[str, Any]) -> str:
    """The SOP Instance UID that an item names; "" for none."""
    element = item.get(_INSTANCE)
    value = element.get("Value") if isinstance(element, dict) else None
    return value[0] if isinstance(value, list) and value and isinstance(value[0], str) else ""


def _sequence(body: Mapping[str, Any], tag: str) -> list[dict[str, Any]]:
    element = body.get(tag, {})
    value = element.get("Value", []) if isinstance(element, dict) else None
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise ProtocolError(f"STOW-RS answer: ({tag[:4]},{tag[4:]}) is not a sequence")
    return value


def _number(element: Any) -> int:
    value = element.get("Value", [0]) if isinstance(element, dict) else [0]
    return value[0] if isinstance(value, list) and value and isinstance(value[0], int) else 0
