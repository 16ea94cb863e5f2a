"""QIDO-RS page by page (PS3.18 8.3.4.4): where the next page begins, and whether there is one."""

from dataclasses import replace
from typing import Any

from loadtest.wire.errors import ProtocolError
from loadtest.wire.json_array import KEPT_CAP, JsonArray
from loadtest.wire.web_reply import WebReply

MOST_REQUESTS = 1_000


class Pages:
    """The pages of one query. `page` = 0 sets no limit; the server may have one all the same, and say so.

    A server may give less than it was asked for, with Warning 299 or without: only an empty page is an end for sure. A
    page shorter than `page` is one too where another was full, so that the server's own limit is not the reason.
    """

    def __init__(self, page: int, most: int) -> None:
        self.page, self.most = page, most
        self.answers: list[dict[str, Any]] = []
        self.received = self.requests = self.bytes = 0
        self._room, self._was_full = KEPT_CAP, False

    def parameters(self) -> dict[str, int]:
        """`limit` and `offset` of the next request."""
        if self.page:
            return {"limit": self.page, "offset": self.received}
        return {"offset": self.received} if self.received else {}

    def array(self) -> JsonArray:
        """What the next answer is read by."""
        return JsonArray(self.most - len(self.answers), self._room)

    def take(self, found: JsonArray, more: bool) -> bool:
        """Take a page; `more` = the server says that there are more. Returns whether to ask for another one."""
        self.answers += found.kept
        self._room = found.room
        self.requests, self.bytes = self.requests + 1, self.bytes + found.bytes
        self.received += found.count
        self._was_full = self._was_full or found.count == self.page
        goes_on = found.count > 0 and self.received < self.most and (more or self._may_go_on(found.count))
        if goes_on and self.requests == MOST_REQUESTS:
            raise ProtocolError(f"no end of the answers after {MOST_REQUESTS} requests")
        return goes_on

    def _may_go_on(self, count: int) -> bool:
        """Without the server's word; one that gives more than `page` knows no limit, and has given all."""
        return count == self.page or (count < self.page and not self._was_full)

    def summed(self, last: WebReply, said: str) -> WebReply:
        """The last reply with the counts of all; `detail` is what was said, and how much `most` has cut off."""
        over = self.received - len(self.answers)
        words = [said] if said else []
        words += [f"{over} answers over {self.most} were thrown away"] if over else []
        return replace(
            last, objects=len(self.answers), bytes=self.bytes, requests=self.requests, detail="; ".join(words)
        )
