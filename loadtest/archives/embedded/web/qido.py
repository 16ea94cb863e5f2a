"""QIDO-RS (PS3.18 10.6): relational queries for studies, series and instances, page by page."""

from urllib.parse import quote

from pydicom.datadict import keyword_for_tag
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Request, Response

from loadtest.archives.embedded.archive import Archive
from loadtest.archives.embedded.keys import IMAGE, KEYS, PATIENT, SERIES, STUDY, Level
from loadtest.archives.embedded.matching import MOST_ANSWERS, Query
from loadtest.archives.embedded.web.answers import json_answer, json_element

_COUNTS = ("NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances")
GIVEN = {
    Level.STUDY: (*STUDY, *PATIENT, "ModalitiesInStudy", *_COUNTS),
    Level.SERIES: ("StudyInstanceUID", *SERIES, "NumberOfSeriesRelatedInstances"),
    Level.IMAGE: ("StudyInstanceUID", "SeriesInstanceUID", "Modality", *IMAGE),
}


def studies(archive: Archive, request: Request) -> Response:
    """GET /studies."""
    return _search(archive, request, Level.STUDY, {})


def series(archive: Archive, request: Request, study: str = "") -> Response:
    """GET /series and /studies/{study}/series."""
    return _search(archive, request, Level.SERIES, {"StudyInstanceUID": study})


def instances(archive: Archive, request: Request, study: str = "", series: str = "") -> Response:
    """GET /instances, below a study or a series too."""
    return _search(archive, request, Level.IMAGE, {"StudyInstanceUID": study, "SeriesInstanceUID": series})


def _search(archive: Archive, request: Request, level: Level, path: dict[str, str]) -> Response:
    asked, more = _parameters(request)
    match = {**asked, **{word: value for word, value in path.items() if value}}
    limit, offset = _whole(request, "limit", MOST_ANSWERS), _whole(request, "offset", 0)
    query = Query(level, match, [*GIVEN[level], *more], limit, offset)
    root = request.host_url.rstrip("/") + "/dicom-web"
    answer = json_answer([_one(found, level, root) for found in archive.find(query)])
    if ignored := [word for word in query.unsupported() if word in match]:
        names = ", ".join(ignored)
        answer.headers["Warning"] = f'299 filmless "The following are not supported for matching: {names}"'
    return answer


def _parameters(request: Request) -> tuple[dict[str, str], list[str]]:
    """({keyword: value} to match, keywords to give as well) from the query (PS3.18 8.3.4)."""
    match: dict[str, str] = {}
    more: list[str] = []
    for name, value in request.args.items(multi=True):
        if name == "includefield":
            more += [_keyword(one) for one in value.split(",") if one != "all"]
        elif name not in ("limit", "offset", "fuzzymatching"):
            keyword = _keyword(name)
            match[keyword] = value.replace(",", "\\") if _lists(keyword) else value
    return match, [word for word in more if word in KEYS]


def _lists(keyword: str) -> bool:
    return keyword in KEYS and KEYS[keyword].vr in ("UI", "CS")


def _keyword(name: str) -> str:
    """The keyword of an attribute given as keyword or as eight hexadecimal digits."""
    if len(name) == 8 and all(c in "0123456789abcdefABCDEF" for c in name):
        name = keyword_for_tag(int(name, 16)) or name
    if not (name.isascii() and name.isalnum()):
        raise BadRequest("a query parameter must be a keyword or a tag of eight hexadecimal digits")
    return name


def _whole(request: Request, name: str, default: int) -> int:
    value = request.args.get(name, "")
    if value and not (value.isdecimal() and len(value) < 10):
        raise BadRequest(f"{name} must be a whole number")
    return min(int(value or default), MOST_ANSWERS if name == "limit" else 10**9)


def _one(found: dict[str, str], level: Level, root: str) -> dict[str, object]:
    path = f"/studies/{quote(found['StudyInstanceUID'])}"
    if level >= Level.SERIES:
        path += f"/series/{quote(found['SeriesInstanceUID'])}"
    if level == Level.IMAGE:
        path += f"/instances/{quote(found['SOPInstanceUID'])}"
    return dict(json_element(word, value) for word, value in {**found, "RetrieveURL": root + path}.items())
