"""Identifiers of C-FIND, C-MOVE and C-GET: read from a peer, checked, written back (PS3.4 C.4)."""

from collections.abc import Iterator
from typing import cast

from pydicom.datadict import keyword_for_tag
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pynetdicom import evt
from pynetdicom.dimse_primitives import C_FIND, C_GET, C_MOVE
from pynetdicom.dsutils import decode
from pynetdicom.presentation import PresentationContextTuple

from loadtest.archives.embedded.contexts import PATIENT_ROOT
from loadtest.archives.embedded.header import text
from loadtest.archives.embedded.keys import UNIQUE, Level
from loadtest.archives.embedded.matching import unique_keys

IDENTIFIER_CAP = 1 << 20
_CONTROL = ("QueryRetrieveLevel", "SpecificCharacterSet", "TimezoneOffsetFromUTC", "QueryRetrieveView")


class BadIdentifier(ValueError):
    """The identifier cannot be served; `status` is the DIMSE status to answer with."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


def read_identifier(event: evt.Event) -> Dataset:
    """The peer's identifier. Raises BadIdentifier when it is over 1 MiB (rule Z4) or not readable."""
    encoded = cast(C_FIND | C_GET | C_MOVE, event.request).Identifier
    if encoded is None or encoded.getbuffer().nbytes > IDENTIFIER_CAP:
        raise BadIdentifier(0xC000, f"identifier missing or over {IDENTIFIER_CAP} bytes")
    try:
        syntax = event.context.transfer_syntax
        return decode(encoded, syntax.is_implicit_VR, syntax.is_little_endian)
    except Exception as error:  # pydicom raises many kinds on a peer's bytes; each means the same here
        raise BadIdentifier(0xC000, f"identifier not readable: {type(error).__name__}") from error


def level_of(identifier: Dataset, context: PresentationContextTuple) -> Level:
    """The level asked for; the keys above it must be given, one value each (PS3.4 C.4.1.2.1). Raises BadIdentifier."""
    word = text(identifier, "QueryRetrieveLevel").strip().upper()
    patient_root = str(context.abstract_syntax) in PATIENT_ROOT
    allowed = [level.name for level in Level if patient_root or level > Level.PATIENT]
    if word not in allowed:
        raise BadIdentifier(0xA900, f"Query/Retrieve Level: {', '.join(allowed)}")
    for keyword in unique_keys(Level[word], patient_root):
        value = text(identifier, keyword)
        if not value or any(mark in value for mark in "\\*?"):
            raise BadIdentifier(0xA900, f"level {word} needs one {keyword}")
    return Level[word]


def wanted(identifier: Dataset) -> Iterator[tuple[str, str]]:
    """(keyword, value) of each key; an attribute without keyword, or a sequence, gives its tag or no value."""
    for element in identifier:
        keyword = keyword_for_tag(element.tag) or str(Tag(element.tag))
        if keyword not in _CONTROL and element.tag.element != 0:
            yield keyword, "" if element.VR == "SQ" else text(identifier, keyword)


def retrieved(identifier: Dataset, level: Level) -> dict[str, str]:
    """The unique keys of a retrieve: those above the level, and one or more values at it (PS3.4 C.4.2.1.4)."""
    keys = {UNIQUE[one]: text(identifier, UNIQUE[one]) for one in Level if one <= level}
    if not keys[UNIQUE[level]] or any(mark in keys[UNIQUE[level]] for mark in "*?"):
        raise BadIdentifier(0xA900, f"level {level.name} needs {UNIQUE[level]}, no wild card")
    return {keyword: value for keyword, value in keys.items() if value}
