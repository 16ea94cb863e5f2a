"""From a received data set to what the index keeps of it, without touching its pixels."""

import re
from collections.abc import Iterable
from io import BytesIO

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag
from pydicom.uid import ImplicitVRLittleEndian

from loadtest.archives.embedded.keys import IMAGE, PATIENT, SERIES, STUDY

_UID = re.compile(r"[0-9.]{1,64}\Z")
_WANTED = [int(tag_for_keyword(word) or 0) for word in ("SpecificCharacterSet", *PATIENT, *STUDY, *SERIES, *IMAGE)]
_LAST = max(_WANTED)
_PIXELS = 0x7FE0_0000
LONGEST_VALUE = 1024  # characters kept of one value; a peer's value may be megabytes


class Unreadable(ValueError):
    """The data set cannot be indexed; `status` is the C-STORE status to answer with (PS3.4 table B.2-1)."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


def read_header(encoded: bytes, transfer_syntax: str) -> Dataset:
    """The index's attributes of a data set encoded in `transfer_syntax`. Raises Unreadable (C000)."""
    implicit = transfer_syntax == ImplicitVRLittleEndian
    try:
        return read_dataset(BytesIO(encoded), implicit, True, stop_when=_past_keys, specific_tags=list(_WANTED))
    except Exception as error:  # pydicom raises many kinds on a peer's bytes; each means the same here
        raise Unreadable(0xC000, f"data set not readable as {transfer_syntax}: {type(error).__name__}") from error


def read_whole_header(encoded: bytes, transfer_syntax: str) -> Dataset:
    """All attributes before the pixel data. Raises Unreadable (C000)."""
    implicit = transfer_syntax == ImplicitVRLittleEndian
    try:
        return read_dataset(BytesIO(encoded), implicit, True, stop_when=_at_pixels)
    except Exception as error:  # as above
        raise Unreadable(0xC000, f"data set not readable as {transfer_syntax}: {type(error).__name__}") from error


def _at_pixels(tag: BaseTag, vr: str | None, length: int) -> bool:
    return bool(tag >= _PIXELS)


def _past_keys(tag: BaseTag, vr: str | None, length: int) -> bool:
    return bool(tag > _LAST)


def uid(header: Dataset, keyword: str) -> str:
    """A UID of the header. Raises Unreadable (C000) unless it is 1 to 64 digits and dots (PS3.5 9.1)."""
    value = text(header, keyword)
    if not _UID.match(value):
        raise Unreadable(0xC000, f"{keyword} is missing or is no UID")
    return value


def texts(header: Dataset, keywords: Iterable[str]) -> list[str]:
    """The values of `keywords` as text, in order; '' where there is none."""
    return [text(header, word) for word in keywords]


def text(header: Dataset, keyword: str) -> str:
    """One value as text; several values are joined by a backslash, as on the wire."""
    try:
        value = header.get(keyword)
    except Exception as error:  # a value that its VR does not allow, e.g. letters in an IS
        raise Unreadable(0xC000, f"{keyword} is not readable: {type(error).__name__}") from error
    if value is None:
        return ""
    several = isinstance(value, MultiValue)
    return ("\\".join(map(str, value)) if several else str(value))[:LONGEST_VALUE]
