"""multipart/related request bodies taken apart (RFC 2046 5.1.1)."""

from collections.abc import Iterator

from werkzeug.exceptions import BadRequest

HEADERS_CAP = 16 * 1024
MOST_PARTS = 10_000


def split(body: bytes, boundary: bytes) -> Iterator[bytes]:
    """The contents of the parts. Raises BadRequest when the body is cut short or has too many parts."""
    mark = b"--" + boundary
    at = 0 if body.startswith(mark) else _find(body, b"\r\n" + mark, 0) + 2
    for _ in range(MOST_PARTS):
        start = at + len(mark)
        if body[start : start + 2] == b"--":
            return
        content = _after_headers(body, start)
        end = _find(body, b"\r\n" + mark, content)
        yield body[content:end]
        at = end + 2
    raise BadRequest(f"more than {MOST_PARTS} parts")


def _after_headers(body: bytes, start: int) -> int:
    """Where the content begins: after the first empty line, which follows the delimiter when there is no header."""
    at = body.find(b"\r\n\r\n", start, start + HEADERS_CAP)
    if at < 0:
        raise BadRequest(f"a part's headers do not end within {HEADERS_CAP} bytes")
    return at + 4


def _find(body: bytes, what: bytes, start: int) -> int:
    at = body.find(what, start)
    if at < 0:
        raise BadRequest("the multipart body ends without its closing delimiter")
    return at
