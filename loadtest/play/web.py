"""The DICOMweb services of one archive: STOW-RS, QIDO-RS, WADO-RS (PS3.18 10.4 to 10.6), a few connections a device."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from loadtest.objects.factory import Factory
from loadtest.play.dimse import short
from loadtest.play.permission import Limiter
from loadtest.play.services import Done
from loadtest.play.stowing import stow_study
from loadtest.play.traffic import Operation
from loadtest.play.view import View
from loadtest.wire import DicomWeb, WebReply
from loadtest.wire.pace import Link

STUDIES, INSTANCES = "studies", "instances"


class Web:
    """Carries out DICOMweb operations. A connection serves one request at a time and is kept for the device's next."""

    def __init__(
        self,
        factory: Factory,
        connect: Callable[[], DicomWeb],
        links: Mapping[str, Link] | None = None,
        connect_s: float = 5.0,
        view_by: str = INSTANCES,
        qido_page: int = 0,
        batch: int = 16,
        limiter: Limiter | None = None,
        tally: Counter[str] | None = None,
    ) -> None:
        """`connect_s`: a link that is down is waited for so long. `view_by`, `qido_page`, `batch`: see PlayConfig.

        `limiter` holds an agreed rate of objects stored. `tally` counts connections by their TLS version and suite.
        """
        self._factory, self._connect, self._links = factory, connect, links or {}
        self._connect_s, self._view_by = connect_s, view_by
        self._qido_page, self._batch, self._limiter = qido_page, batch, limiter
        self._tally = Counter[str]() if tally is None else tally
        self._told: set[int] = set()
        self._idle: defaultdict[str, list[DicomWeb]] = defaultdict(list)

    @contextmanager
    def _client(self, operation: Operation) -> Iterator[DicomWeb]:
        idle, link = self._idle[operation.ae_title], self._links.get(operation.site)
        if link is not None:
            link.reach(self._connect_s)
        client = idle.pop() if idle else self._connect()
        client.pace = link.down if link else None
        try:
            yield client
        finally:
            self._disclose(client)
            idle.append(client)  # after an error it has closed its connection, and opens one for the next request

    def _disclose(self, client: DicomWeb) -> None:
        """What TLS has agreed on stands in the result (rule S2), once a client."""
        if client.security and id(client) not in self._told:
            self._told.add(id(client))
            self._tally[f"DICOMweb: {client.security}"] += 1

    def store(self, operation: Operation, done: Done) -> None:
        """STOW-RS of a study, so many objects a request; the first request without an answer ends it."""
        with self._client(operation) as client:
            stow_study(client, self._factory, operation, self._batch, self._limiter, done)

    def qido(self, operation: Operation, done: Done) -> None:
        """QIDO-RS for the study by its UID and Patient ID."""
        params: dict[str, str | int] = {
            "StudyInstanceUID": self._factory.study_uid(operation.exam),
            "PatientID": self._factory.patient_id(operation.patient),
        }
        with self._client(operation) as client:
            found, reply = client.qido(STUDIES, params, page=self._qido_page)
        done.objects, done.bytes = len(found), reply.bytes
        _answered(reply, done, "" if found else "the study is not found")

    def wado(self, operation: Operation, done: Done) -> None:
        """WADO-RS of the whole study, at once or as a viewer takes it: its metadata, then image after image."""
        if self._view_by != INSTANCES:
            with self._client(operation) as client:
                View(client, self._factory, operation, self._view_by, done).carry_out()
            return
        with self._client(operation) as client:
            reply = client.wado_study(self._factory.study_uid(operation.exam))
        done.objects, done.bytes = reply.objects, reply.bytes
        if reply.objects:
            done.first_object = reply.first_part
        _answered(reply, done, short(operation, reply.objects))

    def close(self) -> None:
        """Close all connections."""
        for clients in self._idle.values():
            for client in clients:
                client.close()
        self._idle.clear()


def _answered(reply: WebReply, done: Done, wrong: str) -> None:
    """The outcome by HTTP status; 204 (PS3.18 8.3.1) and an empty list both mean that nothing is there."""
    done.first_byte, done.end = reply.first_byte, reply.end
    if not 200 <= reply.status < 300:
        done.note("refused", reply.status, reply.detail)
    elif wrong:
        done.note("failed", reply.status, wrong)
    else:
        done.note("ok", reply.status)
