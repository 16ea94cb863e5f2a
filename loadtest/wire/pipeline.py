"""C-STOREs of one association under way together, where the peer has granted a window (PS3.7 D.3.3.3 and A.4).

Requests leave from the caller's thread (a greenlet under gevent) and another one reads, so that an answer has the time
at which it came, not that at which the next object had left. Answers come in any order; each names its request by
Message ID Being Responded To (PS3.7 9.3.1.2).
"""

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

from loadtest.wire import command
from loadtest.wire.dimse import Reader
from loadtest.wire.errors import ConnectionLost, ProtocolError, WireError
from loadtest.wire.link import Link
from loadtest.wire.pdu import Buffer
from loadtest.wire.reply import Reply, reply_from

LAST_ANSWERS_S = 1.0  # when sending finds the connection gone: what the peer said before may still be there to read


@dataclass(slots=True)
class Request:
    """A C-STORE that has no answer yet: `number` is the caller's; `sent` 0 until the kernel had its last byte."""

    number: int
    instance_uid: str
    context: int
    message_id: int
    size: int
    start: float
    sent: float = 0.0


Answered = Callable[[Request, Reply], None]


class Pipeline:
    """Up to `link.window` requests without an answer. What `outstanding` holds after an error had none."""

    def __init__(self, link: Link, answered: Answered) -> None:
        """`answered` is called in the reading thread, once for each answer, in their order."""
        self._link, self._answered = link, answered
        self._ear = link.channel.twin()
        self._reader = Reader(self._ear)
        self._changed = threading.Condition()
        self._sending = self._ended = self._given_up = False
        self._failure: BaseException | None = None
        self.outstanding: dict[int, Request] = {}  # by message id, in the order of sending
        self._thread = threading.Thread(target=self._read, name="answers", daemon=True)
        self._thread.start()

    def store(
        self, sop_class: str, instance_uid: str, transfer_syntax: str, parts: Sequence[Buffer], number: int
    ) -> None:
        """C-STORE-RQ as soon as the window has room (see Association.store). ContextRefused sends nothing and ends
        nothing; any other WireError, the reading side's as well, ends the association.
        """
        context, channel = self._link.context(sop_class, transfer_syntax), self._link.channel
        size = sum(map(len, parts))
        with self._room():
            one = Request(number, instance_uid, context, self._message_id(), size, perf_counter())
            self.outstanding[one.message_id] = one
        channel.begin()
        self._link.send(context, command.store_rq(sop_class, instance_uid, one.message_id), parts)
        with self._changed:
            one.sent, self._sending = channel.sent, False
            self._changed.notify_all()

    @contextmanager
    def _room(self) -> Iterator[None]:
        """Wait for room in the window; what the reading side has found wrong is raised. Its own waits are bounded."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._failure) or len(self.outstanding) < self._link.window)
            if self._failure is not None:
                raise self._failure
            self._sending = True
            yield

    def _message_id(self) -> int:
        found = self._link.next_message_id()
        while found in self.outstanding:
            found = self._link.next_message_id()
        return found

    def finish(self) -> None:
        """Wait until every request has its answer; raises what went wrong."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def give_up(self, error: BaseException) -> BaseException:
        """End the reading side after an error; returns the cause: the peer's reason where it had said one."""
        if isinstance(error, ConnectionLost) and self._failure is None:
            self._end(LAST_ANSWERS_S)
        self._given_up = True
        self._link.channel.hang_up(socket.SHUT_RD)  # A-ABORT can still be sent
        self._end(None)
        # An operation is unknown as soon as one of its objects is.
        self._link.channel.sent = max((one.sent for one in self.outstanding.values()), default=0.0)
        return self._failure if self._failure is not None and isinstance(error, WireError) else error

    def _end(self, within_s: float | None) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._thread.join(within_s)

    # The reading side. ---------------------------------------------------------------------------------------------

    def _read(self) -> None:
        try:
            while self._is_due():
                self._take()
        except BaseException as error:  # it is raised again on the sending side
            self._fail(error)

    def _is_due(self) -> bool:
        """Wait for a request that has left whole; False when there will be none."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or any(one.sent for one in self.outstanding.values()))
            return any(one.sent for one in self.outstanding.values())

    def _take(self) -> None:
        """One answer, within the time of the oldest request."""
        with self._changed:
            oldest = next(iter(self.outstanding.values()))
        self._ear.begin(max(oldest.start + self._ear.timeouts.operation_s - perf_counter(), 1e-3))
        number, answer = self._reader.command()
        end, message_id = perf_counter(), answer.must(0x0120)
        one = self.outstanding.get(message_id)
        if one is None:
            raise ProtocolError(f"answer to message {message_id}, which waits for none")
        self._link.check_response(number, answer, one.context, command.C_STORE_RQ, message_id)
        answer.check_instance(one.instance_uid)
        reply = reply_from(answer, one.sent, self._ear.first_byte or end, end)
        with self._changed:
            del self.outstanding[message_id]
            self._changed.notify_all()
        self._answered(one, reply)

    def _fail(self, error: BaseException) -> None:
        with self._changed:
            if self._given_up:
                return  # the sending side has ended it, and knows why
            self._failure = error
            if self._sending:  # into a connection that nobody reads any more
                self._link.channel.hang_up(socket.SHUT_RDWR)
            self._changed.notify_all()


@contextmanager
def pipelined(link: Link, answered: Answered) -> Iterator[Pipeline]:
    """A pipeline for a block, which ends when each request has its answer; after a WireError the link is closed."""
    with link.operation():
        pipe = Pipeline(link, answered)
        try:
            yield pipe
            pipe.finish()
        except BaseException as error:
            cause = pipe.give_up(error)
            if cause is error:
                raise
            raise cause from error
