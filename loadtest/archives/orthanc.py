"""The installed Orthanc as a throw-away archive: own configuration, own temporary store, for this machine only.

Its HTTP side answers loopback only. Its DICOM side has no such setting: DCMTK binds every interface, so on a machine
that others can reach keep the port behind the machine's firewall, or use the embedded archive, which binds loopback.
"""

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from loadtest.archives.process import LOOPBACK, ArchiveFailed, ArchiveProcess, answers, free_port
from loadtest.archives.target import Destination, Target

PLUGIN = "libOrthancDicomWeb.so"
PLUGIN_FOLDERS = ("/usr/share/orthanc/plugins", "/usr/lib/orthanc/plugins", "/usr/local/share/orthanc/plugins")
INSTALL = "apt-get install orthanc orthanc-dicomweb"
READY_WITHIN_S = 60.0
# Without it Orthanc's DCMTK leaves Nagle's algorithm on, and each answer waits about 44 ms (findings, section 1).
TCP = {"TCP_NODELAY": "1"}


@contextmanager
def running_orthanc(name: str, movers: Mapping[str, tuple[str, int]]) -> Iterator[Target]:
    """Orthanc on free ports with DICOM and DICOMweb. Raises ArchiveFailed with the line that mends it."""
    program, plugin = installed()
    with tempfile.TemporaryDirectory(prefix="filmless-orthanc-", ignore_cleanup_errors=True) as folder:
        ports = free_port(), free_port()
        file = Path(folder) / "orthanc.json"
        file.write_text(json.dumps(configuration(Path(folder), ports, plugin, movers), indent=2))
        with ArchiveProcess([program, str(file)], TCP, throw_away=True) as process:
            process.wait_until(lambda: all(map(answers, ports)), READY_WITHIN_S, "Orthanc")
            yield _target(name, ports, movers, f"{_version(program)}, DICOMweb plugin, new SQLite store", process.pid)


def installed() -> tuple[str, Path]:
    """(program, DICOMweb plugin). Raises ArchiveFailed when either is missing."""
    program = shutil.which("Orthanc") or shutil.which("Orthanc", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        raise ArchiveFailed(f"Orthanc is not installed. Mend: {INSTALL}")
    for folder in PLUGIN_FOLDERS:
        if (plugin := Path(folder) / PLUGIN).exists():
            return program, plugin
    raise ArchiveFailed(f"Orthanc's DICOMweb plugin is in none of {', '.join(PLUGIN_FOLDERS)}. Mend: {INSTALL}")


def configuration(
    folder: Path, ports: tuple[int, int], plugin: Path, movers: Mapping[str, tuple[str, int]]
) -> dict[str, Any]:
    """Orthanc's settings: everything on loopback, every service allowed to every caller, our listeners known."""
    return {
        "Name": "filmless",
        "StorageDirectory": str(folder / "store"),
        "IndexDirectory": str(folder / "store"),
        "Plugins": [str(plugin)],
        "DicomServerEnabled": True,
        "DicomAet": "ORTHANC",
        "DicomPort": ports[0],
        "DicomCheckCalledAet": False,
        "DicomCheckModalityHost": False,
        **{f"DicomAlwaysAllow{service}": True for service in ("Echo", "Store", "Find", "Get", "Move")},
        "DicomModalities": modalities(movers),
        "DicomScpTimeout": 600,
        "HttpServerEnabled": True,
        "HttpPort": ports[1],
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "WebDavEnabled": False,
        "KeepAlive": True,
        "TcpNoDelay": True,
        "OverwriteInstances": False,
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "EnableWado": False, "Ssl": False},
    }


def modalities(movers: Mapping[str, tuple[str, int]]) -> dict[str, list[str | int]]:
    """Orthanc's DicomModalities: a symbolic name -> [AE title, host, port]."""
    return {re.sub(r"\W", "_", ae).lower(): [ae, host, port] for ae, (host, port) in movers.items()}


def _version(program: str) -> str:
    """What `Orthanc --version` says in its first line."""
    said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30, check=False)
    return "Orthanc " + (said.stdout.split("\n", 1)[0].split() or ["of unknown version"])[-1]


def _target(
    name: str, ports: tuple[int, int], movers: Mapping[str, tuple[str, int]], software: str, pid: int
) -> Target:
    root = f"http://{LOOPBACK}:{ports[1]}"
    return Target(
        name=name,
        port=ports[0],
        ae_title="ORTHANC",
        base_url=f"{root}/dicom-web",
        statistics_url=f"{root}/statistics",
        destinations=[Destination(ae_title=ae, host=host, port=port) for ae, (host, port) in movers.items()],
        address=LOOPBACK,
        software=software,
        tcp="started with TCP_NODELAY=1 in its environment",
        pid=pid,
    )
