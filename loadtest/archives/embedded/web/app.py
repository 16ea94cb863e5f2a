"""The WSGI application: from a URL to one of the services."""

from collections.abc import Callable, Iterable
from typing import Any

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from loadtest.archives.embedded.archive import Archive
from loadtest.archives.embedded.web import images, qido, stow, wado
from loadtest.archives.embedded.web.answers import json_answer

ROOT = "/dicom-web"
_STUDY, _SERIES = "/studies/<study>", "/studies/<study>/series/<series>"
_INSTANCE = f"{_SERIES}/instances/<instance>"
_ROUTES = [
    ("POST", "/studies", "stow"),
    ("POST", _STUDY, "stow"),
    ("GET", "/studies", "study"),
    ("GET", "/series", "series"),
    ("GET", f"{_STUDY}/series", "series"),
    ("GET", "/instances", "image"),
    ("GET", f"{_STUDY}/instances", "image"),
    ("GET", f"{_SERIES}/instances", "image"),
    *(("GET", path, "objects") for path in (_STUDY, _SERIES, _INSTANCE)),
    *(("GET", f"{path}/metadata", "metadata") for path in (_STUDY, _SERIES, _INSTANCE)),
    ("GET", f"{_INSTANCE}/frames/<frames>", "frames"),
    ("GET", f"{_INSTANCE}/rendered", "rendered"),
]


class WebApp:
    """DICOMweb below `/dicom-web`, and `/statistics`."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        rules = [Rule(ROOT + path, endpoint=name, methods=[method]) for method, path, name in _ROUTES]
        self._urls = Map([*rules, Rule("/statistics", endpoint="statistics", methods=["GET"])])
        self._services: dict[str, Callable[..., Response]] = {
            "stow": stow.store,
            "study": qido.studies,
            "series": qido.series,
            "image": qido.instances,
            "objects": wado.objects,
            "metadata": wado.metadata,
            "frames": images.frames,
            "rendered": images.rendered,
            "statistics": _statistics,
        }

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request; an error is its HTTP status with a sentence."""
        request = Request(environ)
        try:
            name, found = self._urls.bind_to_environ(environ).match()
            answer = self._services[name](self._archive, request, **found)
        except HTTPException as error:
            answer = Response(f"{error.description}\n", error.code or 500, content_type="text/plain; charset=utf-8")
        return answer(environ, start_response)


def _statistics(archive: Archive, request: Request) -> Response:
    return json_answer(archive.statistics(), "application/json")
