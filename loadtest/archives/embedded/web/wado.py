"""WADO-RS (PS3.18 10.4): studies, series and instances as multipart/related application/dicom, and their metadata."""

import re
from collections.abc import Iterator
from uuid import uuid4

from pydicom.dataset import Dataset
from werkzeug.exceptions import NotAcceptable, NotFound
from werkzeug.wrappers import Request, Response

from loadtest.archives.embedded import part10
from loadtest.archives.embedded.archive import Archive
from loadtest.archives.embedded.header import read_whole_header
from loadtest.archives.embedded.keys import Level
from loadtest.archives.embedded.stored import Stored
from loadtest.archives.embedded.web.answers import json_answer

_ACCEPTABLE = re.compile(r"\*/\*|multipart/\*|application/dicom(?!\+)")
_SYNTAX = re.compile(r'transfer-syntax="?([0-9.]+|\*)')


def objects(archive: Archive, request: Request, **path: str) -> Response:
    """The objects below a path, streamed one after the other, each in the transfer syntax in which it is stored."""
    found = below(archive, path)
    _check_acceptable(request.headers.get("Accept", "*/*").lower(), {stored.transfer_syntax for stored in found})
    boundary = f"filmless-{uuid4().hex}"
    body = _parts(archive, found, boundary.encode("ascii"))
    return Response(body, content_type=f'multipart/related; type="application/dicom"; boundary={boundary}')


def _check_acceptable(accept: str, held: set[str]) -> None:
    """406 unless multipart DICOM is accepted in the syntaxes held: this archive changes no transfer syntax."""
    if not _ACCEPTABLE.search(accept):
        raise NotAcceptable('offered is multipart/related; type="application/dicom"; transfer-syntax=*')
    named = set(_SYNTAX.findall(accept)) - {"*"}
    if named and not held <= named:
        raise NotAcceptable(f"stored in transfer syntax {', '.join(sorted(held))}, and not converted")


def metadata(archive: Archive, request: Request, **path: str) -> Response:
    """The headers of the objects below a path as DICOM JSON, without pixels."""
    return json_answer([_header(archive, stored).to_json_dict() for stored in below(archive, path)])


def below(archive: Archive, path: dict[str, str]) -> list[Stored]:
    """The objects below a path; 404 where there is none."""
    names = {"study": "StudyInstanceUID", "series": "SeriesInstanceUID", "instance": "SOPInstanceUID"}
    found = archive.instances(Level.IMAGE, {names[part]: uid for part, uid in path.items()})
    if not found:
        raise NotFound("nothing is stored below this path")
    return found


def _parts(archive: Archive, found: list[Stored], boundary: bytes) -> Iterator[bytes]:
    for stored in found:
        head = b"\r\n--" + boundary + b"\r\nContent-Type: application/dicom; transfer-syntax="
        head += stored.transfer_syntax.encode("ascii") + b"\r\n\r\n"
        yield head + part10.head(stored.sop_class, stored.instance, stored.transfer_syntax)
        yield archive.data_set(stored)
    yield b"\r\n--" + boundary + b"--\r\n"


def _header(archive: Archive, stored: Stored) -> Dataset:
    return read_whole_header(archive.data_set(stored), stored.transfer_syntax)
