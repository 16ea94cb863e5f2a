"""Real servers on free loopback ports: DCMTK, Orthanc, pynetdicom, and sockets that say what a test tells them."""

import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import _config
from pynetdicom.dsutils import encode

from loadtest.wire import Peer, Timeouts, pdu
from loadtest.wire.command import RESPONSE, Command, command_set, read_command, ui, us
from loadtest.wire.negotiation import read_request

_config.LOG_HANDLER_LEVEL = "none"
CT = "1.2.840.10008.5.1.4.1.1.2"
EXPLICIT = str(ExplicitVRLittleEndian)
STUDY = "2.25.77.1"
QUICK = Timeouts(connect_s=2.0, response_s=10.0, operation_s=10.0)


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    """Until somebody listens; fails when the process ends or after 10 s."""
    for _ in range(500):
        assert process.poll() is None, f"server ended with {process.returncode}"
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            time.sleep(0.02)
    pytest.fail("server did not listen within 10 s")


def eventually(condition: Callable[[], bool]) -> bool:
    """Wait up to 3 s for something that another thread does."""
    until = time.perf_counter() + 3.0
    while not condition() and time.perf_counter() < until:
        time.sleep(0.005)
    return condition()


@contextmanager
def process(command: list[str], port: int, folder: Path, env: dict[str, str] | None = None) -> Iterator[None]:
    """Run a server in a folder, stop it by its own handle."""
    with subprocess.Popen(
        command, cwd=folder, env={**os.environ, **(env or {})}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as running:
        try:
            wait_for_port(port, running)
            yield
        finally:
            running.terminate()
            running.wait(10)


def dataset(number: int, pixels: int = 4096, study: str = STUDY) -> Dataset:
    """A small CT with `pixels` bytes of pixel data."""
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = CT, f"{study}.9.{number + 1}"
    ds.PatientID, ds.PatientName, ds.StudyID = "P1", "TEST^ONE", "S1"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = study, f"{study}.8"
    ds.Modality, ds.StudyDate, ds.StudyTime, ds.AccessionNumber = "CT", "20051003", "101010", "A1"
    ds.InstanceNumber = number + 1
    ds.Rows, ds.Columns, ds.BitsAllocated, ds.BitsStored, ds.HighBit = 32, pixels // 64, 16, 12, 11
    ds.PixelRepresentation, ds.SamplesPerPixel, ds.PhotometricInterpretation = 0, 1, "MONOCHROME2"
    ds.PixelData = bytes(pixels)
    ds["PixelData"].VR = "OW"
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return ds


def encoded(ds: Dataset) -> bytes:
    """Explicit VR little endian bytes of a data set."""
    raw = encode(ds, False, True)
    assert raw is not None
    return raw


def part10(ds: Dataset) -> bytes:
    """A DICOM file in memory."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = ds.SOPClassUID, ds.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta = meta
    out = BytesIO()
    dcmwrite(out, ds, enforce_file_format=True)
    return out.getvalue()


@pytest.fixture(scope="session")
def storescp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    """DCMTK's storescp that throws everything away, as shipped."""
    port = free_port()
    with process(["/usr/bin/storescp", "--ignore", str(port)], port, tmp_path_factory.mktemp("storescp")):
        yield Peer("127.0.0.1", port, "STORESCP")


@dataclass(frozen=True)
class Orthanc:
    """A running Orthanc and the address at which it expects the C-MOVE destination MOVER."""

    peer: Peer
    web: str
    mover_port: int


@pytest.fixture(scope="session")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """Orthanc with DICOMweb, without Nagle's delay."""
    folder = tmp_path_factory.mktemp("orthanc")
    port, web, mover = free_port(), free_port(), free_port()
    settings = {
        "Name": "T",
        "StorageDirectory": str(folder / "s"),
        "IndexDirectory": str(folder / "s"),
        "DicomAet": "ORTHANC",
        "DicomPort": port,
        "HttpPort": web,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "Plugins": ["/usr/share/orthanc/plugins/libOrthancDicomWeb.so"],
        "DicomAlwaysAllowStore": True,
        "DicomAlwaysAllowFind": True,
        "DicomAlwaysAllowGet": True,
        "DicomAlwaysAllowMove": True,
        "DicomModalities": {"mover": ["MOVER", "127.0.0.1", mover]},
    }
    (folder / "orthanc.json").write_text(json.dumps(settings))
    command = ["/usr/sbin/Orthanc", str(folder / "orthanc.json")]
    with process(command, web, folder, {"TCP_NODELAY": "1"}):
        yield Orthanc(Peer("127.0.0.1", port, "ORTHANC"), f"http://127.0.0.1:{web}/dicom-web", mover)


Script = Callable[[socket.socket], None]


@pytest.fixture
def scripted() -> Iterator[Callable[[Script], Peer]]:
    """Make servers that run a function on their first connection; returns the address."""
    with ExitStack() as stack:

        def start(script: Script) -> Peer:
            door = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

            def serve() -> None:
                try:
                    talk, _ = door.accept()
                    with talk:
                        script(talk)
                except OSError:
                    return  # the client has gone, as many tests want

            threading.Thread(target=serve, daemon=True).start()
            return Peer("127.0.0.1", door.getsockname()[1], "SCRIPTED")

        yield start


def take_pdu(talk: socket.socket) -> tuple[int, bytes]:
    """One whole PDU from a client."""
    head = talk.recv(6, socket.MSG_WAITALL)
    if len(head) < 6:
        raise OSError("the client has gone")
    return head[0], talk.recv(int.from_bytes(head[2:6], "big"), socket.MSG_WAITALL)


def accept(talk: socket.socket, max_pdu: int = 16384, window: tuple[int, int] | None = None) -> None:
    """Take the association request and accept the first transfer syntax of each context; grant a window."""
    request = read_request(take_pdu(talk)[1])
    answers = [(c.id, 0, c.transfer_syntaxes[0]) for c in request.contexts]
    talk.sendall(pdu.associate_ac(request.titles, answers, max_pdu, (), window))


def take_message(talk: socket.socket) -> tuple[int, Command, bytes]:
    """One whole DIMSE message: context id, command set, data set."""
    raw, data, context = b"", b"", 0
    while True:
        kind, body = take_pdu(talk)
        if kind != pdu.P_DATA_TF:
            raise OSError("the client has aborted or released")
        while body:
            length, context, control = int.from_bytes(body[:4], "big"), body[4], body[5]
            fragment, body = body[6 : 4 + length], body[4 + length :]
            raw, data = (raw + fragment, data) if control & 1 else (raw, data + fragment)
            if control == 2 or (control == 3 and not read_command(raw).has_data):
                return context, read_command(raw), data


def reply(talk: socket.socket, context: int, *elements: bytes, data: bytes = b"") -> None:
    """Send a command set of these elements, and a data set if there is one."""
    talk.sendall(b"".join(pdu.p_data(context, command_set(*elements), (data,) if data else (), 16384)))


def response_elements(request: Command, status: int, **other: int | str) -> list[bytes]:
    """A correct response to `request`, with elements that a test wants wrong."""
    found = [
        us(0x0100, int(other.get("field", request.field | RESPONSE))),
        us(0x0120, int(other.get("message_id", request.message_id))),
        us(0x0800, int(other.get("data_set", 0x0101))),
        us(0x0900, status),
    ]
    return found + ([ui(0x1000, str(other["instance"]))] if "instance" in other else [])
