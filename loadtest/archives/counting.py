"""How many objects an archive holds, where it can tell."""

import json
import os
from typing import Any

from loadtest.archives.target import Target
from loadtest.wire import ProtocolError, TcpProfile, Timeouts
from loadtest.wire.dicomweb import authorization
from loadtest.wire.http_channel import HttpConnection

_NAMES = ("instances", "CountInstances")  # the embedded archive's, Orthanc's
ANSWER_CAP = 1 << 20


def statistics(target: Target, timeouts: Timeouts | None = None) -> dict[str, Any]:
    """The archive's own statistics. Raises WireError, or ValueError for a target that has none."""
    if not target.statistics_url:
        raise ValueError(f"target {target.name}: no statistics_url, so this archive cannot tell what it holds")
    connection = HttpConnection(target.statistics_url, timeouts or Timeouts(), TcpProfile.TUNED, None)
    try:
        answer = connection.request("GET", "", {"Accept": "application/json", **authorization(os.environ)})
        raw = connection.read_all(answer, ANSWER_CAP)
    finally:
        connection.close()
    return _object(answer.status, raw)


def count_instances(target: Target) -> int | None:
    """Objects held by the archive; None when it has no way to tell. Raises WireError when it should and does not."""
    if not target.statistics_url:
        return None
    found = statistics(target)
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
