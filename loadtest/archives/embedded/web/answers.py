"""Answers in JSON (PS3.18 annex F)."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydicom.datadict import dictionary_VR, tag_for_keyword
from werkzeug.wrappers import Response

Attributes = dict[str, dict[str, Any]]
DICOM_JSON = "application/dicom+json"
_NUMBERS = {"IS": int, "US": int, "UL": int, "DS": float}


def json_answer(body: Mapping[str, Any] | Sequence[Any], content_type: str = DICOM_JSON, status: int = 200) -> Response:
    """A JSON response; everything outside ASCII is escaped."""
    return Response(json.dumps(body, separators=(",", ":")), status, content_type=content_type)


def json_element(keyword: str, value: str) -> tuple[str, dict[str, Any]]:
    """(tag as eight hexadecimal digits, element) of one attribute given as text (PS3.18 F.2.2)."""
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise KeyError(keyword)
    vr = dictionary_VR(tag)
    element: dict[str, Any] = {"vr": vr}
    if value:
        element["Value"] = [_typed(vr, one) for one in value.split("\\")]
    return f"{tag:08X}", element


def json_sequence(keyword: str, items: Sequence[Attributes]) -> tuple[str, dict[str, Any]]:
    """(tag, element) of a sequence."""
    return f"{tag_for_keyword(keyword) or 0:08X}", {"vr": "SQ", "Value": list(items)}


def _typed(vr: str, value: str) -> object:
    if vr == "PN":
        return dict(zip(("Alphabetic", "Ideographic", "Phonetic"), value.split("="), strict=False))
    try:
        return _NUMBERS[vr](value) if vr in _NUMBERS else value
    except ValueError:
        return value  # PS3.18 F.2.3.1: a string is allowed where a number cannot be written
