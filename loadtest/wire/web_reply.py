"""What a DICOMweb request gives back, and how its JSON is read (PS3.18 annexes F and I)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPResponse
from typing import Any

from loadtest.wire.errors import ProtocolError, printable

_REFERENCED, _FAILED, _REASON, _INSTANCE = "00081199", "00081198", "00081197", "00081155"
NO_REASON = 0x0110  # processing failure (PS3.18 table I.2-2), for a failure that is named without a reason


@dataclass(frozen=True, slots=True)
class WebReply:
    """What a request gave; times are perf_counter seconds, `bytes` are bytes inside parts (WADO) or of the body.

    `stored`, `failed`: objects named in ReferencedSOPSequence and FailedSOPSequence; `reasons`: failure reason codes.
    `named`: SOP Instance UID -> 0 for one that is named as stored, else its failure reason.
    `first_part`: the first object was whole (WADO). `requests`: HTTP requests made (QIDO pages).
    """

    status: int
    first_byte: float
    end: float
    stored: int = 0
    failed: int = 0
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
        """2xx and nothing failed."""
        return 200 <= self.status < 300 and self.failed == 0


def detail(answer: HTTPResponse, raw: bytes) -> str:
    """Status, reason and the first words of an error's body, made printable; "" for 2xx."""
    return "" if 200 <= answer.status < 300 else printable(f"{answer.status} {answer.reason}: ".encode() + raw[:200])


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"the answer of {len(raw)} bytes is not JSON: {type(error).__name__}") from error


def json_list(raw: bytes) -> list[dict[str, Any]]:
    """The data sets of a DICOM JSON array; anything else is a ProtocolError."""
    found = _json(raw)
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise ProtocolError("a QIDO-RS answer must be a JSON array of objects (PS3.18 annex F)")
    return found


def stow_answer(answer: HTTPResponse, raw: bytes) -> dict[str, Any]:
    """Counts from a Store Instances Response (PS3.18 annex I.2): 200 or 202 alone does not mean that all was stored."""
    if not raw or "json" not in answer.headers.get("Content-Type", "").lower():
        return {"detail": detail(answer, raw) or "the answer names no objects"}
    body = _json(raw)
    if not isinstance(body, dict):
        raise ProtocolError("a STOW-RS answer must be one JSON object (PS3.18 annex F)")
    failed = _sequence(body, _FAILED)
    reasons = tuple(_number(one.get(_REASON)) for one in failed)
    return {
        "stored": len(_sequence(body, _REFERENCED)),
        "failed": len(failed),
        "reasons": reasons,
        "detail": detail(answer, raw),
        "named": named(body),
    }


def named(body: Mapping[str, Any]) -> dict[str, int]:
    """What became of each object that a Store Instances Response names; failed, where it is named as both."""
    stored = {_uid(one): 0 for one in _sequence(body, _REFERENCED)}
    failed = {_uid(one): _number(one.get(_REASON)) or NO_REASON for one in _sequence(body, _FAILED)}
    return {uid: reason for uid, reason in (stored | failed).items() if uid}


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
