"""Part 10 files around data sets (PS3.10 7.1): made for files and DICOMweb, taken apart when they arrive.

| bytes | content                                                                                    |
|-------|--------------------------------------------------------------------------------------------|
| 0-127 | preamble                                                                                   |
| 128   | `DICM`                                                                                     |
| 132   | (0002,0000) UL 4: bytes of file meta information that follow, in explicit VR little endian |
| 144   | (0002,0001) and the rest of the file meta information                                      |
| 144+n | the data set, in the transfer syntax of (0002,0010)                                        |
"""

import struct
from io import BytesIO

from pydicom.dataset import FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_file_meta_info
from pydicom.uid import UID

from loadtest.archives.embedded.header import Unreadable
from loadtest.wire.settings import IMPLEMENTATION_UID, IMPLEMENTATION_VERSION

_LENGTH_ELEMENT = struct.pack("<HH2sH", 2, 0, b"UL", 4)
_META_LIMIT = 1 << 16


def head(sop_class: str, instance: str, transfer_syntax: str) -> bytes:
    """Preamble and file meta information of an object (typically 300 to 400 bytes)."""
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\0\1"
    meta.MediaStorageSOPClassUID = UID(sop_class)
    meta.MediaStorageSOPInstanceUID = UID(instance)
    meta.TransferSyntaxUID = UID(transfer_syntax)
    meta.ImplementationClassUID = UID(IMPLEMENTATION_UID)
    meta.ImplementationVersionName = IMPLEMENTATION_VERSION
    out = DicomBytesIO()
    write_file_meta_info(out, meta)
    return bytes(128) + b"DICM" + out.getvalue()


def data_set_of(file: bytes) -> memoryview:
    """The data set within a Part 10 file. Raises Unreadable (C000)."""
    return memoryview(file)[_data_set_at(file) :]


def names_of(file: bytes) -> tuple[str, str, str]:
    """(SOP class, SOP instance, transfer syntax) as the file meta information names them. Raises Unreadable (C000)."""
    try:
        meta = read_dataset(BytesIO(file[132 : _data_set_at(file)]), False, True)
        words = "MediaStorageSOPClassUID", "MediaStorageSOPInstanceUID", "TransferSyntaxUID"
        sop_class, instance, syntax = (str(meta.get(word, "")) for word in words)
    except Unreadable:
        raise
    except Exception as error:  # pydicom raises many kinds on a peer's bytes; each means the same here
        raise Unreadable(0xC000, f"file meta information not readable: {type(error).__name__}") from error
    return sop_class, instance, syntax


def _data_set_at(file: bytes) -> int:
    if file[128:132] != b"DICM" or file[132:140] != _LENGTH_ELEMENT or len(file) < 144:
        raise Unreadable(0xC000, "no Part 10 file: preamble, DICM and (0002,0000) are needed")
    length = int(struct.unpack_from("<I", file, 140)[0])
    if not 0 < length <= min(_META_LIMIT, len(file) - 144):
        raise Unreadable(0xC000, f"file meta information claims {length} bytes")
    return 144 + length
