"""What this machine has and lacks for the demo and the tests."""

import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from filmless.output import give, show

TOOLS = {
    "Orthanc": ("Orthanc", "orthanc", "load --target orthanc, tests"),
    "DCMTK storescu": ("/usr/bin/storescu", "dcmtk", "tests"),
    "dciodvfy": ("dciodvfy", "dicom3tools", "tests"),
    "chromium": ("chromium", "chromium", "tests of the report"),
    "LibreOffice": ("soffice", "libreoffice-calc-nogui", "savings --ods, tests"),
}
NEEDED = ("simpy", "numba", "pandas", "pyarrow", "pydicom", "pynetdicom", "locust", "matplotlib", "nbclient")
GB = 1e9


def _rows() -> list[list[str]]:
    rows = [["Python", "found", f"{sys.version_info.major}.{sys.version_info.minor}", "all"]]
    for name in NEEDED:
        found = find_spec(name) is not None
        rows.append([name, "found" if found else "missing", "" if found else "make demo", "all"])
    for name, (command, package, use) in TOOLS.items():
        path = shutil.which(command) or shutil.which(command, path="/usr/sbin:/usr/bin")
        rows.append([name, "found" if path else "missing", path or f"apt-get install {package}", use])
    free = shutil.disk_usage(Path.cwd()).free
    rows.append(["free disk", f"{free / GB:.0f} GB", "", "demo needs about 1 GB, more with --minutes"])
    return rows


def print_doctor(json_: bool) -> None:
    """One line a thing: found or missing, and the command that mends it."""
    rows = _rows()
    if json_:
        give({"found": [dict(zip(("what", "state", "where_or_mend", "for"), r, strict=True)) for r in rows]})
    else:
        show("What this machine has", ["what", "state", "where, or the command that mends it", "needed for"], rows)
