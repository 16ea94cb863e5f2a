"""An archive that misbehaves on demand: it counts objects by study, answers C-FIND with that count, and does to each
C-STORE what a script says. In threads of the test's own process, on a free loopback port."""

import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from pydicom.dataset import Dataset

from loadtest.archives.embedded.archive import Archive
from loadtest.archives.embedded.null_scp import NullPeer
from loadtest.archives.target import Target
from loadtest.wire import TcpProfile, Timeouts, command, pdu
from loadtest.wire.channel import Channel, apply
from loadtest.wire.command import Command, us
from loadtest.wire.errors import AssociationAborted
from loadtest.wire.identifier import decode_identifier, encode_identifier

IDLE = Timeouts(5.0, 30.0, 30.0)
EXPLICIT = "1.2.840.10008.1.2.1"
STATUSES = {"ok": 0, "warn": 0xB000, "A700": 0xA700, "A900": 0xA900, "C001": 0xC001, "0122": 0x0122, "lose": 0,
            "keep": 0xA700, "foreign": 0, "wrong id": 0, "odd": 0xDEAD}  # fmt: skip
KEPT = ("ok", "warn", "keep", "silent kept", "abort kept", "twice")
Script = Callable[[int], str]  # n-th C-STORE of the archive's life -> what is done to it


class Doctored:
    """`script` names what happens: a key of STATUSES, or silent, silent kept, abort, abort kept, cut, close, twice.

    `lose`: acknowledged and thrown away. `keep`: refused and kept. `cut`: the connection ends inside the object.
    `rejecting` turns every association away. `extra`: objects that C-FIND tells though nobody sent them.
    """

    def __init__(self, script: Script = lambda n: "ok") -> None:
        self.script, self.rejecting, self.extra = script, False, 0
        self.held: Counter[str] = Counter()  # objects by study
        self.instances: list[str] = []
        self.patients: dict[str, str] = {}  # studies that were here before: Patient ID -> issuer
        self.stores = self.associations = 0
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.target = Target(name="doctored", port=int(self._socket.getsockname()[1]), ae_title="DOCTORED")
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                talk, _ = self._socket.accept()
            except OSError:
                return
            apply(talk, TcpProfile.TUNED)
            self._open.add(talk)
            threading.Thread(target=self._serve, args=(talk,), daemon=True).start()

    def _serve(self, talk: socket.socket) -> None:
        with suppress(OSError):  # the test has ended
            _Peer(Channel(talk, TcpProfile.TUNED, IDLE, 262_144), self).serve()
        self._open.discard(talk)

    def next_act(self) -> str:
        """What happens to this C-STORE."""
        with self._lock:
            self.stores += 1
            return self.script(self.stores - 1)

    def keep(self, instance: str) -> None:
        """Count an object under its study, whose UID is the instance's without its last component."""
        with self._lock:
            self.held[instance.rpartition(".")[0]] += 1
            self.instances.append(instance)

    def stop(self) -> None:
        """Close everything."""
        for one in (self._socket, *list(self._open)):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


class _Peer(NullPeer):
    def __init__(self, channel: Channel, owner: Doctored) -> None:
        super().__init__(channel, Archive("null"))
        self._owner = owner

    def _negotiate(self) -> None:
        self._owner.associations += 1
        if self._owner.rejecting:
            self._channel.read_pdu()
            self._channel.send([pdu.associate_rj(1, 1, 7)])
            raise AssociationAborted("this side", "the association was rejected")
        super()._negotiate()

    def _answer(self, context: int, request: Command) -> None:
        if request.field == command.C_STORE_RQ:
            self._store(context, request, self._owner.next_act())
        elif request.field == command.C_FIND_RQ:
            self._find(context, request)
        else:
            super()._answer(context, request)

    def _store(self, context: int, request: Command, act: str) -> None:
        if act == "cut":
            self._channel.discard(1)
            raise AssociationAborted("this side", "cut")
        self._reader.skip(context)
        if act in KEPT:
            self._owner.keep(request.sop_instance)
        if act.startswith("abort"):
            self._channel.send([pdu.abort()])
        if act == "close" or act.startswith("abort"):
            raise AssociationAborted("this side", act)
        if act.startswith("silent"):
            return
        answer = self._response(request, act)
        for _ in range(2 if act == "twice" else 1):
            self._send(context, answer)

    def _response(self, request: Command, act: str) -> bytes:
        status = STATUSES.get(act, 0)
        if act == "wrong id":
            elements = (us(0x0100, 0x8001), us(0x0120, request.message_id + 1), us(0x0800, 0x0101), us(0x0900, 0))
            return command.command_set(*elements)
        if act == "foreign":
            return command.command_set(
                us(0x0100, 0x8001), us(0x0120, request.message_id), us(0x0800, 0x0101), us(0x0900, 0),
                command.ui(0x1000, "1.2.3"),
            )  # fmt: skip
        return command.response(request.field, request, status)

    def _find(self, context: int, request: Command) -> None:
        asked = decode_identifier(self._reader.identifier(context), EXPLICIT)
        for found in self._matches(asked):
            head = command.command_set(
                command.ui(0x0002, request.sop_class), us(0x0100, 0x8020), us(0x0120, request.message_id),
                us(0x0800, 0x0001), us(0x0900, 0xFF00),
            )  # fmt: skip
            self._send(context, head, encode_identifier(found, EXPLICIT))
        self._send(context, command.response(request.field, request, 0))

    def _matches(self, asked: Dataset) -> Iterator[Dataset]:
        study, extra = str(asked.StudyInstanceUID), self._owner.extra
        if not study:
            wanted = str(asked.PatientID)
            known = self._owner.patients.items()
            yield from (
                _answer("STUDY", "1.2", PatientID=p, IssuerOfPatientID=i) for p, i in known if wanted in ("", p)
            )
            return
        if asked.QueryRetrieveLevel == "IMAGE":
            ours = [one for one in self._owner.instances if one.startswith(f"{study}.")]
            for uid in [*ours, *(f"1.2.3.{n}" for n in range(extra))]:
                yield _answer("IMAGE", study, SOPInstanceUID=uid)
        elif self._owner.held[study] + extra:
            yield _answer("STUDY", study, NumberOfStudyRelatedInstances=self._owner.held[study] + extra)

    def _send(self, context: int, message: bytes, data: bytes = b"") -> None:
        self._channel.send(pdu.p_data(context, message, (data,) if data else (), self._send_pdu))


def _answer(level: str, study: str, **more: object) -> Dataset:
    found = Dataset()
    found.QueryRetrieveLevel, found.StudyInstanceUID = level, study
    for keyword, value in more.items():
        setattr(found, keyword, value)
    return found


@contextmanager
def doctored(script: Script = lambda n: "ok") -> Iterator[Doctored]:
    """A doctored archive for as long as the block lasts."""
    archive = Doctored(script)
    try:
        yield archive
    finally:
        archive.stop()
