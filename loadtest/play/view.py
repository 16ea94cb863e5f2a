"""A study as a web viewer takes it: its metadata, then image after image over one connection (PS3.18 10.4.1.1).

Or series by series, or instance by instance, as other clients do, without metadata.

Every request has a row of its own among the objects, by its kind; the operation's row has the first byte of the
metadata, the first image that was whole, and the last byte of all.
"""

from dataclasses import dataclass
from math import isnan, nan
from time import perf_counter

from loadtest.objects.factory import Factory
from loadtest.play.services import Done, Sent, outcome_of, worst
from loadtest.play.traffic import Operation
from loadtest.wire import DicomWeb, WebReply
from loadtest.wire.dicomweb import FRAMES

METADATA, RENDERED, SERIES, INSTANCE = "metadata", "rendered", "series", "instance"


@dataclass(frozen=True)
class View:
    """One study, viewed by metadata alone, by frames or rendered images after it, or by series or instance.

    `done` is filled on the way.
    """

    client: DicomWeb
    factory: Factory
    operation: Operation
    by: str
    done: Done

    def carry_out(self) -> None:
        """All of it. An image that is refused does not hide the next one. Raises WireError."""
        study = f"studies/{self.factory.study_uid(self.operation.exam)}"
        series = f"{study}/series/{self.factory.series_uid(self.operation.exam)}"
        if self.by == SERIES:
            self._ask(SERIES, series, 0)  # a study has one
        elif self.by != INSTANCE:
            self._ask(METADATA, study, 0)
        for number in range(self.operation.objects if self.by not in (METADATA, SERIES) else 0):
            instance = self.factory.instance_uid(self.operation.exam, number)
            self._ask(self.by, f"{series}/instances/{instance}", number)
        self._conclude()

    def _ask(self, kind: str, path: str, number: int) -> None:
        """One request, and its row."""
        start = perf_counter()
        try:
            reply = self._answer(kind, path)
        except BaseException as error:
            outcome, status, _ = outcome_of(error)
            self.done.sent.append(Sent(number, start, nan, nan, perf_counter(), 0, status, outcome, kind))
            raise
        good = 200 <= reply.status < 300 and reply.objects > 0
        first = reply.first_part if good and kind != METADATA else nan
        times = start, reply.sent, reply.first_byte, reply.end
        outcome = "ok" if good else "refused"
        self.done.sent.append(Sent(number, *times, reply.bytes, reply.status, outcome, kind, first))
        if not good:
            self.done.note("refused", reply.status, f"{kind} of image {number}: {reply.detail or 'nothing came'}")
        self._count(reply, first, reply.objects if good and kind == self.by else 0)

    def _answer(self, kind: str, path: str) -> WebReply:
        if kind == METADATA:
            return self.client.wado_metadata(path, most=0)[1]  # they are counted, not kept
        if kind == RENDERED:
            return self.client.wado_rendered(path)
        if kind in (SERIES, INSTANCE):
            return self.client.wado(path)
        return self.client.wado(f"{path}/frames/1", media=FRAMES)

    def _count(self, reply: WebReply, first: float, objects: int) -> None:
        done = self.done
        done.objects, done.bytes, done.end = done.objects + objects, done.bytes + reply.bytes, reply.end
        done.first_byte = reply.first_byte if isnan(done.first_byte) else done.first_byte
        done.first_object = first if isnan(done.first_object) else done.first_object

    def _conclude(self) -> None:
        done, planned = self.done, self.operation.objects
        if worst(one.outcome for one in done.sent) != "ok":
            return  # it was noted when it came
        lacking = "" if done.objects == planned else f"{done.objects} objects came of {planned}"
        done.note("failed" if lacking else "ok", done.sent[-1].status, lacking)
