"""DICOMweb as a client: STOW-RS, QIDO-RS, WADO-RS (PS3.18 chapter 10), one keep-alive connection per object."""

import base64
import json
import os
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPResponse
from time import perf_counter
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlencode
from uuid import uuid4

from loadtest.wire import multipart
from loadtest.wire.errors import ProtocolError, printable
from loadtest.wire.http_channel import HttpConnection
from loadtest.wire.pdu import Buffer
from loadtest.wire.settings import DEFAULT_TIMEOUTS, TcpProfile, Timeouts

JSON_CAP = 64 << 20
USER, PASSWORD, TOKEN = "FILMLESS_WEB_USER", "FILMLESS_WEB_PASSWORD", "FILMLESS_WEB_TOKEN"
_JSON = "application/dicom+json"
_REFERENCED, _FAILED, _REASON = "00081199", "00081198", "00081197"


@dataclass(frozen=True, slots=True)
class WebReply:
    """What a request gave; times are perf_counter seconds, `bytes` are bytes inside parts (WADO) or of the body.

    `stored`, `failed`: objects named in ReferencedSOPSequence and FailedSOPSequence; `reasons`: failure reason codes.
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

    @property
    def ok(self) -> bool:
        """2xx and nothing failed."""
        return 200 <= self.status < 300 and self.failed == 0


def authorization(environment: Mapping[str, str]) -> dict[str, str]:
    """Authorization header: FILMLESS_WEB_TOKEN is a bearer, FILMLESS_WEB_USER and _PASSWORD are basic; {} if unset."""
    if token := environment.get(TOKEN):
        return {"Authorization": f"Bearer {token}"}
    if user := environment.get(USER):
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
    ) -> None:
        self._http = HttpConnection(base_url, timeouts, profile, tls)
        self._credentials = authorization(os.environ if environment is None else environment)
        self._room = memoryview(bytearray(1 << 18))

    def stow(self, objects: Sequence[Buffer], study_uid: str = "") -> WebReply:
        """STOW-RS (PS3.18 10.5): Part 10 files in one request; what was stored is read from the answer's sequences."""
        boundary = b"filmless-" + uuid4().hex.encode("ascii")
        body = multipart.encode(objects, boundary)
        headers = {
            "Accept": _JSON,
            "Content-Type": f'multipart/related; type="application/dicom"; boundary="{boundary.decode()}"',
            "Content-Length": str(sum(len(b) for b in body)),
        }
        answer = self._ask("POST", "/studies" + (f"/{quote(study_uid)}" if study_uid else ""), headers, body)
        raw = self._http.read_all(answer, JSON_CAP)
        found = _stow_answer(answer, raw)
        return self._reply(answer, bytes=len(raw), **found)

    def qido(
        self, level: str, params: Mapping[str, str | int], *, page: int = 0, most: int = 10_000
    ) -> tuple[list[dict[str, Any]], WebReply]:
        """QIDO-RS (PS3.18 10.6) at "studies", "series" or "instances" (or a path below a study).

        `page` > 0 asks page by page with limit and offset until a short page or `most` answers.
        """
        answers: list[dict[str, Any]] = []
        requests, first_byte, sent = 0, 0.0, 0.0
        while True:
            paging = {"limit": page, "offset": len(answers)} if page else {}
            found, reply = self._page(level, {**params, **paging})
            requests, first_byte, sent = requests + 1, first_byte or reply.first_byte, sent or reply.sent
            answers += found
            if not page or len(found) < page or len(answers) >= most or not reply.ok:
                kept = answers[:most]
                whole = self._reply_like(reply, first_byte, sent, requests, len(kept))
                return kept, whole

    def _page(self, level: str, params: Mapping[str, str | int]) -> tuple[list[dict[str, Any]], WebReply]:
        query = f"?{urlencode(params)}" if params else ""
        answer = self._ask("GET", f"/{quote(level)}{query}", {"Accept": _JSON})
        raw = self._http.read_all(answer, JSON_CAP)
        found = _json_list(raw) if answer.status == 200 else []
        return found, self._reply(answer, objects=len(found), bytes=len(raw), detail=_detail(answer, raw))

    def wado_study(self, study_uid: str, *, hashing: bool = False, transfer_syntax: str = "*") -> WebReply:
        """WADO-RS (PS3.18 10.4) of a whole study, streamed: objects and bytes are counted, nothing is kept."""
        return self.wado(f"studies/{study_uid}", hashing=hashing, transfer_syntax=transfer_syntax)

    def wado(self, path: str, *, hashing: bool = False, transfer_syntax: str = "*") -> WebReply:
        """WADO-RS of instances below `path` ("studies/1.2/series/1.3" and so on)."""
        accept = f'multipart/related; type="application/dicom"; transfer-syntax={transfer_syntax}'
        answer = self._ask("GET", f"/{quote(path)}", {"Accept": accept})
        if answer.status != 200:
            raw = self._http.read_all(answer, JSON_CAP)
            return self._reply(answer, detail=_detail(answer, raw))
        counter = self._count_parts(answer, hashing)
        return self._reply(
            answer,
            objects=counter.parts,
            bytes=counter.bytes,
            first_part=counter.first_part,
            hashes=tuple(counter.hashes),
        )

    def _count_parts(self, answer: HTTPResponse, hashing: bool) -> multipart.PartCounter:
        try:
            counter = multipart.PartCounter(multipart.boundary_of(answer.headers.get("Content-Type", "")), hashing)
            while count := self._http.read(answer, self._room):
                counter.feed(self._room[:count])
            counter.finish()
        except ProtocolError:
            self.close()  # where the next answer would start is not known
            raise
        return counter

    def _ask(self, method: str, path: str, headers: Mapping[str, str], body: Sequence[Buffer] = ()) -> HTTPResponse:
        return self._http.request(method, path, {**headers, **self._credentials}, body)

    def _reply(self, answer: HTTPResponse, **known: Any) -> WebReply:
        return WebReply(answer.status, self._http.first_byte, perf_counter(), sent=self._http.sent, **known)

    @staticmethod
    def _reply_like(last: WebReply, first_byte: float, sent: float, requests: int, objects: int) -> WebReply:
        return WebReply(
            last.status,
            first_byte,
            last.end,
            objects=objects,
            bytes=last.bytes,
            sent=sent,
            requests=requests,
            detail=last.detail,
        )

    def close(self) -> None:
        """Close the connection; a later call opens it anew."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _detail(answer: HTTPResponse, raw: bytes) -> str:
    return "" if 200 <= answer.status < 300 else printable(f"{answer.status} {answer.reason}: ".encode() + raw[:200])


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"the answer of {len(raw)} bytes is not JSON: {type(error).__name__}") from error


def _json_list(raw: bytes) -> list[dict[str, Any]]:
    found = _json(raw)
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise ProtocolError("a QIDO-RS answer must be a JSON array of objects (PS3.18 annex F)")
    return found


def _stow_answer(answer: HTTPResponse, raw: bytes) -> dict[str, Any]:
    """Counts from a Store Instances Response (PS3.18 annex I.2): 200 or 202 alone does not mean that all was stored."""
    if not raw or "json" not in answer.headers.get("Content-Type", "").lower():
        return {"detail": _detail(answer, raw) or "the answer names no objects"}
    body = _json(raw)
    if not isinstance(body, dict):
        raise ProtocolError("a STOW-RS answer must be one JSON object (PS3.18 annex F)")
    failed = _sequence(body, _FAILED)
    reasons = tuple(_number(one.get(_REASON)) for one in failed)
    return {
        "stored": len(_sequence(body, _REFERENCED)),
        "failed": len(failed),
        "reasons": reasons,
        "detail": _detail(answer, raw),
    }


def _sequence(body: Mapping[str, Any], tag: str) -> list[dict[str, Any]]:
    element = body.get(tag, {})
    value = element.get("Value", []) if isinstance(element, dict) else None
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise ProtocolError(f"STOW-RS answer: ({tag[:4]},{tag[4:]}) is not a sequence")
    return value


def _number(element: Any) -> int:
    value = element.get("Value", [0]) if isinstance(element, dict) else [0]
    return value[0] if isinstance(value, list) and value and isinstance(value[0], int) else 0
