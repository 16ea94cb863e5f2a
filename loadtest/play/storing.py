"""C-STOREs of one association: one after another, or several at a time where the archive has granted a window.

Each object that is begun ends in exactly one outcome (rule F1), whatever ends its association.
"""

from collections.abc import Iterable, Iterator
from math import isnan, nan
from time import perf_counter

from loadtest.play.services import Done, Sent, outcome_of, words
from loadtest.verdict.records import NO_STATUS
from loadtest.wire import Association, ContextRefused, Reply
from loadtest.wire.pipeline import Request, pipelined

Object = tuple[int, tuple[str, str, str], tuple[bytes, bytes]]  # number; SOP class, UID, syntax; data set


def store_all(link: Association, objects: Iterable[Object], done: Done) -> None:
    """Store them as the association allows; raises if it is lost, with what was done and under way in `done`."""
    if link.window > 1:
        _store_together(link, objects, done)
        return
    for number, what, parts in objects:
        _store_one(link, what, parts, number, done)


def _store_one(
    link: Association, what: tuple[str, str, str], parts: tuple[bytes, bytes], number: int, done: Done
) -> None:
    """Send one object and keep what came of it. Raises if the association is lost."""
    start, size = perf_counter(), len(parts[0]) + len(parts[1])
    try:
        reply = link.store(*what, parts)
    except ContextRefused as error:
        _refuse(error, start, size, number, done)
    except BaseException as error:
        left = link.channel.sent
        outcome, status, _ = outcome_of(error, left > 0)
        done.sent.append(Sent(number, start, left or nan, nan, perf_counter(), size, status, outcome))
        raise
    else:
        _take(reply, start, size, number, done)


def _store_together(link: Association, objects: Iterable[Object], done: Done) -> None:
    def answered(one: Request, reply: Reply) -> None:
        _take(reply, one.start, one.size, one.number, done)

    outstanding: dict[int, Request] = {}
    try:
        with pipelined(link, answered) as pipe:
            outstanding = pipe.outstanding
            for number, what, parts in objects:
                try:
                    pipe.store(*what, parts, number)
                except ContextRefused as error:
                    _refuse(error, perf_counter(), len(parts[0]) + len(parts[1]), number, done)
    except BaseException:
        done.sent += _without_answer(outstanding.values())
        raise


def _without_answer(requests: Iterable[Request]) -> Iterator[Sent]:
    """Unknown where it had left whole (rule F3); else it was cut, and no archive can have it."""
    now = perf_counter()
    for one in requests:
        outcome = "unknown" if one.sent else "failed"
        yield Sent(one.number, one.start, one.sent or nan, nan, now, one.size, NO_STATUS, outcome)


def _refuse(error: ContextRefused, start: float, size: int, number: int, done: Done) -> None:
    """No context for an object: nothing was sent, and the association is open for the next one."""
    outcome, status, detail = outcome_of(error)
    done.sent.append(Sent(number, start, nan, nan, perf_counter(), size, status, outcome))
    done.note(outcome, status, f"object {number}: {detail}")


def _take(reply: Reply, start: float, size: int, number: int, done: Done) -> None:
    """Enter the archive's answer to one object."""
    outcome, sent = "ok" if reply.ok else "refused", reply.sent or nan  # an answer may overtake its request's end
    done.sent.append(Sent(number, start, sent, reply.first_byte, reply.end, size, reply.status, outcome))
    if isnan(done.first_byte):
        done.first_byte, done.first_object = reply.first_byte, reply.end
    done.end = reply.end
    if not reply.ok:
        done.note("refused", reply.status, f"object {number}: {words(reply)}")
        return
    done.objects, done.bytes = done.objects + 1, done.bytes + size
    if done.outcome != "refused":
        done.status = max(done.status, reply.status)  # a warning is told even if the next object had none
