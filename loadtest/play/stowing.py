"""A study stored by STOW-RS (PS3.18 10.5): a few objects a request, and what became of each of them.

A request's status alone says little: 200 and 202 may name failures, and 409 may name objects that were stored. Each
object has a row with its request's times, and ends in exactly one outcome (rule F1): stored where the answer names it
so (ReferencedSOPSequence), refused where it names it with a reason (FailedSOPSequence), unknown where a good answer
does not name it. Where the whole request is refused, each of its objects is.
"""

from collections.abc import Sequence
from math import isnan, nan
from time import perf_counter

from loadtest.objects.factory import Factory
from loadtest.play.permission import Limiter
from loadtest.play.services import Done, Sent, outcome_of, worst
from loadtest.play.studies import study_of
from loadtest.play.traffic import Operation
from loadtest.verdict.records import NO_STATUS
from loadtest.wire import DicomWeb, WebReply

STOW = "stow"  # kind of the rows: several have one request's times, so that they tell nothing of a single object's


def stow_study(
    client: DicomWeb, factory: Factory, operation: Operation, batch: int, limiter: Limiter | None, done: Done
) -> None:
    """Send it, `batch` objects a request. Raises WireError where an answer does not come; the rest is not sent then."""
    for first in range(0, operation.objects, batch):
        _request(client, factory, operation, range(first, min(first + batch, operation.objects)), limiter, done)
    done.outcome = worst(one.outcome for one in done.sent)


def _request(
    client: DicomWeb, factory: Factory, operation: Operation, numbers: Sequence[int], limiter: Limiter | None,
    done: Done,
) -> None:  # fmt: skip
    done.blocked_s += sum(limiter.wait() for _ in numbers) if limiter else 0.0
    files = [factory.file_bytes(study_of(operation), number) for number in numbers]
    start = perf_counter()
    try:
        reply = client.stow(files, factory.study_uid(operation.exam))
    except BaseException as error:
        outcome, status, _ = outcome_of(error)
        done.sent += [Sent(number, start, nan, nan, perf_counter(), len(file), status, outcome, STOW)
                      for number, file in zip(numbers, files, strict=True)]  # fmt: skip
        raise
    if isnan(done.first_byte):
        done.first_byte, done.first_object = reply.first_byte, reply.end
    done.end = reply.end
    for number, file in zip(numbers, files, strict=True):
        status, outcome = _became(reply, factory.instance_uid(operation.exam, number))
        one = Sent(number, start, reply.sent, reply.first_byte, reply.end, len(file), status, outcome, STOW)
        _take(one, reply, done)


def _became(reply: WebReply, uid: str) -> tuple[int, str]:
    """Status and outcome of one object: the request's status, or the reason that the answer gives for this object."""
    reason = reply.named.get(uid)
    if reason == 0:
        return reply.status, "ok"
    if reason is not None:
        return reason, "refused"
    is_good = 200 <= reply.status < 300
    return (NO_STATUS, "unknown") if is_good else (reply.status, "refused")


def _take(one: Sent, reply: WebReply, done: Done) -> None:
    done.sent.append(one)
    if one.outcome == "ok":
        done.objects, done.bytes = done.objects + 1, done.bytes + one.bytes
        done.status = reply.status if done.status == NO_STATUS else done.status
        return
    why = reply.detail or "the answer does not name it"
    words = f"failure reason {one.status:04X}H" if one.status not in (NO_STATUS, reply.status) else why
    done.note(one.outcome, one.status, f"object {one.number}: {words}")
