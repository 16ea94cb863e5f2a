"""What master and workers say to each other beside Locust's own messages, and how a worker proves that it may come.

    worker -> master   HELLO (proof), READY (devices by class), PONG (its clock), ROWS (Arrow), DONE or FAILED
    master -> worker   TAKEN (it may come) or REFUSED (why not), JOB (settings, traffic files, its number), PING,
                       BEGIN (zero on the worker's clock)

Locust's messages are MessagePack: data, never code. Beyond the loopback both sides need the same FILMLESS_WORKERS_TOKEN
in their environment; it never travels, only a keyed hash of the worker's own name does.
"""

import hmac
import os
from collections.abc import Mapping

HELLO, READY, PONG, ROWS, DONE, FAILED = (
    f"filmless_{word}" for word in ("hello", "ready", "pong", "rows", "done", "failed")
)
TAKEN, REFUSED, JOB, PING, BEGIN = (f"filmless_{word}" for word in ("taken", "refused", "job", "ping", "begin"))
TOKEN = "FILMLESS_WORKERS_TOKEN"
OTHER_TOKEN, ALL_HERE = "token", "all here"  # why a worker is refused


def proof(client_id: str, environment: Mapping[str, str] | None = None) -> str:
    """A keyed hash of a worker's name; of an empty key where no token is set."""
    token = (os.environ if environment is None else environment).get(TOKEN, "")
    return hmac.new(token.encode(), client_id.encode(), "sha256").hexdigest()


def is_proof(client_id: str, said: object, environment: Mapping[str, str] | None = None) -> bool:
    """Whether a worker has the same token."""
    return isinstance(said, str) and hmac.compare_digest(said, proof(client_id, environment))
