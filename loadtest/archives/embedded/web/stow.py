"""STOW-RS (PS3.18 10.5): Part 10 files in one multipart/related request; each is answered for by name."""

from collections.abc import Iterator
from urllib.parse import quote

from werkzeug.exceptions import BadRequest, UnsupportedMediaType
from werkzeug.wrappers import Request, Response

from loadtest.archives.embedded import part10
from loadtest.archives.embedded.archive import Archive
from loadtest.archives.embedded.contexts import TRANSFER_SYNTAXES
from loadtest.archives.embedded.header import Unreadable
from loadtest.archives.embedded.web.answers import Attributes, json_answer, json_element, json_sequence
from loadtest.archives.embedded.web.multipart import split
from loadtest.wire.errors import ProtocolError
from loadtest.wire.multipart import boundary_of

_SYNTAX_NOT_SUPPORTED = 0xC122  # PS3.18 table I.2-2
_NO_ROOM = 0xA700


def store(archive: Archive, request: Request, study: str = "") -> Response:
    """200 all stored, 202 some, 409 none (PS3.18 table 10.5.3-1); FailedSOPSequence names what was refused."""
    stored: list[Attributes] = []
    failed: list[Attributes] = []
    root = f"{request.host_url.rstrip('/')}/dicom-web/studies"
    for part in _files(request):
        names = ("", "", "")
        try:
            names = part10.names_of(part)
            stored.append(_referenced(names, RetrieveURL=_keep(archive, part, names, study, root)))
        except Unreadable as error:
            failed.append(_referenced(names, FailureReason=error.status))
        except OSError:
            failed.append(_referenced(names, FailureReason=_NO_ROOM))
    status = 409 if not stored else 202 if failed else 200
    sequences = {"ReferencedSOPSequence": stored, "FailedSOPSequence": failed}
    body = dict(json_sequence(word, items) for word, items in sequences.items() if items)
    return json_answer(body, status=status)


def _files(request: Request) -> Iterator[bytes]:
    """The parts of the body; 415 for another media type."""
    content_type = request.headers.get("Content-Type", "")
    try:
        boundary = boundary_of(content_type)
    except ProtocolError as error:
        raise UnsupportedMediaType(str(error)) from error
    if "application/dicom" not in content_type.lower() or "+" in content_type:
        raise UnsupportedMediaType('offered is multipart/related; type="application/dicom"')
    body = request.get_data(cache=False)
    if not body:
        raise BadRequest("the body is empty")
    return split(body, boundary)


def _keep(archive: Archive, part: bytes, names: tuple[str, str, str], study: str, root: str) -> str:
    """Store one file; returns its retrieve URL ('' in null mode). Raises Unreadable with the failure reason."""
    sop_class, instance, syntax = names
    if syntax not in TRANSFER_SYNTAXES:
        raise Unreadable(_SYNTAX_NOT_SUPPORTED, "transfer syntax not supported")
    stored = archive.store(bytes(part10.data_set_of(part)), syntax, sop_class, instance, study)
    if stored is None:
        return ""
    return f"{root}/{quote(stored.study)}/series/{quote(stored.series)}/instances/{quote(stored.instance)}"


def _referenced(names: tuple[str, str, str], **more: object) -> Attributes:
    words = {"ReferencedSOPClassUID": names[0], "ReferencedSOPInstanceUID": names[1], **more}
    return dict(json_element(word, str(value)) for word, value in words.items())
