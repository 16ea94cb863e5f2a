"""DICOMweb as a client: STOW-RS, QIDO-RS, WADO-RS (PS3.18 chapter 10), one keep-alive connection per object."""

import base64
import os
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPResponse
from time import perf_counter
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlencode
from uuid import uuid4

from loadtest.wire import multipart
from loadtest.wire.errors import WireError
from loadtest.wire.http_channel import HttpConnection
from loadtest.wire.json_array import JsonArray
from loadtest.wire.pace import Pace
from loadtest.wire.paging import Pages
from loadtest.wire.pdu import Buffer
from loadtest.wire.settings import DEFAULT_TIMEOUTS, TcpProfile, Timeouts
from loadtest.wire.web_reply import WebReply, detail, instance_of, stow_answer, warning

STOW_CAP = 4 << 20  # bytes of an answer that we have to hold whole: 10,000 objects named
REFUSAL_CAP = 4 << 20  # bytes of an error's body, of which we keep the first words
WORDS = 200
MOST = 10_000  # answers of a query that are kept
USER, PASSWORD, TOKEN = "FILMLESS_WEB_USER", "FILMLESS_WEB_PASSWORD", "FILMLESS_WEB_TOKEN"
JSON, DICOM, FRAMES = "application/dicom+json", "application/dicom", "application/octet-stream"


def authorization(environment: Mapping[str, str]) -> dict[str, str]:
    """Authorization header: FILMLESS_WEB_TOKEN is a bearer, FILMLESS_WEB_USER and _PASSWORD are basic; {} if unset.

    Raises ValueError, which names the variable and never its content, for what cannot stand in a header.
    """
    if token := environment.get(TOKEN):
        if not all("!" <= c <= "~" for c in token):  # RFC 6750 2.1; what is no ASCII or a line's end cannot be sent
            raise ValueError(f"{TOKEN} holds a space, a line's end or another character that no bearer token has")
        return {"Authorization": f"Bearer {token}"}
    if user := environment.get(USER):
        for name in (USER, PASSWORD):
            value = environment.get(name, "")
            if any(c < " " or c == "\x7f" for c in value):  # RFC 7617 section 2
                raise ValueError(f"{name} holds a line's end or another control character")
            if any("\ud800" <= c <= "\udfff" for c in value):  # bytes of the environment that Python could not read
                raise ValueError(f"{name} is not of UTF-8")
        pair = f"{user}:{environment.get(PASSWORD, '')}".encode()
        return {"Authorization": "Basic " + base64.b64encode(pair).decode("ascii")}
    return {}


class DicomWeb:
    """A client of one DICOMweb root, such as http://127.0.0.1:8042/dicom-web. Not for two threads at once.

    Credentials come from the environment only; they are in no message, repr or record (rule S3).
    """

    def __init__(
        self,
        base_url: str,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        *,
        profile: TcpProfile = TcpProfile.TUNED,
        tls: ssl.SSLContext | None = None,
        environment: Mapping[str, str] | None = None,
        address: str = "",
    ) -> None:
        """`address`: the IP address that the URL's host was pinned to; TLS and the Host header keep the name."""
        self._http = HttpConnection(base_url, timeouts, profile, tls, address)
        self.pace: Pace | None = None  # of the link that answers come over
        self._credentials = authorization(os.environ if environment is None else environment)

    @property
    def security(self) -> str:
        """TLS version and suite of the last connection, "" for plain TCP."""
        return self._http.security

    @property
    def place(self) -> tuple[str, int]:
        """Host or address, and port, that it connects to."""
        return self._http.address, self._http.port

    @contextmanager
    def _operation(self) -> Iterator[None]:
        """One bound for all requests of an operation; an error closes the connection, for its state is unknown."""
        self._http.begin()
        try:
            yield
        except BaseException as error:  # also a greenlet that is killed: half an answer may still be on its way
            if isinstance(error, WireError):
                error.unknown = self._http.sent > 0
            self.close()
            raise

    def stow(self, objects: Sequence[Buffer], study_uid: str = "") -> WebReply:
        """STOW-RS (PS3.18 10.5): Part 10 files in one request; what was stored is read from the answer's sequences.

        `ok` only when the answer names each of them as stored.
        """
        boundary = b"filmless-" + uuid4().hex.encode("ascii")
        body = multipart.encode(objects, boundary)
        headers = {
            "Accept": JSON,
            "Content-Type": f'multipart/related; type="{DICOM}"; boundary="{boundary.decode()}"',
            "Content-Length": str(sum(map(len, body))),
        }
        with self._operation():
            answer = self._ask("POST", f"studies/{study_uid}" if study_uid else "studies", headers, body)
            raw = self._http.read_all(answer, STOW_CAP)
            return self._reply(answer, bytes=len(raw), **stow_answer(answer, raw, [*map(instance_of, objects)]))

    def qido(
        self, level: str, params: Mapping[str, str | int], *, page: int = 0, most: int = MOST
    ) -> tuple[list[dict[str, Any]], WebReply]:
        """QIDO-RS (PS3.18 10.6) at "studies", "series" or "instances" (or a path below a study).

        `page` > 0 asks page by page with limit and offset until the end or `most` answers, all within one
        `operation_s`; so does `page` = 0, without limit, while the server says that it has more. `first_byte` is the
        first page's, `end` the last one's; `detail` keeps the last warning.
        """
        pages, said = Pages(page, most), ""
        with self._operation():
            while True:
                array = pages.array()
                asked = urlencode({**params, **pages.parameters()})
                reply, more = self._json(f"{quote(level)}?{asked}".rstrip("?"), array)
                said = reply.detail or said
                if not pages.take(array, more):
                    return pages.answers, pages.summed(reply, said)

    def wado_study(self, study_uid: str, *, hashing: bool = False, transfer_syntax: str = "*") -> WebReply:
        """WADO-RS (PS3.18 10.4) of a whole study, streamed: objects and bytes are counted, nothing is kept."""
        return self.wado(f"studies/{study_uid}", hashing=hashing, transfer_syntax=transfer_syntax)

    def wado(self, path: str, *, media: str = DICOM, hashing: bool = False, transfer_syntax: str = "*") -> WebReply:
        """WADO-RS below `path`: "studies/1.2/series/1.3", ".../instances/1.4", or ".../frames/1" with media FRAMES."""
        accept = f'multipart/related; type="{media}"; transfer-syntax={transfer_syntax}'
        with self._operation():
            answer = self._ask("GET", quote(path, safe="/,"), {"Accept": accept})
            if answer.status != 200:
                return self._refusal(answer)
            counter = multipart.PartCounter(multipart.boundary_of(answer.headers.get("Content-Type", "")), hashing)
            while piece := self._read(answer):
                counter.feed(piece)
            counter.finish()
            known = {"objects": counter.parts, "bytes": counter.bytes, "first_part": counter.first_part}
            return self._reply(answer, hashes=tuple(counter.hashes), **known)

    def wado_metadata(self, path: str, *, most: int = MOST) -> tuple[list[dict[str, Any]], WebReply]:
        """Metadata as DICOM JSON below `path` (PS3.18 10.4.1.1.2): all instances are counted, `most` of them kept."""
        array = JsonArray(most)
        with self._operation():
            reply, _ = self._json(f"{quote(path)}/metadata", array)
            return array.kept, reply

    def wado_rendered(self, path: str, media: str = "image/jpeg") -> WebReply:
        """A rendered image (PS3.18 10.4.1.1.3): one object, its bytes counted, never decoded."""
        size = 0
        with self._operation():
            answer = self._ask("GET", f"{quote(path, safe='/,')}/rendered", {"Accept": media})
            if answer.status != 200:
                return self._refusal(answer)
            while piece := self._read(answer):
                size += len(piece)
            return self._reply(answer, objects=int(size > 0), bytes=size, first_part=perf_counter())

    def _read(self, answer: HTTPResponse) -> bytes:
        """The next piece of the body, when it has passed the site's link."""
        piece = self._http.read(answer)
        if self.pace is not None and piece:
            self.pace.take(len(piece))
        return piece

    def _json(self, path: str, array: JsonArray) -> tuple[WebReply, bool]:
        """Read an answer's objects into `array`; also whether the server says that it has more of them."""
        answer = self._ask("GET", path, {"Accept": JSON})
        if answer.status != 200:
            return self._refusal(answer), False
        while piece := self._http.read(answer):
            array.feed(piece)
        array.finish()
        said, more = warning(answer)
        return self._reply(answer, objects=array.count, bytes=array.bytes, detail=said), more

    def _refusal(self, answer: HTTPResponse) -> WebReply:
        """An answer without data: 204, or an error, whose first words are kept."""
        return self._reply(answer, detail=detail(answer, self._http.read_start(answer, WORDS, REFUSAL_CAP)))

    def _ask(self, method: str, path: str, headers: Mapping[str, str], body: Sequence[Buffer] = ()) -> HTTPResponse:
        return self._http.request(method, f"/{path}", {**headers, **self._credentials}, body)

    def _reply(self, answer: HTTPResponse, **known: Any) -> WebReply:
        return WebReply(answer.status, self._http.first_byte, perf_counter(), sent=self._http.sent, **known)

    def close(self) -> None:
        """Close the connection; a later call opens it anew."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
