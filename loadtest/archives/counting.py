"""How many objects an archive holds, where it can tell."""

import json
import os
import ssl
from typing import Any

from loadtest.wire import ProtocolError, TcpProfile, Timeouts
from loadtest.wire.dicomweb import authorization
from loadtest.wire.http_channel import HttpConnection

_NAMES = ("instances", "CountInstances")  # the embedded archive's, Orthanc's
ANSWER_CAP = 1 << 20


def statistics(
    url: str, timeouts: Timeouts | None = None, tls: ssl.SSLContext | None = None, address: str = ""
) -> dict[str, Any]:
    """An archive's own statistics, as it gives them; `tls` as in wire.tls, `address` as pinned. Raises WireError."""
    connection = HttpConnection(url, timeouts or Timeouts(), TcpProfile.TUNED, tls, address)
    try:
        connection.begin()
        answer = connection.request("GET", "", {"Accept": "application/json", **authorization(os.environ)})
        raw = connection.read_all(answer, ANSWER_CAP)
    finally:
        connection.close()
    return _object(answer.status, raw)


def count_instances(url: str, tls: ssl.SSLContext | None = None, address: str = "") -> int:
    """Objects held by the archive. Raises WireError when its statistics do not tell."""
    found = statistics(url, tls=tls, address=address)
    counts = [found[name] for name in _NAMES if isinstance(found.get(name), int)]
    if not counts:
        raise ProtocolError(f"the statistics name none of {', '.join(_NAMES)}")
    return int(counts[0])


def _object(status: int, raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw) if status == 200 else None
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"statistics are not JSON: {type(error).__name__}") from error
    if not isinstance(found, dict):
        raise ProtocolError(f"no statistics: HTTP status {status}, {len(raw)} bytes")
    return found
