"""What a device does: one function an operation, on the lean wire client.

A device keeps its associations open and uses each for one operation at a time; a second operation that is due
meanwhile opens another. Nothing is retried.
"""

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Iterator

from pydicom.dataset import Dataset
from pydicom.uid import UID
from pynetdicom.sop_class import (
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
)

from loadtest.archives.target import Target
from loadtest.objects.factory import Factory
from loadtest.objects.kinds import KINDS
from loadtest.play.plan import Operation
from loadtest.play.records import FAILED, OK, REFUSED, UNKNOWN, Record
from loadtest.wire import (
    Association,
    AssociationRejected,
    ContextRefused,
    CountingSink,
    DicomWeb,
    StoreListener,
    TcpProfile,
    Timeouts,
    WireError,
    open_association,
)

FIND = str(StudyRootQueryRetrieveInformationModelFind)
GET = str(StudyRootQueryRetrieveInformationModelGet)
MOVE = str(StudyRootQueryRetrieveInformationModelMove)
ARRIVAL_S = 10.0  # a C-MOVE's last object may reach the listener this long after the final response


@dataclass
class Endpoint:
    """One archive under test, and what is needed to speak to it."""

    target: Target
    factory: Factory
    listener: StoreListener
    timeouts: Timeouts = field(default_factory=Timeouts)
    profile: TcpProfile = TcpProfile.TUNED


def identifier(endpoint: Endpoint, operation: Operation) -> Dataset:
    """The study asked for, at study level (PS3.4 C.4)."""
    d = Dataset()
    d.QueryRetrieveLevel = "STUDY"
    d.StudyInstanceUID = endpoint.factory.study_uid(operation.study.exam)
    return d


class Device:
    """A modality or workstation by its AE title, with its open associations."""

    def __init__(self, endpoint: Endpoint, ae_title: str) -> None:
        self.endpoint, self.ae_title = endpoint, ae_title
        self._idle: dict[str, list[Association]] = {}
        self._idle_web: list[DicomWeb] = []

    def contexts(self, use: str) -> tuple[list[tuple[str, list[str]]], tuple[str, ...]]:
        """Presentation contexts of a use (a modality code, or a query model), and the storage roles of C-GET."""
        syntax = [str(self.endpoint.factory.transfer_syntax)]
        if use in KINDS:
            return [(str(KINDS[use].sop_class), syntax)], ()
        little = [str(UID("1.2.840.10008.1.2.1")), str(UID("1.2.840.10008.1.2"))]
        if use != GET:
            return [(use, little)], ()
        storage = tuple(str(kind.sop_class) for kind in KINDS.values())
        return [(GET, little), *((s, syntax) for s in storage)], storage

    @contextmanager
    def association(self, use: str) -> Iterator[Association]:
        """An association for one operation; kept afterwards unless the operation failed on the wire."""
        idle = self._idle.setdefault(use, [])
        e = self.endpoint
        if idle:
            link = idle.pop()
        else:
            contexts, roles = self.contexts(use)
            link = open_association(e.target.peer(), self.ae_title, contexts, profile=e.profile,
                                    timeouts=e.timeouts, scp_roles=roles)  # fmt: skip
        try:
            yield link
        except BaseException:
            link.abort()
            raise
        idle.append(link)

    @contextmanager
    def web(self) -> Iterator[DicomWeb]:
        """A kept HTTP connection for one operation."""
        client = self._idle_web.pop() if self._idle_web else DicomWeb(self.endpoint.target.base_url, self.endpoint.timeouts)
        try:
            yield client
        except BaseException:
            client.close()
            raise
        self._idle_web.append(client)

    def close(self) -> None:
        """Release all associations; what the archive makes of that is not measured."""
        for links in self._idle.values():
            for link in links:
                try:
                    link.release()
                except WireError:
                    link.abort()
        for client in self._idle_web:
            client.close()


Act = Callable[[Device, Operation, Record, float], None]


def _store(device: Device, operation: Operation, record: Record, zero: float) -> None:
    """C-STORE of every object of the study, in order, on one association."""
    factory, study = device.endpoint.factory, operation.study
    with device.association(study.modality) as link:
        for number in range(study.objects):
            uid = factory.instance_uid(study.exam, number)
            reply = link.store(factory.sop_class(study.modality), uid, str(factory.transfer_syntax),
                               factory.parts(study, number))  # fmt: skip
            if number == 0:
                record.first_byte_s = reply.first_byte - zero
            record.status = max(record.status, reply.status)
            record.done_objects += reply.ok
            record.end_s = reply.end - zero
            if not reply.ok:
                record.outcome, record.detail = REFUSED, f"object {number}: {reply.status:04X}H {reply.comment}"
                return


def _find(device: Device, operation: Operation, record: Record, zero: float) -> None:
    """C-FIND of the study, by its UID."""
    asked = identifier(device.endpoint, operation)
    asked.PatientID = asked.StudyDate = asked.NumberOfStudyRelatedInstances = ""
    with device.association(FIND) as link:
        found, reply = link.find(FIND, asked)
    _finish(record, reply, zero, len(found), 1)


def _get(device: Device, operation: Operation, record: Record, zero: float) -> None:
    """C-GET of the whole study."""
    sink = CountingSink()
    with device.association(GET) as link:
        reply = link.get(GET, identifier(device.endpoint, operation), sink)
    _finish(record, reply, zero, sink.objects, operation.study.objects)


def _move(device: Device, operation: Operation, record: Record, zero: float) -> None:
    """C-MOVE of the whole study to our listener, timed at the listener."""
    listener, study = device.endpoint.listener, operation.study
    uid = device.endpoint.factory.study_uid(study.exam)
    arrival = listener.expect(uid)
    before = arrival.objects
    with device.association(MOVE) as link:
        reply = link.move(MOVE, identifier(device.endpoint, operation), listener.ae_title)
    listener.wait(uid, before + study.objects, ARRIVAL_S if reply.ok else 0.0)
    _finish(record, reply, zero, arrival.objects - before, study.objects)
    if arrival.first_byte:
        record.first_byte_s = arrival.first_byte - zero
        record.end_s = max(record.end_s, arrival.last_object - zero)


def _qido(device: Device, operation: Operation, record: Record, zero: float) -> None:
    """QIDO-RS of the study, by its UID."""
    with device.web() as client:
        uid = device.endpoint.factory.study_uid(operation.study.exam)
        found, reply = client.qido("studies", {"StudyInstanceUID": uid})
    _finish(record, reply, zero, len(found), 1)


def _wado(device: Device, operation: Operation, record: Record, zero: float) -> None:
    """WADO-RS of the whole study."""
    with device.web() as client:
        reply = client.wado_study(device.endpoint.factory.study_uid(operation.study.exam))
    _finish(record, reply, zero, reply.objects, operation.study.objects)


def _finish(record: Record, reply: Any, zero: float, done: int, wanted: int) -> None:
    record.first_byte_s, record.end_s = reply.first_byte - zero, reply.end - zero
    record.status, record.done_objects = reply.status, done
    if not reply.ok:
        said = getattr(reply, "comment", "") or getattr(reply, "detail", "")
        record.outcome, record.detail = REFUSED, f"status {reply.status}: {said}"
    elif done != wanted:
        record.outcome, record.detail = FAILED, f"{done} of {wanted} came, and the archive said success"


ACTS: dict[str, Act] = {"store": _store, "find": _find, "get": _get, "move": _move, "qido": _qido, "wado": _wado}


def act(device: Device, operation: Operation, record: Record, zero: float) -> Record:
    """Do an operation now; every wire failure becomes an outcome of the record."""
    record.start_s, record.outcome = perf_counter() - zero, OK
    try:
        ACTS[operation.operation](device, operation, record, zero)
    except (AssociationRejected, ContextRefused) as error:
        record.outcome, record.detail = REFUSED, str(error)
    except (WireError, OSError) as error:
        record.outcome = UNKNOWN if getattr(error, "unknown", False) else FAILED
        record.detail = f"{type(error).__name__}: {error}"
    if record.outcome != OK:
        record.end_s = perf_counter() - zero
    return record
