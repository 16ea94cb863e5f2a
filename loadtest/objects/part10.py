"""DICOM files: preamble, prefix and file meta information before a data set (PS3.10 7.1)."""

from struct import pack

from loadtest.objects.uids import IMPLEMENTATION_UID

VERSION_NAME = "FILMLESS_1"


def _element(tag: int, vr: bytes, value: bytes) -> bytes:
    """One explicit VR little endian element of group 0002 (PS3.5 7.1.2)."""
    value += (b"" if vr in (b"OB", b"UL") else b" " if vr == b"SH" else b"\0") * (len(value) % 2)
    length = pack("<HI", 0, len(value)) if vr == b"OB" else pack("<H", len(value))
    return pack("<HH", 2, tag) + vr + length + value


def file_head(sop_class: str, instance: str, transfer_syntax: str) -> bytes:
    """Everything of a Part 10 file before the data set."""
    body = b"".join(
        (
            _element(0x01, b"OB", b"\0\1"),
            _element(0x02, b"UI", sop_class.encode()),
            _element(0x03, b"UI", instance.encode()),
            _element(0x10, b"UI", transfer_syntax.encode()),
            _element(0x12, b"UI", IMPLEMENTATION_UID.encode()),
            _element(0x13, b"SH", VERSION_NAME.encode()),
        )
    )
    return b"\0" * 128 + b"DICM" + _element(0x00, b"UL", pack("<I", len(body))) + body
