"""Data sets of queries and reports, small enough to be held whole: pydicom writes and reads them."""

import warnings
from io import BytesIO

from pydicom.dataset import Dataset
from pydicom.uid import UID
from pynetdicom.dsutils import decode, encode

from loadtest.wire.errors import ProtocolError
from loadtest.wire.scan import check_structure


def encode_identifier(identifier: Dataset, syntax: str) -> bytes:
    """Bytes of an identifier in an uncompressed little endian transfer syntax; ValueError if pydicom cannot."""
    raw = encode(identifier, UID(syntax).is_implicit_VR, UID(syntax).is_little_endian)
    if raw is None:
        raise ValueError(f"this identifier cannot be encoded in {UID(syntax).name}: {list(identifier.keys())}")
    return raw


def decode_identifier(raw: bytes, syntax: str) -> Dataset:
    """A peer's identifier with every element read, at any depth; whatever pydicom chokes on is a ProtocolError."""
    check_structure(raw, explicit=not UID(syntax).is_implicit_VR)
    try:
        with warnings.catch_warnings(action="ignore"):  # they would quote the peer, and each odd value once more
            found = decode(BytesIO(raw), UID(syntax).is_implicit_VR, UID(syntax).is_little_endian)
            for element in found.iterall():
                element.value  # noqa: B018 - pydicom reads late: fail here, where the peer is to blame
        return found
    except Exception as error:  # hostile bytes raise many types
        raise ProtocolError(f"an identifier of {len(raw)} bytes cannot be read: {type(error).__name__}") from error
